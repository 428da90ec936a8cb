"""Figures: right, and without a trace of any person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.queue.interface import Depth, Queue
from agent.queue.record import FlowHealth, FlowState, JobState, TenantState
from agent.service.metrics import Metrics
from agent.worker.telemetry import Telemetry

NOW = 1_000_000.0


class _Queue:
    """A queue with these depths."""

    def __init__(self, *depths: Depth) -> None:
        self.given = depths

    async def depths(self) -> tuple[Depth, ...]:
        return self.given

    async def flow_states(self, tenant: str | None = None) -> tuple[FlowState, ...]:
        return (
            FlowState("acme", "add_user", FlowHealth.QUARANTINED, NOW),
            FlowState("acme", "invite", FlowHealth.HEALTHY, NOW),
        )

    async def tenants(self) -> tuple[TenantState, ...]:
        return (TenantState("acme", 2, paused=True), TenantState("other", 2))


def samples(page: bytes) -> Iterator[tuple[str, dict[str, str], float]]:
    """What the page says."""
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            yield sample.name, dict(sample.labels), sample.value


async def figure(metrics: Metrics, queue: Any, name: str, **labels: str) -> float | None:
    """One figure, or None."""
    page = await metrics.page(cast("Queue", queue))
    found = [value for own, given, value in samples(page) if own == name and labels.items() <= given.items()]
    return sum(found) if found else None


async def test_depth_and_age_are_those_of_the_queue_now() -> None:
    """What is gone from the queue is gone from the page."""
    metrics = Metrics(clock=lambda: NOW)
    queue = _Queue(
        Depth("acme", 50, JobState.QUEUED, False, 3, NOW - 60),
        Depth("acme", 40, JobState.QUEUED, False, 2, NOW - 90),
        Depth("acme", 50, JobState.QUEUED, True, 1, NOW - 10),
        Depth("acme", 90, JobState.QUEUED, False, 7, None),
    )
    assert await figure(metrics, queue, "agent_jobs", priority="normal", state="queued") == 5
    assert await figure(metrics, queue, "agent_jobs", priority="normal", state="held") == 1
    assert await figure(metrics, queue, "agent_oldest_job_age_seconds", priority="normal", state="queued") == 90
    assert await figure(metrics, queue, "agent_oldest_job_age_seconds", priority="bulk") is None
    assert await figure(metrics, _Queue(), "agent_jobs") is None


async def test_the_leaver_clock_shows_the_oldest_open_one() -> None:
    """Waiting, held or running; 0 when there is none, so that an alert has something to compare."""
    metrics = Metrics(clock=lambda: NOW)
    queue = _Queue(
        Depth("acme", 10, JobState.QUEUED, True, 1, NOW - 700),
        Depth("acme", 10, JobState.RUNNING, False, 1, NOW - 30),
        Depth("other", 50, JobState.QUEUED, False, 1, NOW - 9000),
    )
    assert await figure(metrics, queue, "agent_oldest_leaver_age_seconds", tenant="acme") == 700
    assert await figure(metrics, queue, "agent_oldest_leaver_age_seconds", tenant="other") == 0
    assert await figure(metrics, queue, "agent_tenant_paused", tenant="acme") == 1


async def test_what_the_worker_tells_is_counted() -> None:
    """Each figure of the telemetry has its metric."""
    metrics = Metrics()
    telemetry: Telemetry = metrics
    telemetry.job_ended("acme", "offboard", "done", 12.0, 300.0)
    telemetry.job_ended("acme", "read", "failed", 1.0)
    telemetry.step_ended("acme", "save_fields", 0.4)
    telemetry.browser_started("age")
    telemetry.session_opened("acme", True)
    telemetry.evidence_kept("acme", 1000)
    queue = _Queue()
    assert await figure(metrics, queue, "agent_job_runs_total", action="offboard", verdict="done") == 1
    assert await figure(metrics, queue, "agent_leaver_seconds_sum", tenant="acme") == 300
    assert await figure(metrics, queue, "agent_leaver_seconds_count") == 1
    assert await figure(metrics, queue, "agent_step_seconds_count", step="save_fields") == 1
    assert await figure(metrics, queue, "agent_browser_starts_total", reason="age") == 1
    assert await figure(metrics, queue, "agent_sessions_opened_total", password="typed") == 1
    assert await figure(metrics, queue, "agent_evidence_bytes_total", tenant="acme") == 1000


@pytest.mark.parametrize("text", ["ana@example.com", "Save Ana's fields", "x" * 200, "", "a\nb"])
async def test_no_text_of_a_person_becomes_a_label(text: str) -> None:
    """A caller that passes an address, or a sentence, counts as `other`."""
    metrics = Metrics()
    metrics.step_ended("acme", text, 1.0)
    metrics.browser_started(text)
    metrics.job_ended("acme", text, text, 1.0)
    page = (await metrics.page(cast("Queue", _Queue()))).decode()
    assert 'step="other"' in page
    assert not text or text not in page


def test_two_agents_in_one_process_do_not_share_figures() -> None:
    """A registry each; the library's own one stays empty of ours."""
    assert Metrics().registry is not Metrics().registry


async def test_a_flow_is_in_one_of_three_states() -> None:
    """One figure says so whatever the state, so that an alert is one comparison."""
    metrics = Metrics(clock=lambda: NOW)
    for flow, state in (("add_user", "quarantined"), ("invite", "healthy")):
        for label in ("healthy", "degraded", "quarantined"):
            found = await figure(metrics, _Queue(), "agent_flow_state", tenant="acme", flow=flow, state=label)
            assert found == (label == state), (flow, label)


async def test_the_last_probe_is_counted_by_tenant() -> None:
    """When one last came to its end, and how many flows it found changed."""
    metrics = Metrics(clock=lambda: NOW)
    metrics.probe_seen("acme", NOW - 3600, 2, failed=True)

    assert await figure(metrics, _Queue(), "agent_probe_last_success_timestamp", tenant="acme") == NOW - 3600
    assert await figure(metrics, _Queue(), "agent_probe_findings", tenant="acme") == 2
    assert await figure(metrics, _Queue(), "agent_probe_failed", tenant="acme") == 1
    assert await figure(metrics, _Queue(), "agent_probe_findings", tenant="other") is None

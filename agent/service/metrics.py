"""Figures for Prometheus, in a registry of their own. No person's name or address stands in any of them.

What happens is counted as it happens (:class:`Metrics` is the worker's ``Telemetry``); depth and age of the queue are
asked of it at each scrape.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

import agent
from agent.audit.ledger import Head
from agent.queue.interface import Depth, Queue
from agent.queue.record import FlowHealth, Priority

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0
_JOB_SECONDS = (5, 10, 20, 30, 60, 120, 300, 600, 1800)
_STEP_SECONDS = (0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_LEAVER_SECONDS = (60, 120, 300, 600, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,62}")


class Metrics:
    """All metrics of one agent process."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped there; they double every figure
        self._clock = clock
        self.registry = registry = CollectorRegistry()
        Gauge("agent_info", "The agent's version.", ["version"], registry=registry).labels(agent.__version__).set(1)
        self._jobs = Gauge("agent_jobs", "Jobs in the queue.", ["tenant", "priority", "state"], registry=registry)
        self._age = Gauge(
            "agent_oldest_job_age_seconds",
            "Since when the oldest job of its kind is due.",
            ["tenant", "priority", "state"],
            registry=registry,
        )
        self._leaver_age = Gauge(
            "agent_oldest_leaver_age_seconds",
            "Since when the oldest offboarding that is not done is due; 0 when there is none.",
            ["tenant"],
            registry=registry,
        )
        self._paused = Gauge("agent_tenant_paused", "1 while no job of it is started.", ["tenant"], registry=registry)
        self._flows = Gauge(
            "agent_flow_state",
            "1 for the state that a flow is in, 0 for the others; flows that were never used are left out.",
            ["tenant", "flow", "state"],
            registry=registry,
        )
        self._outcomes = Counter(
            "agent_job_runs", "Runs of jobs by how they ended.", ["tenant", "action", "verdict"], registry=registry
        )
        self._job_seconds = Histogram(
            "agent_job_run_seconds",
            "A run, observed to read back.",
            ["action"],
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self._step_seconds = Histogram(
            "agent_step_seconds",
            "A step of a plan, sent to answered.",
            ["step"],
            buckets=_STEP_SECONDS,
            registry=registry,
        )
        self._leaver = Histogram(
            "agent_leaver_seconds",
            "An offboarding, accepted to read back as done.",
            ["tenant"],
            buckets=_LEAVER_SECONDS,
            registry=registry,
        )
        self._browsers = Counter(
            "agent_browser_starts", "Starts of the browser by reason.", ["reason"], registry=registry
        )
        self._sessions = Counter(
            "agent_sessions_opened",
            "Sessions by whether the password was typed.",
            ["tenant", "password"],
            registry=registry,
        )
        self._lost = Counter(
            "agent_sessions_lost",
            "Sessions that ended, or were asked for their one-time code again, while in use.",
            ["tenant"],
            registry=registry,
        )
        self._evidence = Counter("agent_evidence_bytes", "Evidence written.", ["tenant"], registry=registry)
        self._ledger_entries = Gauge("agent_ledger_entries", "Entries of the ledger.", ["tenant"], registry=registry)
        self._ledger_unsigned = Gauge(
            "agent_ledger_unsigned_entries",
            "Entries that no signed checkpoint covers yet.",
            ["tenant"],
            registry=registry,
        )
        self._ledger_elsewhere = Gauge(
            "agent_ledger_elsewhere_entries",
            "Entries that another process added while this one was running.",
            ["tenant"],
            registry=registry,
        )
        self._ledger_period = Gauge(
            "agent_ledger_last_period_end_seconds",
            "End of the last period that the ledger closed, since the epoch; 0 before the first.",
            ["tenant"],
            registry=registry,
        )

        self._no_room = Gauge(
            "agent_evidence_no_room",
            "1 while no job is started, since there is no room for its evidence.",
            registry=registry,
        )

        self._probed = Gauge(
            "agent_probe_last_success_timestamp",
            "When a probe of the tenant's pages last came to its end, seconds since the epoch; 0 before the first.",
            ["tenant"],
            registry=registry,
        )
        self._probe_findings = Gauge(
            "agent_probe_findings", "Flows that the last probe found changed.", ["tenant"], registry=registry
        )
        self._probe_failed = Gauge(
            "agent_probe_failed", "1 while the last probe did not come to its end.", ["tenant"], registry=registry
        )

    # --- the worker's telemetry ---

    def job_ended(
        self, tenant: str, op: str, verdict: str, seconds: float, leaver_seconds: float | None = None
    ) -> None:
        """A run ended; ``leaver_seconds`` from acceptance to done, for an offboarding that is done."""
        self._outcomes.labels(tenant, _label(op), _label(verdict)).inc()
        self._job_seconds.labels(_label(op)).observe(seconds)
        if leaver_seconds is not None:
            self._leaver.labels(tenant).observe(leaver_seconds)

    def step_ended(self, tenant: str, step: str, seconds: float) -> None:
        """A step ended."""
        self._step_seconds.labels(_label(step)).observe(seconds)

    def browser_started(self, why: str) -> None:
        """A browser was started."""
        self._browsers.labels(_label(why)).inc()

    def session_opened(self, tenant: str, typed_password: bool) -> None:
        """A session was opened, from the stored one or by typing the password."""
        self._sessions.labels(tenant, "typed" if typed_password else "not needed").inc()

    def session_lost(self, tenant: str) -> None:
        """A session ended while it was in use."""
        self._lost.labels(tenant).inc()

    def evidence_kept(self, tenant: str, size: int) -> None:
        """So many bytes of evidence were written."""
        self._evidence.labels(tenant).inc(size)

    def ledger_seen(self, tenant: str, head: Head) -> None:
        """A tenant's ledger was looked at."""
        self._ledger_entries.labels(tenant).set(head.size)
        self._ledger_unsigned.labels(tenant).set(head.unsigned)
        self._ledger_elsewhere.labels(tenant).set(head.elsewhere)
        closed = datetime.fromisoformat(head.period_end).timestamp() if head.period_end else 0
        self._ledger_period.labels(tenant).set(closed)

    def room_seen(self, enough: bool) -> None:
        """Whether there is room for the evidence of another job."""
        self._no_room.set(not enough)

    def probe_seen(self, tenant: str, succeeded_at: float, findings: int, *, failed: bool) -> None:
        """The tenant's last probe was looked at."""
        self._probed.labels(tenant).set(succeeded_at)
        self._probe_findings.labels(tenant).set(findings)
        self._probe_failed.labels(tenant).set(failed)

    # --- a scrape ---

    async def page(self, queue: Queue) -> bytes:
        """All figures in Prometheus' text format, those of the queue as it is now."""
        depths = await queue.depths()
        tenants = await queue.tenants()
        flows = await queue.flow_states()
        self._flows.clear()
        for flow in flows:
            for state in FlowHealth:
                self._flows.labels(flow.tenant, _label(flow.flow), state.value).set(flow.state is state)
        self._jobs.clear()
        self._age.clear()
        for depth in depths:
            self._show(depth)
        leavers = _oldest_leavers(depths)
        for tenant in tenants:
            self._paused.labels(tenant.name).set(tenant.paused)
            oldest = leavers.get(tenant.name)
            self._leaver_age.labels(tenant.name).set(self._seconds_since(oldest) if oldest else 0)
        return generate_latest(self.registry)

    def _show(self, depth: Depth) -> None:
        labels = (depth.tenant, _priority(depth.priority), "held" if depth.held else depth.state.value)
        self._jobs.labels(*labels).inc(depth.count)  # two priorities may share a label
        if depth.oldest_at and depth.state.is_live:
            age = self._age.labels(*labels)
            age.set(max(self._seconds_since(depth.oldest_at), _value(age)))

    def _seconds_since(self, at: float) -> float:
        return max(0.0, self._clock() - at)


def _oldest_leavers(depths: tuple[Depth, ...]) -> dict[str, float]:
    oldest: dict[str, float] = {}
    for depth in depths:
        if depth.priority == Priority.OFFBOARD and depth.state.is_live and depth.oldest_at:
            oldest[depth.tenant] = min(depth.oldest_at, oldest.get(depth.tenant, depth.oldest_at))
    return oldest


def _priority(number: int) -> str:
    """The name of a priority; one in between counts as the next less urgent."""
    return next((level.name.lower() for level in Priority if number <= level), Priority.BULK.name.lower())


def _label(text: str) -> str:
    """A label that can hold no address and cannot multiply without end: plain short words, else ``other``."""
    return text if _PLAIN.fullmatch(text) else "other"


def _value(gauge: Gauge) -> float:
    """What the gauge shows."""
    return next(iter(gauge.collect())).samples[0].value

"""The agent at a glance: what nobody may overlook stands on the screen."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console
from rich.theme import Theme

from agent.commands.status_view import status_view
from agent.queue.record import FlowHealth, JobState
from agent.service.views import FlowView, OverdueView, ProbeView, Status

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STYLES = Theme(dict.fromkeys(("good", "bad", "unsure", "quiet", "name"), ""))


def screen(*overdue: OverdueView) -> str:
    """The view as text."""
    out = Console(file=io.StringIO(), width=200, theme=STYLES)
    status = Status(version="1", agent_runs=True, tenants=(), depths=(), running=(), overdue=overdue)
    out.print(status_view(status, NOW))
    found = out.file
    assert isinstance(found, io.StringIO)
    return found.getvalue()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (JobState.DEAD, "agent jobs retry 418"),
        (JobState.CANCELLED, "submit a job that takes it away"),
        (JobState.QUEUED, "queued"),
        (None, "to be submitted"),
    ],
)
def test_access_past_its_end_says_whose_it_is_and_what_to_do(state: JobState | None, words: str) -> None:
    """With names that are shown, not obeyed."""
    shown = screen(
        OverdueView(
            grant=7,
            tenant="northwind",
            person="ana[bold]@example.com",
            kind="project",
            what={"project": {"id": "9"}},
            ended_at=NOW - timedelta(days=2),
            job=418 if state else None,
            state=state,
        )
    )
    for expected in ("1 grant of access past the end", "ana[bold]@example.com", "project 9", words):
        assert expected in shown


def test_nothing_is_said_where_nothing_overstays() -> None:
    """No empty table."""
    assert "past the end" not in screen()


def flow(state: FlowHealth, **more: Any) -> FlowView:
    """One flow that is not well."""
    return FlowView(tenant="northwind", flow="add_user", state=state, since=NOW - timedelta(hours=3), **more)


def with_flows(*flows: FlowView) -> str:
    """The view as text."""
    out = Console(file=io.StringIO(), width=200, theme=STYLES)
    status = Status(version="1", agent_runs=True, tenants=(), depths=(), running=(), flows=flows)
    out.print(status_view(status, NOW))
    found = out.file
    assert isinstance(found, io.StringIO)
    return found.getvalue()


def test_a_quarantined_flow_stands_on_the_screen_with_its_finding() -> None:
    """Whose, which, since when, what was found and where the evidence is; shown, not obeyed."""
    finding = "swapped: last_name[bold], first_name"
    shown = with_flows(
        flow(FlowHealth.QUARANTINED, findings=(finding,), region="add_user.form", evidence="/ev/1", looks_well_at=NOW)
    )
    for expected in ("1 flow quarantined", "northwind", "add_user", "3 h ago", finding, "/ev/1", "look, then release"):
        assert expected in shown


def test_a_degraded_flow_is_no_quarantine() -> None:
    """It is in use; and where all is well, nothing is said."""
    shown = with_flows(flow(FlowHealth.DEGRADED, why="A label was renamed.", succeeded_at=NOW))
    assert "degraded" in shown
    assert "quarantined" not in shown
    assert "Flow" not in with_flows()


def test_the_last_probe_of_a_tenant_says_what_it_found() -> None:
    """When, how many flows are as known, which are not, and why it came to no end."""
    probe = ProbeView(
        tenant="northwind",
        at=NOW - timedelta(hours=9),
        succeeded_at=NOW - timedelta(days=3),
        healthy=11,
        degraded=1,
        dangerous=1,
        unvisited=1,
        changed=("invite", "edit_user"),
        trouble="service-error: Procore answers with an error page.",
    )
    out = Console(file=io.StringIO(), width=200, theme=STYLES)
    status = Status(version="1", agent_runs=True, tenants=(), depths=(), running=(), overdue=(), probes=(probe,))
    out.print(status_view(status, NOW))
    found = out.file
    assert isinstance(found, io.StringIO)

    for expected in ("11 of 14 as known", "1 dangerous: invite", "1 changed: edit_user", "service-error", "3 d"):
        assert expected in found.getvalue()

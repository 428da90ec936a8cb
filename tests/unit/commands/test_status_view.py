"""The agent at a glance: what nobody may overlook stands on the screen."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from rich.theme import Theme

from agent.commands.status_view import status_view
from agent.queue.record import JobState
from agent.service.views import OverdueView, Status

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

"""What the worker says of itself when somebody looks."""

from __future__ import annotations

from dataclasses import dataclass

from agent.browser.shared import BrowserStatus


@dataclass(frozen=True)
class RunningJob:
    """A job under way."""

    job_id: int
    tenant: str
    action: str
    doing: str
    since: float
    evidence: str


@dataclass(frozen=True)
class SessionStatus:
    """A tenant's sign-in, as far as is known: that it still holds shows only when it is used."""

    tenant: str
    signed_in: bool
    age_s: float | None


@dataclass(frozen=True)
class WorkerStatus:
    """All of it; no name or address of a person but in ``doing``."""

    name: str
    jobs_at_once: int
    draining: bool
    running: tuple[RunningJob, ...]
    browser: BrowserStatus | None
    sessions: tuple[SessionStatus, ...]
    ended: int  # runs since the start
    no_room: str = ""  # why no job starts, for want of room for evidence

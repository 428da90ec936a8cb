"""What happens while a job runs, told to observers (evidence, progress display, log) in order.

Flows and the runner know nothing of the observers; an observer that fails must not fail the job, except where it says
that evidence can no longer be kept (disk full), which stops the job before its next write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from playwright.async_api import BrowserContext, Page

from agent.domain.person import Correlation, Fingerprint, Person, TenantFacts
from agent.domain.touch import Target
from agent.execute.outcome import Outcome, StepResult, Witness
from agent.jobs.model import Job
from agent.plan.bulk.roster import Roster
from agent.plan.steps import Plan, Step
from agent.policy.rules import PolicyRules
from flows import ControlUse, Examined, PageReading


@dataclass(frozen=True)
class JobStarted:
    """The job as checked, before any page is opened."""

    job: Job
    tenant: str
    at: datetime
    dry_run: bool = False
    check_since: datetime | None = None  # only looked whether somebody has done it by hand since then
    rules: PolicyRules | None = None  # what the operator has decided for this tenant
    joined: tuple[Mapping[str, Any], ...] = ()  # the same wish of others, for whom this job does as well


@dataclass(frozen=True)
class SessionReady:
    """Signed in: from here on pages may be recorded (the sign-in itself never is)."""

    context: BrowserContext
    page: Page
    fingerprint: Fingerprint
    browser_version: str
    reused: bool = False  # no password was typed: a session of before served


@dataclass(frozen=True)
class FactsKnown:
    """The names that plans are made with from here on. Told again when they were read anew."""

    facts: TenantFacts


@dataclass(frozen=True)
class PageRead:
    """A flow has read a page. Comes many times a minute and before the session is ready, too."""

    reading: PageReading


@dataclass(frozen=True)
class ControlUsed:
    """A flow has used a control, which sends nothing."""

    use: ControlUse


@dataclass(frozen=True)
class ShapeExamined:
    """A region was compared with its known shape, right before a write from it."""

    examined: Examined


@dataclass(frozen=True)
class Observed:
    """What a reading found. ``moment``: "before", "after", or "recovery"."""

    moment: str
    correlation: Correlation | None
    person: Person | None
    page: Page | None = None  # where it was read, for a picture
    roster: Roster | None = None  # of a job about many people: those whom it names


@dataclass(frozen=True)
class Planned:
    """The plan that policy does not refuse (it may still wait for an approval), or, after trouble, what is left."""

    plan: Plan
    replanned: bool = False


@dataclass(frozen=True)
class StepStarted:
    """A step begins; numbers go on after a new plan."""

    number: int
    step: Step


@dataclass(frozen=True)
class WriteSending:
    """The form is filled and checked; the next click sends it."""

    page: Page
    intent: str
    target: Target | None = None  # the control that is clicked, where the flow names it


@dataclass(frozen=True)
class WriteAnswered:
    """The answer to the write is on the page."""

    page: Page
    intent: str


@dataclass(frozen=True)
class StepEnded:
    """A step ended, in whatever way."""

    step: Step
    result: StepResult


@dataclass(frozen=True)
class Verified:
    """Both witnesses have been heard; the pages are the fresh ones they were read from."""

    witnesses: tuple[Witness, ...]
    pages: tuple[Page, ...] = ()


@dataclass(frozen=True)
class Note:
    """Something worth a line in the log: an overlay closed, a retry, a session renewed."""

    text: str
    data: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobEnded:
    """The end. Observers write their last lines; the recorder seals."""

    outcome: Outcome
    at: datetime


Event = (
    JobStarted
    | SessionReady
    | FactsKnown
    | PageRead
    | ControlUsed
    | ShapeExamined
    | Observed
    | Planned
    | StepStarted
    | WriteSending
    | WriteAnswered
    | StepEnded
    | Verified
    | Note
    | JobEnded
)


class Observer(Protocol):
    """Is told every event of a job, one after the other."""

    async def notify(self, event: Event) -> None:
        """Take note of the event. Raising :class:`agent.errors.Failed` stops the job before its next write."""

"""What was decided about a job, and what today's code would decide from the pages seen then.

Today's whole way to a decision is walked, as a dry run on frozen pages: who is meant, how the person is, which steps,
what policy says. Only the tenant's names, the operator's rules and the time are handed in, as they were recorded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playwright.async_api import BrowserContext, Page

from agent.errors import Failed
from agent.execute.events import Event, Observed, Planned
from agent.execute.gate import GateRelay
from agent.execute.outcome import Outcome, Verdict
from agent.execute.run import Orders, run_job
from agent.jobs.model import Job, Snapshot
from agent.plan.steps import Plan
from agent.policy.check import ApprovalNeeded
from agent.replay.findings import Cause, Decided, Finding, Kind, Replay, Untold
from agent.replay.matching import differences, unmasked
from agent.replay.pages import FrozenJob, RecordedPagesOfJob, VisitedPages
from agent.replay.recheck import Against
from agent.replay.record import RecordedJob
from agent.replay.wording import in_words
from flows import Directory, TenantAddress

#: what a step is dumped with for people; other words make no other step
_IN_WORDS = frozenset({"title", "direction", "inverse"})
#: failures that follow from what a page shows, besides pages that are not understood; a lost browser is no decision
_FROM_THE_PAGE = frozenset({"denied", "other-account", "other-company", "pager-mismatch", "search-inconclusive"})


async def decide(
    job: RecordedJob, pages: RecordedPagesOfJob, frozen: FrozenJob, against: Against, replay: Replay
) -> None:
    """Compare the recorded decision with today's."""
    asked, facts = job.job, job.facts
    why = why_not(job, asked)
    if why or asked is None or facts is None:
        replay.untold.append(Untold("decision", 0, why or "the tenant's names were not kept"))
        return
    visited = VisitedPages(job, pages, frozen)
    address = _address(job)
    if address is None:
        replay.untold.append(Untold("decision", 0, "no page was read"))
        return
    relay = GateRelay()
    account = str(job.request.get("service_account", ""))
    blank = await frozen.blank()
    try:
        directory = against.rechecking.directory(
            blank, visited, address, against.catalogue, relay, account, facts, job.began
        )
    except Failed as error:  # pages of a generation on which nothing can be decided again
        replay.untold.append(Untold("decision", 0, error.message))
        await blank.close()
        return
    noted = _Noted()
    session = _RecordedSession(str(job.request.get("tenant", "")), _Opened(directory, blank.context, blank))
    orders = Orders(rules=job.rules, dry_run=True, permits=noted.permit)
    outcome = await run_job(asked, session, relay, [noted], orders, _StoppedClock(job.began))
    await blank.close()
    replay.decided_then = _then(job)
    replay.decided_now = noted.decided(outcome)
    if visited.unknown:
        replay.untold.append(
            Untold("decision", 0, f"today's flows open a page that was not read then: {visited.unknown[0]}")
        )
        return
    # With another catalogue nobody can tell: today's code was not asked with the old one.
    cause = Cause.CODE if replay.catalogue_then == replay.catalogue_now else Cause.UNKNOWN
    replay.findings += _compared(job, replay.decided_then, replay.decided_now, noted, cause)


def why_not(job: RecordedJob, asked: Job | None) -> str:
    """Why no decision can be compared; empty when one can."""
    if asked is None:
        return "today's agent does not know such a job"
    if isinstance(asked, Snapshot):
        return "a snapshot decides nothing"
    if job.request.get("check_since"):
        return "the job only looked whether something had been done"
    if not job.outcome:
        return "the job was interrupted"
    if job.facts is None:
        return "the tenant's names were not kept"
    error = job.outcome.get("error") or {}
    failed = not job.plan and job.outcome.get("verdict") not in ("done", "refused", "waiting")
    if failed and error.get("kind") != "UnknownPage" and error.get("code") not in _FROM_THE_PAGE:
        return f"the job did not come to a decision ({error.get('code', 'no reason kept')})"
    return ""


def _address(job: RecordedJob) -> TenantAddress | None:
    """The tenant, as far as its pages tell."""
    first = next((told.url for told in job.told if told.reading and told.understood), None)
    company, locale = str(job.fingerprint.get("company_id", "")), str(job.fingerprint.get("locale", "en"))
    if first is None or not company.isdigit():
        return None
    scheme, _, rest = first.partition("://")
    return TenantAddress(
        sign_in_url="https://sign-in.invalid",  # nobody signs in to a recording
        app_url=f"{scheme}://{rest.split('/', 1)[0]}",
        company_id=company,
        locales=frozenset({locale, "en", "en-US"}),
    )


def _then(job: RecordedJob) -> Decided:
    outcome, plan = job.outcome, job.plan
    error = outcome.get("error") or {}
    approvals = tuple(str(item.get("code", "")) for item in outcome.get("approvals", []))
    person = _person(job.before.get("person"))
    if plan:
        steps = tuple(str(step.get("title", "")) for step in plan.get("steps", []))
        return Decided("plan" if steps else "nothing to do", steps, person, approvals)
    if error:
        return Decided(f"{outcome.get('verdict', 'failed')}: {error.get('code', '')}", (), person, approvals)
    return Decided("read", (), person)


def _person(person: Any) -> str:
    if not isinstance(person, dict):
        return "nobody"
    return f"{person.get('email', '')} (user {person.get('user_id', '')})"


def _compared(job: RecordedJob, then: Decided, now: Decided, noted: _Noted, cause: Cause) -> list[Finding]:
    pairs: list[tuple[str, str, str]] = []
    if then.outcome != now.outcome:
        pairs.append(("decision", then.outcome, now.outcome))
    if job.before and noted.correlation is not None:
        # The first look is the one that decides; a person has to be read in the same words.
        pairs += [
            (f"person: {place}", in_words(one), in_words(other))
            for place, one, other in unmasked(differences(job.before.get("person"), noted.person))
        ]
        pairs += [
            (f"correlation: {place}", in_words(one), in_words(other))
            for place, one, other in unmasked(differences(job.before.get("correlation"), noted.correlation))
        ]
    if job.plan and noted.plan is not None:
        pairs += [
            (f"plan: {place}", in_words(one), in_words(other))
            for place, one, other in differences(_bare(job.plan), _bare(noted.plan.model_dump(mode="json")))
        ]
    if then.outcome == "plan" and then.approvals and not now.approvals:
        pairs.append(("policy", ", ".join(then.approvals), "no approval needed"))
    return [Finding(Kind.DECISION, where, 0, "what is decided", one, other, cause=cause) for where, one, other in pairs]


def _bare(plan: Mapping[str, Any]) -> dict[str, Any]:
    steps = [{name: value for name, value in step.items() if name not in _IN_WORDS} for step in plan.get("steps", [])]
    return {"steps": steps, "differences": plan.get("differences", []), "blast": plan.get("blast")}


class _Noted:
    """Takes down what the dry run finds and plans (an :class:`agent.execute.events.Observer`)."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.person: dict[str, Any] | None = None
        self.correlation: dict[str, Any] | None = None
        self._looked = False
        self._needed: tuple[str, ...] = ()

    async def notify(self, event: Event) -> None:
        """The first look and the first plan are those that count."""
        if isinstance(event, Observed) and not self._looked:
            self._looked = True
            self.person = _plain(event.person)
            self.correlation = _plain(event.correlation)
        elif isinstance(event, Planned) and self.plan is None:
            self.plan = event.plan

    def permit(self, needed: Sequence[ApprovalNeeded], plan: Plan) -> bool:
        """Note what would have to be approved, and let the dry run go on."""
        self._needed = tuple(item.code for item in needed)
        return True

    def decided(self, outcome: Outcome) -> Decided:
        """The decision in words."""
        person = _person(self.person)
        if self.plan is not None and outcome.verdict in (Verdict.DONE, Verdict.WAITING):
            steps = tuple(step.title for step in self.plan.steps)
            return Decided("plan" if steps else "nothing to do", steps, person, self._needed)
        if outcome.error:
            return Decided(f"{outcome.verdict.value}: {outcome.error.get('code', '')}", (), person, self._needed)
        return Decided("nothing to do" if outcome.nothing_to_do else "read", (), person)


def _plain(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    dumped: dict[str, Any] = value.model_dump(mode="json")
    for name in type(value).model_fields:
        if isinstance(getattr(value, name), frozenset):
            dumped[name] = sorted(dumped[name])
    return dumped


@dataclass(frozen=True)
class _Opened:
    """An :class:`agent.execute.session.OpenedSession` on recorded pages."""

    directory: Directory
    context: BrowserContext
    page: Page
    browser_version: str = ""
    typed_password: bool = False


@dataclass(frozen=True)
class _RecordedSession:
    """An :class:`agent.execute.session.JobSession` that never ends and cannot be renewed."""

    tenant: str
    opened: _Opened

    async def open(self) -> _Opened:
        return self.opened

    async def renew(self) -> _Opened:
        raise Failed("recorded-session", "A recorded session cannot be renewed.", seen="a page that asks for a sign-in")

    @asynccontextmanager
    async def reading_only(self) -> AsyncIterator[list[str]]:
        yield []


@dataclass
class _StoppedClock:
    """The time at which the job began; waiting costs nothing and leads nowhere."""

    at: datetime
    passed: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds

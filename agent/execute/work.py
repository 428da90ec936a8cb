"""One job while it runs: what it needs, what it has done so far, and how it reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from agent.domain.person import Capabilities, Correlation, Person, TenantFacts
from agent.errors import AgentError, Failed
from agent.execute.boundary import Boundary, NoBoundary
from agent.execute.events import Event, FactsKnown, Note, Observed, SessionReady
from agent.execute.flow_log import FlowLog
from agent.execute.gate import JobGate
from agent.execute.needed_flows import (
    FlowQuarantined,
    Quarantined,
    flow_of,
    needed_flows,
    nothing_quarantined,
    refuse_quarantined,
)
from agent.execute.outcome import StepResult
from agent.execute.pace import Clock, Limits
from agent.execute.resends import ForgetfulRecord, Resend, ResendRecord
from agent.execute.revoking import some_may_go_on
from agent.execute.session import JobSession, OpenedSession
from agent.execute.telling import Telling
from agent.execute.trail import Trail
from agent.jobs.bulk import DistributionGroup
from agent.jobs.model import Invite, Job, people_of
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.taken_off import LaterRemoval
from agent.plan.correlate import lookups_for, settle, with_sighting
from agent.plan.steps import Plan, Step
from agent.policy.check import ApprovalNeeded
from flows import Directory
from flows.names import Flow

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """What the Directory shows of the person, or of the many people, a job is about."""

    correlation: Correlation
    person: Person | None
    roster: Roster | None = None  # for a job about many people


@dataclass
class Work:
    """The state of one running job."""

    job: Job
    session: JobSession
    telling: Telling
    gate: JobGate
    clock: Clock
    limits: Limits
    resends: ResendRecord = field(default_factory=ForgetfulRecord)
    boundary: Boundary = field(default_factory=NoBoundary)
    shared_session: bool = False  # other jobs use the same session at the server: its flashes may be theirs
    trail: Trail = field(default_factory=Trail)  # what this run and those before it have sent
    quarantined: Quarantined = nothing_quarantined
    flow_log: FlowLog = field(default_factory=FlowLog)
    blocked_by: tuple[str, ...] = ()  # quarantined flows for want of which the job cannot go on
    opened: OpenedSession | None = None
    began: datetime | None = None  # by the tenant's clock
    facts: TenantFacts | None = None
    recovered: set[str] = field(default_factory=set)
    look_at_many: Callable[[str], Awaitable[Seen]] | None = None  # how a job about many people looks, by the moment
    capabilities: Capabilities | None = None  # what the service account may do, as the first page read says
    people_in_company: int | None = None  # active users, as the first page read says
    offboarded: Mapping[str, int] = field(default_factory=dict)  # of many people: whom a later job offboards, and which
    removals: Mapping[str, Sequence[LaterRemoval]] = field(
        default_factory=dict
    )  # of many people: later jobs, by person
    taken_off: Mapping[str, int] = field(default_factory=dict)  # whom one of them takes off this project, once known
    guarded: bool = False  # the network guard of a dry run lies on this session's context: no other one may be opened
    results: list[StepResult] = field(default_factory=list)
    approved: set[str] = field(default_factory=set)  # codes of the reasons for which policy asked, and got, a yes
    resend_begun: bool = False  # this run has put its mail on record
    kept: list[Step] = field(default_factory=list)  # steps that were saved, or found saved
    kept_in_part: bool = False  # some of the writes of a step were saved, and the step is not done
    next_step: Step | None = None  # whose write leaves next
    next_user_id: str | None = None

    @property
    def directory(self) -> Directory:
        """The Directory of the open session."""
        if self.opened is None:
            raise RuntimeError("the session is not open yet")
        return self.opened.directory

    @property
    def changed(self) -> bool:
        """Whether this job has changed something, as far as it knows."""
        return bool(self.kept) or self.kept_in_part

    @property
    def resends_mail(self) -> bool:
        """Whether this job wishes for a mail whatever was before: then only its key keeps it from a second one."""
        return isinstance(self.job, Invite) and self.job.resend

    def earlier_resend(self) -> Resend | None:
        """What an earlier run with this job's key has sent, or may have sent."""
        return self.resends.find(self.session.tenant, self.job.idempotency_key) if self.resends_mail else None

    def begin_resend(self) -> None:
        """Put the mail on record, right before it is sent."""
        self.resends.begin(self.session.tenant, self.job.idempotency_key, self.clock.now())
        self.resend_begun = True

    def end_resend(self, state: str) -> None:
        """Say on record what became of the mail; an unknown end leaves it as it is."""
        if not self.resend_begun:  # then it may be on record for another run: not ours to change
            return
        if state in ("saved", "settled by observation", "not needed any more"):
            self.resends.settle(self.session.tenant, self.job.idempotency_key, self.clock.now())
        elif state in ("rejected", "not sent"):
            self.resends.withdraw(self.session.tenant, self.job.idempotency_key)
            self.resend_begun = False

    async def about_to_send(self) -> None:
        """Right before a write leaves: put it on record. What this raises stops the write."""
        if (flow := self.flow_log.at_work) is not None:  # known for certain only here, where pages are of two kinds
            await self._refuse((flow,))
        if self.next_step is not None and self.began is not None:
            at = await self.directory.server_time()
            trail = self.trail.sending(self.next_step, self.next_user_id, at, self.began)
            await self.boundary.at_write(trail)
            self.trail = trail
        if self.resends_mail:
            self.begin_resend()

    def end_resend_of_earlier_run(self) -> None:
        """The mail that an earlier run put on record was sent, as was seen."""
        if self.resends_mail:
            self.resends.settle(self.session.tenant, self.job.idempotency_key, self.clock.now())

    def end_write(self, state: str) -> bool:
        """Note what became of the step. True when the record of it must be corrected before anything else is sent; that
        a step is saved is put on record with the next write."""
        self.end_resend(state)
        if self.trail.under_way is None or state == "unknown":
            return False
        is_saved = state in ("saved", "settled by observation", "partly saved")
        self.trail = self.trail.saved() if is_saved else self.trail.not_sent()
        return not is_saved

    def keep_in_part(self, part: Step | None) -> None:
        """Earlier writes of the step under way were saved and its last one was not: only ``part``, where that can be
        told apart, counts as kept, so that whatever is planned from here on is not taken for a repetition."""
        self.trail = self.trail.in_part(part)
        if part is not None:
            self.kept.append(part)
        self.kept_in_part = True

    async def refuse_quarantined(self, steps: Sequence[Step]) -> None:
        """Raise FlowQuarantined when one of these steps needs a flow that is quarantined at this moment."""
        await self._refuse(needed_flows(steps, self.flow_log.generation))

    async def refuse_quarantined_plan(self, plan: Plan, *, dry_run: bool) -> None:
        """The same for a whole plan, before its first write; one that only takes access away goes on with the steps
        that need no quarantined flow. A dry run promises nothing in part."""
        try:
            await self.refuse_quarantined(plan.steps)
        except FlowQuarantined as error:
            if dry_run or not some_may_go_on(plan.steps, error.flows, self.flow_log.generation):
                raise
            self.blocked_by = ()

    async def _refuse(self, flows: Sequence[Flow]) -> None:
        try:
            await refuse_quarantined(flows, self.quarantined)
        except FlowQuarantined as error:
            self.blocked_by = error.flows
            raise

    def flow_of(self, step: Step) -> Flow:
        """The flow that the step under way writes through."""
        return self.flow_log.at_work or flow_of(step, self.flow_log.generation)

    async def tell(self, event: Event) -> None:
        """Tell the observers."""
        await self.telling.tell(event)

    async def tell_approved(self, needed: Sequence[ApprovalNeeded]) -> None:
        """Tell, once for each reason, that policy asked for a yes and that it is there: the run rests on it."""
        new = {item.code: item.message for item in needed if item.code not in self.approved}
        self.approved |= new.keys()
        if new:
            words = f"Policy asks for a yes here, and it was given: {' '.join(new.values())}"
            await self.tell(Note(words, {"approved": ", ".join(sorted(new))}))

    async def enter(self) -> None:
        """Open the session, find out what kind of Directory it is, and note the tenant's time."""
        try:
            opened = self.opened = await self.session.open()
            fingerprint = await self.directory.fingerprint()
        except Failed as error:  # the session of the job before is over, or the browser has died in this moment
            if not recoverable(error):
                raise
            opened = await self._renew(error)
            fingerprint = await self.directory.fingerprint()
        self.flow_log.know(fingerprint)
        await self.tell(
            SessionReady(
                opened.context, opened.page, fingerprint, opened.browser_version, reused=not opened.typed_password
            )
        )
        self.capabilities = fingerprint.capabilities
        self.people_in_company = fingerprint.people
        self.began = await self.directory.server_time()
        await self.know_facts()

    async def know_facts(self, *, refresh: bool = False) -> None:
        """Learn the tenant's names, once more where ``refresh`` says so."""
        self.facts = await self.reading(lambda directory: directory.facts(refresh=refresh))
        await self.tell(FactsKnown(self.facts))

    async def reading(self, read: Callable[[Directory], Awaitable[T]]) -> T:
        """Read; when the session or the browser ended meanwhile, begin again once and read again."""
        try:
            return await read(self.directory)
        except Failed as error:
            if not recoverable(error):
                raise
            await self.recover(error)
        return await read(self.directory)

    async def recover(self, error: AgentError) -> None:
        """Sign in again, or restart the browser, once per job and kind of trouble; raises the error a second time."""
        if error.code in self.recovered or (self.guarded and error.code != "signed-out"):
            raise error
        if error.code == "stale-token":  # a stale form needs a fresh page, not a fresh session
            self.recovered.add(error.code)
            return
        before = self.opened
        opened = await self._renew(error)
        if before is None or opened.context is not before.context:
            fingerprint = await self.directory.fingerprint()
            self.flow_log.know(fingerprint)
            await self.tell(SessionReady(opened.context, opened.page, fingerprint, opened.browser_version))

    async def _renew(self, error: AgentError) -> OpenedSession:
        self.recovered.add(error.code)
        what = "Signing in again, once." if error.code == "signed-out" else "Starting the browser again, once."
        await self.tell(Note(f"{error.message} {what}", {"code": error.code}))
        self.opened = await self.session.renew()
        return self.opened

    async def look(self, moment: str) -> Seen:
        """Find the person in all lists and read the page, if there is exactly one; or look at the many.

        Raises NeedsPerson where the lists show more than one, or somebody who might be the same.
        """
        if self.look_at_many is not None:
            return await self.look_at_many(moment)
        lookups = lookups_for(self.job)
        email, new_email = lookups.email, lookups.new_email
        if email is None:
            raise ValueError(f"a {self.job.action} job is about nobody")
        correlation = await self.reading(
            lambda directory: directory.find(email, full_name=lookups.full_name, company=lookups.company)
        )
        other = None
        if new_email is not None:
            other = await self.reading(lambda directory: directory.find(new_email))
        person = None
        try:
            sighting = settle(self.job, correlation, other)
            user_id = sighting.user_id if sighting is not None else None
            if user_id is not None:
                person = with_sighting(await self.reading(lambda directory: directory.read_person(user_id)), sighting)
        finally:
            page = self.opened.page if self.opened else None
            await self.tell(Observed(moment, correlation, person, page))
        return Seen(correlation, person)

    async def look_again(self, seen: Seen, user_id: str | None, moment: str = "recovery") -> Seen:
        """Read the person afresh; by e-mail where no user is known yet."""
        if user_id is None:
            return await self.look(moment)
        again = await self.with_label(Seen(seen.correlation, await self.read(user_id, seen.person)))
        await self.tell(Observed(moment, again.correlation, again.person, self.opened.page if self.opened else None))
        return again

    async def with_label(self, seen: Seen) -> Seen:
        """The same with what only the list says: whether a user of this very job had the invitation already."""
        person = seen.person
        if person is None or person.invited is not None:
            return seen
        correlation = await self.reading(lambda directory: directory.find(person.email))
        label = next((hit for hit in correlation.matches if hit.user_id == person.user_id), None)
        return Seen(correlation, with_sighting(person, label))

    async def read(self, user_id: str, known: Person | None) -> Person:
        """The person's page, opened afresh; whether somebody was invited does not stand there and is carried on."""
        person = await self.reading(lambda directory: directory.read_person(user_id))
        if person.invited is None and known is not None:
            return person.model_copy(update={"invited": known.invited})
        return person


def differs(job: Job, before: Seen, after: Seen) -> bool:
    """Whether whom the job is about is not as before; what becomes of a project's other members is not its matter, and
    of a group only the group is: the project's members are looked up on the way to it."""
    if before.roster is not None and after.roster is not None:
        one, other = (roster.about(people_of(job)).likeness() for roster in (before.roster, after.roster))
        matters = ("project", "group") if isinstance(job, DistributionGroup) else tuple(one)
        return any(one[part] != other[part] for part in matters)
    return before.person is not None and after.person is not None and before.person != after.person


def recoverable(error: AgentError) -> bool:
    """Troubles after which one may begin again, once: nothing was saved, or nothing was being written."""
    return error.code in ("signed-out", "browser-lost", "browser-hung", "stale-token")

"""Run one job from beginning to end: observe, plan, policy, execute, verify; always with an outcome.

No error of the outside world leaves :func:`run_job`: it becomes an outcome, told to the observers as the last event.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from agent.errors import AgentError, Failed, UnknownPage
from agent.execute import wording
from agent.execute.alone import NoPersonLocks, PersonLocks
from agent.execute.attempt import Attempt, Stopped, unexpected
from agent.execute.boundary import Boundary, NoBoundary
from agent.execute.bulk import look_at_many
from agent.execute.bulk_verify import list_witness, verify_many
from agent.execute.checking import check_wish
from agent.execute.ending import ended_by, not_confirmed, outcome_of, stop_error, unsealed
from agent.execute.events import JobEnded, JobStarted, Note, Observed, Observer, Planned, Verified
from agent.execute.gate import GateRelay, JobGate
from agent.execute.judging import judge
from agent.execute.needed_flows import Quarantined, nothing_quarantined
from agent.execute.outcome import Outcome, StepResult, Verdict, Witness
from agent.execute.pace import Clock, Limits, RealClock
from agent.execute.recovery import plan_when_visible, settle_trail
from agent.execute.resends import ForgetfulRecord, Resend, ResendRecord
from agent.execute.session import JobSession
from agent.execute.snapshot import LABELS, take_snapshot
from agent.execute.telling import Telling
from agent.execute.thinking import Thinking
from agent.execute.trail import Trail
from agent.execute.verify import Confirmation, nothing_to_do_witness, verify
from agent.execute.work import Seen, Work, differs
from agent.jobs.bulk import BulkJob
from agent.jobs.model import Job, Read, Snapshot, people_of, whom
from agent.plan.bulk.taken_off import LaterRemoval
from agent.plan.rights import refuse_missing_rights
from agent.plan.steps import Plan
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules

Permits = Callable[[Sequence[ApprovalNeeded], Plan], bool]
Budget = Callable[[Plan], Awaitable[Sequence[ApprovalNeeded]]]


@dataclass(frozen=True)
class Orders:
    """How a job is to be run."""

    rules: PolicyRules
    dry_run: bool = False
    approved: bool = False  # a person has approved what policy asks about (--yes)
    results: Callable[[], Path | None] = lambda: None  # where a snapshot's files go, once the job has started
    limits: Limits = field(default_factory=Limits)
    resends: ResendRecord = field(default_factory=ForgetfulRecord)  # which invitations were sent once more
    #: only look whether everything is as wished, and by whom it was changed since this time
    check_since: datetime | None = None
    permits: Permits | None = None  # whether an approval on record covers these reasons and this plan
    budget: Budget | None = None  # further reasons to wait: what the tenant's jobs have used up already
    boundary: Boundary = field(default_factory=NoBoundary)
    trail: Trail = field(default_factory=Trail)  # what earlier runs of the job have sent
    locks: PersonLocks = field(default_factory=NoPersonLocks)  # one job of a person at a time
    shared_session: bool = False  # other jobs use the same session at the server
    origin: Mapping[str, str] = field(default_factory=dict)  # where the job comes from, for the evidence
    offboarded: Mapping[str, int] = field(default_factory=dict)  # of many people: whom a later job offboards, and which
    removals: Mapping[str, Sequence[LaterRemoval]] = field(
        default_factory=dict
    )  # of many people: later jobs, by person
    joined: tuple[Mapping[str, Any], ...] = ()  # who else asked for the same, for the evidence
    quarantined: Quarantined = nothing_quarantined  # asked before the first write, and before each

    @property
    def reads_only(self) -> bool:
        """Whether nothing may be written."""
        return self.dry_run or self.check_since is not None


async def run_job(
    job: Job,
    session: JobSession,
    relay: GateRelay,
    observers: Sequence[Observer],
    orders: Orders,
    clock: Clock | None = None,
) -> Outcome:
    """Run the job in this session; ``relay`` is the gate that the session's Directory was opened with.

    Never raises for what the tenant, the browser or the disk do. Cancelling the task ends the job with an outcome, too.
    """
    clock = clock or RealClock()
    began = clock.now()
    telling = Telling(observers)
    reads_only = orders.reads_only or isinstance(job, Read | Snapshot)
    gate = JobGate(telling, dry_run=reads_only)
    work = Work(
        job,
        session,
        telling,
        gate,
        clock,
        orders.limits,
        orders.resends,
        boundary=orders.boundary,
        trail=orders.trail,
        shared_session=orders.shared_session,
        offboarded=orders.offboarded,
        removals=orders.removals,
        quarantined=orders.quarantined,
    )
    gate.about_to_send = work.about_to_send
    if isinstance(job, BulkJob):
        work.look_at_many = partial(look_at_many, work)
    gate.on_examined = work.flow_log.examined
    relay.attach(gate)
    try:
        outcome = await _guarded(_JobRun(work, orders), orders)
    finally:
        relay.attach(None)
    outcome = outcome.model_copy(update={"flows": work.flow_log.uses(), "blocked_by": work.blocked_by})
    if late := wording.late_words(job, began):
        outcome = outcome.model_copy(update={"summary": f"{outcome.summary} {late}"})
    try:
        await telling.tell(JobEnded(outcome, clock.now()))
    except AgentError as error:
        return unsealed(outcome, error, session.tenant)
    return outcome


async def _guarded(run: _JobRun, orders: Orders) -> Outcome:
    """The job's outcome, whatever happens."""
    work = run.work
    try:
        started = JobStarted(
            work.job,
            work.session.tenant,
            work.clock.now(),
            orders.dry_run,
            orders.check_since,
            orders.rules,
            orders.joined,
        )
        await work.tell(started)
        late = wording.late_words(work.job, work.clock.now())
        if late:
            await work.tell(Note(late, {"needed_by": str(work.job.needed_by)}))
        if orders.origin:
            await work.tell(Note(wording.origin_words(orders.origin), dict(orders.origin)))
        if not orders.reads_only:
            async with orders.locks.held(work.session.tenant, people_of(work.job)):
                return await run.go()
        await work.enter()
        async with work.session.reading_only() as held:
            work.guarded = True
            outcome = await run.go()
            for request in held:
                await work.tell(Note("Held back: nothing may be written in this run.", {"request": request}))
            return outcome
    except AgentError as error:
        return ended_by(run.work, error)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        return ended_by(
            run.work,
            Failed(
                "interrupted", "The job was interrupted.", expected="a job that runs to its end", seen="a stop signal"
            ),
        )
    except Exception as caught:
        lines = "".join(traceback.format_exception(caught))
        with contextlib.suppress(AgentError):
            await work.tell(Note("Something unexpected happened in the agent.", {"traceback": lines}))
        return ended_by(run.work, unexpected(caught))


class _JobRun:
    """The walk of one job."""

    def __init__(self, work: Work, orders: Orders) -> None:
        self.work = work
        self._orders = orders
        self._whom = whom(work.job)

    async def go(self) -> Outcome:
        """Walk it. Raises AgentError where :func:`agent.execute.ending.ended_by` words the end."""
        if self.work.opened is None:
            await self.work.enter()
        if isinstance(self.work.job, Snapshot):
            return await self._snapshot()
        if isinstance(self.work.job, Read):
            return await self._report(self.work.job.person.email)
        work, orders = self.work, self._orders
        if orders.check_since is not None:
            return await check_wish(work, orders.check_since)
        await settle_trail(work)
        seen = await work.look("before")
        if not work.kept and (earlier := work.earlier_resend()) is not None:
            await work.tell(Planned(Plan(notes=(earlier.words,))))
            return await self._nothing_to_do(seen, earlier)
        thinking = Thinking(work)
        seen, plan = await plan_when_visible(work, seen, thinking.plan)
        decision = await judge(work, plan, seen.person, orders.rules)
        await work.tell(Planned(plan))
        if plan.is_empty and not work.kept:
            return await self._nothing_to_do(seen)
        needed = decision.approvals
        if orders.budget is not None and not orders.dry_run and self._permits(needed, plan):
            needed = (*needed, *await orders.budget(plan))
        if not self._permits(needed, plan):
            return wording.waiting(plan, needed)
        await work.tell_approved(needed)
        if not work.changed:  # else what is begun goes on for as far as it can
            if work.capabilities is not None:
                refuse_missing_rights(plan.steps, work.capabilities)
            await work.refuse_quarantined_plan(plan, dry_run=orders.dry_run)
        if orders.dry_run:
            return Outcome(
                verdict=Verdict.DONE,
                summary=wording.dry_run_summary(plan),
                next_step="Run the job without --dry-run to carry it out.",
            )
        await work.boundary.at_step(work.trail)
        return await self._carry_out(plan, thinking, seen)

    def _permits(self, needed: Sequence[ApprovalNeeded], plan: Plan) -> bool:
        if not needed or self._orders.approved:
            return True
        return self._orders.permits is not None and self._orders.permits(needed, plan)

    async def _nothing_to_do(self, seen: Seen, earlier: Resend | None = None) -> Outcome:
        if earlier is None:
            witness, summary = self._as_wanted(seen)
            next_step = wording.done_next_step(self.work.job)
        else:
            witness, summary = (
                Witness(name="The agent's own record", agrees=None, findings=(earlier.words,)),
                wording.resent_summary(earlier),
            )
            next_step = wording.RESEND_AGAIN
        await self.work.tell(Verified((witness,)))
        return Outcome(
            verdict=Verdict.DONE,
            summary=summary,
            nothing_to_do=True,
            witnesses=(witness,),
            next_step=next_step,
        )

    def _as_wanted(self, seen: Seen) -> tuple[Witness, str]:
        """Who says that nothing is to be done, and how that is told."""
        job = self.work.job
        if isinstance(job, BulkJob):
            witness = nothing_to_do_witness(list_witness(self.work))
            return witness, wording.nothing_for_many(job, self.work.offboarded, self.work.taken_off)
        return nothing_to_do_witness(), wording.nothing_summary(job, seen.person, self._whom)

    async def _carry_out(self, plan: Plan, thinking: Thinking, seen: Seen) -> Outcome:
        work = self.work
        user_id = seen.person.user_id if seen.person else None
        attempt = Attempt(work, thinking, seen, user_id, list(plan.steps), self._orders.rules, self._permits)
        try:
            await attempt.run()
        except Stopped as stopped:
            return await self._stopped(stopped, attempt, before=seen)
        if isinstance(work.job, BulkJob):
            confirmation = await verify_many(work, thinking)
        elif attempt.user_id is None:
            raise RuntimeError("a plan was carried out on nobody")
        else:
            confirmation = await verify(work, thinking, attempt.seen, attempt.user_id)
        if confirmation.agreed:
            return Outcome(
                verdict=Verdict.DONE,
                summary=self._done_summary(confirmation),
                steps=tuple(work.results),
                witnesses=confirmation.witnesses,
                next_step=wording.done_next_step(work.job),
            )
        return not_confirmed(self.work, confirmation)

    def _done_summary(self, confirmation: Confirmation) -> str:
        job = self.work.job
        if isinstance(job, BulkJob):
            return wording.done_for_many(job, self.work.kept, self.work.offboarded, self.work.taken_off)
        if confirmation.person is None:
            raise RuntimeError("a job about one person read nobody back")
        return wording.done_summary(confirmation.person, self.work.kept)

    async def _stopped(self, stopped: Stopped, attempt: Attempt, before: Seen) -> Outcome:
        """A plan that could not go on: a last look, then what is done and what is not."""
        work, cause = self.work, stopped.cause
        begun = len(work.results)
        for number, step in enumerate(attempt.remaining, begun + 1):
            work.results.append(StepResult(number=number, title=step.title, state="not sent"))
        after = attempt.seen
        if cause.code != "evidence-unwritable":
            with contextlib.suppress(AgentError):
                if work.look_at_many is not None:
                    after = await work.look("after")
                elif attempt.user_id is not None:
                    after = Seen(after.correlation, await work.read(attempt.user_id, after.person))
                    await work.tell(Observed("after", None, after.person, work.opened.page if work.opened else None))
        # A button that asks first today may act at once tomorrow: then what it did went past the gate.
        may_have_acted = work.gate.sent > 0 or isinstance(cause, UnknownPage)
        error = stop_error(work, stopped, changed_meanwhile=may_have_acted and differs(work.job, before, after))
        return outcome_of(work, error)

    async def _report(self, email: str) -> Outcome:
        work = self.work
        correlation = await work.reading(lambda directory: directory.find(email))
        users = [hit for hit in correlation.matches if hit.user_id is not None]
        person = None
        if len(users) == 1 and users[0].user_id is not None:
            read = await work.read(users[0].user_id, None)
            person = read.model_copy(update={"invited": users[0].invited}) if read.invited is None else read
        await work.tell(Observed("before", correlation, person, work.opened.page if work.opened else None))
        hits = len(correlation.matches)
        return Outcome(verdict=Verdict.DONE, summary=wording.read_summary(person, email, hits))

    async def _snapshot(self) -> Outcome:
        folder = self._orders.results()
        if folder is None:
            raise Failed("no-folder", "A snapshot needs a folder for its files.")
        counts = await take_snapshot(self.work, folder)
        return Outcome(
            verdict=Verdict.DONE,
            summary=wording.snapshot_summary({LABELS[listing]: rows for listing, rows in counts.items()}),
            files={name: name for name in ("snapshot.json", "snapshot.csv")},
        )

"""Carry out a plan: each write exactly once; after trouble look first, then plan anew.

What each kind of trouble leads to::

    nothing was sent      session or browser ended   begin again once, by observing
                          anything else              stop
    sent, refused         stale form, signed out     begin again once, by observing
                          message on the page        look: not there -> stop; there -> plan anew
    sent, answer lost     look until the deadline    there -> plan anew; not there -> stop, a person decides
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from agent.domain.project import GroupChange
from agent.errors import AgentError, AnswerLost, Failed, Refused, RetrySafe, SaveRejected, SignedOut, Uncertain
from agent.execute.bulk_verify import are_ours
from agent.execute.events import Note, Planned, StepEnded, StepStarted
from agent.execute.history import own_records
from agent.execute.judging import judge
from agent.execute.lost_answer import Settled, look_for_effect
from agent.execute.outcome import StepResult
from agent.execute.pace import poll
from agent.execute.perform import perform
from agent.execute.recovery import is_by_flash, repeats, without_sent_mails
from agent.execute.revoking import LeftOut, is_of_one_flow, only_takes
from agent.execute.thinking import Thinking
from agent.execute.work import Seen, Work, differs, recoverable
from agent.plan.bulk.steps import BulkStep, CreateGroup
from agent.plan.effects import failed_assignments, history_expectations, holds, unmet
from agent.plan.steps import AssignProjects, Plan, RemoveFromAllProjects, Step
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from flows.names import Flow

#: Failures of our own while an answer came in: what the page said is not known.
NOT_FROM_THE_PAGE = frozenset({"unexpected", "evidence-unwritable", "evidence-broken"})

#: What a page shows is named otherwise than the tenant's names say, which a session keeps for a while.
NAMED_OTHERWISE = frozenset({"template-mismatch", "project-mismatch"})

#: What says of the very write it stopped that it was not saved: its answer, its silence, or that it was never clicked.
ANSWERS_TO_A_WRITE = frozenset({"denied", "stale-token", "not-sent", "window-without-effect", "document-replaced"})

Ended = Callable[..., Awaitable[None]]


class Stopped(Exception):
    """The plan cannot go on; carries the error that stopped it.

    ``unknown``: nobody can say whether the last write was kept.
    """

    def __init__(self, cause: AgentError, *, unknown: bool = False) -> None:
        super().__init__(cause.message)
        self.cause = cause
        self.unknown = unknown


@dataclass
class Attempt:
    """The carrying out of one plan, and of the plans that follow from it after trouble."""

    work: Work
    thinking: Thinking
    seen: Seen
    user_id: str | None
    remaining: list[Step]
    rules: PolicyRules
    permits: Callable[[Sequence[ApprovalNeeded], Plan], bool]

    async def run(self) -> None:
        """Carry out what remains. Raises Stopped; ``remaining`` then holds what was not begun.

        Where all that remains takes access away, a step whose part of the pages is out of use is left out.
        """
        left_out = LeftOut()
        while self.remaining:
            step = self.remaining.pop(0)
            if left_out.has(step, self.work.flow_log.generation):
                result = StepResult(number=len(self.work.results) + 1, title=step.title, state="not sent")
                self.work.results.append(result)
                continue
            try:
                await self._one(step)
            except Stopped as stopped:
                await self._leave_out(step, stopped, left_out)
            except AgentError as error:  # of an observer, or of a look after trouble: what is done stays told
                await self._leave_out(step, Stopped(error), left_out)
        if left_out.error is not None:
            raise Stopped(left_out.error)

    async def _leave_out(self, step: Step, stopped: Stopped, left_out: LeftOut) -> None:
        """Go on without the step where that is safe, from a page opened afresh: nothing that the step has opened or
        filled may be left on it. Raises what has stopped it everywhere else."""
        rest = [step, *self.remaining]
        if stopped.unknown or len(rest) == 1 or not is_of_one_flow(stopped.cause) or not only_takes(rest):
            raise stopped
        left_out.add(step, stopped.cause, self.work.flow_log.generation)
        words = f"Left out: {step.title}. What else takes access away is done all the same; a person does the rest."
        try:
            await self.work.tell(Note(words, {"code": stopped.cause.code}))
            self.seen = await self.work.look_again(self.seen, self.user_id)
        except AgentError as error:
            raise stopped from error

    async def _one(self, step: Step) -> None:
        work = self.work
        number = len(work.results) + 1
        began = work.clock.monotonic()
        work.flow_log.begin()
        flow = work.flow_of(step)

        async def ended(state: str, detail: str = "") -> None:
            spent = round((work.clock.monotonic() - began) * 1000)
            result = StepResult(number=number, title=step.title, state=state, detail=detail, milliseconds=spent)
            work.results.append(result)
            to_correct = work.end_write(state)
            if state in ("saved", "partly saved"):
                work.flow_log.wrote(flow)
            elif state == "settled by observation":
                work.flow_log.arrived(flow)
            await work.tell(StepEnded(step, result))
            if to_correct:
                await work.boundary.settled(work.trail)

        try:
            await work.boundary.at_step(work.trail)
            await work.refuse_quarantined([step])  # another job may have found its flow changed meanwhile
            await work.tell(StepStarted(number, step))
        except AgentError as error:  # asked to stop, or evidence can no longer be kept
            work.results.append(StepResult(number=number, title=step.title, state="not sent", detail=error.message))
            raise
        sent = work.gate.sent
        work.gate.begin_step()
        work.next_step, work.next_user_id = step, self.user_id
        try:
            self.user_id = await perform(work.directory, step, self.user_id, self._note)
        except Exception as caught:
            trouble = caught if isinstance(caught, AgentError) else await self._unexpected(caught)
            flow, is_sent = work.flow_of(step), work.gate.sent != sent
            if not is_sent:
                trouble = await work.gate.explained(trouble)
            if is_sent or not self._names_may_be_old(trouble):
                work.flow_log.stopped(flow, trouble)
            if not is_sent:
                await self._not_sent(step, trouble, ended)
            else:
                await self._sent_in_trouble(step, trouble, ended, writes=work.gate.sent - sent)
            return
        flow = work.flow_of(step)
        # On new pages all projects of a leaver are taken by one save of that tab, too.
        if isinstance(step, AssignProjects) or (isinstance(step, RemoveFromAllProjects) and flow is Flow.PROJECTS_TAB):
            await self._applied(step, ended)
            return
        work.kept.append(step)
        await ended("saved")
        if (
            isinstance(step, CreateGroup) and step.change != GroupChange()
        ):  # some pages take the name first, the rest later
            self.seen = await work.look_again(self.seen, self.user_id)
            await self._plan_anew()

    async def _not_sent(self, step: Step, error: AgentError, ended: Ended) -> None:
        await ended("not sent", error.message)
        if self._names_may_be_old(error):
            self.work.recovered.add(error.code)
            await self.work.know_facts(refresh=True)
        elif not recoverable(error) or error.code in self.work.recovered:
            raise Stopped(error) from error
        else:
            await self.work.recover(error)
        self.seen = await self.work.look_again(self.seen, self.user_id)
        await self._plan_anew()

    def _names_may_be_old(self, error: AgentError) -> bool:
        """Whether the page contradicts names that were read some time ago, for the first time in this job: somebody may
        have renamed or added a template or a project since. That is no fault of the page's."""
        return error.code in NAMED_OTHERWISE and error.code not in self.work.recovered

    async def _sent_in_trouble(self, step: Step, error: AgentError, ended: Ended, *, writes: int) -> None:
        """The write left the browser, and the answer is not the one hoped for; or one of several ``writes`` did, and
        there will be no next one."""
        # Any Failed of the flows says: nothing was saved. One look is enough to believe it.
        refused = isinstance(error, Failed) and error.code not in NOT_FROM_THE_PAGE
        # Another job's page of the same session may have caused the message: then only time tells.
        doubtful = refused and self.work.shared_session and is_by_flash(error)
        again = recoverable(error) and error.code not in self.work.recovered
        try:
            if isinstance(error, SignedOut) and again:
                await self.work.recover(error)
            settled = await look_for_effect(self.work, step, self.seen, self.user_id, patient=doubtful or not refused)
        except Exception as caught:
            await ended("unknown", f"{error.message} Looking for its effect failed: {caught}")
            raise Stopped(error, unknown=True) from caught
        if settled.visible:
            await self._found(step, error, settled, ended, doubtful=doubtful)
            return
        if not refused:
            await ended("unknown", f"{error.message} Its effect was not found {settled.how} until the deadline.")
            raise Stopped(error, unknown=True) from error
        in_part = self._is_kept_in_part(error, settled, writes)
        if in_part:
            self.work.keep_in_part(settled.part)
            said = f" Of it is done: {settled.part.title}." if settled.part is not None else ""
            await ended("partly saved", f"{error.message} Not all of it is saved, as a fresh look shows.{said}")
            await self.work.boundary.settled(self.work.trail)
        elif again:
            await ended("not sent", f"{error.message} Not saved, as a fresh look shows.")
        if again:
            self.work.recovered.add(error.code)
            self.seen = settled.seen
            self.user_id = settled.user_id or self.user_id
            await self._plan_anew()
            return
        if not in_part:
            by_procore = isinstance(error, SaveRejected) or error.code == "denied"
            said = " ".join(part for part in (error.message, error.seen) if part)
            await ended("rejected" if by_procore else "not sent", said)
        self.seen = settled.seen
        raise Stopped(error) from error

    def _is_kept_in_part(self, error: AgentError, settled: Settled, writes: int) -> bool:
        """Whether an earlier write of the step was saved: there is a next one only after that. Where only one left, it
        is the earlier one if the step stopped before another, and something shows."""
        if writes > 1:
            return True
        answered = isinstance(error, SaveRejected | SignedOut) or error.code in ANSWERS_TO_A_WRITE
        return not answered and differs(self.work.job, self.seen, settled.seen)

    async def _found(
        self, step: Step, error: AgentError, settled: Settled, ended: Ended, *, doubtful: bool = False
    ) -> None:
        self.seen = settled.seen
        self.user_id = settled.user_id
        by_procore = isinstance(error, SaveRejected) or error.code == "denied"
        if by_procore and not (doubtful and await self._is_ours(step)):  # somebody else was first
            await ended("not needed any more", f"{error.message} It is so already, as was seen {settled.how}.")
        else:
            self.work.kept.append(step)
            await ended("settled by observation", f"{error.message} Its effect was seen {settled.how}.")
        if error.code in NOT_FROM_THE_PAGE - {"unexpected"}:  # evidence can no longer be kept
            raise Stopped(error) from error
        await self._plan_anew()

    async def _is_ours(self, step: Step) -> bool:
        """Whether the Change History has the step as made by our account since the job began."""
        if isinstance(step, BulkStep):
            return await are_ours(self.work, step)
        records = await own_records(self.work, self.user_id) if self.user_id is not None else ()
        return not unmet(history_expectations(step), records)

    async def _applied(self, step: AssignProjects | RemoveFromAllProjects, ended: Ended) -> None:
        """Wait for an asynchronous save: each project on its own, some may fail."""
        work, user_id = self.work, self.user_id
        if user_id is None:
            raise RuntimeError("projects were assigned to nobody")

        failed: list[str] = []

        async def look() -> Seen:
            person = await work.read(user_id, self.seen.person)
            if not holds(step, person):
                records = await own_records(work, user_id)
                failed[:] = [project.label for project in failed_assignments(step, records)]
            return Seen(self.seen.correlation, person)

        try:
            self.seen, _ = await poll(
                look,
                lambda seen: holds(step, seen.person) or bool(failed),
                work.limits.projects_s,
                work.clock,
                work.limits,
            )
        except AgentError as error:
            await ended("unknown", f"Accepted; whether it was applied could not be read: {error.message}")
            raise Stopped(error, unknown=True) from error
        if holds(step, self.seen.person):
            work.kept.append(step)
            await ended("saved", "applied, as a fresh look shows")
            return
        work.kept.append(step)  # part of it was done: the Change History is asked for it
        if failed:
            text = f"Procore could not change these projects: {', '.join(failed)}"
            await ended("partly saved", text)
            raise Stopped(Uncertain("projects-failed", text, retry_safe=RetrySafe.YES))
        text = "Procore accepted the change of projects but did not finish it in time."
        await ended("unknown", text)
        raise Stopped(Uncertain("projects-pending", text, retry_safe=RetrySafe.YES), unknown=True)

    async def _plan_anew(self) -> None:
        """Plan from what was just seen; never send again what this job knows to be saved.

        A page may show the state from before our saves for a while: then look again until it does not.
        """
        work = self.work

        async def look() -> Plan:
            self.seen = await work.with_label(self.seen)
            plan = await self.thinking.plan(self.seen)
            decision = await judge(work, plan, self.seen.person, self.rules)
            if not self.permits(decision.approvals, plan):
                raise Refused("plan-grew", f"What is left to do now needs an approval. {decision.reasons}")
            await work.tell_approved(decision.approvals)
            return without_sent_mails(plan, work.kept)

        async def fresh() -> Plan:
            self.seen = await work.look_again(self.seen, self.user_id)
            return await look()

        try:
            plan = await look()
            if repeats(plan, work.kept):
                plan, settled = await poll(
                    fresh, lambda plan: not repeats(plan, work.kept), work.limits.settle_s, work.clock, work.limits
                )
                if not settled:
                    raise Stopped(
                        AnswerLost(
                            "not-visible",
                            "A change that was saved does not show on the page; it is not sent a second time.",
                            expected=repeats(plan, work.kept)[0].title,
                            seen="the state from before it",
                        ),
                        unknown=True,
                    )
        except Refused as error:
            raise Stopped(error) from error
        self.remaining = list(plan.steps)
        await work.tell(Planned(plan, replanned=True))

    async def _note(self, words: str) -> None:
        await self.work.tell(Note(words))

    async def _unexpected(self, caught: Exception) -> AgentError:
        lines = "".join(traceback.format_exception(caught))
        await self.work.tell(Note("Something unexpected happened in the agent.", {"traceback": lines}))
        return unexpected(caught)


def unexpected(caught: BaseException) -> Failed:
    """An error that nobody foresaw, as one that people can be told."""
    return Failed(
        "unexpected",
        "Something unexpected happened in the agent; please report it with the evidence folder.",
        seen=f"{type(caught).__name__}: {caught}",
        retry_safe=RetrySafe.UNKNOWN,
    )

"""Go on where a dead run of the same job left off: first settle what it has sent, then plan.

The rules, in order:

1. A write under way is looked for until its deadline, counted from when it left. Seen: it counts as saved.
2. A mail whose step is not seen by then, an invitation or the notice of an addition, may still be sent: the job ends as
   uncertain, no mail is sent again.
3. Any other write that is not seen by then did not happen (or was taken back): it is planned again. Of a step of
   several writes the part that shows is kept, where it can be told apart; the rest is planned again.
4. What was saved may not show yet: a plan that repeats it is made again until the same deadline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from agent.domain.person import Correlation
from agent.errors import AgentError, AnswerLost, SaveRejected
from agent.execute.events import Note
from agent.execute.lost_answer import look_for_effect, visible_within_s
from agent.execute.outcome import StepResult
from agent.execute.pace import poll
from agent.execute.trail import SentStep
from agent.execute.work import Seen, Work
from agent.plan.bulk.effects import sends_again
from agent.plan.bulk.steps import BulkAddToProject, BulkStep
from agent.plan.steps import Invite, Plan, Step

EARLIER = "by an earlier run of this job"
_BY_FLASH = frozenset({"denied", "stale-token"})


def is_by_flash(error: AgentError) -> bool:
    """Whether the page said so by a message that is kept per session, and so may be about another job's page."""
    return error.code in _BY_FLASH or (isinstance(error, SaveRejected) and error.by_flash)


def repeats(plan: Plan, kept: Sequence[Step]) -> list[Step]:
    """Steps that would send again what is known to be saved."""
    return [step for step in plan.steps if _repeats(step, kept)]


def _repeats(step: Step, kept: Sequence[Step]) -> bool:
    return sends_again(step, kept) if isinstance(step, BulkStep) else step in kept


def without_sent_mails(plan: Plan, kept: Sequence[Step]) -> Plan:
    """To send a mail is no state that could be seen for certain: what was sent in this job is done."""
    mailed = {step.email for step in kept if isinstance(step, Invite)}
    steps = tuple(step for step in plan.steps if not (isinstance(step, Invite) and step.email in mailed))
    return plan if steps == plan.steps else plan.model_copy(update={"steps": steps})


async def settle_trail(work: Work) -> None:
    """Find out what became of the writes of earlier runs; they count as this job's from here on.

    Raises AnswerLost for a mail of which there is no trace, and what reading raises.
    """
    trail = work.trail
    if not trail.sent:
        return
    work.began = trail.began or work.began
    await work.tell(
        Note("An earlier run of this job did not end; first its writes are looked for.", _words(trail.sent))
    )
    for sent in trail.sent:
        if sent.state == "saved":
            _keep(work, sent, "saved", EARLIER)
            continue
        await _settle(work, sent)


async def _settle(work: Work, sent: SentStep) -> None:
    step, user_id = sent.step, work.trail.user_id
    elapsed = await _since(work, sent.at)
    nobody = Seen(Correlation(), None)
    allowance = work.limits.answer_s  # the server may have been at work on it for so long before it was saved
    settled = await look_for_effect(work, step, nobody, user_id, patient=True, elapsed_s=max(0.0, elapsed - allowance))
    if settled.visible:
        work.trail = work.trail.saved()
        _keep(work, sent, "settled by observation", f"Sent {EARLIER}; its effect was seen {settled.how}.")
        work.end_resend_of_earlier_run()
        return
    if mailed := _mailed(step):
        number = len(work.results) + 1
        said = f"Sent, or nearly, {EARLIER}; no trace was found {settled.how}."
        work.results.append(StepResult(number=number, title=step.title, state="unknown", detail=said))
        raise AnswerLost(
            "answer-lost",
            f"An earlier run of this job died in {step.title!r}, which sends a mail to {', '.join(mailed)}; "
            "no trace of it was found, and it is not sent a second time.",
            expected="a trace of the mail in the Change History, or of what it comes with",
            seen="none until the deadline",
        )
    said = "was not finished; the rest" if sent.writes > 1 else "did not arrive; it"
    await work.tell(
        Note(f"What an earlier run was sending {said} is planned again.", {"step": step.title, "seen": settled.how})
    )
    if sent.writes == 1:
        work.trail = work.trail.not_sent()
    else:
        work.keep_in_part(settled.part)
        if settled.part is not None:
            _add_result(work, settled.part, "settled by observation", f"Sent {EARLIER}; seen {settled.how}.")
    await work.boundary.settled(work.trail)


def _mailed(step: Step) -> tuple[str, ...]:
    """The addresses that the step sends a mail to: the one thing that cannot be taken back."""
    if isinstance(step, Invite):
        return (step.email,)
    return step.notified if isinstance(step, BulkAddToProject) else ()


async def plan_when_visible(work: Work, seen: Seen, think: Callable[[Seen], Awaitable[Plan]]) -> tuple[Seen, Plan]:
    """The first plan of a run, made when the page shows what earlier runs have saved, or should by all means."""
    plan = without_sent_mails(await think(seen), work.kept)
    if not repeats(plan, work.kept):
        return seen, plan
    left = max([await _time_left(work, sent) for sent in work.trail.sent], default=0.0)

    async def again() -> tuple[Seen, Plan]:
        fresh = await work.look("recovery")
        return fresh, without_sent_mails(await think(fresh), work.kept)

    (seen, plan), visible = await poll(
        again, lambda found: not repeats(found[1], work.kept), left, work.clock, work.limits
    )
    if not visible:  # not kept after all, or undone by somebody since: the page is the truth by now
        undone = repeats(plan, work.kept)
        work.kept[:] = [step for step in work.kept if not _repeats(step, undone)]
        titles = "; ".join(step.title for step in undone)
        await work.tell(Note("What an earlier run saved is not so any more; it is done again.", {"steps": titles}))
    return seen, plan


async def _time_left(work: Work, sent: SentStep) -> float:
    allowed = visible_within_s(work, sent.step) + work.limits.answer_s
    return max(0.0, allowed - await _since(work, sent.at))


async def _since(work: Work, at: datetime) -> float:
    return max(0.0, (await work.directory.server_time() - at).total_seconds())


def _keep(work: Work, sent: SentStep, state: str, detail: str) -> None:
    work.kept.append(sent.step)
    _add_result(work, sent.step, state, detail)


def _add_result(work: Work, step: Step, state: str, detail: str) -> None:
    work.results.append(StepResult(number=len(work.results) + 1, title=step.title, state=state, detail=detail))


def _words(sent: Sequence[SentStep]) -> dict[str, str]:
    return {str(number): f"{item.step.title} ({item.state})" for number, item in enumerate(sent, 1)}

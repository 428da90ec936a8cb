"""Check by reading only whether a job's wish is fulfilled, and by whom it was changed: ``agent jobs resolve``.

A person may do a job by hand; only a look at the Directory makes it done.
"""

from __future__ import annotations

from datetime import datetime

from agent.domain.person import ChangeRecord
from agent.execute import wording
from agent.execute.bulk_verify import changed_since, list_witness
from agent.execute.events import Planned, Verified
from agent.execute.outcome import Outcome, Verdict, Witness
from agent.execute.thinking import Thinking
from agent.execute.verify import HISTORY, PAGE, change_words, page_witness
from agent.execute.work import Seen, Work
from agent.jobs.bulk import BulkJob
from agent.jobs.model import whom
from agent.plan.effects import history_expectations, unmet
from agent.plan.steps import Invite, Plan


async def check_wish(work: Work, since: datetime) -> Outcome:
    """DONE when nothing is left to do, WAITING with what is left otherwise. Raises what reading and planning raise."""
    seen = await work.look("before")
    records = await _history(work, seen, since)
    plan = _without_sent(await Thinking(work).plan(seen), records)
    await work.tell(Planned(plan))
    name = PAGE if seen.roster is None else list_witness(work)
    page, history = page_witness(plan.differences if not plan.is_empty else (), name), history_of(records, since)
    opened = work.opened.page if work.opened else None
    await work.tell(Verified((page, history), (opened,) if opened is not None else ()))
    if plan.is_empty:
        job = work.job
        found = (
            wording.nothing_for_many(job, work.offboarded, work.taken_off)
            if isinstance(job, BulkJob)
            else wording.nothing_summary(job, seen.person, whom(job))
        )
        return Outcome(
            verdict=Verdict.DONE,
            summary=f"Checked: {found} {history.findings[0]}",
            nothing_to_do=True,
            witnesses=(page, history),
            next_step=wording.done_next_step(work.job),
        )
    left = "; ".join(step.title for step in plan.steps)
    return Outcome(
        verdict=Verdict.WAITING,
        summary=f"Checked: not yet as asked. Left to do: {left}.",
        witnesses=(page, history),
        next_step="Do what is left by hand and check again, or let the agent run the job.",
    )


def history_of(records: tuple[ChangeRecord, ...], since: datetime) -> Witness:
    """Who changed the person since then, as the Change History has it."""
    people = dict.fromkeys(record.actor_name or record.actor_login for record in records)
    found = (
        f"Changed since {since:%Y-%m-%d %H:%M} UTC by {', '.join(people)}."
        if people
        else (f"The Change History has no change since {since:%Y-%m-%d %H:%M} UTC.")
    )
    return Witness(name=HISTORY, agrees=None, findings=(found,), rows=tuple(change_words(record) for record in records))


async def _history(work: Work, seen: Seen, since: datetime) -> tuple[ChangeRecord, ...]:
    if seen.roster is not None:
        return await changed_since(work, seen, since)
    person = seen.person
    if person is None:
        return ()
    return await work.reading(lambda directory: directory.history(person.user_id, since))


def _without_sent(plan: Plan, records: tuple[ChangeRecord, ...]) -> Plan:
    """A mail to be sent *again* shows in the Change History only."""
    steps = tuple(
        step
        for step in plan.steps
        if not (isinstance(step, Invite) and step.again and not unmet(history_expectations(step), records))
    )
    return plan if steps == plan.steps else plan.model_copy(update={"steps": steps})

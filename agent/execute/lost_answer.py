"""When a write was sent and its answer is not known: look for its effect; never send it again."""

from __future__ import annotations

from dataclasses import dataclass

from agent.domain.person import Listing, Person
from agent.execute.bulk import look_for_part
from agent.execute.history import own_records
from agent.execute.pace import poll
from agent.execute.work import Seen, Work
from agent.plan.bulk.effects import part_of
from agent.plan.bulk.steps import BulkStep
from agent.plan.effects import history_expectations, holds, unmet
from agent.plan.steps import AssignProjects, CreateUser, Invite, RemoveFromAllProjects, Step
from flows.names import Flow


@dataclass(frozen=True)
class Settled:
    """What fresh readings say about a write."""

    visible: bool
    seen: Seen
    user_id: str | None
    how: str  # where its effect was seen, or not
    part: Step | None = None  # what of it shows, as a step, where not all does and this can be told apart


async def look_for_effect(
    work: Work, step: Step, seen: Seen, user_id: str | None, *, patient: bool, elapsed_s: float = 0.0
) -> Settled:
    """Look for the step's effect; with ``patient`` until the deadline, else once. ``elapsed_s`` of that time is over.

    A creation is looked for by e-mail in all lists; an invitation in the Change History (it cannot be seen in a
    mailbox); what was done for many people in the project's list; everything else on the person's page.
    """
    limit = 0.0
    if patient:
        limit = max(0.0, visible_within_s(work, step) - elapsed_s)
    if isinstance(step, BulkStep):
        effect = await look_for_part(work, step, limit)
        roster = effect.seen.roster
        part = part_of(step, roster) if roster is not None and not effect.visible else None
        return Settled(effect.visible, effect.seen, user_id, effect.how, part)
    if isinstance(step, CreateUser):
        return await _created(work, step, seen, limit)
    if user_id is None:
        return Settled(False, seen, None, "no user is known")
    if isinstance(step, Invite):
        return await _invited(work, step, seen, user_id, limit)
    person, visible = await poll(
        lambda: work.read(user_id, seen.person), lambda person: holds(step, person), limit, work.clock, work.limits
    )
    return Settled(visible, Seen(seen.correlation, person), user_id, "on the person's page, opened afresh")


def visible_within_s(work: Work, step: Step) -> float:
    """How long the effect of a save may take to show; on new pages all projects are taken by the Projects tab, too."""
    is_later = isinstance(step, AssignProjects) or (
        isinstance(step, RemoveFromAllProjects) and work.flow_of(step) is Flow.PROJECTS_TAB
    )
    return work.limits.projects_s if is_later else work.limits.settle_s


async def _created(work: Work, step: CreateUser, seen: Seen, limit: float) -> Settled:
    email = step.new.email

    async def found() -> Seen:
        correlation = await work.reading(lambda directory: directory.find(email))
        users = [hit for hit in correlation.matches if hit.listing in (Listing.USERS, Listing.INACTIVE_USERS)]
        if len(users) != 1 or users[0].user_id is None:
            return Seen(correlation, None)
        person = await work.read(users[0].user_id, None)
        return Seen(correlation, person.model_copy(update={"invited": users[0].invited}))

    now, visible = await poll(found, lambda now: holds(step, now.person), limit, work.clock, work.limits)
    user_id = now.person.user_id if now.person else None
    return Settled(visible, now if visible else Seen(now.correlation, now.person), user_id, "by e-mail in all lists")


async def _invited(work: Work, step: Invite, seen: Seen, user_id: str, limit: float) -> Settled:
    async def sent() -> tuple[Person | None, bool]:
        records = await own_records(work, user_id)
        if not unmet(history_expectations(step), records):
            return _marked(seen.person), True
        if step.again:
            return seen.person, False
        correlation = await work.reading(lambda directory: directory.find(step.email))
        label = any(hit.user_id == user_id and hit.invited for hit in correlation.matches)
        return (_marked(seen.person) if label else seen.person), label

    (person, _), visible = await poll(sent, lambda found: found[1], limit, work.clock, work.limits)
    return Settled(visible, Seen(seen.correlation, person), user_id, "in the Change History and by the Re-Invite label")


def _marked(person: Person | None) -> Person | None:
    return person.model_copy(update={"invited": True}) if person is not None else None

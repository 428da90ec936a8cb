"""How a step about many people shows: in a roster read afresh, and in each one's Change History."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.domain.access import Frozen
from agent.domain.names import normal_email
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.steps import (
    AddMember,
    BulkAddToProject,
    BulkRemoveFromProject,
    BulkStep,
    ChangeGroup,
    ChangeMemberTemplate,
    CreateGroup,
    DeleteGroup,
    MemberStep,
    people_in,
)
from agent.plan.effects import HistoryExpectation, assigned, template_changed, unassigned
from agent.plan.matching import same_text


class Shown(Frozen):
    """Whose part of a step shows, by address, and whose does not; ``whole`` is whatever is about nobody in particular
    (a group's name and description)."""

    there: tuple[str, ...] = ()
    not_there: tuple[str, ...] = ()
    whole: bool = True

    @property
    def is_all(self) -> bool:
        """Whether all of the step shows."""
        return self.whole and not self.not_there


def shown(step: BulkStep, roster: Roster) -> Shown:
    """What of the step's effect the roster shows."""
    match step:
        case BulkAddToProject():
            members = {person.email: roster.member(person.email) for person in step.people}
            wanted = {person.email: person.template for person in step.people}
            return _sorted({email: now is not None and now.template == wanted[email] for email, now in members.items()})
        case AddMember():
            now = roster.member(step.person.email)
            return _sorted({step.person.email: now is not None and now.template == step.person.template})
        case BulkRemoveFromProject():
            return _sorted({person.email: roster.member(person.email) is None for person in step.people})
        case ChangeMemberTemplate():
            now = roster.member(step.email)
            return _sorted({step.email: now is not None and now.template == step.template})
        case CreateGroup():
            return Shown(whole=roster.group is not None)  # what else the form took is a matter of the next difference
        case ChangeGroup():
            description = step.change.description
            told = description is None or (
                roster.group is not None and same_text(roster.group.description, description)
            )
            put_in = {person.email: roster.in_group(person.email) for person in step.change.add}
            taken_out = {person.email: not roster.in_group(person.email) for person in step.change.remove}
            return _sorted(put_in | taken_out, whole=told)
        case DeleteGroup():
            return Shown(whole=roster.group is None)


def part_of(step: BulkStep, roster: Roster) -> BulkStep | None:
    """The part of a step of several writes that shows, as a step of its own; None where there is none to tell apart."""
    if not isinstance(step, BulkRemoveFromProject):
        return None
    there = shown(step, roster).there
    people = tuple(person for person in step.people if normal_email(person.email) in there)
    return step.model_copy(update={"people": people}) if people else None


def expectations_of(step: BulkStep) -> Mapping[str, tuple[HistoryExpectation, ...]]:
    """What each one's Change History should show, by user id [I]. Groups leave no rows there."""
    match step:
        case BulkAddToProject():
            return {person.user_id: (assigned(step.project),) for person in step.people}
        case AddMember():
            return {step.person.user_id: (assigned(step.project),)}
        case BulkRemoveFromProject():
            return {person.user_id: (unassigned(step.project),) for person in step.people if person.user_id}
        case ChangeMemberTemplate():
            return {step.user_id: (template_changed(step.project, step.before, step.template),)}
        case CreateGroup() | ChangeGroup() | DeleteGroup():
            return {}


def sends_again(step: BulkStep, kept: Iterable[object]) -> bool:
    """Whether the step would send again for somebody what a kept step has sent, in whatever company of others."""
    return any(step == other or _same_for_some(step, other) for other in kept)


def _same_for_some(step: BulkStep, other: object) -> bool:
    added = isinstance(step, BulkAddToProject | AddMember) and isinstance(other, BulkAddToProject | AddMember)
    removed = isinstance(step, BulkRemoveFromProject) and isinstance(other, BulkRemoveFromProject)
    if not (added or removed) or not isinstance(step, MemberStep) or not isinstance(other, MemberStep):
        return False
    return step.project.id == other.project.id and bool(set(people_in(step)) & set(people_in(other)))


def _sorted(found: Mapping[str, bool], *, whole: bool = True) -> Shown:
    return Shown(
        there=tuple(normal_email(email) for email, is_so in found.items() if is_so),
        not_there=tuple(normal_email(email) for email, is_so in found.items() if not is_so),
        whole=whole,
    )

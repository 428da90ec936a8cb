"""From a roster and what is wanted of it to the fewest writes, in a safe order; pure.

Reduce first, replace then, give last, as for one person. People are added by the way that costs least
(:mod:`agent.plan.routes`); nobody is sent in two writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from agent.domain.person import TenantFacts
from agent.domain.project import GroupChange
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
    people_in,
)
from agent.plan.bulk.wanted import WantedGroup, WantedMembers, WantedOfMany, unsatisfied
from agent.plan.matching import same_text
from agent.plan.routes import IntoProject, way_into_project
from agent.plan.step import Direction
from agent.plan.steps import BlastRadius, Plan

AT_ONCE = 50
"""So many people in one bulk write: what a person can still compare with the page, and what Procore's own API takes in
one request [D]."""

_ORDER = {Direction.REDUCE: 0, Direction.NEUTRAL: 1, Direction.GRANT: 2}

T = TypeVar("T")


def plan_many(roster: Roster, wanted: WantedOfMany, facts: TenantFacts) -> Plan:
    """The steps from the roster to what is wanted; none when everything is so."""
    if isinstance(wanted, WantedMembers):
        steps = sorted(_members(roster, wanted), key=lambda step: _ORDER[step.direction])
        notes = _notes(roster, wanted)
    else:
        steps, notes = _group(roster, wanted), ()
    people = {address for step in steps for address in people_in(step)}
    place = wanted.project is not None and bool(steps)
    return Plan(
        steps=tuple(steps),
        differences=unsatisfied(wanted, roster),
        blast=BlastRadius(people=len(people), projects=1 if place else 0),
        notes=(*wanted.left_out, *notes),
    )


def _members(roster: Roster, wanted: WantedMembers) -> Iterator[BulkStep]:
    project = wanted.project
    for gone in _parts(wanted.to_remove(roster), AT_ONCE):
        yield BulkRemoveFromProject(project=project, people=gone)
    for person, now in wanted.to_change(roster):
        yield ChangeMemberTemplate(
            project=project, user_id=person.user_id, email=person.email, template=person.template, before=now.template
        )
    new = wanted.to_add(roster)
    said_in_bulk_only = any(person.role or person.notify for person in new)
    if new and way_into_project(len(new), bulk_only=said_in_bulk_only) is IntoProject.BULK_ADD:
        for some in _parts(new, AT_ONCE):
            yield BulkAddToProject(project=project, people=some)
    else:
        for person in new:
            yield AddMember(project=project, person=person)


def _group(roster: Roster, wanted: WantedGroup) -> list[BulkStep]:
    group = roster.group
    if wanted.absent:
        if group is None:
            return []
        return [DeleteGroup(group_id=group.id, name=group.name, project=wanted.project, before=group.members)]
    described = group.description if group is not None else ""
    differs = wanted.description is not None and not same_text(described, wanted.description)
    change = GroupChange(
        description=wanted.description if differs else None,
        add=wanted.to_add(roster),
        remove=wanted.to_remove(roster),
    )
    if group is None:
        return [CreateGroup(name=wanted.name, project=wanted.project, change=change)]
    if change == GroupChange():
        return []
    return [
        ChangeGroup(group_id=group.id, name=group.name, project=wanted.project, change=change, before=described),
    ]


def _notes(roster: Roster, wanted: WantedMembers) -> tuple[str, ...]:
    kept = [
        f"{person.email} ({now.template or 'none'})"
        for person in wanted.present
        if (now := roster.member(person.email)) is not None and now.template != person.template
    ]
    if wanted.change_templates or not kept:
        return ()
    return (f"Members already, who keep their template: {', '.join(kept)}.",)


def _parts(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    rest = iter(items)
    while part := tuple(islice(rest, size)):
        yield part

"""Many people before and after, person by person: the members of a project, or those in a distribution group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from agent.domain.names import normal_email
from agent.evidence.comparison import ABSENT, Row
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.wanted import member_words


def roster_of(observed: Mapping[str, Any]) -> Roster | None:
    """What was seen, out of ``before.json`` or ``after.json``; None for a job about one person, or what is damaged."""
    try:
        return Roster.model_validate(observed["roster"])
    except (KeyError, ValidationError):
        return None


def compare_many(before: Roster, after: Roster) -> list[Row]:
    """One row for each person on either side, and for the group itself; the changed ones first."""
    group = before.group is not None or after.group is not None
    words = _in_group if group else _in_project
    rows = [Row(address, words(before, address), words(after, address)) for address in _addresses(before, after, group)]
    if group:
        rows = [*_of_group(before, after), *rows]
    return sorted(rows, key=lambda row: not row.changed)


def _addresses(before: Roster, after: Roster, group: bool) -> list[str]:
    """Those of the job's people; of a group everybody's in it."""
    found: list[str] = []
    for roster in (before, after):
        found += [item.email for item in (roster.group.members if roster.group is not None else ())]
        found += [] if group else [member.email for member in roster.members]
        found += roster.known
    return list(dict.fromkeys(map(normal_email, found)))


def _in_project(roster: Roster, address: str) -> str:
    return member_words(roster.member(address))


def _in_group(roster: Roster, address: str) -> str:
    return "in the group" if roster.in_group(address) else "not in the group"


def _of_group(before: Roster, after: Roster) -> Iterable[Row]:
    one, other = before.group, after.group
    yield Row("Distribution group", one.name if one else ABSENT, other.name if other else ABSENT)
    texts = [group.description or "empty" if group is not None else ABSENT for group in (one, other)]
    yield Row("Description", texts[0], texts[1])

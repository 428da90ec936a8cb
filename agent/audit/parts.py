"""Writes about many people, taken apart for tables and events that have one person in each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_WITH_PEOPLE = frozenset({"bulk_add_to_project", "bulk_remove_from_project"})
_GROUPS = frozenset({"group_create", "group_change", "group_delete"})


@dataclass(frozen=True)
class Part:
    """One person's part of a step; ``planned`` is the step as if it were about that person alone."""

    person: str
    planned: Mapping[str, Any]
    takes: bool = False  # it takes the person out of a group


def parts_of(planned: Mapping[str, Any]) -> list[Part]:
    """The parts of a planned step; empty for a step about one person, and for a group in which nobody changes."""
    kind = planned.get("kind")
    if kind in _WITH_PEOPLE:
        return list(_of_people(planned))
    if kind == "add_member":
        person = _mapping(planned.get("person"))
        return [Part(_email(person), {**planned, "template": person.get("template")})]
    if kind == "change_member_template":
        return [Part(_email(planned), planned)]
    return list(_of_group(planned)) if kind in _GROUPS else []


def people_asked_for(job: Mapping[str, Any]) -> list[str]:
    """The addresses that a job about many people names; empty for any other job."""
    members = _mapping(job.get("members"))
    named = [job.get("people"), *(members.get(way) for way in ("exactly", "at_least", "remove"))]
    return [_email(person) for people in named for person in _mappings(people)]


def _of_people(planned: Mapping[str, Any]) -> Iterator[Part]:
    for person in _mappings(planned.get("people")):
        template = person.get("template")
        had = {"before": template} if planned.get("kind") == "bulk_remove_from_project" else {"template": template}
        yield Part(_email(person), {**planned, **had})


def _of_group(planned: Mapping[str, Any]) -> Iterator[Part]:
    change = _mapping(planned.get("change"))
    for person in _mappings(change.get("add")):
        yield Part(_email(person), planned)
    for person in (*_mappings(change.get("remove")), *_mappings(planned.get("before"))):
        yield Part(_email(person), planned, takes=True)


def _email(value: Mapping[str, Any]) -> str:
    return str(value.get("email") or "unknown")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []

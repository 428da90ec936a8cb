"""What the torture asks for about many people: into a project, out of it, and a distribution group with its members.

Each case has people of its own, and a project that it shares with none that runs beside it: two jobs about one project
wait for each other, and it is by the project that a request is known as the case's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.torture.wishes import (
    ENGINEER,
    FOREMAN,
    READER,
    Case,
    Companion,
    Wanted,
    WantedGroup,
    asked,
    case,
    known,
)

ELSEWHERE = "24-001"
"""Everybody is a member there, too, and stays it."""


def any_case(action: str, name: str) -> Case:
    """The case of whatever action, called ``name`` (letters, digits and hyphens; unique in a run)."""
    return _CASES[action](name) if action in _CASES else case(action, name)


def project_of(name: str) -> str:
    """The case's project: another one for each of the last letters of a volley."""
    return f"24-{11 + ord(name[-1]) % 8:03d}"


def _people(action: str, name: str) -> tuple[str, str, str]:
    first, second, third = (f"{action.replace('_', '-')}-{name}{more}@example.com" for more in ("", "-two", "-three"))
    return first, second, third


def _member(email: str, project: str, template: str | None, **more: Any) -> dict[str, Any]:
    """Somebody who is in the project with this template; None: who is not in it yet."""
    here = {} if template is None else {project: template}
    return known(email, memberships={ELSEWHERE: FOREMAN, **here}, **more)


def _wanted(email: str, project: str, template: str | None, **more: Any) -> Wanted:
    """The same afterwards; nobody gets a mail unless it says so."""
    here = {} if template is None else {project: template}
    return Wanted(email, memberships={ELSEWHERE: FOREMAN, **here}, **{"mails": 0, **more})


def _bulk_add(name: str) -> Case:
    """One is told by e-mail, one is not, and one is a member already, with another template."""
    project = project_of(name)
    first, second, third = _people("bulk_add_to_project", name)
    people = [
        {"email": first, "template": ENGINEER, "notify": True},
        {"email": second, "template": READER},
        {"email": third, "template": ENGINEER},
    ]
    job = {"project": project, "people": people, "change_templates": True}
    return Case(
        "bulk_add_to_project",
        {**asked("bulk_add_to_project", name), **job},
        _member(first, project, None),
        _wanted(first, project, ENGINEER, mails=1),
        (
            Companion(_member(second, project, None), _wanted(second, project, READER)),
            Companion(_member(third, project, FOREMAN), _wanted(third, project, ENGINEER)),
        ),
    )


def _bulk_remove(name: str) -> Case:
    """Two go together, and one who is inactive goes alone."""
    project = project_of(name)
    first, second, third = _people("bulk_remove_from_project", name)
    job = {"project": project, "people": [{"email": email} for email in (first, second, third)]}
    return Case(
        "bulk_remove_from_project",
        {**asked("bulk_remove_from_project", name), **job},
        _member(first, project, ENGINEER),
        _wanted(first, project, None),
        (
            Companion(_member(second, project, READER), _wanted(second, project, None)),
            Companion(_member(third, project, ENGINEER, is_active=False), _wanted(third, project, None, active=False)),
        ),
    )


def _group(name: str) -> Case:
    """A new group with two members; a third member of the project is not in it."""
    project = project_of(name)
    first, second, third = _people("distribution_group", name)
    wanted = WantedGroup(f"Torture {name}", project, "Kept at every kill", frozenset({first, second}))
    job = {
        "name": wanted.name,
        "project": project,
        "description": wanted.description,
        "members": {"exactly": [{"email": first}, {"email": second}]},
    }
    return Case(
        "distribution_group",
        {**asked("distribution_group", name), **job},
        _member(first, project, ENGINEER),
        _wanted(first, project, ENGINEER),
        tuple(Companion(_member(email, project, READER), _wanted(email, project, READER)) for email in (second, third)),
        wanted,
    )


_CASES: dict[str, Callable[[str], Case]] = {
    "bulk_add_to_project": _bulk_add,
    "bulk_remove_from_project": _bulk_remove,
    "distribution_group": _group,
}
CROWD_ACTIONS = tuple(_CASES)

"""What may stand in a cell of a CSV file, and what it means in a job.

Lists are separated by ``;`` and pairs by ``=``; a backslash before either (or before itself) makes it an ordinary
character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

CLEAR = "(empty)"  #: empties a text field, where an empty cell leaves it alone
BY_ID = "id:"  #: before a project's id

_UNTIL = re.compile(r"(?P<template>.*\S)\s+until\s+(?P<end>[0-9]{4}-\S+|none)")
_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


class BadCell(ValueError):
    """A cell that cannot be read; ``expected`` says what would be right."""

    def __init__(self, message: str, expected: str) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected


Reader = Callable[[str], Any]


def as_text(cell: str) -> str:
    """The text itself."""
    return cell


def as_clearable(cell: str) -> str | None:
    """The text, or null for ``(empty)``."""
    return None if cell.casefold() == CLEAR else cell


def as_emptied(cell: str) -> str:
    """The text, or nothing for ``(empty)``."""
    return "" if cell.casefold() == CLEAR else cell


def as_boolean(cell: str) -> bool:
    """Yes or no."""
    if cell.casefold() not in _BOOLEANS:
        raise BadCell(f"is {cell[:60]!r}", "yes or no")
    return _BOOLEANS[cell.casefold()]


def as_levels(cell: str) -> dict[str, str]:
    """``Directory=Read Only; Documents=Standard``."""
    return dict(_pairs(cell, "TOOL=LEVEL; ..."))


def as_hand_overs(cell: str) -> list[dict[str, str]]:
    """``Open RFIs of 24-017=jonas.berg@example.com; ...``."""
    return [{"what": what, "to": to} for what, to in _pairs(cell, "WHAT=TO WHOM; ...")]


def as_memberships(cell: str) -> list[dict[str, Any]]:
    """``24-017=Project Engineer - Internal until 2027-03-31T18:00:00+00:00; id:5629=none``; ``none``: in no project."""
    if cell.casefold() == "none":
        return []
    return [_membership(project, template) for project, template in _pairs(cell, "PROJECT=TEMPLATE; ...")]


def _membership(project: str, template: str) -> dict[str, Any]:
    dated = _UNTIL.fullmatch(template)
    if dated is None:
        return {"project": _reference(project), "template": template}
    return {"project": _reference(project), "template": dated["template"], "ends_at": dated["end"]}


def as_references(cell: str) -> list[Any] | str:
    """``24-017; Riverside Clinic``, or ``all``."""
    if cell.casefold() == "all":
        return "all"
    references = []
    for part in _split(cell, ";"):
        if len(_split(part, "=")) > 1:
            raise BadCell(f"names a template in {part[:60]!r}", "PROJECT; PROJECT; ... or all")
        references.append(_reference(_plain(part)))
    return references


def as_reference(cell: str) -> Any:
    """``24-017``, or ``id:562949953500001``."""
    return _reference(_plain(cell))


def as_people(cell: str) -> list[dict[str, str]]:
    """``ana@example.com; bo@example.com``; ``none``: nobody."""
    if cell.casefold() == "none":
        return []
    return [{"email": _plain(part)} for part in _split(cell, ";")]


def as_people_with_templates(cell: str) -> list[dict[str, str]]:
    """``ana@example.com=Project Engineer - Internal; bo@example.com=none``."""
    return [{"email": email, "template": template} for email, template in _pairs(cell, "EMAIL=TEMPLATE; ...")]


def _reference(text: str) -> Any:
    return {"id": text.removeprefix(BY_ID).strip()} if text.startswith(BY_ID) else text


def _pairs(cell: str, expected: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for part in _split(cell, ";"):
        halves = _split(part, "=")
        if len(halves) != 2:
            wrong = "no =" if len(halves) == 1 else "more than one = (write \\= for one that belongs to a name)"
            raise BadCell(f"has {wrong} in {part[:60]!r}", expected)
        left, right = (_plain(half) for half in halves)
        if not left or not right:
            raise BadCell(f"has nothing on one side of the = in {part[:60]!r}", expected)
        if left in dict(pairs):
            raise BadCell(f"names {left[:60]!r} twice", "each once")
        pairs.append((left, right))
    return pairs


def _split(text: str, separator: str) -> list[str]:
    """The parts, trimmed, still with their backslashes; an empty last part (a ``;`` at the end) is dropped."""
    parts, current, escaped = [], "", False
    for character in text:
        if character == separator and not escaped:
            parts.append(current.strip())
            current = ""
        else:
            current += character
        escaped = character == "\\" and not escaped
    last = current.strip()
    return [*parts, last] if last or separator == "=" else parts


def _plain(text: str) -> str:
    """Without the backslashes that made separators ordinary; any other backslash stays."""
    plain, escaped = "", False
    for character in text:
        if escaped:
            plain += character if character in ";=\\" else "\\" + character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            plain += character
    return (plain + "\\" if escaped else plain).strip()

"""JSON Lines: one job a line; empty lines are skipped."""

from __future__ import annotations

import json
from functools import partial

from agent.intake.item import Item
from agent.jobs.problems import Problem


def json_line_items(text: str) -> tuple[list[Item], list[Problem]]:
    """The lines as items, and what cannot even be read as JSON: line and column."""
    items: list[Item] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        problem = _unreadable(number, line)
        if problem is None:
            items.append(Item(number, line, partial(_path, number)))
        else:
            problems.append(problem)
    return items, problems


def _unreadable(number: int, line: str) -> Problem | None:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg}"
        return Problem(path=f"line {number}, column {error.colno}", message=message, expected="one job on one line")
    except (RecursionError, ValueError):
        message = "is nested too deeply, or holds a number that is too long"
        return Problem(path=f"line {number}", message=message, expected="one job on one line")
    if not isinstance(value, dict):
        return Problem(path=f"line {number}", message="is not an object", expected="one job on one line")
    return None


def _path(number: int, path: str) -> str:
    return f"line {number}: {path}"

"""CSV: a header that names columns, then one job a row; an empty cell is a field left out.

UTF-8; comma, semicolon or tab, whichever stands in the header; quotes as usual. Line numbers are those of the file, so
that an editor finds them, also where a quoted cell holds line breaks.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from agent.domain.names import nearest
from agent.intake.cells import BadCell
from agent.intake.csv_columns import ACTION, COLUMNS, column_of, reader_of
from agent.intake.item import Item
from agent.jobs.model import ACTIONS
from agent.jobs.problems import Problem, suggestion_of

_LISTS = frozenset({"projects", "hand_over", "people", "members_exactly", "members_at_least", "members_remove"})


def csv_items(text: str) -> tuple[list[Item], list[Problem]]:
    """The rows as items, and every problem of header and cells."""
    problems: list[Problem] = []
    rows = _rows(text, problems)
    try:
        at, header = next(rows)
    except StopIteration:
        return [], problems
    names = [cell.strip().lower() for cell in header]
    problems.extend(_header_problems(at, names))
    if ACTION not in names:
        return [], problems
    items = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        found = list(_row_problems(line, names, cells))
        document = _job(line, names, cells, found)
        problems.extend(found)
        told = frozenset(problem.path for problem in found)
        items.append(Item(line, json.dumps(document), partial(_path, line), told))
    return items, problems


def _rows(text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of the line on which it begins."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for cells in reader:
            if cells:
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(path=f"line {begin}", message=f"is not CSV: {error}", expected="closed quotes"))


def _header_problems(line: int, names: Sequence[str]) -> Iterator[Problem]:
    for at, name in enumerate(names):
        place = f"line {line}, column {at + 1}"
        if not name:
            yield Problem(path=place, message="has no name in the header", expected="a column's name")
        elif name not in COLUMNS:
            near = nearest(name, COLUMNS)
            yield Problem(
                path=f"line {line}, {name[:60]}",
                message="is not a known column",
                expected="" if near else f"one of {', '.join(COLUMNS)}",
                suggestion=suggestion_of(near),
            )
        elif name in names[:at]:
            yield Problem(path=f"line {line}, {name}", message="stands in the header twice", expected="each once")
    if ACTION not in names:
        yield Problem(
            path=f"line {line}",
            message="the header names no column 'action'",
            expected="a first line of column names (docs/reference/job-csv.md)",
        )


def _row_problems(line: int, names: Sequence[str], cells: Sequence[str]) -> Iterator[Problem]:
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        message = f"has {len(cells)} cells under {len(names)} columns"
        yield Problem(path=f"line {line}", message=message, expected="quotes around a cell that holds the separator")


def _job(line: int, names: Sequence[str], cells: Sequence[str], problems: list[Problem]) -> dict[str, Any]:
    """The row as a job's document; what cannot be read is told and left out."""
    given = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name in COLUMNS and cell.strip()}
    action = given.get(ACTION, "")
    document: dict[str, Any] = {}
    for name, cell in given.items():
        column = COLUMNS[name]
        if action in ACTIONS and not column.belongs_to(action):
            problems.append(
                Problem(path=f"line {line}, {name}", message=f"has no meaning for {action}", expected="an empty cell")
            )
            continue
        try:
            value = reader_of(name, action)(cell)
        except BadCell as error:
            problems.append(Problem(path=f"line {line}, {name}", message=error.message, expected=error.expected))
            if name == "company_levels":
                _put(document, column.path, {})  # so that the access as a whole is not told as missing besides
            continue
        _put(document, column.path, value)
    _settle(line, given, document, problems)
    return document


def _settle(line: int, given: dict[str, str], document: dict[str, Any], problems: list[Problem]) -> None:
    """The two columns each that make up a company and an access, and the empty parts that every job has."""
    if "company_id" in given:
        if "company" in given:
            document["company"] = {"name": given["company"], "id": given["company_id"]}
        else:
            document.pop("company", None)
            problems.append(
                Problem(path=f"line {line}, company_id", message="stands alone", expected="the name in company, too")
            )
    if given.get("company_template", "").casefold() == "none" and "company_levels" not in given:
        document["company_access"] = "none"
    if given.get(ACTION) == "provision":
        document.setdefault("person", {}).setdefault("attributes", {})


def _put(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    current = document
    for part in path[:-1]:
        inner = current.get(part)
        current = inner if isinstance(inner, dict) else current.setdefault(part, {})
        if not isinstance(current, dict):
            return  # a company's id beside its name: put together afterwards
    current[path[-1]] = value


def _path(line: int, path: str) -> str:
    """``line 7, projects (entry 2)`` for a JSON path of the row's job."""
    name = column_of(path)
    inner = path.partition("[")[2].partition("]")[0] if name in _LISTS else ""
    return f"line {line}, {name}" + (f" (entry {int(inner) + 1})" if inner.isdecimal() else "")

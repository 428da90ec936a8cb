"""Masks other people in a recording's pages; the number of nodes never changes, since pages refer to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from agent.evidence.private import Bystanders, Element

_Line = dict[str, Any]
#: Bodies in which nobody is shown: styles, fonts, drawings, scripts, and forms that the agent sent. In all others
#: (pages as they came, data, photographs) people stand who cannot be told apart by their place.
_WITHOUT_PEOPLE = re.compile(
    r"text/css|font|image/svg|javascript|x-www-form-urlencoded|multipart/form-data", re.IGNORECASE
)
_NAMES_WITHOUT_PEOPLE = frozenset({".css", ".js", ".mjs", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".svg"})
#: Attributes that spell a person out beside the text of a row.
_SPELLING = frozenset(
    {
        "aria-label",
        "title",
        "alt",
        "value",
        "__playwright_value_",
        "placeholder",
        "data-name",
        "data-email",
        "data-login",
    }
)
NOT_KEPT = b"not kept: the settings of this agent mask everybody but the job's person (people = subject)"


def learn_from(lines: list[_Line], bystanders: Bystanders) -> frozenset[str]:
    """Learn the names in other people's rows, of all pages; returns the ids of rows that are the subject's."""
    own: set[str] = set()
    for row in _rows(lines, bystanders):
        if not bystanders.is_about_somebody_else(_texts(row)):
            own.add(_row_id(row))
    for row in _rows(lines, bystanders):
        if _row_id(row) not in own:
            bystanders.learn(text for cell in _within(row, bystanders.names) for text in _text_nodes(cell))
    return frozenset(own - {""})


def mask_page(node: Any, bystanders: Bystanders, own_rows: frozenset[str]) -> Any:
    """A page of the recording with the rows of others masked; what stands outside of rows is masked by value later."""
    if not _is_element(node):
        return node
    if any(element.matches(node[0], _attributes(node)) for element in bystanders.rows):
        if _row_id(node) in own_rows or not bystanders.is_about_somebody_else(_texts(node)):
            return node
        return _masked_row(node, bystanders)
    return _rebuilt(node, lambda child: mask_page(child, bystanders, own_rows))


def holds_people(name: str, content_type: str) -> bool:
    """Whether a stored body may show people; one of a type that nobody told is judged by its name."""
    if content_type:
        return _WITHOUT_PEOPLE.search(content_type) is None
    return PurePosixPath(name).suffix.lower() not in _NAMES_WITHOUT_PEOPLE


def _masked_row(row: Any, bystanders: Bystanders) -> Any:
    personal = bystanders.names + bystanders.details
    if not any(True for _ in _within(row, personal)):
        return _masked(row, bystanders.detail)  # markup that we do not know: nothing of it is kept
    return _masked_cells(row, bystanders)


def _masked_cells(node: Any, bystanders: Bystanders) -> Any:
    if not _is_element(node):
        return node
    node = _without_spelling(node, bystanders.detail)
    attributes = _attributes(node)
    if any(element.matches(node[0], attributes) for element in bystanders.names):
        return _masked(node, bystanders.name)
    if any(element.matches(node[0], attributes) for element in bystanders.details):
        return _masked(node, bystanders.detail)
    return _rebuilt(node, lambda child: _masked_cells(child, bystanders))


def _masked(node: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(node, str):
        return mask(node)
    if not _is_element(node):
        return node
    return _rebuilt(_without_spelling(node, mask), lambda child: _masked(child, mask))


def _without_spelling(node: Any, mask: Callable[[str], str]) -> Any:
    """The element with those of its attributes masked that are read out or shown; others tell where it stands."""
    attributes = _attributes(node)
    if not attributes:
        return node
    masked = {
        name: mask(value)
        if isinstance(value, str) and (name.lower() in _SPELLING or value.startswith(("mailto:", "tel:")))
        else value
        for name, value in attributes.items()
    }
    return [node[0], masked, *node[2:]]


def _rebuilt(node: Any, each: Callable[[Any], Any]) -> Any:
    if len(node) > 1 and isinstance(node[1], dict):
        return [node[0], node[1], *(each(child) for child in node[2:])]
    return [node[0], *(each(child) for child in node[1:])]


def _rows(lines: list[_Line], bystanders: Bystanders) -> Iterator[Any]:
    for line in lines:
        if line.get("type") == "frame-snapshot":
            yield from _within(line.get("snapshot", {}).get("html"), bystanders.rows)


def _within(node: Any, elements: tuple[Element, ...]) -> Iterator[Any]:
    """The node itself and what is inside it, where one of the selectors matches."""
    if not _is_element(node):
        return
    if any(element.matches(node[0], _attributes(node)) for element in elements):
        yield node
        return
    for child in node[1:]:
        yield from _within(child, elements)


def _row_id(row: Any) -> str:
    return str(_attributes(row).get("data-id", ""))


def _texts(node: Any) -> Iterator[str]:
    """Every text inside, attributes included."""
    if isinstance(node, str):
        yield node
    elif _is_element(node):
        yield from (str(value) for value in _attributes(node).values())
        for child in node[1:]:
            yield from _texts(child)


def _text_nodes(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif _is_element(node):
        for child in node[1:]:
            yield from _text_nodes(child)


def _is_element(node: Any) -> bool:
    return isinstance(node, list) and bool(node) and isinstance(node[0], str)


def _attributes(node: Any) -> dict[str, Any]:
    return node[1] if len(node) > 1 and isinstance(node[1], dict) else {}

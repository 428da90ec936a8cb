"""A selector for an element, as an entry that an engineer may put into the catalogue. Nothing uses it by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from agent.debugging.likeness import Candidate
from agent.debugging.wanted import Wanted
from agent.recording.nodes import Element, walk
from flows.catalogue import Hook

#: Attributes by which an element is best held, the best first; data-* ones come after the id.
_HOLDS = ("name", "aria-label", "href", "title", "placeholder", "alt", "for", "value", "type")
_SET = frozenset({"submit", "button", "radio", "checkbox", "hidden", "reset", "image"})  # values nobody types
_LONGEST = 120
_MADE_UP = re.compile(r"\d{4,}|[0-9a-f]{8,}|:r\w+:")  # an id that another page or another day has otherwise


def selector_for(
    candidate: Candidate, wanted: Sequence[Wanted], given: Mapping[str, str], page: Element, *, alone: bool
) -> str:
    """A selector that holds the element by what is its own; empty when it has nothing of the kind.

    ``given`` are the values that stood in the old selector's placeholders: where they stand in the new one, the
    placeholder does. The part of the old selector that says inside of what it is stays. ``alone``: no other element of
    the page shall be found, as far as the element's own attributes can tell.
    """
    own = _own(candidate.element, given, page, alone)
    outer = next((one.outer for one in wanted if one.outer), "") if "in the same place" in candidate.why else ""
    return f"{_with_placeholders(outer, given)}{own}" if own else ""


def _own(element: Element, given: Mapping[str, str], page: Element, alone: bool) -> str:
    held: list[str] = []
    others = [other for _, other in walk(page) if other.tag == element.tag and other is not element]
    for name in _holds(element, given):
        fewer = [other for other in others if other.attributes.get(name) == element.attributes[name]]
        if held and len(fewer) == len(others):
            continue  # it tells this element from no other one
        held.append(name)
        others = fewer
        if not others or not alone:
            break
    if held == ["id"] and re.fullmatch(r"[A-Za-z_][\w-]*", element.attributes["id"]):
        return f"#{element.attributes['id']}"
    if not held:
        return _by_class(element, others)
    return element.tag.lower() + "".join(_written(name, element.attributes[name], given) for name in held)


def _by_class(element: Element, others: Sequence[Element]) -> str:
    """By the class that the fewest others have; weak, since classes are made for looks."""
    counted = {
        name: sum(name in other.attributes.get("class", "").split() for other in others)
        for name in element.attributes.get("class", "").split()
        if re.fullmatch(r"[A-Za-z_][\w-]*", name) and not _MADE_UP.search(name)
    }
    return f"{element.tag.lower()}.{min(counted, key=lambda name: counted[name])}" if counted else ""


def _holds(element: Element, given: Mapping[str, str]) -> list[str]:
    """The attributes that may hold an element, the best first."""
    attributes, tag = element.attributes, element.tag.lower()
    data = sorted((name for name in attributes if name.startswith("data-")), key=lambda name: not attributes[name])
    typed = tag == "textarea" or (tag == "input" and attributes.get("type", "text").lower() not in _SET)
    return [
        name
        for name in ("id", *data, *_HOLDS)
        if name in attributes
        and not (name == "value" and typed)
        and (attributes[name] or name.startswith("data-"))
        and len(attributes[name]) < _LONGEST
        and not _is_made_up(attributes[name], given)
    ]


def _written(name: str, value: str, given: Mapping[str, str]) -> str:
    return f"[{name}={_quoted(value, given)}]" if value else f"[{name}]"


def _is_made_up(value: str, given: Mapping[str, str]) -> bool:
    """Whether a value belongs to this page only; a placeholder's value does not count."""
    for known in given.values():
        value = value.replace(known, "") if known else value
    return _MADE_UP.search(value) is not None


def _quoted(value: str, given: Mapping[str, str]) -> str:
    """The value as a CSS string, with placeholders where the values given stand."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_with_placeholders(escaped, given)}"'


def _with_placeholders(text: str, given: Mapping[str, str]) -> str:
    for name, value in given.items():
        if value:
            text = text.replace(value, f"{{{name}}}")
    return text


def filled(selector: str, given: Mapping[str, str]) -> str:
    """The selector with the values in it, for counting."""
    for name, value in given.items():
        selector = selector.replace(f"{{{name}}}", value)
    return selector


def entry(key: str, hook: Hook | None, selector: str, job_id: str) -> str:
    """The catalogue's entry with another selector, in TOML; marked as inferred until somebody has looked."""
    old = hook.note if hook is not None else ""
    note = f"{old} Proposed by agent debug from {job_id}; not checked.".strip()
    return "\n".join(
        [
            f'[hooks."{key}"]',
            f"selector = {_toml(selector)}",
            'mark = "I"',
            f"match = {_toml(hook.match.value if hook is not None else 'one')}",
            f"note = {_toml(note)}",
        ]
    )


def _toml(text: str) -> str:
    """A TOML string: in single quotes where that can be, since selectors are full of double ones."""
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

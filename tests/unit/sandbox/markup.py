"""Elements of served HTML, found by a small part of CSS: `tag#id[name="value"][name^="start"]`. No browser."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SELECTOR = re.compile(r"^([\w-]*)((?:#[\w-]+|\[[^\]]+\])*)$")
_PART = re.compile(r'#([\w-]+)|\[([\w-]+)(?:([$^*]?)="([^"]*)")?\]')
_VOID = frozenset({"input", "meta", "link", "br", "img", "hr"})


@dataclass
class Element:
    """One element with its attributes and all the text in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    place: int = field(default=0)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, place=len(self.elements))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].tag == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data


def elements_of(page: str) -> list[Element]:
    """Every element of a page, in document order."""
    reader = _Reader()
    reader.feed(page)
    return reader.elements


def find(elements: list[Element], selector: str) -> list[Element]:
    """The elements that a selector means; ValueError for a selector beyond this small part of CSS."""
    whole = _SELECTOR.match(selector)
    if whole is None:
        raise ValueError(selector)
    tests = [(m[1], m[2], m[3] or "", m[4]) for m in _PART.finditer(whole[2])]
    return [e for e in elements if (not whole[1] or e.tag == whole[1]) and all(_holds(e, *test) for test in tests)]


def _holds(element: Element, wanted_id: str | None, name: str | None, how: str, value: str | None) -> bool:
    if wanted_id is not None:
        return element.attributes.get("id") == wanted_id
    present = element.attributes.get(name or "")
    if present is None or value is None:
        return present is not None
    return {
        "": present == value,
        "^": present.startswith(value),
        "$": present.endswith(value),
        "*": value in present,
    }[how]

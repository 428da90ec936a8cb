"""What a selector looks for, taken apart: enough of CSS and of Playwright's words to compare it with elements.

Not a selector engine: nothing is matched here. What is not understood is left out, so that an unusual selector gives a
poorer description and never an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"-?[A-Za-z_][\w-]*")
_IDENTITY = re.compile(r"(?:\\.|[\w-])+")
_ATTRIBUTE = re.compile(
    r"""\[\s*([\w:-]+)\s*(?:[~|^$*]?=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\]\s"']+))\s*[isIS]?\s*)?\]"""
)
_QUOTED = re.compile(r"""^\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|/(.*)/[a-z]*)\s*[is]?\s*$""", re.DOTALL)
_PLAYWRIGHT = re.compile(r"^(?:internal:)?(text|role|label|attr|testid|has-text)=(.*)$", re.DOTALL)
_TEXTS = frozenset({"text-is", "has-text", "text", "text-matches"})
_INSIDE = frozenset({"is", "where"})
_LONGEST = 4_000
_DEEPEST = 8  # brackets within brackets


@dataclass(frozen=True)
class Traits:
    """How one element is described."""

    tags: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    attributes: tuple[tuple[str, str], ...] = ()  # an empty value: only that it is there
    texts: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def __or__(self, other: Traits) -> Traits:
        return Traits(
            self.tags | other.tags,
            self.ids | other.ids,
            self.classes | other.classes,
            (*self.attributes, *(item for item in other.attributes if item not in self.attributes)),
            self.texts | other.texts,
            self.roles | other.roles,
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return self == Traits()


@dataclass(frozen=True)
class Wanted:
    """One way in which a selector can be met: the element, what it is inside of, and how that part was written."""

    element: Traits
    around: tuple[Traits, ...] = ()
    outer: str = ""  # the text before the last part, with its combinator


def wanted_by(selector: str) -> tuple[Wanted, ...]:
    """Every alternative of a selector; none for an empty one."""
    return _wanted(selector[:_LONGEST], 0)


def _wanted(selector: str, depth: int) -> tuple[Wanted, ...]:
    if depth > _DEEPEST:
        return ()
    found = (_alternative(text, depth) for text in _split(selector, ","))
    return tuple(wanted for wanted in found if not wanted.element.is_empty)


def _alternative(text: str, depth: int) -> Wanted:
    parts = _compounds(text.strip())
    if not parts:
        return Wanted(Traits())
    traits = [_traits(part, depth) for part, _ in parts]
    return Wanted(traits[-1], tuple(traits[:-1]), text.strip()[: parts[-1][1]])


def _compounds(text: str) -> list[tuple[str, int]]:
    """The parts between combinators, each with the place at which it begins."""
    found: list[tuple[str, int]] = []
    begin: int | None = None
    for at, sign in _top_level(text):
        between = sign in " >+~" or sign.isspace()
        if between and begin is not None:
            found.append((text[begin:at], begin))
            begin = None
        elif not between and begin is None:
            begin = at
    if begin is not None:
        found.append((text[begin:], begin))
    return [part for part in found if not part[0].startswith("nth=")]


def _split(text: str, separator: str) -> list[str]:
    cuts = [at for at, sign in _top_level(text) if sign == separator]
    return [text[begin + 1 : end] for begin, end in zip([-1, *cuts], [*cuts, len(text)], strict=True)]


def _top_level(text: str) -> Sequence[tuple[int, str]]:
    """Characters outside brackets and quotes; of a bracketed part only the brackets themselves."""
    found = []
    depth, quote, skip = 0, "", False
    for at, sign in enumerate(text):
        if skip:
            skip = False
            continue
        if sign == "\\":
            skip = True
        elif quote:
            quote = "" if sign == quote else quote
            continue
        elif sign in "\"'":
            quote = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth = max(0, depth - 1)
            continue
        if not depth or (depth == 1 and sign in "(["):
            found.append((at, sign if not quote and not skip else "x"))
    return found


def _traits(part: str, depth: int) -> Traits:
    """One compound: ``button#go.big[type="submit"]:text-is("Go")``."""
    special = _PLAYWRIGHT.match(part)
    if special:
        return _special(special.group(1), special.group(2))
    traits, at = Traits(), 0
    tag = _NAME.match(part)
    if tag:
        traits, at = Traits(tags=frozenset({tag.group(0).lower()})), tag.end()
    while at < len(part):
        more, at = _one(part, at, depth)
        traits |= more
    return traits


def _one(part: str, at: int, depth: int) -> tuple[Traits, int]:
    """The description that begins here, and where the next one does."""
    sign = part[at]
    if sign in "#.":
        name = _IDENTITY.match(part, at + 1)
        if name is None:
            return Traits(), at + 1
        words = frozenset({_plain(name.group(0))})
        return (Traits(ids=words) if sign == "#" else Traits(classes=words)), name.end()
    if sign == "[":
        found = _ATTRIBUTE.match(part, at)
        if found is None:
            return Traits(), at + 1
        value = next((group for group in found.groups()[1:] if group is not None), "")
        return _attribute(found.group(1).lower(), _plain(value)), found.end()
    if sign == ":":
        return _pseudo(part, at, depth)
    return Traits(), at + 1


def _attribute(name: str, value: str) -> Traits:
    if name == "id" and value:
        return Traits(ids=frozenset({value}))
    if name == "role" and value:
        return Traits(roles=frozenset({value}))
    return Traits(attributes=((name, value),))


def _pseudo(part: str, at: int, depth: int) -> tuple[Traits, int]:
    name = _NAME.match(part, at + 1)
    if name is None:
        return Traits(), at + 1
    if name.end() >= len(part) or part[name.end()] != "(":
        return Traits(), name.end()
    end = _closing(part, name.end())
    inside = part[name.end() + 1 : end]
    if name.group(0) in _TEXTS:
        quoted = _QUOTED.match(inside)
        words = next((group for group in quoted.groups() if group is not None), "") if quoted else ""
        return (Traits(texts=frozenset({_plain(words)})) if words else Traits()), end + 1
    if name.group(0) in _INSIDE:
        traits = Traits()
        for alternative in _wanted(inside, depth + 1):
            traits |= alternative.element
        return traits, end + 1
    return Traits(), end + 1


def _closing(part: str, opening: int) -> int:
    """Where the bracket that opens here is closed; the end of the text when it never is."""
    depth, quote = 0, ""
    for at in range(opening, len(part)):
        sign = part[at]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if not depth:
                return at
    return len(part)


def _special(kind: str, rest: str) -> Traits:
    """Playwright's own form: ``internal:role=button[name="Sign in"i]``, ``text="Save"``."""
    if kind == "role":
        role = _NAME.match(rest)
        name = re.search(r'\[name=(?:"((?:\\.|[^"\\])*)"|/(.*?)/)', rest)
        words = next((group for group in name.groups() if group), "") if name else ""
        return Traits(
            roles=frozenset({role.group(0)}) if role else frozenset(),
            texts=frozenset({_plain(words)}) if words else frozenset(),
        )
    if kind in {"attr", "testid"}:
        found = _ATTRIBUTE.search(rest)
        value = next((group for group in found.groups()[1:] if group is not None), "") if found else ""
        return _attribute(found.group(1).lower(), _plain(value)) if found else Traits()
    quoted = _QUOTED.match(rest)
    words = next((group for group in quoted.groups() if group is not None), "") if quoted else rest.strip()
    return Traits(texts=frozenset({_plain(words)})) if words else Traits()


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)

"""Which elements of a recorded page look most like the one that a selector no longer finds.

A likeness is a guess for an engineer to look at. It is never used to find anything by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import islice

from agent.debugging.wanted import Traits, Wanted
from agent.recording.nodes import TARGET, Element, Path, walk

_QUOTED = re.compile(r'(\b(?:never|not) )?"([^"]+)"')
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SILENT = frozenset({"html", "head", "meta", "link", "style", "title", "base", "script", "template", "noscript"})
_TAG_ROLES = {
    "button": "button",
    "a": "link",
    "select": "combobox",
    "textarea": "textbox",
    "dialog": "dialog",
    "table": "table",
    "tr": "row",
    "td": "cell",
    "th": "columnheader",
    "ul": "list",
    "ol": "list",
    "li": "listitem",
    "form": "form",
    "nav": "navigation",
    "main": "main",
    "header": "banner",
    "option": "option",
    "img": "img",
    **{f"h{level}": "heading" for level in range(1, 7)},
}
_INPUT_ROLES = {
    "submit": "button",
    "button": "button",
    "image": "button",
    "reset": "button",
    "checkbox": "checkbox",
    "radio": "radio",
    "search": "searchbox",
    "number": "spinbutton",
    "hidden": "",
}
_LEAST = 0.25
_LONGEST_TEXT = 200
_MOST_ELEMENTS = 50_000  # a page with more is not gone through to its end
_NAMING = ("aria-label", "title", "alt", "placeholder", "value")


@dataclass(frozen=True)
class Candidate:
    """An element that may be meant."""

    element: Element
    path: Path
    likeness: float  # 0 to 1
    why: tuple[str, ...]
    text: str
    known_as: tuple[str, ...] = ()  # catalogue keys that find it


@dataclass(frozen=True)
class Surroundings:
    """What is known of the page beside its elements."""

    #: catalogue keys by the place of the element they find
    known: Mapping[Path, tuple[str, ...]]
    #: places that can be seen; None when nobody has looked
    visible: frozenset[Path] | None = None

    def is_sure(self, key: str) -> bool:
        """Whether a key finds one element only, and none that every page has: then that element is taken."""
        found = sum(key in keys for keys in self.known.values())
        return found == 1 and not key.startswith(("shell.", "overlay."))


def nearest(
    root: Element, wanted: Sequence[Wanted], key: str, note: str, around: Surroundings, most: int = 5
) -> tuple[Candidate, ...]:
    """The likeliest elements, the likeliest first; none for a selector that says nothing."""
    elements = list(islice(walk(root), _MOST_ELEMENTS))
    parents = dict(elements)
    labels = _labels(element for _, element in elements)
    siblings = [path for path, keys in around.known.items() if any(_page(other) == _page(key) for other in keys)]
    found = []
    for path, element in elements:
        if element.tag.lower() in _SILENT:
            continue
        best = max(
            (_likeness(element, path, one, parents, labels) for one in wanted),
            key=lambda item: item[0],
            default=(0.0, ()),
        )
        if best[0] <= 0.1:
            continue
        score, why = _adjusted(best, element, path, key, note, around, siblings, labels)
        if score > _LEAST:
            text = _name(element, labels)
            found.append(
                Candidate(element, path, min(score, 1.0), why, text[:_LONGEST_TEXT], around.known.get(path, ()))
            )
    found.sort(key=lambda candidate: (-candidate.likeness, candidate.element.size))
    return tuple(found[:most])


def _likeness(
    element: Element, path: Path, wanted: Wanted, parents: Mapping[Path, Element], labels: Mapping[str, str]
) -> tuple[float, tuple[str, ...]]:
    """How far an element fits one description, of 1, and in what."""
    got, of, why = 0.0, 0.0, []
    given = element.attributes
    for weight, likeness, words in _compared(element, wanted.element, labels):
        of += weight
        got += weight * likeness
        if likeness >= 0.5:
            why.append(words if likeness > 0.99 else f"{words} ({likeness:.0%})")
    if not of:
        return 0.0, ()
    for outer in wanted.around:
        of += 0.8
        above = (parents.get(path[:length]) for length in range(len(path)))
        inside = any(holder is not None and _meets(holder, outer) for holder in above)
        got += 0.8 * inside
        if inside:
            why.append("in the same place")
    if TARGET in given:
        got += 0.5  # the recorder saw the call act on it
    return got / of, tuple(dict.fromkeys(why))


def _compared(element: Element, wanted: Traits, labels: Mapping[str, str]) -> Iterable[tuple[float, float, str]]:
    """Weight, likeness and words of each trait that is asked for."""
    given = element.attributes
    tag = element.tag.lower()
    if wanted.tags:
        same = tag in wanted.tags
        related = role_of(element) in {_TAG_ROLES.get(other) for other in wanted.tags} - {None}
        yield 0.8, 1.0 if same else 0.7 if related else 0.0, f"a <{tag}>"
    for identity in wanted.ids:
        own = similar(identity, given.get("id", ""))
        elsewhere, where = _elsewhere(identity, given, "id")
        yield 2.0, *max((own, f"id {given.get('id', '')!r}"), (0.8 * elsewhere, where))
    for name, value in wanted.attributes:
        yield 2.0 if value else 1.0, *_attribute(name, value, given)
    for name in wanted.classes:
        closest = max((similar(name, other) for other in given.get("class", "").split()), default=0.0)
        yield 1.2, closest, "a class like it"
    for role in wanted.roles:
        yield 1.0, float(role_of(element) == role), f"role {role}"
    for text in wanted.texts:
        yield 2.0, similar(text, _name(element, labels)), "text"


def _attribute(name: str, value: str, given: Mapping[str, str]) -> tuple[float, str]:
    """How far one attribute is there: by its name and value, by a like value, or under another name."""
    if name in given:
        return (similar(value, given[name]) if value else 1.0), f"{name}={given[name]!r}"
    if not value:
        closest = max(given, key=lambda other: similar(name, other), default="")
        return 0.8 * similar(name, closest), f"an attribute {closest}"
    likeness, words = _elsewhere(value, given, name)
    return 0.85 * likeness, words


def _elsewhere(value: str, given: Mapping[str, str], but: str) -> tuple[float, str]:
    """The attribute of another name whose value is most like it."""
    found = [
        (similar(value, other), f"{name}={other!r}")
        for name, other in given.items()
        if name != but and other and not name.startswith("__playwright") and name not in {"class", "style"}
    ]
    return max(found, default=(0.0, ""))


def _adjusted(
    best: tuple[float, tuple[str, ...]],
    element: Element,
    path: Path,
    key: str,
    note: str,
    around: Surroundings,
    siblings: Sequence[Path],
    labels: Mapping[str, str],
) -> tuple[float, tuple[str, ...]]:
    """What the catalogue's key, the neighbours and the view add and take away."""
    score, why = best
    name = _name(element, labels)
    own = (name, *(element.attributes.get(hold, "") for hold in ("id", "name", "data-qa", "aria-label", "value")))
    by_key = max(similar(key.partition(".")[2], words) for words in own)
    if by_key >= 0.75:
        score, why = score + 0.2 * by_key, (*why, f"named like {key}")
    if siblings and max(_together(path, other) for other in siblings) >= 0.7:
        score, why = score + 0.08, (*why, "beside other places of this page")
    inside = sum(other[: len(path)] == path and other != path for other in siblings) / max(len(siblings), 1)
    if inside >= 0.5 and len(path) > 1:
        score, why = score + 0.12 * inside, (*why, "holds other places of this page")
    if around.visible is not None and path not in around.visible:
        score *= 0.8
    others = [other for other in around.known.get(path, ()) if other != key and around.is_sure(other)]
    if others:
        score, why = score * 0.7, (*why, f"but it is {others[0]} already")
    for never, words in _QUOTED.findall(note):
        if words.casefold() == name.casefold() and never:
            score, why = score * 0.4, (*why, "the catalogue's note says never this one")
        elif words.casefold() == name.casefold():
            score, why = score + 0.1, (*why, "the catalogue's note says this text")
    return score, why


def _together(one: Path, other: Path) -> float:
    """How much of their way two places share."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared / max(len(one), len(other), 1)


def _meets(element: Element, wanted: Traits) -> bool:
    """Whether an element is exactly what is described, as far as the description was understood."""
    given = element.attributes
    return (
        (not wanted.tags or element.tag.lower() in wanted.tags)
        and (not wanted.ids or given.get("id") in wanted.ids)
        and wanted.classes <= set(given.get("class", "").split())
        and all(name in given and (not value or value in given[name]) for name, value in wanted.attributes)
        and (not wanted.roles or role_of(element) in wanted.roles)
    )


def role_of(element: Element) -> str:
    """The role that an element has for a reader; empty when it has none of its own."""
    given = element.attributes
    if given.get("role"):
        return given["role"].split()[0]
    tag = element.tag.lower()
    if tag == "input":
        return _INPUT_ROLES.get(given.get("type", "text").lower(), "textbox")
    if tag == "a" and "href" not in given:
        return ""
    return _TAG_ROLES.get(tag, "")


def _labels(elements: Iterable[Element]) -> dict[str, str]:
    return {
        element.attributes["for"]: _words(element.text)
        for element in elements
        if element.tag == "LABEL" and element.attributes.get("for")
    }


def _name(element: Element, labels: Mapping[str, str]) -> str:
    """What an element is called, near enough: label, naming attribute, or its text."""
    given = element.attributes
    if given.get("id") in labels:
        return labels[given["id"]]
    text = _words(element.text) if element.size < 60 else ""
    return text or next((given[name] for name in _NAMING if given.get(name)), "")


def _words(text: str) -> str:
    return " ".join(text.split())


def _page(key: str) -> str:
    return key.partition(".")[0]


@lru_cache(maxsize=50_000)
def similar(one: str, other: str) -> float:
    """How much two names or texts are alike, from 0 to 1; word order and spelling of names do not count for much."""
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    left, right = set(_pieces(one)), set(_pieces(other))
    shared = len(left & right) / max(len(left | right), 1)
    letters = SequenceMatcher(None, one.casefold()[:_LONGEST_TEXT], other.casefold()[:_LONGEST_TEXT]).ratio()
    return min(0.98, max(shared, letters if letters > 0.6 else 0.0))


def _pieces(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text[:_LONGEST_TEXT])]

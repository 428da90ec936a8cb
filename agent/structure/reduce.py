"""Makes of a raw page what may be kept: its elements, their reduced attributes, nesting and counts.

Rows of a list that differ in nothing but their contents become one, with the number of times it stood there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from agent.structure.recording import Node, Page
from agent.structure.shapes import (
    FILLED,
    LONG,
    OTHER,
    address_shape,
    hook_shape,
    identifier_shape,
    json_shape,
    parsed,
    text_shape,
    value_shape,
)
from agent.structure.vocabulary import Vocabulary, single_spaced
from agent.structure.words import TAGS, listed
from flows import RawNode, RawPage

_LEFT_OUT = frozenset({"style", "noscript", "template", "link", "base", "path", "use", "defs"})
_SPOKEN = listed(
    """
    aria-label aria-description aria-roledescription aria-placeholder aria-valuetext title alt placeholder label summary
    """
)
_HOOKS = listed("id name class for form list headers slot is part exportparts itemprop property http-equiv") | listed(
    "aria-labelledby aria-describedby aria-controls aria-owns aria-errormessage aria-activedescendant"
)
_TEST_HOOKS = re.compile(
    r"data-(?:qa|pendo|test|testid|test-id|cy|header|hook|automation)(?:-[a-z-]+)?|data-field|col-id"
)
_ADDRESSES = frozenset({"href", "action", "formaction", "cite", "xlink:href"})
_DROPPED = re.compile(r"on.*|style|src|srcset|srcdoc|integrity|nonce|ping|data|poster|background|content|http-equiv")
_VALUES_OF = frozenset({"button", "option", "param", "li", "meter", "progress"})
_CHOSEN_TYPES = frozenset({"submit", "button", "reset", "radio", "checkbox"})
_MOST_CLASSES = 12
_ANY_COUNT = re.compile(r"#+|<words:\d+\+?>|<(?:w|email|number|token|long)>")


def reduced_page(raw: RawPage, known: Vocabulary) -> Page:
    """The page of which nothing is left but structure."""
    parts = urlsplit(raw.url)
    reducer = _Reducer(known, parts.hostname or "")
    return Page(
        place=raw.place,
        generation=raw.generation,
        address=address_shape(raw.url, parts.hostname or "", known),
        language=value_shape(raw.locale, known),
        globals={identifier_shape(name, known): kind for name, kind in sorted(raw.globals.items())},
        whole=raw.whole,
        root=reducer.element(raw.root)[0],
    )


class _Reducer:
    def __init__(self, known: Vocabulary, own_host: str) -> None:
        self._known = known
        self._own_host = own_host
        self._texts: dict[str, str] = {}

    def element(self, raw: RawNode) -> tuple[Node, str]:
        """One element with all that is under it, and what it is told from its like by."""
        tag = raw.tag.lower()
        attributes = dict(self._attributes(tag, raw.attributes))
        if tag == "script":
            held = self._embedded(raw)
            return Node(tag="script", at=attributes, json_keys=held), _likeness(["script", attributes, held])
        shown = self._tag(tag)
        children, likeness = ((), "") if tag == "svg" else self._children(raw)
        return Node(tag=shown, at=attributes, inner=children), _likeness([shown, attributes, likeness])

    def _tag(self, tag: str) -> str:
        if tag in TAGS:
            return tag
        shape = identifier_shape(tag, self._known)
        return shape if re.fullmatch(r"[a-z]+(?:-[a-z]+)+", shape) else "x-element"

    def _children(self, raw: RawNode) -> tuple[tuple[Node | str, ...], str]:
        """What is inside, with elements that are alike as one with its number of times."""
        whole_is_known = self._known.knows(_text_of(raw))
        kept: list[Node | str] = []
        likenesses: list[str] = []
        at: dict[str, int] = {}
        for child in raw.children:
            if isinstance(child, str):
                text = single_spaced(child) if whole_is_known else self._text(child)
                if text:
                    kept.append(text)
                    likenesses.append(_likeness(text))
                continue
            if child.tag.lower() in _LEFT_OUT:
                continue
            node, likeness = self.element(child)
            first = at.setdefault(likeness, len(kept))
            if first == len(kept):
                kept.append(node)
                likenesses.append(likeness)
            else:
                same = kept[first]
                assert isinstance(same, Node)
                kept[first] = same.model_copy(update={"times": same.times + 1})
        return tuple(kept), "".join(likenesses)

    def _text(self, text: str) -> str:
        shape = self._texts.get(text)
        if shape is None:
            shape = self._texts[text] = text_shape(text, self._known)
        return shape

    def _embedded(self, raw: RawNode) -> Any:
        found = parsed("".join(child for child in raw.children if isinstance(child, str)).strip())
        return None if found is None else json_shape(found, self._known)

    def _attributes(self, tag: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in sorted(attributes.items()):
            lowered = name.lower()
            if _DROPPED.fullmatch(lowered):
                continue
            kept = self._attribute_name(lowered)
            yield kept, self._attribute(tag, lowered, value, attributes)

    def _attribute_name(self, name: str) -> str:
        shape = identifier_shape(name, self._known)
        return shape if re.fullmatch(r"[a-z][a-z0-9:_-]*", shape) else "data-other"

    def _attribute(self, tag: str, name: str, value: str, all_of_them: Mapping[str, str]) -> str:
        known = self._known
        if name in _SPOKEN:
            return text_shape(value, known)
        if name in _ADDRESSES:
            return address_shape(value, self._own_host, known)
        if name == "class":
            return self._classes(value)
        if name == "value":
            return self._value(tag, value, all_of_them)
        held = parsed(value.strip())
        if held is not None:
            return json.dumps(json_shape(held, known), sort_keys=True, ensure_ascii=True)
        if _TEST_HOOKS.fullmatch(name):
            return hook_shape(value, known)
        if name in _HOOKS:
            return " ".join(identifier_shape(part, known) for part in value.split()[:20])
        if name.startswith("data-"):
            return value_shape(value, known)
        return self._plain(value)

    def _plain(self, value: str) -> str:
        """Of ``role``, ``type``, ``aria-expanded``: one of the few words that stand there, or what it looks like."""
        shape = value_shape(value, self._known)
        if shape != OTHER:
            return shape
        return value if re.fullmatch(r"[a-z]+", value) and self._known.knows_word(value) else shape

    def _value(self, tag: str, value: str, attributes: Mapping[str, str]) -> str:
        kind = attributes.get("type", "").lower()
        if tag in _VALUES_OF or (tag == "input" and kind in _CHOSEN_TYPES):
            return (
                text_shape(value, self._known)
                if kind in {"submit", "button", "reset"} and self._known.knows(value)
                else value_shape(value, self._known)
            )
        return FILLED if value else ""

    def _classes(self, value: str) -> str:
        """Of each class the words that are known; hashes and the rest are left out."""
        shapes = (identifier_shape(part, self._known) for part in value.split())
        kept = [shape for shape in shapes if shape != LONG and re.search(r"(?<![<\w])[A-Za-z]{2,}(?!>)", shape)]
        return " ".join(kept[:_MOST_CLASSES])


def _text_of(raw: RawNode) -> str:
    return "".join(
        child if isinstance(child, str) else _text_of(child)
        for child in raw.children
        if isinstance(child, str) or child.tag.lower() not in {"script", *_LEFT_OUT}
    )


def _likeness(parts: Any) -> str:
    """The same for all that differ in counts of words and digits only."""
    return hashlib.blake2b(_ANY_COUNT.sub("<>", repr(parts)).encode(), digest_size=12).hexdigest()

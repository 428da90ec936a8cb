"""The nodes of recorded pages: references between snapshots put in, by counting.

A snapshot is text, ``[TAG, attributes, child…]``, or ``[[back, number]]``: the node of that number in the snapshot so
many steps back in the same frame. Numbers are given after the children (post-order) to texts and elements, never to
references. References only ever point back, so a page is put together in one pass and nothing can go round in circles;
a page may still be *said* to be huge by pointing at the same node again and again, which the limits end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from agent.recording.archive import RecordingNotUnderstood

DEEPEST = 600  # Chromium's own parser ends at 512
MOST_NODES = 1_000_000

SHADOW_ROOT = "__playwright_shadow_root_"
STYLE_SHEET = "__playwright_style_sheet_"
TARGET = "__playwright_target__"
_UNCOUNTED = frozenset({"SCRIPT", "NOSCRIPT"})
_SYNTHETIC = "template"  # in lower case the recorder's own; a page's stands in upper case

Path: TypeAlias = tuple[int | str, ...]
Node: TypeAlias = "str | Element"


class Element:
    """A recorded element with its children. Shared between snapshots as long as nothing in it changed."""

    __slots__ = ("attributes", "children", "depth", "size", "tag")

    def __init__(self, tag: str, attributes: Mapping[str, str], children: tuple[Node, ...]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children = children
        inner = [child for child in children if isinstance(child, Element)]
        #: nodes of this tree, texts included
        self.size: int = 1 + len(children) - len(inner) + sum(child.size for child in inner)
        self.depth: int = 1 + max((child.depth for child in inner), default=0)
        if self.size > MOST_NODES or self.depth > DEEPEST:
            raise RecordingNotUnderstood("a page in it would be larger than any page")

    @property
    def shadow(self) -> Element | None:
        """The recorded (open) shadow root."""
        return next((child for child in self.elements if child.is_shadow_root), None)

    @property
    def elements(self) -> Iterator[Element]:
        """Child elements, the recorder's own among them."""
        return (child for child in self.children if isinstance(child, Element))

    @property
    def is_shadow_root(self) -> bool:
        """Whether this stands for a shadow root."""
        return self.tag == _SYNTHETIC and SHADOW_ROOT in self.attributes

    @property
    def is_adopted_sheet(self) -> bool:
        """Whether this stands for a style sheet that a script gave to the document or shadow root."""
        return self.tag == _SYNTHETIC and STYLE_SHEET in self.attributes

    @property
    def text(self) -> str:
        """All text in it, in order, shadow roots and styles left out."""
        parts: list[str] = []
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                parts.append(node)
            elif node.tag not in {_SYNTHETIC, "STYLE", "SCRIPT"}:
                stack.extend(reversed(node.children))
        return "".join(parts)


class NodeCounter:
    """All nodes of one frame's snapshots, by snapshot and number."""

    def __init__(self) -> None:
        self._numbered: list[list[Node]] = []

    def add(self, raw: Any) -> Element:
        """The page that the next snapshot of this frame says. RecordingNotUnderstood for what is no snapshot."""
        numbered: list[Node] = []
        root = self._build(raw, numbered)
        self._numbered.append(numbered)
        if not isinstance(root, Element):
            raise RecordingNotUnderstood("a snapshot is no element")
        return root

    def _build(self, raw: Any, numbered: list[Node]) -> Node:
        """Without recursion: how deep a page is nested must not be how deep our stack gets."""
        opened: list[_Opened] = []
        while True:
            made: Node | None = None
            if isinstance(raw, str):
                made = raw
                numbered.append(made)
            elif _is_reference(raw):
                made = self._referred(*raw[0])
            else:
                opened.append(_Opened(raw))
                if len(opened) > DEEPEST:
                    raise RecordingNotUnderstood("a page in it is nested deeper than any page")
            while True:  # whatever is complete by now is closed
                if made is not None:
                    if not opened:
                        return made
                    opened[-1].children.append(made)
                raw = next(opened[-1].coming, _END)
                if raw is not _END:
                    break
                made = opened.pop().closed()
                numbered.append(made)

    def _referred(self, back: int, number: int) -> Node:
        if 1 <= back <= len(self._numbered):
            there = self._numbered[-back]
            if 0 <= number < len(there):
                return there[number]
        raise RecordingNotUnderstood(f"a snapshot refers to a node that is not there ([{back}, {number}])")


_END = object()


class _Opened:
    """An element whose children are being put together."""

    def __init__(self, raw: Any) -> None:
        if not isinstance(raw, list) or not raw or not isinstance(raw[0], str) or not raw[0]:
            raise RecordingNotUnderstood("a snapshot holds a node of an unknown kind")
        attributes = raw[1] if len(raw) > 1 else {}
        if not isinstance(attributes, dict):
            raise RecordingNotUnderstood("an element of a snapshot has no attributes where they should be")
        self._tag = raw[0]
        self._attributes = {str(name): str(value) for name, value in attributes.items()}
        self.coming = iter(raw[2:])
        self.children: list[Node] = []

    def closed(self) -> Element:
        return Element(self._tag, self._attributes, tuple(self.children))


def _is_reference(raw: Any) -> bool:
    return (
        isinstance(raw, list)
        and len(raw) == 1
        and isinstance(raw[0], list)
        and len(raw[0]) == 2
        and all(type(part) is int for part in raw[0])
    )


# --- places ---


def counted(element: Element) -> Iterator[Element]:
    """The child elements that count in a path: the page's own, without scripts, which are not recorded."""
    children = [child for child in element.elements if child.tag != _SYNTHETIC and child.tag.upper() not in _UNCOUNTED]
    return iter(children[1:] if noted_base(element) is not None else children)


def noted_base(head: Element) -> Element | None:
    """The BASE that the recorder puts first into each head, to say what the page's addresses are relative to."""
    first = next(head.elements, None) if head.tag == "HEAD" else None
    return first if first is not None and first.tag == "BASE" else None


def walk(root: Element) -> Iterator[tuple[Path, Element]]:
    """Every element of the page with its path, in document order, shadow roots before the light children.

    A path names the place of an element: its number among its sisters, from the root down; ``#`` goes into a shadow
    root. ``agent/recording/places.py`` has the same for an element of a rebuilt page.
    """
    stack: list[tuple[Path, Element]] = [((), root)]
    while stack:
        path, element = stack.pop()
        yield path, element
        coming = [((*path, number), child) for number, child in enumerate(counted(element))]
        shadow = element.shadow
        if shadow is not None:
            coming = [((*path, "#", number), child) for number, child in enumerate(counted(shadow))] + coming
        stack.extend(reversed(coming))


def at(root: Element, path: Path) -> Element | None:
    """The element at this place; None when the page has none there."""
    element = root
    for part in path:
        if part == "#":
            inside = element.shadow
            if inside is None:
                return None
            element = inside
            continue
        child = next((item for number, item in enumerate(counted(element)) if number == part), None)
        if child is None:
            return None
        element = child
    return element


def target_of(root: Element) -> Path | None:
    """Where the element stands that the call acted on; None when the snapshot marks none."""
    return next((path for path, element in walk(root) if TARGET in element.attributes), None)

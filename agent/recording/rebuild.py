"""A recorded page as static HTML: what a person saw, with nothing in it that runs or asks for anything.

Values, ticks and choices stand where they stood, shadow roots come as declarative ones, frames as ``srcdoc``, style
sheets and pictures inside. What cannot be rebuilt without a script: closed shadow roots, canvases, scroll positions,
the backdrop of a modal window, ``:defined`` of custom elements, and markup that only a script could nest so.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urljoin

from agent.recording.archive import MIB, RecordingNotUnderstood
from agent.recording.exchanges import Bodies
from agent.recording.nodes import STYLE_SHEET, TARGET, Element, Node, noted_base
from agent.recording.places import ADDED
from agent.recording.snapshots import FRAME_SOURCE, Snapshot
from agent.recording.styles import Inlining

#: Nothing runs and nothing is asked for, wherever the page is opened; evaluating through the debugger stays possible.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline' data:; img-src data:; font-src data:; script-src 'unsafe-eval'; "
    "form-action 'none'"
)
_DEEPEST_FRAME = 5
_MOST_TEXT = 64 * MIB
_FIRST_LINES = f'<meta charset="utf-8" {ADDED}><meta http-equiv="Content-Security-Policy" content="{POLICY}" {ADDED}>'

_VOID = frozenset(
    {"AREA", "BASE", "BR", "COL", "EMBED", "HR", "IMG", "INPUT", "LINK", "META", "PARAM", "SOURCE", "TRACK", "WBR"}
)
#: text in these is taken as it stands by the parser, whatever is written in it
_RAW = frozenset({"PLAINTEXT", "XMP", "NOEMBED", "NOFRAMES", "NOSCRIPT"})
_KEEPS_FIRST_LINE_FEED = frozenset({"PRE", "TEXTAREA", "LISTING"})
_FRAMES = frozenset({"IFRAME", "FRAME"})
_LOADING = frozenset(
    {"srcset", "sizes", "srcdoc", "ping", "integrity", "nonce", "crossorigin", "autoplay", "background"}
)
_LOADING_BY_SRC = frozenset({"VIDEO", "AUDIO", "TRACK", "EMBED", "SOURCE", "OBJECT", "APPLET", *_FRAMES})
_CANVAS = {"width": 300, "height": 150}
_LARGEST_CANVAS = 32_767
_VALUE_AS_WRITTEN = frozenset({"checkbox", "radio", "file"})
_TAG = re.compile(r"[A-Za-z][^\s<>/\"'=\x00-\x1f]*")
_ATTRIBUTE = re.compile(r"[^\s<>/\"'=\x00-\x1f]+")
_LENGTH = re.compile(r"[0-9]{1,5}")
_DOCTYPE = re.compile(r"[A-Za-z]+")
_SCRIPT_ADDRESS = re.compile(
    r"[\s\x00-\x1f]*j[\s]*a[\s]*v[\s]*a[\s]*s[\s]*c[\s]*r[\s]*i[\s]*p[\s]*t[\s]*:", re.IGNORECASE
)

#: Finds the snapshot of a frame that belongs to a page's snapshot.
Frames = Callable[[Snapshot, str], Snapshot | None]


def rebuild(snapshot: Snapshot, bodies: Bodies, frames: Frames, within: tuple[str, ...] = ()) -> str:
    """The page of a snapshot. RecordingNotUnderstood when it would be larger than any page."""
    return _Page(snapshot, bodies, frames, (*within, snapshot.frame_id)).html()


class _Page:
    def __init__(self, snapshot: Snapshot, bodies: Bodies, frames: Frames, within: tuple[str, ...]) -> None:
        self._snapshot = snapshot
        self._bodies = bodies
        self._frames = frames
        self._within = within
        self._base = _base_of(snapshot)
        self._inlining = Inlining(bodies, snapshot.at, snapshot.sheets)
        self._written = 0
        self._out: list[str] = []

    def html(self) -> str:
        root = self._snapshot.root
        kind = _DOCTYPE.fullmatch(self._snapshot.doctype)
        if kind:
            self._write(f"<!DOCTYPE {kind.group(0)}>")
        if root.tag.upper() != "HTML":
            self._write(f"<html><head>{_FIRST_LINES}</head><body>")
            self._run([root])
            self._write("</body></html>")
        else:
            self._run([root])
        return "".join(self._out)

    def _write(self, text: str) -> None:
        self._written += len(text)
        if self._written > _MOST_TEXT:
            raise RecordingNotUnderstood("a page in it would be larger than any page")
        self._out.append(text)

    def _run(self, nodes: list[Node]) -> None:
        """Without recursion, for the same reason as when reading."""
        stack: list[Node | _Literal] = list(reversed(nodes))
        while stack:
            node = stack.pop()
            if isinstance(node, _Literal):
                self._write(node)
            elif isinstance(node, str):
                self._write(_escaped(node))
            else:
                stack.extend(reversed(list(self._element(node))))

    def _element(self, element: Element) -> Iterator[Node | _Literal]:
        tag = element.tag.upper()
        if tag == "SCRIPT" or not _TAG.fullmatch(element.tag):
            return
        if element.is_adopted_sheet:
            css = self._inlining.css(element.attributes[STYLE_SHEET], self._base)
            yield _Literal(f"<style {ADDED}>{_as_style(css)}</style>")
        elif element.is_shadow_root:
            yield _Literal('<template shadowrootmode="open">')
            yield from element.children
            yield _Literal("</template>")
        elif element is self._snapshot.root and tag == "HTML":
            yield from self._document(element)
        elif tag == "LINK":
            yield _Literal(self._link(element))
        elif element.tag == "STYLE":
            css = "".join(child for child in element.children if isinstance(child, str))
            yield _Literal(f"{self._opening('style', element)}{_as_style(self._inlining.css(css, self._base))}</style>")
        else:
            yield from self._ordinary(element, tag)

    def _ordinary(self, element: Element, tag: str) -> Iterator[Node | _Literal]:
        name = element.tag.lower() if element.tag.isupper() else element.tag
        if tag in _RAW:
            name = f"x-{name.lower()}"
        yield _Literal(self._opening(name, element))
        if element.tag in _VOID:
            return
        if tag == "TEXTAREA" and "__playwright_value_" in element.attributes:
            yield _Literal("\n" + _escaped(element.attributes["__playwright_value_"]))
        else:
            if tag in _KEEPS_FIRST_LINE_FEED and element.children and str(element.children[0]).startswith("\n"):
                yield _Literal("\n")
            yield from element.children if tag not in _FRAMES else ()
        yield _Literal(f"</{name}>")

    def _document(self, root: Element) -> Iterator[Node | _Literal]:
        adopted = [child for child in root.elements if child.is_adopted_sheet]
        yield _Literal(self._opening("html", root))
        if not any(child.tag == "HEAD" for child in root.elements):
            yield _Literal(f"<head {ADDED}>{_FIRST_LINES}")
            yield from adopted
            yield _Literal("</head>")
        for child in root.children:
            if isinstance(child, Element) and child.tag == "HEAD":
                yield _Literal(self._opening("head", child) + _FIRST_LINES)
                noted = noted_base(child)
                if noted is not None:
                    yield _Literal(f'<base href="{_quoted(self._base)}" {ADDED}>')
                yield from (inner for inner in child.children if inner is not noted)
                yield from adopted
                yield _Literal("</head>")
            elif child not in adopted:
                yield child
        yield _Literal("</html>")

    def _link(self, element: Element) -> str:
        """A linked sheet becomes a ``<style>``; every other link keeps its place and loses its address."""
        relation = element.attributes.get("rel", "").lower().split()
        wanted = "stylesheet" in relation and "alternate" not in relation and "disabled" not in element.attributes
        css = self._inlining.sheet(self._absolute(element.attributes.get("href", ""))) if wanted else None
        if css is None:
            return self._opening("link", element, without=frozenset({"href", "imagesrcset"}))
        return self._opening("style", element, without=frozenset({"href", "rel", "type"})) + _as_style(css) + "</style>"

    def _opening(self, name: str, element: Element, without: frozenset[str] = frozenset()) -> str:
        attributes = {
            key: value for key, value in self._attributes(element) if key not in without and _ATTRIBUTE.fullmatch(key)
        }
        return "".join([f"<{name}", *(f' {key}="{_quoted(value)}"' for key, value in attributes.items()), ">"])

    def _attributes(self, element: Element) -> Iterator[tuple[str, str]]:
        tag, given = element.tag.upper(), element.attributes
        for key, value in given.items():
            lower = key.lower()
            if lower.startswith("on") or lower in _LOADING or (lower.startswith("__playwright_") and key != TARGET):
                continue
            if lower in {"src", "data"} and tag in _LOADING_BY_SRC:
                continue
            if _is_told_otherwise(lower, tag, given):
                continue
            if lower == "http-equiv":
                yield "data-http-equiv", value
            elif lower in {"src", "poster"} or (
                lower in {"href", "xlink:href"} and element.tag in {"image", "feImage"}
            ):
                yield key, self._picture(given, lower, value)
            elif lower == "style" and "url(" in value.lower():
                yield key, self._inlining.css(value, self._base)
            elif _SCRIPT_ADDRESS.match(value):
                yield key, "javascript:void(0)"
            elif not (lower == "value" and self._has_other_value(element)):
                yield key, value
        yield from self._state(element, tag)

    def _canvas(self, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Without scripts a canvas takes no room; what stands below it would move up."""
        size = {
            side: int(given[side]) if _LENGTH.fullmatch(given.get(side, "")) else usual
            for side, usual in _CANVAS.items()
        }
        room = "".join(f"{side}:{min(length, _LARGEST_CANVAS)}px;" for side, length in size.items())
        yield "style", f"display:inline-block;{room}{given.get('style', '')}"

    def _state(self, element: Element, tag: str) -> Iterator[tuple[str, str]]:
        """What a script or a person had done to it, as attributes."""
        given = element.attributes
        if tag == "CANVAS":
            yield from self._canvas(given)
        if tag == "INPUT" and self._has_other_value(element):
            yield "value", given["__playwright_value_"]
        if given.get("__playwright_checked_") == "true":
            yield "checked", ""
        if given.get("__playwright_selected_", "true" if "selected" in given else "") == "true":
            yield "selected", ""
        if "__playwright_dialog_open_" in given and "open" not in given:
            yield "open", ""
        if tag == "IMG" and "src" not in given and "__playwright_current_src__" in given:
            yield "src", self._picture(given, "src", "")
        if tag in _FRAMES and given.get("src", "").startswith(FRAME_SOURCE):
            yield "srcdoc", self._frame(given["src"].removeprefix(FRAME_SOURCE))

    def _has_other_value(self, element: Element) -> bool:
        given = element.attributes
        if element.tag.upper() != "INPUT" or "__playwright_value_" not in given:
            return False
        if given.get("type", "").lower() in _VALUE_AS_WRITTEN:
            return False
        return given["__playwright_value_"] != given.get("value", "")

    def _frame(self, frame_id: str) -> str:
        if frame_id in self._within or len(self._within) > _DEEPEST_FRAME:
            return ""
        inside = self._frames(self._snapshot, frame_id)
        return rebuild(inside, self._bodies, self._frames, self._within) if inside is not None else ""

    def _picture(self, given: Mapping[str, str], name: str, value: str) -> str:
        current = given.get("__playwright_current_src__", "") if name == "src" else ""
        address = current or self._absolute(value)
        return self._inlining.picture(address) or value

    def _absolute(self, address: str) -> str:
        try:
            return urljoin(self._base, address)
        except ValueError:
            return address


def _is_told_otherwise(name: str, tag: str, given: Mapping[str, str]) -> bool:
    """Whether an attribute says how something began, and the recorder noted how it was."""
    return (
        (name == "selected" and tag == "OPTION")
        or (name == "checked" and "__playwright_checked_" in given)
        or (name == "popover" and "__playwright_popover_open_" in given)
    )


class _Literal(str):
    """Markup of ours, which is not escaped any more."""

    __slots__ = ()


def _base_of(snapshot: Snapshot) -> str:
    """What addresses in the page are relative to."""
    head = next((child for child in snapshot.root.elements if child.tag == "HEAD"), None)
    base = noted_base(head) if head is not None else None
    return base.attributes.get("href", snapshot.url) if base is not None else snapshot.url


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\0", "\ufffd").replace("\r", "&#13;")


def _quoted(text: str) -> str:
    return html.escape(text).replace("\0", "\ufffd").replace("\r", "&#13;")


def _as_style(css: str) -> str:
    return css.replace("</", r"<\/").replace("\0", "\ufffd")

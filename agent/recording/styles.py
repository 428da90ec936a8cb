"""Style sheets and pictures of a recorded page, put into the page itself: a rebuilt page asks nobody for anything."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import urljoin

from agent.recording.archive import MIB, RecordingNotUnderstood
from agent.recording.exchanges import Bodies

_DEEPEST_IMPORT = 5
_MOST_CSS = 32 * MIB
_LARGEST_PICTURE = 4 * MIB
_MOST_PICTURES = 24 * MIB

# Possessive and without "(" in bare addresses: however a sheet is written, it is gone through once.
_QUOTED = r""""(?P<{0}d>[^"\\\n]*+)"|'(?P<{0}s>[^'\\\n]*+)'"""
_BARE = r"""(?P<{0}b>[^()"'\s\\]*+)"""
_URL = re.compile(
    rf"""url\(\s*+(?:{_QUOTED.format("u")}|{_BARE.format("u")})\s*+\)""",
    re.IGNORECASE,
)
_IMPORT = re.compile(
    rf"""@import\s++(?:url\(\s*+(?:{_QUOTED.format("i")}|{_BARE.format("i")})\s*+\)|{_QUOTED.format("q")})"""
    r"(?P<when>[^;{}]{0,500}+);",
    re.IGNORECASE,
)
_CONTENT_TYPE = re.compile(r"[a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+")
_CHARSET = re.compile(r"^@charset\s+\"[^\"]*\";")


class Inlining:
    """What one page needs, taken from the recording as it was at that moment.

    Addresses that the recording does not know stay as they are; the page's own policy keeps the browser from asking.
    RecordingNotUnderstood when the sheets would grow beyond any page's.
    """

    def __init__(self, bodies: Bodies, moment: float, sheets: Mapping[str, str]) -> None:
        """``sheets`` are those that a script had changed: address to name of the body."""
        self._bodies = bodies
        self._moment = moment
        self._changed = sheets
        self._css = 0
        self._pictures = 0
        self._known: dict[str, str | None] = {}

    def sheet(self, url: str, within: tuple[str, ...] = ()) -> str | None:
        """The text of a linked sheet with all that it refers to; None when the recording has no such sheet."""
        if url in within or len(within) >= _DEEPEST_IMPORT:
            return ""
        data = self._bodies.named(self._changed[url]) if url in self._changed else None
        if data is None:
            found = self._bodies.at(url, self._moment)
            if found is None:
                return None
            data = found[1]
        return self.css(_CHARSET.sub("", data.decode("utf-8", "replace")), url, (*within, url))

    def css(self, text: str, base: str, within: tuple[str, ...] = ()) -> str:
        """CSS with its imports and pictures put in; addresses in it are relative to ``base``."""
        self._css += len(text)
        if self._css > _MOST_CSS:
            raise RecordingNotUnderstood("the style sheets of a page in it would be larger than any page's")

        def imported(found: re.Match[str]) -> str:
            address = _address(found, "id", "is", "ib", "qd", "qs")
            inner = self.sheet(_joined(base, address), within)
            when = found.group("when").strip()
            if inner is None:
                return ""
            return f"@media {when} {{\n{inner}\n}}" if when else inner

        def pictured(found: re.Match[str]) -> str:
            data = self.picture(_joined(base, _address(found, "ud", "us", "ub")))
            return f'url("{data}")' if data else found.group(0)

        if "@import" in text.lower():
            text = _IMPORT.sub(imported, text)
        return _URL.sub(pictured, text) if "url(" in text.lower() else text

    def picture(self, url: str) -> str | None:
        """A picture (or font) as a ``data:`` address; None when the recording has none or it is too large."""
        if url.startswith("data:"):
            return url
        if url not in self._known:
            self._known[url] = self._encoded(url)
        return self._known[url]

    def _encoded(self, url: str) -> str | None:
        found = self._bodies.at(url, self._moment)
        if found is None:
            return None
        kind, data = found
        self._pictures += len(data)
        if len(data) > _LARGEST_PICTURE or self._pictures > _MOST_PICTURES:
            return None
        named = _CONTENT_TYPE.match(kind)
        return (
            f"data:{named.group(0) if named else 'application/octet-stream'};base64,{base64.b64encode(data).decode()}"
        )


def _address(found: re.Match[str], *groups: str) -> str:
    return next((found.group(group) for group in groups if found.group(group) is not None), "")


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address

"""A recording as Playwright leaves it, taken apart; what is not of a kind that we know is refused.

Only trace format 10 (Playwright 1.65) is understood, and of it only what we ask to be recorded: calls, pages, requests.
Sources, pictures of the screen, screenshots, texts of the page for assistive technology and HAR are not in it; where
one appears, what made the recording is not what we know, and secrets may stand where nobody looks.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRACE_VERSIONS = frozenset({10})
_KNOWN_PARTS = re.compile(r"(?:trace\.(?:trace|network)|resources/[^/]+)")
_KNOWN_LINES = frozenset(
    ["context-options", "before", "input", "log", "after", "console", "event", "frame-snapshot", "resource-snapshot"]
)

Line = dict[str, Any]


class TraceNotUnderstood(Exception):
    """The recording is not of a format that can be redacted with certainty."""


@dataclass(frozen=True)
class RawRecording:
    """Its entries by name, and those that consist of lines, as lines."""

    entries: dict[str, bytes]
    lines: dict[str, list[Line]]

    @classmethod
    def open(cls, path: Path) -> RawRecording:
        """TraceNotUnderstood for an unknown version or part, a line that is not JSON, or a damaged zip."""
        try:
            with zipfile.ZipFile(path) as archive:
                entries = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        except (zipfile.BadZipFile, zlib.error, OSError) as error:
            raise TraceNotUnderstood(f"the recording is not a whole zip file: {error}") from error
        unknown = sum(1 for name in entries if not _KNOWN_PARTS.fullmatch(name))
        if unknown:
            raise TraceNotUnderstood(f"{unknown} part(s) of it are of a kind that is not recorded by us")
        files = {name: data for name, data in entries.items() if name.endswith((".trace", ".network"))}
        recording = cls(entries, {name: _lines(name, data) for name, data in files.items()})
        _require_known_version(recording.lines)
        kinds = {str(line.get("type")) for line in recording.all_lines()}
        if not kinds <= _KNOWN_LINES:
            raise TraceNotUnderstood(f"{len(kinds - _KNOWN_LINES)} kind(s) of lines in it are not recorded by us")
        return recording

    def all_lines(self) -> Iterator[Line]:
        """The lines of all files."""
        for file in self.lines.values():
            yield from file

    def content_types(self) -> dict[str, str]:
        """Which body is of which content type, by the name of its entry; a body seen as a form counts as a form."""
        types: dict[str, str] = {}
        for exchange in self._exchanges():
            content = exchange.get("response", {}).get("content", {})
            posted = exchange.get("request", {}).get("postData", {})
            for body in (content, posted):
                if isinstance(body, dict) and isinstance(body.get("_file"), str):
                    types[body["_file"]] = str(body.get("mimeType", ""))
        return types

    def bodies_of_shown_pages(self) -> frozenset[str]:
        """Names of pages as they came over the network; see :func:`is_shown_page`."""
        shown: set[Any] = set()
        others: set[Any] = set()
        for exchange in self._exchanges():
            name = exchange.get("response", {}).get("content", {}).get("_file")
            (shown if is_shown_page(exchange) else others).add(name)
        return frozenset(name for name in shown - others if isinstance(name, str))

    def _exchanges(self) -> Iterator[Line]:
        for line in self.all_lines():
            if line.get("type") == "resource-snapshot":
                yield line.get("snapshot", {})


def is_shown_page(exchange: Line) -> bool:
    """Whether the answer is a page that came in order: it stands in the recording as it was seen, which says more.

    What was answered to a post is not, nor is any other answer than 200.
    """
    request, response = exchange.get("request", {}), exchange.get("response", {})
    return bool(
        exchange.get("_resourceType") == "document"
        and request.get("method") == "GET"
        and response.get("status") == 200
        and "text/html" in str(response.get("content", {}).get("mimeType", ""))
    )


def _lines(name: str, data: bytes) -> list[Line]:
    try:
        return [json.loads(line) for line in data.decode().split("\n") if line.strip()]
    except ValueError as error:
        raise TraceNotUnderstood(f"{name} holds a line that is not JSON") from error


def _require_known_version(lines: dict[str, list[Line]]) -> None:
    versions = {
        line.get("version")
        for name, file in lines.items()
        if name.endswith(".trace")
        for line in file
        if line.get("type") == "context-options"
    }
    if not versions or not versions <= TRACE_VERSIONS:
        raise TraceNotUnderstood(f"trace format {sorted(map(str, versions)) or 'unknown'}, expected 10")

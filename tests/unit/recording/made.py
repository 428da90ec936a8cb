"""Recordings put together by hand, to be spoilt."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OPENING = {
    "version": 10,
    "type": "context-options",
    "browserName": "chromium",
    "options": {"viewport": {"width": 800, "height": 600}},
    "wallTime": 1_000_000,
    "monotonicTime": 100,
}
PAGE = ["HTML", {}, ["HEAD", {}, ["BASE", {"href": "http://a.test/"}]], ["BODY", {}, "hello"]]


def call(call_id: str = "c@1", method: str = "click", **more: Any) -> dict[str, Any]:
    """A call that began."""
    return {"type": "before", "callId": call_id, "startTime": 101, "class": "Frame", "method": method, **more}


def snapshot(html: Any, call_id: str = "c@1", phase: str = "before", **more: Any) -> dict[str, Any]:
    """A page."""
    return {
        "type": "frame-snapshot",
        "snapshot": {
            "callId": call_id,
            "phase": phase,
            "pageId": "p",
            "frameId": "f",
            "frameUrl": "http://a.test/x",
            "html": html,
            "timestamp": 102,
            "viewport": {"width": 800, "height": 600},
            "isMainFrame": True,
            "resourceOverrides": [],
            **more,
        },
    }


def answer(url: str, name: str, kind: str = "text/css", **more: Any) -> dict[str, Any]:
    """A request with its answer."""
    return {
        "type": "resource-snapshot",
        "snapshot": {
            "_monotonicTime": 90,
            "_resourceType": "stylesheet",
            "time": 3,
            "request": {"method": "GET", "url": url},
            "response": {"status": 200, "statusText": "OK", "content": {"mimeType": kind, "_file": name}},
            **more,
        },
    }


def lines(items: Sequence[Any]) -> bytes:
    """One JSON object a line."""
    return "".join(json.dumps(item) + "\n" for item in items).encode()


def write(
    path: Path,
    trace: Sequence[Any] | bytes = (),
    network: Sequence[Any] = (),
    bodies: Mapping[str, bytes] | None = None,
    opening: Any = OPENING,
) -> Path:
    """A recording as a zip."""
    whole = trace if isinstance(trace, bytes) else lines([opening, *trace] if opening is not None else list(trace))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trace.trace", whole)
        archive.writestr("trace.network", lines(network))
        for name, data in (bodies or {}).items():
            archive.writestr(name, data)
    return path

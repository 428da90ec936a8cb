"""The lines of a recording, checked for their shape as they are read.

Each line is a JSON object with a ``type``. What we do not know by its type is left alone; what we do know must have the
members we use, of the kind we expect.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, TypeAlias

from agent.recording.archive import RecordingNotUnderstood, TraceArchive

VERSION = 10
MOST_LINES = 500_000

Line: TypeAlias = dict[str, Any]


def read_lines(archive: TraceArchive, suffix: str) -> list[Line]:
    """All lines of the one entry that ends so (``.trace``, ``.network``); none when there is no such entry.

    RecordingNotUnderstood when there are several, or a line is not a JSON object.
    """
    names = [name for name in archive.names if name.endswith(suffix)]
    if not names:
        return []
    if len(names) > 1:
        raise RecordingNotUnderstood(f"it has {len(names)} parts that end in {suffix}")
    return list(_parsed(names[0], archive.read(names[0])))


def _parsed(name: str, data: bytes) -> Iterator[Line]:
    lines = data.split(b"\n")
    if len(lines) > MOST_LINES:
        raise RecordingNotUnderstood(f"{name} has {len(lines)} lines")
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecordingNotUnderstood(f"line {number} of {name} is not JSON") from error
        if not isinstance(line, dict):
            raise RecordingNotUnderstood(f"line {number} of {name} is no object")
        yield line


def require_version(lines: list[Line]) -> Line:
    """The line that opens a recording. RecordingNotUnderstood for another format, or none."""
    opening = next((line for line in lines if line.get("type") == "context-options"), None)
    if opening is None:
        raise RecordingNotUnderstood("it does not say how it was made")
    if opening.get("version") != VERSION:
        raise RecordingNotUnderstood(f"it is of format {opening.get('version')!r}", f"format {VERSION}")
    return opening


def number(line: Line, name: str) -> float:
    """A finite number that must be there."""
    value = line.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RecordingNotUnderstood(f"{name} is no number")
    return float(value)


def text(line: Line, name: str) -> str:
    """A text that must be there."""
    value = line.get(name)
    if not isinstance(value, str):
        raise RecordingNotUnderstood(f"{name} is no text")
    return value


def mapping(value: Any) -> Line:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Line]:
    """The objects in the value when it is a list, else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

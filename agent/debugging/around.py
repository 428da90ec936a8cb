"""What happened around the moment of trouble: console, requests, calls, log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from agent.evidence.record import Record
from agent.recording.recording import Recording

_BEFORE_S, _AFTER_S = 20.0, 5.0
_LOOKS = frozenset({"evaluateExpression", "title", "waitForSelector"})  # calls that only look
_CALLS = 12
_LINES = 15
_LONGEST = 300


@dataclass(frozen=True)
class Noise:
    """An error of the page's console, a failed request, or a window of the browser, so long before the trouble."""

    kind: str
    text: str
    before_s: float


@dataclass(frozen=True)
class Call:
    """One call of the agent on the browser."""

    method: str
    selector: str
    milliseconds: int | None  # None: it never ended
    error: str
    at: str  # time of day, UTC


def noises(recordings: Sequence[Recording], wall: float | None) -> tuple[Noise, ...]:
    """Console errors and failed requests around the moment, in order; all of them when there is no moment."""
    found = []
    for recording in recordings:
        for line in recording.console:
            if line.is_trouble:
                found.append((recording.wall_of(line.at), f"console {line.kind}", line.text))
        for line in recording.dialogs:
            found.append((recording.wall_of(line.at), "window of the browser", line.text))
        for exchange in recording.network:
            if exchange.is_trouble:
                answer = exchange.failure or f"{exchange.status} {exchange.status_text}".strip()
                found.append(
                    (recording.wall_of(exchange.at), "request", f"{exchange.method} {_path(exchange.url)}: {answer}")
                )
    near = sorted(item for item in found if wall is None or wall - _BEFORE_S <= item[0] <= wall + _AFTER_S)
    return tuple(
        Noise(kind, text[:_LONGEST], round(wall - at, 1) if wall is not None else 0.0) for at, kind, text in near
    )


def calls(recordings: Sequence[Recording], wall: float | None) -> tuple[Call, ...]:
    """The last calls up to the moment of trouble, with what each took."""
    found = []
    for recording in recordings:
        for action in recording.actions:
            at = recording.wall_of(action.started)
            if action.method in _LOOKS:
                continue
            if action.name.startswith(("Frame.", "Page.", "ElementHandle.")) and (
                wall is None or at <= wall + _AFTER_S
            ):
                took = round(action.ended - action.started) if action.ended is not None else None
                words = action.selector or _path(str(action.params.get("url", "")))
                found.append((at, Call(action.method, words, took, action.error.split("\n", 1)[0], _clock(at))))
    return tuple(call for _, call in sorted(found, key=lambda item: item[0])[-_CALLS:])


def excerpt(record: Record) -> tuple[Mapping[str, Any], ...]:
    """The end of the log, without what the evidence says of itself."""
    quiet = {"picture", "trace-kept", "log"}
    lines = [
        line for line in record.lines if line.get("event") not in quiet or line.get("level") in {"error", "warning"}
    ]
    return tuple(lines[-_LINES:])


def step_times(record: Record) -> tuple[tuple[str, str, str, int | None], ...]:
    """Number, title, state and milliseconds of each step."""
    return tuple((row.number, row.title, row.state, row.milliseconds) for row in record.steps())


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}{'?' + parts.query if parts.query else ''}" if parts.netloc else url


def _clock(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%H:%M:%S.%f}"[:-3]

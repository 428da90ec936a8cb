"""What was called on the browser, and what the pages said meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.recording.lines import Line, mapping, number, text
from agent.recording.snapshots import Snapshot


@dataclass(frozen=True)
class Box:
    """The place on the page that an action was meant for, in CSS pixels of the window."""

    x: float
    y: float
    width: float = 0
    height: float = 0


@dataclass(frozen=True)
class RecordedAction:
    """One call on the browser. Times are milliseconds on the recording's own clock."""

    call_id: str
    name: str  # "Frame.fill"
    params: Mapping[str, Any]
    started: float
    ended: float | None  # None: it never ended
    error: str
    page_id: str  # empty when the call was not about a page, or left no snapshot of one
    parent: str = ""
    box: Box | None = None
    point: Box | None = None
    log: tuple[str, ...] = ()
    #: main-frame snapshots by phase: before, action, after
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict, repr=False)

    @property
    def method(self) -> str:
        """``fill``."""
        return self.name.rpartition(".")[2]

    @property
    def selector(self) -> str:
        """What the call was about, in Playwright's own form; empty when it was about no element."""
        return str(self.params.get("selector", ""))

    @property
    def failed(self) -> bool:
        """Whether the call ended with an error."""
        return bool(self.error)

    @property
    def snapshot(self) -> Snapshot | None:
        """The page on which the call acted: at the moment of acting, else before, else after."""
        return next((self.snapshots[phase] for phase in ("action", "before", "after") if phase in self.snapshots), None)


@dataclass(frozen=True)
class ConsoleLine:
    """What a page wrote to its console, or an error that nobody caught in it."""

    at: float
    kind: str  # "error", "warning", "log", …, "uncaught"
    text: str
    url: str = ""
    page_id: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether it is an error or a warning."""
        return self.kind in {"error", "warning", "assert", "uncaught"}


def read_actions(lines: Sequence[Line], snapshots: Sequence[Snapshot]) -> tuple[RecordedAction, ...]:
    """All calls, in the order they began."""
    ends = {line.get("callId"): line for line in lines if line.get("type") == "after"}
    inputs = {line.get("callId"): line for line in lines if line.get("type") == "input"}
    logs: dict[Any, list[str]] = {}
    for line in lines:
        if line.get("type") == "log":
            logs.setdefault(line.get("callId"), []).append(str(line.get("message", "")))
    pages: dict[str, dict[str, Snapshot]] = {}
    for snapshot in snapshots:
        if snapshot.is_main:
            pages.setdefault(snapshot.call_id, {})[snapshot.phase] = snapshot
    found = []
    for line in lines:
        if line.get("type") != "before":
            continue
        call_id = text(line, "callId")
        end, given = mapping(ends.get(call_id)), mapping(inputs.get(call_id))
        seen = pages.get(call_id, {})
        found.append(
            RecordedAction(
                call_id=call_id,
                name=f"{line.get('class', '')}.{line.get('method', '')}",
                params=mapping(line.get("params")),
                started=number(line, "startTime"),
                ended=number(end, "endTime") if end else None,
                error=str(mapping(end.get("error")).get("message", "")),
                page_id=str(line.get("pageId") or next((item.page_id for item in seen.values()), "")),
                parent=str(line.get("parentId", "")),
                box=_box(given.get("box")),
                point=_box(given.get("point")),
                log=tuple(logs.get(call_id, ())),
                snapshots=seen,
            )
        )
    return tuple(sorted(found, key=lambda action: action.started))


def read_console(lines: Sequence[Line]) -> tuple[ConsoleLine, ...]:
    """Console lines and uncaught errors of all pages, in order."""
    found = []
    for line in lines:
        page = str(line.get("pageId", ""))
        if line.get("type") == "console":
            place = mapping(line.get("location"))
            found.append(
                ConsoleLine(
                    number(line, "time"),
                    str(line.get("messageType", "")),
                    str(line.get("text", "")),
                    str(place.get("url", "")),
                    page,
                )
            )
        elif line.get("type") == "event" and line.get("method") == "pageError":
            thrown = mapping(mapping(line.get("params")).get("error"))
            words = str(mapping(thrown.get("error")).get("message") or thrown.get("value") or "an error")
            found.append(ConsoleLine(number(line, "time"), "uncaught", words, "", page))
    return tuple(found)


def read_dialogs(lines: Sequence[Line]) -> tuple[ConsoleLine, ...]:
    """Windows of the browser itself (alert, confirm, prompt) that came up."""
    return tuple(
        ConsoleLine(
            number(line, "time"),
            "dialog",
            str(mapping(line.get("params")).get("message", "")),
            "",
            str(line.get("pageId", "")),
        )
        for line in lines
        if line.get("type") == "event" and line.get("method") == "dialog"
    )


def _box(value: Any) -> Box | None:
    sides = mapping(value)
    numbers = {name: side for name, side in sides.items() if isinstance(side, int | float) and name in _SIDES}
    return Box(**numbers) if {"x", "y"} <= set(numbers) else None


_SIDES = frozenset({"x", "y", "width", "height"})

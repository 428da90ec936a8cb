"""The recorded pages: one snapshot per frame before, during and after each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.recording.archive import RecordingNotUnderstood
from agent.recording.lines import Line, listed, mapping, number, text
from agent.recording.nodes import Element, NodeCounter, Path, target_of

FRAME_SOURCE = "/snapshot/"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One frame at one moment."""

    call_id: str
    phase: str  # "before", "action" or "after" the call
    page_id: str
    frame_id: str
    url: str
    at: float  # milliseconds on the recording's own clock
    is_main: bool
    doctype: str
    root: Element = field(repr=False)
    viewport: tuple[int, int]
    #: style sheets that a script had changed by then: address -> name of the body
    sheets: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def name(self) -> str:
        """``action@call@17``, unique among the main frames of a recording but for a call on several pages."""
        return f"{self.phase}@{self.call_id}"

    @property
    def target(self) -> Path | None:
        """Where the element stands that the call acted on, when this frame has it."""
        return target_of(self.root)


def read_snapshots(lines: Sequence[Line]) -> tuple[Snapshot, ...]:
    """All snapshots in the order of the file. RecordingNotUnderstood for one that cannot be put together."""
    counters: dict[str, NodeCounter] = {}
    sheets: dict[str, list[dict[str, str]]] = {}
    found = []
    for line in lines:
        if line.get("type") != "frame-snapshot":
            continue
        raw = mapping(line.get("snapshot"))
        frame = text(raw, "frameId")
        root = counters.setdefault(frame, NodeCounter()).add(raw.get("html"))
        earlier = sheets.setdefault(frame, [])
        earlier.append(_changed_sheets(raw, earlier))
        viewport = mapping(raw.get("viewport"))
        found.append(
            Snapshot(
                call_id=text(raw, "callId"),
                phase=text(raw, "phase"),
                page_id=text(raw, "pageId"),
                frame_id=frame,
                url=text(raw, "frameUrl"),
                at=number(raw, "timestamp"),
                is_main=raw.get("isMainFrame") is True,
                doctype=str(raw.get("doctype", "")),
                root=root,
                viewport=(_side(viewport, "width", 1280), _side(viewport, "height", 720)),
                sheets=earlier[-1],
            )
        )
    return tuple(found)


def _changed_sheets(raw: Line, earlier: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Address to body; ``ref`` says how many snapshots of this frame back the same sheet was told of."""
    sheets: dict[str, str] = {}
    for override in listed(raw.get("resourceOverrides")):
        url = text(override, "url")
        back = override.get("ref")
        if isinstance(override.get("file"), str):
            sheets[url] = override["file"]
        elif type(back) is int and 1 <= back <= len(earlier):
            if url in earlier[-back]:
                sheets[url] = earlier[-back][url]
        else:
            raise RecordingNotUnderstood("a snapshot refers to a style sheet that is not there")
    return sheets


def _side(viewport: Line, name: str, usual: int) -> int:
    value = viewport.get(name)
    return int(value) if isinstance(value, int | float) and 1 <= value <= 10_000 else usual

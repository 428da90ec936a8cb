"""A whole recording: what was called, which pages were seen, and each of them as it stood."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from agent.recording.actions import ConsoleLine, RecordedAction, read_actions, read_console, read_dialogs
from agent.recording.archive import ObjectSource, RecordingNotUnderstood, TraceArchive
from agent.recording.exchanges import Bodies, Exchange, read_exchanges
from agent.recording.lines import Line, mapping, number, read_lines, require_version
from agent.recording.rebuild import rebuild
from agent.recording.snapshots import Snapshot, read_snapshots


class Recording:
    """A parsed ``trace.zip``. Times are milliseconds on the recording's own clock unless a name says ``wall``.

    Reads the file when it is opened (and again for each body it needs); changes nothing, asks nobody.
    """

    def __init__(self, archive: TraceArchive) -> None:
        """RecordingNotUnderstood for whatever is not a whole recording of format 10."""
        self.archive = archive
        lines = read_lines(archive, ".trace")
        opening = require_version(lines)
        #: call results, versions of the browser and of Playwright, the window's size
        self.opening: Line = opening
        self._wall, self._monotonic = number(opening, "wallTime"), number(opening, "monotonicTime")
        self.snapshots: Sequence[Snapshot] = read_snapshots(lines)
        self.actions: Sequence[RecordedAction] = read_actions(lines, self.snapshots)
        self.console: Sequence[ConsoleLine] = read_console(lines)
        self.dialogs: Sequence[ConsoleLine] = read_dialogs(lines)
        self.network: Sequence[Exchange] = read_exchanges(read_lines(archive, ".network"))
        self.bodies = Bodies(archive, self.network)

    @classmethod
    def open(cls, path: Path, objects: ObjectSource | None = None) -> Recording:
        """Read a recording, with the bodies that are kept elsewhere put back."""
        try:
            return cls(TraceArchive(path, objects))
        except RecursionError as error:
            raise RecordingNotUnderstood("it is nested deeper than any recording") from error

    # --- time ---

    def wall_of(self, monotonic: float) -> float:
        """The time of day, in seconds since 1970, of a moment on the recording's clock."""
        return (self._wall + monotonic - self._monotonic) / 1000

    def monotonic_of(self, wall: float) -> float:
        """The moment on the recording's clock of a time of day in seconds since 1970."""
        return wall * 1000 - self._wall + self._monotonic

    # --- finding pages ---

    @cached_property
    def pages(self) -> Sequence[Snapshot]:
        """The snapshots of main frames, in the order of time."""
        return tuple(sorted((item for item in self.snapshots if item.is_main), key=lambda item: item.at))

    def action(self, call_id: str) -> RecordedAction | None:
        """The call of this id."""
        return next((action for action in self.actions if action.call_id == call_id), None)

    def first_page_after(self, moment: float, page_id: str = "") -> Snapshot | None:
        """The page as it is first recorded at or after a moment: a page that was read stands in the recording as the
        "before" of the next call."""
        return next((item for item in self.pages if item.at >= moment and page_id in ("", item.page_id)), None)

    def last_page_before(self, moment: float, page_id: str = "") -> Snapshot | None:
        """The page as it was last recorded at or before a moment."""
        return next(
            (item for item in reversed(self.pages) if item.at <= moment and page_id in ("", item.page_id)), None
        )

    def page_of(self, action: RecordedAction) -> Snapshot | None:
        """The page on which a call acted; for a call that left none the one nearest in time."""
        if action.snapshot is not None:
            return action.snapshot
        before = self.last_page_before(action.started, action.page_id)
        after = self.first_page_after(action.started, action.page_id)
        if before is None or after is None:
            return before or after
        return before if action.started - before.at <= after.at - action.started else after

    def frames_of(self, page: Snapshot) -> Sequence[Snapshot]:
        """All frames of a page at that moment, the page itself first."""
        inner = [
            item
            for item in self.snapshots
            if (item.call_id, item.phase, item.page_id) == (page.call_id, page.phase, page.page_id) and item is not page
        ]
        return (page, *inner)

    # --- rebuilding ---

    def html(self, snapshot: Snapshot) -> str:
        """The page as static HTML, its frames, styles and pictures inside, with nothing in it that runs or asks for
        anything. RecordingNotUnderstood when it would be larger than any page."""
        return rebuild(snapshot, self.bodies, self._frame_of)

    @cached_property
    def _by_frame(self) -> dict[str, list[Snapshot]]:
        found: dict[str, list[Snapshot]] = {}
        for item in sorted(self.snapshots, key=lambda item: item.at):
            found.setdefault(item.frame_id, []).append(item)
        return found

    def _frame_of(self, page: Snapshot, frame_id: str) -> Snapshot | None:
        """The frame's snapshot of the same call and phase, else the one nearest in time."""
        told = self._by_frame.get(frame_id, [])
        same = next((item for item in told if (item.call_id, item.phase) == (page.call_id, page.phase)), None)
        if same is not None or not told:
            return same
        times = [item.at for item in told]
        left = bisect_right(times, page.at) - 1
        return told[left] if left >= 0 else told[bisect_left(times, page.at)]

    @property
    def browser(self) -> str:
        """Which browser was recorded."""
        return str(self.opening.get("browserName", ""))

    @property
    def viewport(self) -> tuple[int, int]:
        """The size of the window, in CSS pixels."""
        size = mapping(mapping(self.opening.get("options")).get("viewport"))
        width, height = size.get("width"), size.get("height")
        return (int(width), int(height)) if isinstance(width, int) and isinstance(height, int) else (1280, 720)

"""Which recorded page belongs to which reading and which use of a control, and those pages in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urldefrag, urlsplit

from playwright.async_api import Browser, Page

from agent.errors import Failed, RetrySafe
from agent.recording.actions import RecordedAction
from agent.recording.recording import Recording
from agent.recording.serving import FrozenPages
from agent.recording.snapshots import Snapshot
from agent.replay.record import RecordedJob, Told
from flows import Use


@dataclass(frozen=True)
class PageSeen:
    """One recorded page, in its recording."""

    recording: Recording
    snapshot: Snapshot


@dataclass(frozen=True)
class Used:
    """One call of the browser on a place of the catalogue."""

    action: RecordedAction
    seen: PageSeen
    uses: tuple[Use, ...]  # one for each part of the selector
    parts: tuple[tuple[Use, ...], ...]
    rest: str  # what follows the catalogue's parts: "nth=0"
    step: int
    what: str  # in words

    @property
    def selector(self) -> str:
        """The selector as the browser was given it."""
        return self.action.selector

    @property
    def before(self) -> PageSeen:
        """The page right before the call: most often the one that was read last, and shown already."""
        snapshot = self.action.snapshots.get("before")
        return self.seen if snapshot is None else PageSeen(self.seen.recording, snapshot)

    @property
    def target(self) -> str | None:
        """The path of the element that the call acted on, as the recording marks it."""
        path = self.seen.snapshot.target
        return None if path is None else "/".join(str(part) for part in path)


class RecordedPagesOfJob:
    """Finds recorded pages; pure."""

    def __init__(self, job: RecordedJob, recordings: Sequence[Recording]) -> None:
        self._job = job
        self._recordings = recordings
        self._places: dict[str, tuple[Use, ...]] = {}
        for told in job.told:
            self._places |= told.places

    def of_reading(self, told: Told) -> PageSeen | None:
        """The page as it was read: it stands in the recording as the "before" of the next call. None when the next
        call found another document there, or no call came."""
        for recording in self._recordings:
            snapshot = recording.first_page_after(recording.monotonic_of(told.moment))
            if snapshot is not None and _same_address(snapshot.url, told.url):
                return PageSeen(recording, snapshot)
        return None

    def readings(self) -> Iterator[tuple[Told, PageSeen | None]]:
        """Every reading with the page it was made on, in order.

        Left out are readings from before the recording began (a sign-in), and those that the same reading has overtaken
        before anything else was called: a flow asks again and again while a page makes up its mind, and the recording
        has the page only as it stood in the end.
        """
        found = [(told, self.of_reading(told)) for told in self._job.told if told.reading]
        last = {(seen.snapshot, told.reading, repr(told.given)): told for told, seen in found if seen is not None}
        for told, seen in found:
            if seen is None:
                if not self._is_before(told):
                    yield told, None
            elif last[(seen.snapshot, told.reading, repr(told.given))] is told:
                yield told, seen

    def _is_before(self, told: Told) -> bool:
        begun = [recording.wall_of(recording.pages[0].at) for recording in self._recordings if recording.pages]
        return bool(begun) and all(told.moment < wall for wall in begun)

    def used(self) -> Iterator[Used]:
        """Every call on a place of the catalogue, in order."""
        words = [told for told in self._job.told if told.use]
        for recording in self._recordings:
            for action in recording.actions:
                if not action.selector:
                    continue
                parts, rest = self._parts(action.selector)
                snapshot = recording.page_of(action)
                if not parts or snapshot is None:
                    continue
                wall = recording.wall_of(action.started)
                middle = (wall + recording.wall_of(action.ended)) / 2 if action.ended is not None else wall
                said = next((told.use for told in words if told.wall <= middle <= told.wall + told.took), "")
                yield Used(
                    action,
                    PageSeen(recording, snapshot),
                    tuple(use for part in parts for use in part),
                    parts,
                    rest,
                    self._job.step_at(wall),
                    said or action.method,
                )

    def _parts(self, selector: str) -> tuple[tuple[tuple[Use, ...], ...], str]:
        """The catalogue's parts of a chain ``a >> b``, and what is left of it."""
        parts: list[tuple[Use, ...]] = []
        left = selector
        while left:
            known = [place for place in self._places if left == place or left.startswith(f"{place} >> ")]
            if not known:
                break
            longest = max(known, key=len)
            parts.append(self._places[longest])
            left = left[len(longest) :].removeprefix(" >> ")
        return tuple(parts), left


class FrozenJob:
    """The recorded pages of one job in a browser that reaches nobody. Use with ``async with``."""

    def __init__(self, browser: Browser, recordings: Sequence[Recording]) -> None:
        self._browser = browser
        self._recordings = recordings
        self._stack = AsyncExitStack()
        self._frozen: dict[int, FrozenPages] = {}
        self._tabs: dict[int, Page] = {}
        self._shown: dict[int, Snapshot] = {}
        self._stands: dict[int, tuple[str, tuple[int, int], str]] = {}  # address, window and text of what is shown

    async def __aenter__(self) -> Self:
        for recording in self._recordings:
            self._frozen[id(recording)] = await self._stack.enter_async_context(FrozenPages(self._browser, recording))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def outgoing(self) -> int:
        """How many requests the pages tried to send; none left."""
        return sum(frozen.outgoing for frozen in self._frozen.values())

    async def show(self, seen: PageSeen, *, afresh: bool = False) -> Page:
        """The page, loaded; as it is when it is the one that is shown already, unless ``afresh``."""
        key = id(seen.recording)
        frozen = self._frozen[key]
        if key not in self._tabs:
            self._tabs[key] = await frozen.context.new_page()
        tab = self._tabs[key]
        if afresh or self._shown.get(key) is not seen.snapshot:
            html = seen.recording.html(seen.snapshot)
            stands = (seen.snapshot.url, seen.snapshot.viewport, html)
            self._shown.pop(key, None)
            if self._stands.pop(key, None) != stands or afresh:
                await _put(frozen, tab, seen, html)
            self._shown[key], self._stands[key] = seen.snapshot, stands
        return tab

    async def blank(self) -> Page:
        """A tab without a page."""
        return await next(iter(self._frozen.values())).context.new_page()


class VisitedPages:
    """Answers a flow that opens an address with the page that was read there (:class:`flows.RecordedPages`)."""

    def __init__(self, job: RecordedJob, pages: RecordedPagesOfJob, frozen: FrozenJob) -> None:
        self._pages = pages
        self._frozen = frozen
        self._readings = [told for told in job.told if told.reading and told.wall < job.first_write]
        self._next: dict[str, int] = {}
        self.unknown: list[str] = []  # addresses that today's flows open and that were not read then

    async def visit(self, url: str) -> tuple[Page, Mapping[str, Any]]:
        """The first reading of this address that was not handed out yet, else the last one."""
        wanted = urldefrag(url).url
        read = [told for told in self._readings if _same_address(told.url, wanted)]
        number = self._next.get(wanted, 0)
        self._next[wanted] = number + 1
        seen = self._pages.of_reading(read[min(number, len(read) - 1)]) if read else None
        if seen is None:
            self.unknown.append(wanted)
            raise Failed(
                "page-not-recorded",
                "Today's flows open a page that was not read when the job ran.",
                expected="an address that was read then",
                seen=wanted,
                retry_safe=RetrySafe.NO,
            )
        told = read[min(number, len(read) - 1)]
        return await self._frozen.show(seen, afresh=True), told.shell


async def _put(frozen: FrozenPages, tab: Page, seen: PageSeen, html: str) -> None:
    """Show a page. Where one of the same origin is shown it takes its place, for a third of the cost of loading it."""
    snapshot = seen.snapshot
    if not _origin(tab.url) == _origin(snapshot.url) != "":
        await frozen.open(snapshot, tab)
        return
    width, height = snapshot.viewport
    if tab.viewport_size != {"width": width, "height": height}:
        await tab.set_viewport_size({"width": width, "height": height})
    if tab.url != snapshot.url:
        await tab.evaluate("(url) => history.replaceState(null, '', url)", snapshot.url)
    await tab.set_content(html, wait_until="load")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _same_address(one: str, other: str) -> bool:
    return urldefrag(one).url == urldefrag(other).url

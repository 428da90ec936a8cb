"""Makes every recorded reading and looks up every used place again, on the page as it was recorded."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page

from agent.evidence.sensitive import mask_value
from agent.recording.nodes import TARGET
from agent.replay.findings import Cause, Finding, Kind, Replay, Untold
from agent.replay.matching import Match, compare, compare_all, differences, unmasked
from agent.replay.pages import FrozenJob, PageSeen, RecordedPagesOfJob, Used
from agent.replay.record import RecordedJob, Told
from agent.replay.wording import elements, in_words, is_understood, understanding
from flows import Asked, Catalogue, Rechecking, Reread, Use

# The same paths as those of a reading.
_PATHS = """(elements) => elements.map((el) => {
  const steps = [];
  for (; el.parentElement; el = el.parentElement) steps.unshift([...el.parentElement.children].indexOf(el));
  return steps.join("/");
})"""


@dataclass(frozen=True)
class Against:
    """What the pages are looked at with. ``scripts_of_then``: with the readings as they were made, not today's."""

    rechecking: Rechecking
    catalogue: Catalogue
    scripts_of_then: bool = False


class Recheck:
    """One job's readings and uses against one catalogue and one version of the readings."""

    def __init__(
        self, job: RecordedJob, pages: RecordedPagesOfJob, frozen: FrozenJob, against: Against, replay: Replay
    ) -> None:
        self._job = job
        self._pages = pages
        self._frozen = frozen
        self._against = against
        self._replay = replay
        self._catalogue_then = job.catalogue
        self._same_catalogue = (
            self._catalogue_then is not None and self._catalogue_then.sha256 == against.catalogue.sha256
        )

    async def run(self) -> None:
        """Look at everything."""
        shown: set[int] = set()
        looks: list[tuple[float, int, Callable[[], Awaitable[None]]]] = []
        for told, seen in self._pages.readings():
            if seen is None:
                self._untold(f"reading {told.reading}", told.step, "the page as it was read is not in the recording")
                continue
            shown.add(id(seen.snapshot))
            looks.append((seen.recording.wall_of(seen.snapshot.at), 0, partial(self._reading, told, seen)))
        for used in self._pages.used():
            shown.add(id(used.seen.snapshot))
            before = used.before
            looks.append((before.recording.wall_of(before.snapshot.at), 1, partial(self._use, used)))
        # In the order of the pages: what was read last is what was used next, so most pages are shown once.
        for _, _, look in sorted(looks, key=lambda item: item[:2]):
            await look()
        self._replay.pages = len(shown)

    # --- readings ---

    async def _reading(self, told: Told, seen: PageSeen) -> None:
        page = await self._frozen.show(seen)
        script_then = self._script_then(told)
        then = None
        if script_then is not None and self._catalogue_then is not None:
            then = await self._reread(page, told, script_then, self._catalogue_then)
            self._compare_with_record(told, then)
        same_script = self._against.scripts_of_then or self._script_now(told) == told.script
        if then is not None and same_script and self._same_catalogue:
            now = then  # the same question about the same page
        else:
            script = script_then if self._against.scripts_of_then else None
            if self._against.scripts_of_then and script is None:
                self._untold(f"reading {told.reading}", told.step, "the reading as it was made then was not kept")
                return
            now = await self._reread(page, told, script, self._against.catalogue)
        self._replay.readings += 1
        if then is None:
            self._untold(f"reading {told.reading}", told.step, "what it was read with then was not kept: data only")
        if now is not then:
            cause = await self._cause(page, told, seen, then, now, script_then)
            self._compare(told, seen, then or _of_record(told), now, cause)

    def _script_then(self, told: Told) -> str | None:
        return self._against.rechecking.script_of(told.script) or self._job.script(told.reading)

    def _script_now(self, told: Told) -> str | None:
        return self._against.rechecking.script_sha256(told.reading)

    async def _reread(self, page: Page, told: Told, script: str | None, catalogue: Catalogue) -> Reread:
        asked = Asked(told.reading, told.given, told.layers, told.shell, script)
        return await self._against.rechecking.reread(page, asked, catalogue)

    async def _cause(
        self, page: Page, told: Told, seen: PageSeen, then: Reread | None, now: Reread, script_then: str | None
    ) -> Cause:
        """Which of the two made a difference: the old script is asked with the new catalogue."""
        if self._same_catalogue:
            return Cause.CODE
        if self._against.scripts_of_then or self._script_now(told) == told.script:
            return Cause.CATALOGUE
        if then is None or script_then is None:
            return Cause.UNKNOWN
        page = await self._frozen.show(seen)
        between = await self._reread(page, told, script_then, self._against.catalogue)
        if _same(between, now):
            return Cause.CATALOGUE
        return Cause.CODE if _same(between, then) else Cause.BOTH

    def _compare_with_record(self, told: Told, then: Reread) -> None:
        """Whether the frozen page reads as the living one did; where not, it proves nothing about this reading."""
        recorded = _of_record(told)
        found = unmasked(_data_differences(recorded, then))
        if not found and then.where is not None:
            counts = {key: len(paths) for key, paths in then.where.items() if paths}
            found = [
                (f"found {place}", one, other)
                for place, one, other in differences(_as_asked(told.found), _as_asked(counts))
            ]
        if found:
            place, one, other = found[0]
            self._untold(
                f"reading {told.reading}",
                told.step,
                f"the recorded page does not read as the living one did: {place}: {in_words(one)} then, "
                f"{in_words(other)} in the recording",
            )

    def _compare(self, told: Told, seen: PageSeen, then: Reread, now: Reread, cause: Cause) -> None:
        base = Finding(
            kind=Kind.MATCH,
            where=f"reading {told.reading}",
            step=told.step,
            what=self._what(told),
            then=understanding(then),
            now=understanding(now),
            cause=cause,
            seen=seen,
        )
        elsewhere = compare_all(then.where, now.where) if then.where is not None and now.where is not None else {}
        for key, (match, paths_then, paths_now) in elsewhere.items():
            finding = replace(
                base,
                then=elements(len(paths_then)),
                now=elements(len(paths_now), match),
                key=key,
                match=match,
                selector_then=_selector(self._catalogue_then, key),
                selector_now=_selector(self._against.catalogue, key),
                paths_then=paths_then,
                paths_now=paths_now,
            )
            self._replay.findings.append(finding)
        if is_understood(then) != is_understood(now) or now.broken:
            self._replay.findings.append(replace(base, kind=Kind.UNDERSTOOD))
            return
        for place, one, other in _data_differences(then, now):
            finding = replace(base, kind=Kind.DATA, place=place, then=in_words(one), now=in_words(other))
            self._replay.findings.append(finding)

    def _what(self, told: Told) -> str:
        title = self._job.titles.get(told.step, "")
        return title or ("before the first step" if told.step == 0 else f"step {told.step}")

    # --- uses ---

    async def _use(self, used: Used) -> None:
        catalogue = self._against.catalogue
        self._replay.uses += 1
        try:
            parts = [self._against.rechecking.selector(part, catalogue) for part in used.parts]
        except KeyError as error:
            then = await self._then(await self._frozen.show(used.seen), used)
            self._found_use(used, Match.UNKNOWN_KEY, "", str(error.args[0]), then, ())
            return
        selector = " >> ".join([*parts, used.rest] if used.rest else parts)
        if await self._is_as_it_was(used, selector):
            return
        page = await self._frozen.show(used.seen)
        then = await self._then(page, used)
        try:
            now = await _paths(page, selector)
        except BrowserError as error:
            self._found_use(used, Match.NONE, selector, str(error).split("\n", 1)[0], then, ())
            return
        match = compare(then, now)
        if match is Match.SAME:
            return
        if selector == used.selector:
            why = f"the recorded page does not show what was used: {elements(len(now), match)}"
            self._untold(f"using {_key(used.uses)}", used.step, why)
        else:
            self._found_use(used, match, selector, elements(len(now), match), then, now)

    async def _is_as_it_was(self, used: Used, selector: str) -> bool:
        """Whether the selector finds the very element that was used already on the page as it stood before the call."""
        if used.target is None:
            return False
        try:
            return await _paths(await self._frozen.show(used.before), selector) == (used.target,)
        except BrowserError:
            return False

    async def _then(self, page: Page, used: Used) -> tuple[str, ...]:
        """The element that the call acted on, as the recording marks it; else what the old selector finds."""
        try:
            marked = await _paths(page, f"[{TARGET}]")
            return marked or await _paths(page, used.selector)
        except BrowserError:
            return ()

    def _found_use(
        self, used: Used, match: Match, selector: str, now: str, then: tuple[str, ...], paths: tuple[str, ...]
    ) -> None:
        title = self._job.titles.get(used.step, "")
        self._replay.findings.append(
            Finding(
                kind=Kind.MATCH,
                where=f"using {_key(used.uses)}",
                step=used.step,
                what=f"{used.what} ({title})" if title else used.what,
                then=elements(len(then)),
                now=now,
                key=_key(used.uses),
                match=match,
                cause=Cause.CATALOGUE,
                selector_then=used.selector,
                selector_now=selector,
                seen=used.seen,
                paths_then=then,
                paths_now=paths,
            )
        )

    def _untold(self, where: str, step: int, why: str) -> None:
        self._replay.untold.append(Untold(where, step, why))


async def _paths(page: Page, selector: str) -> tuple[str, ...]:
    return tuple(await page.locator(selector).evaluate_all(_PATHS))


def _key(uses: Sequence[Use]) -> str:
    return " > ".join(use.key for use in uses)


def _selector(catalogue: Catalogue | None, key: str) -> str:
    if catalogue is None or key not in catalogue.hooks:
        return ""
    return catalogue.hooks[key].selector


def _of_record(told: Told) -> Reread:
    return Reread(ready=told.ready, problems=told.problems, shell=told.shell, data=told.data)


def _as_asked(found: Mapping[str, int]) -> dict[str, int | bool]:
    """How often each key was found. Of what surrounds a page it matters only whether it is there: a page that is still
    being drawn while it is read has more of it a moment later, where its recording is taken."""
    return {key: count > 0 if key.startswith("shell.") else count for key, count in found.items()}


def _same(one: Reread, other: Reread) -> bool:
    return one.where == other.where and not _data_differences(one, other)


def _data_differences(one: Reread, other: Reread) -> list[tuple[str, object, object]]:
    return differences(_comparable(one), _comparable(other))


def _comparable(read: Reread) -> dict[str, Any]:
    """What is compared, masked as the record is. A flash counts once however often it is told."""
    shell: Mapping[str, Any] = read.shell or {}
    flashes = sorted({json.dumps(flash, sort_keys=True) for flash in shell.get("flashes", [])})
    plain = {
        "ready": read.ready,
        "problems": [dict(problem) for problem in read.problems],
        "data": read.data,
        "shell": {**shell, "flashes": flashes},
    }
    return dict(mask_value(json.loads(json.dumps(plain))))

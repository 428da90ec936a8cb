"""Playwright's recording of one job: started after sign-in, and taken out raw, also when the browser died.

Raw recordings hold secrets. They stay in ``traces_dir`` (0700, best on tmpfs), never enter an evidence folder, and are
deleted as soon as the redacted form is made.
"""

from __future__ import annotations

import asyncio
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import BrowserContext
from playwright.async_api import Error as PlaywrightError

_LOOK_SECONDS = 2.0
_FILE_REFERENCE = re.compile(r'"_?(?:file|sha1)":"([^"\\]+)"')


class JobTrace:
    """One recording; its name is the job id, so that its remains can be found after a crash.

    ``pages=False`` records the calls alone, without the pages: for a job that only reads hundreds of long lists, whose
    rows it writes down anyway. To take every page into the recording would make it a third slower.
    """

    def __init__(self, context: BrowserContext, traces_dir: Path, name: str, *, pages: bool = True) -> None:
        self._context = context
        self._traces_dir = traces_dir
        self._name = name
        self._pages = pages

    @property
    def context(self) -> BrowserContext:
        """The context that is recorded."""
        return self._context

    @property
    def name(self) -> str:
        """The name under which the remains lie in ``traces_dir``."""
        return self._name

    async def start(self) -> None:
        """Begin recording; a playwright Error when the context is being recorded already, or is gone."""
        # Snapshots only: pictures are taken where they say something, and sources would hold our paths.
        await self._context.tracing.start(name=self._name, snapshots=self._pages, screenshots=False, sources=False)

    async def stop(self, seconds: float = 20.0) -> Path | None:
        """End the recording and return the raw zip; None when nothing was recorded.

        A browser that is gone or hangs cannot stop a recording: then its remains may end in a torn line.
        """
        await self._last_look()
        is_whole = True
        try:
            # Without a path it lays the recording down where it was made. To have it packed here, not by the driver,
            # saves deflating what is inflated right after.
            await asyncio.wait_for(self._context.tracing.stop(), seconds)
        except (PlaywrightError, TimeoutError):
            is_whole = False
        return await asyncio.to_thread(gather, self._traces_dir, self._name, is_whole=is_whole)

    async def _last_look(self) -> None:
        """One more call on the page: a page comes into the recording with the next call after it was read."""
        if not self._pages:
            return
        for page in self._context.pages:
            try:
                await asyncio.wait_for(page.evaluate("document.title"), _LOOK_SECONDS)
            except (PlaywrightError, TimeoutError):
                continue  # the page is gone or hangs: what was recorded before stays


def gather(traces_dir: Path, name: str, *, is_whole: bool = False) -> Path | None:
    """Put a raw zip together from what lies in ``traces_dir``; None when there is no recording of that name.

    Where in our own source each call came from is left out: those are paths of this machine.
    Unless it ``is_whole``, lines torn by the death of a process are dropped. The driver flushes at nearly every event,
    so little is missing then.
    """
    if not (traces_dir / f"{name}.trace").exists():
        return None
    raw = traces_dir / f"{name}.raw.zip"
    wanted: set[str] = set()
    with zipfile.ZipFile(raw, "w") as archive:
        for suffix in (".trace", ".network"):
            path = traces_dir / f"{name}{suffix}"
            if not path.exists():
                continue
            text = path.read_text("utf-8", "replace")
            if not is_whole:
                text = "".join(f"{line}\n" for line in _whole_lines(text))
            wanted |= _references(text)
            archive.writestr(f"trace{suffix}", text)
        for reference in sorted(wanted):
            body = traces_dir / reference
            if body.is_file() and traces_dir.resolve() in body.resolve().parents:
                archive.write(body, reference)
    return raw


def discard(traces_dir: Path, name: str) -> None:
    """Delete the raw recording of that name, and the bodies that no other recording in the folder refers to."""
    own = [
        path
        for path in traces_dir.glob(f"{name}*")
        if path.name == f"{name}.raw.zip" or re.fullmatch(rf"{re.escape(name)}(-pwnetcopy-\d+)?\.\w+", path.name)
    ]
    mine: set[str] = set()
    for path in own:
        if path.suffix in {".trace", ".network"}:
            mine |= _references(_text_of(path))
        path.unlink(missing_ok=True)
    others: set[str] = set()
    for path in [*traces_dir.glob("*.trace"), *traces_dir.glob("*.network")]:
        others |= _references(_text_of(path))
    for reference in mine - others:
        body = traces_dir / reference
        if traces_dir.resolve() in body.resolve().parents:
            body.unlink(missing_ok=True)


def _text_of(path: Path) -> str:
    """What stands in a recording; nothing when another job has just discarded it."""
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _whole_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        try:
            json.loads(line)
        except ValueError:
            continue  # empty, or torn by the kill
        yield line


def _references(text: str) -> set[str]:
    return set(_FILE_REFERENCE.findall(text))

"""Playwright's recording of one job: started after sign-in, taken out raw, salvaged when the browser died.

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

        A browser that is gone or hangs cannot stop a recording: then it is put together from its remains.
        """
        raw = self._traces_dir / f"{self._name}.raw.zip"
        await self._last_look()
        try:
            await asyncio.wait_for(self._context.tracing.stop(path=raw), seconds)
        except (PlaywrightError, TimeoutError, OSError):
            return await asyncio.to_thread(salvage, self._traces_dir, self._name)
        return raw if raw.exists() else None

    async def _last_look(self) -> None:
        """One more call on the page: a page comes into the recording with the next call after it was read."""
        if not self._pages:
            return
        for page in self._context.pages:
            try:
                await asyncio.wait_for(page.evaluate("document.title"), _LOOK_SECONDS)
            except (PlaywrightError, TimeoutError):
                continue  # the page is gone or hangs: what was recorded before stays


def salvage(traces_dir: Path, name: str) -> Path | None:
    """Put a raw zip together from what a dead process left; None when it left no recording of that name.

    A torn last line is dropped. The browser flushes at nearly every event, so little is missing.
    """
    parts = {suffix: traces_dir / f"{name}{suffix}" for suffix in (".trace", ".network", ".stacks")}
    if not parts[".trace"].exists():
        return None
    raw = traces_dir / f"{name}.raw.zip"
    wanted: set[str] = set()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix, path in parts.items():
            if not path.exists():
                continue
            text = path.read_text("utf-8", "replace")
            if suffix != ".stacks":
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

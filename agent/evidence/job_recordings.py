"""The recordings of one job: another one begins with each browser context, and each is kept redacted or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext
from playwright.async_api import Error as PlaywrightError

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.evidence.folder import EvidenceFolder
from agent.evidence.private import Bystanders
from agent.evidence.seal import Withheld, store_trace
from agent.evidence.tracing import JobTrace, discard

_SHORTEST_SESSION_COOKIE = 16
_CALL_SECONDS = 5.0


class JobRecordings:
    """Begins and stores recordings. One that cannot be made never stops a job: a line of the log says so."""

    def __init__(
        self, traces_dir: Path, known: KnownSecrets, withheld: Withheld, line: Callable[[str, dict[str, Any]], None]
    ) -> None:
        """``traces_dir`` is the folder the browser was launched with; ``line`` writes an event to the job's log."""
        self._traces_dir = traces_dir
        self._known = known
        self._withheld = withheld
        self._line = line
        self._trace: JobTrace | None = None
        self._begun = 0

    def is_of(self, context: BrowserContext) -> bool:
        """Whether this context is being recorded."""
        return self._trace is not None and self._trace.context is context

    async def start(self, context: BrowserContext, job_id: str, *, pages: bool) -> None:
        """Record a context; ``pages=False`` leaves out what the pages looked like."""
        name = job_id if not self._begun else f"{job_id}-{self._begun + 1}"
        trace = JobTrace(context, self._traces_dir, name, pages=pages)
        try:
            await asyncio.wait_for(trace.start(), _CALL_SECONDS)
        except (PlaywrightError, TimeoutError) as error:
            self._line("trace-missing", {"why": str(error).split("\n", 1)[0]})
            return
        self._trace = trace
        self._begun += 1

    async def store(self, folder: EvidenceFolder, bystanders: Bystanders | None) -> None:
        """Stop the recording and keep its redacted form; the raw one is deleted whatever happens."""
        trace, self._trace = self._trace, None
        if trace is None:
            return
        name = "trace.zip" if self._begun == 1 else f"trace-{self._begun}.zip"
        try:
            raw, why = None, "the browser left no recording"
            try:
                raw = await trace.stop()
            except OSError as error:  # no room to put it together
                why = error.strerror or type(error).__name__
            await self._learn_cookies(trace.context)  # also without a recording: the rest is searched for them
            if raw is None:
                self._line("trace-missing", {"why": why})
                return
            kept = await asyncio.to_thread(store_trace, folder, name, raw, self._known, self._withheld, bystanders)
            self._line("trace-kept" if kept else "trace-withheld", {"file": name})
        finally:
            await asyncio.to_thread(discard, self._traces_dir, trace.name)

    async def _learn_cookies(self, context: BrowserContext) -> None:
        """Session cookies may have changed during the job; what they are now is searched for, too."""
        try:
            cookies = await asyncio.wait_for(context.cookies(), _CALL_SECONDS)
        except (PlaywrightError, TimeoutError):
            return  # the browser is gone, and its cookies with it
        for cookie in cookies:
            value = cookie.get("value", "")
            if cookie.get("httpOnly") and len(value) >= _SHORTEST_SESSION_COOKIE:
                self._known.add(f"session cookie {cookie.get('name')} of {cookie.get('domain')}", Secret(value))

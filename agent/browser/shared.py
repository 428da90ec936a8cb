"""The browser of several jobs at once: started when needed, replaced when it is worn, lost or hanging.

There is one browser for new jobs. A worn one takes no new jobs and serves out those it has beside its successor, so
that no job waits for a restart; one that died or hangs is ended at once, and only the jobs that used it notice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.browser.launch import LaunchOptions, WarmBrowser

_WEIGH_EVERY_S = 30.0


@dataclass(frozen=True)
class Wear:
    """When a browser is replaced, between two jobs."""

    max_age_s: float
    max_jobs: int
    max_mib: int


@dataclass
class _Serving:
    """One browser and what it has served."""

    warm: WarmBrowser
    began: float
    jobs: int = 0
    users: int = 0
    weighed_at: float = 0.0
    mib: int = 0


@dataclass(frozen=True)
class BrowserStatus:
    """The browser for new jobs."""

    pid: int | None
    version: str
    age_s: float
    jobs: int
    mib: int
    retiring: int  # worn browsers that serve out their last jobs


@dataclass
class SharedBrowser:
    """Lends out the browser; every :meth:`take` is followed by one :meth:`give_back`.

    ``on_start`` is told why a browser was started: "first", "age", "jobs", "memory", "lost" or "hung".
    """

    options: LaunchOptions
    wear: Wear
    on_start: Callable[[str], None] = lambda why: None
    monotonic: Callable[[], float] = time.monotonic
    _current: _Serving | None = None
    _all: list[_Serving] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)
    _why: str = "first"

    async def take(self) -> WarmBrowser:
        """A running browser for one job. Raises Failed("browser-broken") when none starts."""
        async with self._lock:
            serving = await self._ready()
            serving.users += 1
            serving.jobs += 1
            return serving.warm

    async def give_back(self, warm: WarmBrowser) -> None:
        """The job is over. A worn browser is replaced; one that has served its last job is closed."""
        serving = self._of(warm)
        if serving is None:
            return
        serving.users -= 1
        if serving is self._current and (worn := await self._worn(serving)) and serving is self._current:
            self._retire(worn)
        if serving is not self._current and serving.users <= 0:
            self._close_soon(serving)

    async def replace(self, warm: WarmBrowser) -> WarmBrowser:
        """After trouble: the same browser when it still answers, else another one. Counts as giving back and taking.

        Of several jobs that a browser took down with it, the first one gets here and restarts it for all.
        """
        async with self._lock:
            serving = self._of(warm)
            if serving is not None and await self._answers(serving):
                return warm
            if serving is not None:
                serving.users -= 1
                if serving is self._current:
                    self._retire("hung" if warm.is_running else "lost")
                self._forget(serving)
                await warm.close()
            other = await self._ready()
            other.users += 1
            other.jobs += 1
            return other.warm

    async def close(self) -> None:
        """End every browser, whatever it does."""
        self._current = None
        for serving in list(self._all):
            self._forget(serving)
            await serving.warm.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    @property
    def status(self) -> BrowserStatus | None:
        """The browser for new jobs; None when none runs."""
        serving = self._current
        if serving is None or not serving.warm.is_running:
            return None
        return BrowserStatus(
            pid=serving.warm.pid,
            version=serving.warm.version,
            age_s=self.monotonic() - serving.began,
            jobs=serving.jobs,
            mib=serving.mib,
            retiring=len(self._all) - 1,
        )

    async def _ready(self) -> _Serving:
        serving = self._current
        if serving is not None and serving.warm.is_running:
            return serving
        if serving is not None:
            self._retire("lost")
            self._forget(serving)
            await serving.warm.close()
        fresh = _Serving(WarmBrowser(self.options), self.monotonic())
        await fresh.warm.ready()
        self._current = fresh
        self._all.append(fresh)
        self.on_start(self._why)
        return fresh

    async def _answers(self, serving: _Serving) -> bool:
        """A busy machine is no hanging browser: asked twice."""
        return serving.warm.is_running and (await serving.warm.answers() or await serving.warm.answers())

    async def _worn(self, serving: _Serving) -> str:
        """Why the browser is to be replaced; empty when it is not."""
        now = self.monotonic()
        if now - serving.began >= self.wear.max_age_s:
            return "age"
        if serving.jobs >= self.wear.max_jobs:
            return "jobs"
        if now - serving.weighed_at >= _WEIGH_EVERY_S:
            serving.weighed_at = now
            serving.mib = await asyncio.to_thread(serving.warm.memory_mib)
        return "memory" if serving.mib > self.wear.max_mib else ""

    def _retire(self, why: str) -> None:
        self._current, self._why = None, why

    def _of(self, warm: WarmBrowser) -> _Serving | None:
        return next((serving for serving in self._all if serving.warm is warm), None)

    def _forget(self, serving: _Serving) -> None:
        if serving in self._all:
            self._all.remove(serving)

    def _close_soon(self, serving: _Serving) -> None:
        self._forget(serving)
        closing = asyncio.create_task(serving.warm.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

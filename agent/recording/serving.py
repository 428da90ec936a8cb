"""Rebuilt pages in a real browser that can reach nobody.

Four walls: the page's own policy (nothing is asked for), every request answered from the recording or aborted and
counted, a context that is offline, and, with :func:`frozen_browser`, a browser that resolves no name and whose only way
out is a proxy that does not exist.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

from agent.recording.recording import Recording
from agent.recording.snapshots import Snapshot

_NOWHERE = "http://recorded.invalid/"
_LOAD_MS = 20_000


@asynccontextmanager
async def frozen_browser(executable: Path) -> AsyncIterator[Browser]:
    """A browser that cannot reach anything, closed at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(executable),
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            # Port 9 of this machine discards; "<-loopback>" sends even loopback addresses there.
            args=[
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--proxy-server=http://127.0.0.1:9",
                "--proxy-bypass-list=<-loopback>",
            ],
        )
        try:
            yield browser
        finally:
            await browser.close()


class FrozenPages:
    """A browser context without scripts in which the pages of one recording can be opened.

    ``page.evaluate`` and the debugger's ``Runtime.evaluate`` work; the pages themselves run nothing.
    """

    def __init__(self, browser: Browser, recording: Recording, *, locale: str = "en-US") -> None:
        self.recording = recording
        #: addresses that a page asked for and was not given; empty for every recording that is rebuilt as it should be
        self.refused: list[str] = []
        self._browser = browser
        self._locale = locale
        self._context: BrowserContext | None = None
        self._html: dict[Page, str] = {}

    @property
    def outgoing(self) -> int:
        """How many requests a page tried to send. They were aborted: none has left."""
        return len(self.refused)

    @property
    def context(self) -> BrowserContext:
        """The context; only inside ``async with``."""
        if self._context is None:
            raise RuntimeError("FrozenPages is used with `async with`")
        return self._context

    async def __aenter__(self) -> FrozenPages:
        width, height = self.recording.viewport
        self._context = await self._browser.new_context(
            java_script_enabled=False,
            offline=True,
            service_workers="block",
            accept_downloads=False,
            locale=self._locale,
            viewport={"width": width, "height": height},
        )
        await self._context.route("**/*", self._answer)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context, self._context = self._context, None
        self._html.clear()
        if context is not None:
            await context.close()

    async def open(self, snapshot: Snapshot, page: Page | None = None) -> Page:
        """The page of a snapshot, loaded, in a new tab or in the one given. Its address is the recorded one.

        RecordingNotUnderstood when it cannot be rebuilt.
        """
        html = self.recording.html(snapshot)
        shown = page or await self.context.new_page()
        width, height = snapshot.viewport
        if shown.viewport_size != {"width": width, "height": height}:
            await shown.set_viewport_size({"width": width, "height": height})
        self._html[shown] = html
        url = snapshot.url if snapshot.url.startswith(("http://", "https://")) else _NOWHERE
        if shown.url == url:
            await shown.goto(
                "about:blank"
            )  # an address that differs in nothing, or in its fragment, is not loaded again
        await shown.goto(url, wait_until="load", timeout=_LOAD_MS)
        return shown

    async def _answer(self, route: Route) -> None:
        request = route.request
        html = None
        if request.is_navigation_request() and request.frame.parent_frame is None:
            html = self._html.get(request.frame.page)
        if html is None:
            self.refused.append(request.url)
            await route.abort()
        else:
            await route.fulfill(status=200, content_type="text/html; charset=utf-8", body=html)

"""Holds whatever could write back in the network, as long as no write was let through the gate.

Many buttons only ask first. When the page has changed so that one of them acts at once, its click would be the write:
with no evidence, no approval and no record of it. So every request of the page that is not a reading one is stopped
before it leaves, and only a commit lifts that, once the gate has let its one write through. What is stopped is told.

It sits on the browser's own protocol: Playwright's routes would turn the browser's cache off, and be asked about every
picture. Requests to the sign-in host pass, and so would web sockets. Windows that a page opens have no guard: the
headless shell is started so that there are none; any other browser lets their first request pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Page

from flows.interface import HeldRequest
from flows.tenant import TenantAddress

READING = frozenset({"GET", "HEAD", "OPTIONS"})
_KINDS = ("Document", "XHR", "Fetch", "Ping")
"""What a page can send data with; scripts, styles, fonts and pictures are only ever asked for."""


class WriteGuard:
    """Of one page. Does nothing before :meth:`shut`, which comes after the sign-in."""

    def __init__(self, page: Page, tenant: TenantAddress, told: Callable[[HeldRequest], None]) -> None:
        """``told`` hears of each request that was held back."""
        self._page = page
        self._tenant = tenant
        self._told = told
        self._session: CDPSession | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._is_lifted = False
        self._is_touched = False  # a control of the document on the page was used
        self._unasked: set[str] = set()  # what the page sends by itself

    async def shut(self) -> None:
        """From here on nothing that could write leaves the page."""
        if self._session is not None:
            return
        self._session = await self._page.context.new_cdp_session(self._page)
        self._session.on("Fetch.requestPaused", self._paused)
        patterns = [{"urlPattern": "*", "resourceType": kind} for kind in _KINDS]
        await self._session.send("Fetch.enable", {"patterns": patterns})

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """While inside, all requests pass: for one commit, from the gate's yes until its answer was read."""
        self._is_lifted = True
        try:
            yield
        finally:
            self._is_lifted = False

    def touched(self) -> None:
        """A control is about to be used: what is sent from here on may be its doing."""
        self._is_touched = True

    def loading(self) -> None:
        """Another document is about to be loaded: what it sends untouched it sends by itself."""
        self._is_touched = False

    def _paused(self, event: dict[str, Any]) -> None:
        answer = asyncio.ensure_future(self._answer(event))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def _answer(self, event: dict[str, Any]) -> None:
        session, request = self._session, event["request"]
        passes = self._is_lifted or request["method"].upper() in READING or self._tenant.is_at_sign_in(request["url"])
        if not passes:
            self._note(request["method"], request["url"])
        call, given = "Fetch.continueRequest", {"requestId": event["requestId"]}
        if not passes:
            # A document that is not sent for leaves the old one where it is.
            reason = "Aborted" if event["resourceType"] == "Document" else "BlockedByClient"
            call, given = "Fetch.failRequest", {**given, "errorReason": reason}
        try:
            if session is not None:
                await session.send(call, given)
        except Exception:  # the driver's death shows as a bare one
            return  # the page or the browser is gone, and the request with it

    def _note(self, method: str, url: str) -> None:
        parts = urlsplit(url)
        name = f"{method} {parts.path}"
        if not self._is_touched:
            self._unasked.add(name)
        by_touch = self._is_touched and name not in self._unasked and self._tenant.is_of_own_site(url)
        self._told(HeldRequest(method, parts.hostname or "", parts.path, by_touch, self._tenant.is_at_app(url)))

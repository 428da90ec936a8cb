"""The session of one job among several: a browser context of its own with the tenant's shared sign-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from playwright.async_api import Error as PlaywrightError

from agent.browser.access import SignedIn, TenantAccess
from agent.browser.launch import WarmBrowser, closed_in_time
from agent.browser.read_only import read_only
from agent.browser.session import CALL_LIMIT_S, Opened, lost
from agent.browser.shared import SharedBrowser
from agent.domain.person import TenantFacts
from flows import Attendant

_PAGE_ANSWERS_S = 5.0


class ContextSession:
    """Implements :class:`agent.execute.session.JobSession` for one job; :meth:`close` it whatever happened."""

    def __init__(self, tenant: str, browsers: SharedBrowser, access: TenantAccess, gate: Attendant) -> None:
        self.tenant = tenant
        self._browsers = browsers
        self._access = access
        self._gate = gate
        self._warm: WarmBrowser | None = None
        self._opened: Opened | None = None
        self._began_with: SignedIn | None = None

    async def open(self) -> Opened:
        """A context of its own, signed in. Raises SignInRejected and other Failed."""
        if self._opened is not None:
            return replace(self._opened, typed_password=False)
        if self._warm is None:
            self._warm = await self._browsers.take()
        return await self._begin()

    async def renew(self) -> Opened:
        """Go on after the session ended, the page was lost or hangs, or the browser did.

        Where only the session ended the running context stays (its trace goes on) and gets the new cookies.
        """
        if self._warm is None:
            return await self.open()
        before, self._warm = self._warm, None  # given back already, should no other one start
        self._warm = await self._browsers.replace(before)
        if self._opened is None or self._warm is not before or not await self._page_answers():
            names = self.names()
            await self._drop()
            return await self._begin(names)
        running = self._opened
        browser = self._warm.running()
        signed, _ = await self._access.signed_in(browser, stale=self._began_with)
        cookies: Any = signed.state.get("cookies", [])
        try:
            await asyncio.wait_for(running.context.clear_cookies(), CALL_LIMIT_S)
            await asyncio.wait_for(running.context.add_cookies(cookies), CALL_LIMIT_S)
        except Exception as error:  # the driver's death shows as a bare Exception
            raise lost(error) from error
        self._began_with = signed
        return running

    def names(self) -> TenantFacts | None:
        """The tenant's names, as this job has read them; None before it has. Loads nothing."""
        return self._opened.directory.known_facts if self._opened is not None else None

    @asynccontextmanager
    async def reading_only(self) -> AsyncIterator[list[str]]:
        """While inside, nothing that could write leaves the browser; yields what was held back."""
        opened = await self.open()
        async with read_only(opened.context, self._access.sign_in.address.is_at_sign_in) as held:
            yield held

    async def close(self, *, in_order: bool) -> None:
        """Close the context; after a job that ended in order, what it learnt is kept for the next ones."""
        opened = self._opened
        if in_order and opened is not None and self._began_with is not None:
            await self._access.pass_on(opened.context, opened.directory, self._began_with)
        await self._drop()
        warm, self._warm = self._warm, None
        if warm is not None:
            await self._browsers.give_back(warm)

    async def _begin(self, names: TenantFacts | None = None) -> Opened:
        if self._warm is None:
            raise RuntimeError("no browser was taken")
        browser = self._warm.running()
        opened, self._began_with, typed = await self._access.open(browser, self._gate, names)
        self._opened = replace(opened, typed_password=typed)
        return self._opened

    async def _page_answers(self) -> bool:
        if self._opened is None:
            return False
        try:
            await asyncio.wait_for(self._opened.page.evaluate("1"), _PAGE_ANSWERS_S)
        except (PlaywrightError, TimeoutError):
            return False
        return True

    async def _drop(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await closed_in_time(opened.context.close())

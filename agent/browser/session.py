"""A signed-in browser context per tenant, reused from job to job and, sealed, from run to run.

A sign-in is the rarest act: stored state is tried first, a second job in the same process pays nothing, and a session
that ends in mid-job is renewed in a context of its own, so that the sign-in never stands in the job's trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from agent.browser.launch import WarmBrowser, closed_in_time
from agent.browser.read_only import read_only
from agent.browser.stored_state import StoredState
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.credentials.store import TenantCredentials
from agent.domain.person import TenantFacts
from agent.errors import Failed
from flows import Attendant, Catalogue, Directory, PageObserver, TenantAddress, Timeouts, open_directory

VIEWPORT = {"width": 1280, "height": 900}
CALL_LIMIT_S = 30.0
SHORTEST_SESSION_COOKIE = 16  # shorter ones are preferences, not sessions


@dataclass(frozen=True)
class Opened:
    """A session that is signed in."""

    directory: Directory
    context: BrowserContext
    page: Page
    browser_version: str
    typed_password: bool = True  # False: a session of before served


class _Watched:
    """A tenant's sign-in, and whether its password was asked for."""

    def __init__(self, credentials: TenantCredentials) -> None:
        self._credentials = credentials
        self.used = False

    @property
    def email(self) -> str:
        return self._credentials.email

    def password(self) -> str:
        self.used = True
        return self._credentials.password()

    def totp(self) -> str | None:
        return self._credentials.totp()


@dataclass(frozen=True)
class SignIn:
    """All that is needed to get into one tenant."""

    tenant: str
    address: TenantAddress
    credentials: TenantCredentials
    catalogue: Catalogue
    timeouts: Timeouts
    stored: StoredState
    known: KnownSecrets
    locale: str = "en-US"

    def remember(self, state: Any) -> None:
        """Cookies of a session are secrets from here on: evidence and logs are searched for them."""
        for cookie in state.get("cookies", []):
            if cookie.get("httpOnly") and len(cookie["value"]) >= SHORTEST_SESSION_COOKIE:
                label = f"session cookie {cookie['name']} of {cookie['domain']}"
                self.known.add(label, Secret(cookie["value"]))


class TenantSession:
    """The session of one tenant. Errors: SignInRejected and what else the flows raise, Failed("browser-lost")."""

    def __init__(self, browser: WarmBrowser, sign_in: SignIn, gate: Attendant) -> None:
        self.tenant = sign_in.tenant
        self._browser = browser
        self._sign_in = sign_in
        self._gate = gate
        self._opened: Opened | None = None
        self._of: Browser | None = None

    async def open(self) -> Opened:
        """Signed in; the session of the job before when it is still there."""
        browser = await self._browser.ready()
        if self._opened is not None and self._of is browser and not self._opened.page.is_closed():
            return replace(self._opened, typed_password=False)
        names = self._opened.directory.known_facts if self._opened is not None else None
        await self._drop()
        self._of = browser
        state = await asyncio.to_thread(self._sign_in.stored.load)
        if state is None:
            await self._sign_in.credentials.code_ready()
        self._opened = await enter(browser, self._sign_in, self._gate, state, facts=names, observer=self._gate)
        return self._opened

    async def renew(self) -> Opened:
        """Sign in again after the session ended, or start again after the browser died.

        With a browser that lives, the running context stays (its trace goes on) and only gets the new cookies.
        """
        browser = await self._browser.ready()
        if not await self._browser.answers():
            await self._browser.close()  # it hangs: killed
            browser = await self._browser.ready()
        if self._opened is None or self._of is not browser:
            return await self.open()
        running = self._opened
        await self._sign_in.credentials.code_ready()
        try:  # the session may only be asked for its code again: then the password is not needed
            before: Any = await asyncio.wait_for(running.context.storage_state(), CALL_LIMIT_S)
        except (PlaywrightError, TimeoutError) as error:
            raise lost(error) from error
        aside = await enter(browser, self._sign_in, self._gate, before)
        try:
            state = await asyncio.wait_for(aside.context.storage_state(), CALL_LIMIT_S)
            await asyncio.wait_for(running.context.clear_cookies(), CALL_LIMIT_S)
            cookies: Any = state.get("cookies", [])  # as Playwright gave them; its two types differ in name only
            await asyncio.wait_for(running.context.add_cookies(cookies), CALL_LIMIT_S)
        except (PlaywrightError, TimeoutError) as error:
            raise lost(error) from error
        finally:
            await closed_in_time(aside.context.close())
        return running

    @asynccontextmanager
    async def reading_only(self) -> AsyncIterator[list[str]]:
        """While inside, nothing that could write leaves the browser; yields what was held back."""
        opened = await self.open()
        async with read_only(opened.context, self._sign_in.address.is_at_sign_in) as held:
            yield held

    async def keep(self) -> None:
        """Seal the cookies as they are now, for the next run. Best effort; call it only while no trace runs."""
        if self._opened is None:
            return
        try:
            state = await asyncio.wait_for(self._opened.context.storage_state(), CALL_LIMIT_S)
        except (PlaywrightError, TimeoutError):
            return
        self._sign_in.remember(state)
        await asyncio.to_thread(self._sign_in.stored.save, state)

    async def close(self) -> None:
        """Keep the session for the next run and close its context."""
        await self.keep()
        await self._drop()

    async def _drop(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await closed_in_time(opened.context.close())


async def enter(
    browser: Browser,
    sign_in: SignIn,
    gate: Attendant,
    state: Any,
    *,
    may_sign_in: bool = True,
    facts: TenantFacts | None = None,
    observer: PageObserver | None = None,
) -> Opened:
    """A new context with this state (None: nobody is signed in), and the tenant's Directory in it.

    ``observer`` is told what is read in it; a context that is opened aside, only to sign in, has none.

    Raises what the flows raise: SignedOut when the state is too old and ``may_sign_in`` False; Failed("browser-lost").
    """
    watched = _Watched(sign_in.credentials)
    context = await fresh_context(browser, sign_in, state)
    try:
        page = await asyncio.wait_for(context.new_page(), CALL_LIMIT_S)
        directory = await open_directory(
            page,
            sign_in.address,
            gate,
            watched,
            sign_in.catalogue,
            sign_in.timeouts,
            facts=facts,
            may_sign_in=may_sign_in,
            observer=observer,
        )
        if may_sign_in:  # else the state is one that somebody else keeps
            await remember_session(context, sign_in)
    except (PlaywrightError, TimeoutError) as error:
        await closed_in_time(context.close())
        raise lost(error) from error
    except BaseException:
        await closed_in_time(context.close())
        raise
    return Opened(directory, context, page, browser.version, watched.used)


async def fresh_context(browser: Browser, sign_in: SignIn, state: Any) -> BrowserContext:
    """A context of its own with this state (None: nobody is signed in). Failed("browser-lost")."""
    try:
        return await asyncio.wait_for(
            browser.new_context(
                storage_state=state,
                locale=sign_in.locale,
                timezone_id="UTC",  # times on the pages are UTC [I]
                viewport={"width": VIEWPORT["width"], "height": VIEWPORT["height"]},
                service_workers="block",  # their requests would pass by the dry run's network guard
                accept_downloads=False,
            ),
            CALL_LIMIT_S,
        )
    except Exception as error:  # the driver's death shows as a bare Exception
        raise lost(error) from error


async def remember_session(context: BrowserContext, sign_in: SignIn) -> Any:
    """Take the context's cookies, keep them as secrets, and seal them for the next run."""
    state = await asyncio.wait_for(context.storage_state(), CALL_LIMIT_S)
    sign_in.remember(state)
    await asyncio.to_thread(sign_in.stored.save, state)
    return state


def lost(error: BaseException) -> Failed:
    """The error that says that the browser is gone, whatever the driver said."""
    said = str(error).strip().splitlines()
    return Failed(
        "browser-lost",
        "The browser ended or hung.",
        expected="a browser that answers",
        seen=said[0] if said else type(error).__name__,
    )

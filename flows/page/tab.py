"""One browser tab on a tenant: loads pages, reads them, acts on controls, and knows the tenant's clock."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.async_api import Error as BrowserError
from playwright.async_api import Locator, Page, Response
from playwright.async_api import TimeoutError as BrowserTimeout

from agent.domain.touch import TOUCH_RECORDER
from agent.errors import Failed, RetrySafe, UnknownPage
from flows.catalogue import Catalogue
from flows.interface import Examined, PageObserver, Use
from flows.page.limits import bounded, is_navigated_away, translated
from flows.page.patience import Patience
from flows.page.places import Placed
from flows.page.protocol import PageScripts
from flows.page.reading import Reading
from flows.page.shell import Layer, Shell, flash_recorder
from flows.page.telling import Telling
from flows.page.write_guard import WriteGuard
from flows.tenant import TenantAddress, Timeouts

T = TypeVar("T")

_FRESH_SECONDS = 5.0
_RETRY_PAUSE_SECONDS = 1.5

SHELL_ONLY = Reading(None, "return null;", name="shell")

_SHOWN = Reading(None, "return [...document.querySelectorAll(given.css)].some(visible);", generation="any")


class Tab:
    """A page of the signed-in context, and how this tenant is read.

    Never waits for ``networkidle``: Procore's pages poll and it never comes [C]. A page is loaded when its document is
    parsed *and* the landmark of the reading is there; both are waited for by the reading itself.
    """

    def __init__(
        self,
        page: Page,
        tenant: TenantAddress,
        catalogue: Catalogue,
        timeouts: Timeouts,
        observer: PageObserver | None = None,
    ) -> None:
        """``observer`` is told of every named reading and every control that is used."""
        self.page = page
        self.tenant = tenant
        self.catalogue = catalogue
        self.timeouts = timeouts
        self._telling = Telling(observer, catalogue)
        self.template_ids: Mapping[
            str, str
        ] = {}  # id -> name, as the Permissions tool says; empty where it was not read
        self.loads = 0  # pages asked for by address, for tests and reports of cost
        self._scripts = PageScripts(page)
        self.guard = WriteGuard(page, tenant, self._telling.held)
        self._date: tuple[datetime, float] | None = None
        self._fresh: tuple[str, float] | None = None
        page.set_default_timeout(timeouts.control * 1000)
        page.set_default_navigation_timeout(timeouts.page * 1000)

    async def prepare(self) -> None:
        """Make this context send each write once, and this tab remember flashes that fade before they are read, and
        what was touched.

        Chromium silently sends a request again, a POST too, when a *reused* connection closes before the answer. One
        save would then reach Procore twice and we would see only the second answer. Asking for one connection a
        request (``Connection: close``) takes the reuse away; a dropped answer then shows as an error. Measured with
        chromium 156 over HTTP/1.1; over HTTP/2 the header means nothing, so the browser is launched with
        ``--disable-http2``.
        """
        call = self.page.context.set_extra_http_headers({"Connection": "close"})
        await bounded(call, self.timeouts.control, "setting the context's headers")
        recorder = self.page.add_init_script(flash_recorder(self.catalogue) + TOUCH_RECORDER)
        await bounded(recorder, self.timeouts.control, "recording flashes and touches")

    async def shut(self) -> None:
        """From here on nothing that could write leaves the page but what the gate lets through."""
        await bounded(self.guard.shut(), self.timeouts.control + self.timeouts.margin, "shutting the write guard")

    # --- loading ---

    async def open(self, path: str) -> None:
        """Load a path of the app host. A failed load of a page is harmless and is tried once more."""
        try:
            await self._load(path)
        except Failed as error:
            if error.code not in {"service-error", "page-unreachable"}:
                raise
            await asyncio.sleep(_RETRY_PAUSE_SECONDS)
            await self._load(path)

    async def _load(self, path: str) -> None:
        self.loads += 1
        self.untrust()
        self.guard.loading()
        limit = self.timeouts.page
        url = self.tenant.url(path)
        call = self.page.goto(url, wait_until="commit", timeout=limit * 1000)
        response = await bounded(call, limit + self.timeouts.margin, f"opening {path}")
        if response is not None:
            self._note_date(response)
        status = response.status if response else 200
        if status == 404:
            raise Failed("not-found", f"Procore has no page at {path}.", expected="the page", seen="status 404")
        if status >= 500:
            raise Failed(
                "service-error",
                "Procore answers with an error page.",
                expected=f"the page {path}",
                seen=f"status {status}",
            )

    async def follow(self, what: str, link: Locator) -> None:
        """Click a link that loads another page, and wait for its document."""
        self.loads += 1
        self.untrust()
        self.guard.touched()
        limit = self.timeouts.page

        async def go() -> None:
            async with self.page.expect_navigation(wait_until="domcontentloaded", timeout=limit * 1000):
                await link.click()

        await bounded(go(), limit + self.timeouts.margin, what)
        self.guard.loading()

    def trust(self) -> None:
        """The document on the tab was just rendered by the server and nobody has touched it: it may be written from."""
        self._fresh = (self.page.url, time.monotonic())

    def untrust(self) -> None:
        """The document is about to be changed, or is old: a write needs a new one."""
        self._fresh = None

    def is_fresh_at(self, *prefixes: str) -> bool:
        """Whether the tab shows an untouched document of a few seconds' age whose path begins so."""
        if self._fresh is None or self._fresh[0] != self.page.url:
            return False
        path = self.path
        return time.monotonic() - self._fresh[1] < _FRESH_SECONDS and any(path.startswith(item) for item in prefixes)

    @property
    def path(self) -> str:
        """The path of the document on the tab, without its query."""
        return urlsplit(self.page.url).path

    @property
    def is_at_sign_in_host(self) -> bool:
        """Whether the document came from the sign-in host, which also has screens without a sign-in form."""
        return self.page.url.startswith(self.tenant.sign_in_url)

    # --- reading ---

    async def read(self, reading: Reading, *, layers: tuple[Layer, ...] = (), **given: Any) -> Any:
        """The reading's data, once its landmark is there and nothing it requires is missing."""
        return (await self.read_all(reading, layers=layers, **given))[1]

    async def read_all(self, reading: Reading, *, layers: tuple[Layer, ...] = (), **given: Any) -> tuple[Shell, Any]:
        """The surroundings and the reading's data.

        Waits up to the hook limit for slow pages. Raises SignedOut, Failed("denied"), Failed("service-error") for
        pages that say so, and UnknownPage naming the catalogue key when something required is not there.
        """
        patience = Patience(self.timeouts.hook)
        arguments = reading.input(self.catalogue, given, layers)
        while True:
            began = time.time()
            raw = await self._evaluate(reading.source, arguments)
            if raw is not None:
                surroundings = Shell.of(raw["shell"], raw["document"])
                if raw["ready"] and not raw["problems"]:
                    await self._telling.reading(reading, given, layers, raw, began)
                    return surroundings, raw["data"]
                refusal = self._refusal(reading, raw, surroundings, late=patience.is_over)
                if refusal is not None:
                    await self._telling.reading(reading, given, layers, raw, began)
                    raise refusal
            elif patience.is_over:
                raise Failed("page-timeout", "The page kept changing.", expected="a page at rest", seen=self.path)
            await patience.pause()

    def _refusal(self, reading: Reading, raw: dict[str, Any], surroundings: Shell, *, late: bool) -> Failed | None:
        """Why this page is given up; None as long as it may still become the one that is wanted."""
        try:
            if not raw["ready"]:
                surroundings.refuse_other_page(self.catalogue, self.path, reading.generation)
            if surroundings.signed_in and surroundings.locale:  # what is not found may only be worded otherwise
                surroundings.refuse_other_language(self.tenant)
        except Failed as error:
            return error
        return self._unknown(reading, raw) if late else None

    async def appears(self, what: str, css: str) -> None:
        """Wait for what a control has just opened: for any place of ``css`` that is visible. UnknownPage
        ("unusable-control") when there is none in time.

        Playwright's own wait is recorded with the page before and after it, which takes several times as long.
        """
        patience = Patience(self.timeouts.control)
        while not await self.read(_SHOWN, css=css):
            if patience.is_over:
                raise UnknownPage(
                    "unusable-control",
                    f"What was to come up did not: {what}.",
                    expected=f"a visible element {css}",
                    seen="none",
                )
            await patience.pause()

    async def shell(self, *, layers: tuple[Layer, ...] = ()) -> Shell:
        """Only the surroundings, of whatever page this is."""
        return (await self.read_all(SHELL_ONLY, layers=layers))[0]

    async def _evaluate(self, source: str, arguments: str) -> Any:
        """One evaluation; None when another document came in between."""
        limit = self.timeouts.page + self.timeouts.margin
        try:
            return json.loads(await asyncio.wait_for(self._scripts.run(source, arguments), limit))
        except BrowserError as error:
            if is_navigated_away(error):
                return None
            raise translated(error, f"reading {self.path}") from None
        except TimeoutError:
            raise Failed(
                "browser-hung", "The browser does not answer.", expected="the page's data", seen="nothing"
            ) from None
        except Exception as error:
            raise translated(error, f"reading {self.path}") from None

    def _unknown(self, reading: Reading, raw: dict[str, Any]) -> UnknownPage:
        problems = raw["problems"] or [{"key": reading.landmark, "expected": "the page's landmark", "seen": "none"}]
        first = problems[0]
        return UnknownPage(
            "unknown-page",
            f"The page {self.path} does not look as known: {first['key']} is not as expected.",
            expected=f"{first['key']}: {first['expected']}",
            seen="; ".join(f"{item['key']}: {item['seen']}" for item in problems),
        )

    async def tell_examined(self, examined: Examined) -> None:
        """Tell the observer how a region compares with its known shape."""
        await self._telling.examined(examined)

    # --- acting ---

    def at(self, key: str, **values: str) -> Locator:
        """The place of a catalogue key on this page, for acting on it."""
        return self.page.locator(self.selector(key, **values))

    def selector(self, key: str, **values: str) -> Placed:
        """The selector of a catalogue key for Playwright."""
        return self._telling.made(Placed.of(self.catalogue, (Use(key, values),), css=False))

    def css(self, key: str, **values: str) -> Placed:
        """The selector of a catalogue key as plain CSS."""
        return self._telling.made(Placed.of(self.catalogue, (Use(key, values),), css=True))

    def css_within(self, outer: Placed, key: str, **values: str) -> Placed:
        """The places of a key inside another place, as plain CSS."""
        return self._telling.made(outer.within(self.catalogue, key, **values))

    async def act(self, what: str, action: Callable[[], Awaitable[T]]) -> T:
        """Do something with a control that sends nothing. UnknownPage when it cannot be done in time."""
        self.untrust()
        self.guard.touched()
        began = time.time()
        done = False
        try:
            result = await self._within_limit(what, action)
            done = True
            return result
        finally:
            await self._telling.use(what, self.page.url, began, failed=not done)

    async def _within_limit(self, what: str, action: Callable[[], Awaitable[T]]) -> T:
        limit = self.timeouts.control + self.timeouts.margin
        try:
            return await asyncio.wait_for(action(), limit)
        except BrowserTimeout as error:
            surroundings = await self.shell()
            surroundings.refuse_other_page(self.catalogue, what)
            raise UnknownPage(
                "unusable-control",
                f"A control could not be used: {what}.",
                expected="a visible, enabled control that nothing covers",
                seen=_reason(error) + (f"; on top: {surroundings.overlays}" if surroundings.overlays else ""),
            ) from None
        except BrowserError as error:
            if "strict mode violation" in str(error):
                seen = str(error).split("\n", 1)[0]
                raise UnknownPage(
                    "unknown-page", f"More than one place fits: {what}.", expected="one place", seen=seen
                ) from None
            raise translated(error, what) from None
        except TimeoutError:
            raise Failed("browser-hung", f"The browser did not answer: {what}.", seen="nothing") from None

    # --- the tenant's clock ---

    def _note_date(self, response: Response) -> None:
        # Only of pages opened by address: to be told of every script and style sheet costs more than it is worth.
        if not response.url.startswith(self.tenant.app_url):
            return
        stamp = response.headers.get("date")
        if stamp:
            try:
                self._date = (parsedate_to_datetime(stamp).astimezone(UTC), time.monotonic())
            except ValueError:
                return  # an unreadable date is no date

    def server_time(self) -> datetime:
        """The tenant's time (UTC, never later than the true one): the last Date header plus the time since."""
        if self._date is None:
            raise Failed(
                "no-server-time",
                "Procore's answers carry no Date header, so changes cannot be placed in time.",
                expected="a Date header",
                seen="none",
                retry_safe=RetrySafe.NO,
            )
        stamp, since = self._date
        return stamp + timedelta(seconds=int(time.monotonic() - since))


def _reason(error: BrowserTimeout) -> str:
    """Why Playwright could not act, without what it was to type."""
    for line in str(error).splitlines():
        if any(sign in line for sign in ("intercepts pointer events", "not visible", "not enabled", "not editable")):
            return line.strip(" -")
    return "it did not come up"

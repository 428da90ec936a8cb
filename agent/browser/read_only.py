"""The second lock of a dry run: whatever the flows do, no request that could write leaves the browser.

The first lock is the commit gate. This one sits in the network, where a mistake in a flow, or a script of the page,
would show.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Request, Route

READING = frozenset({"GET", "HEAD", "OPTIONS"})


@asynccontextmanager
async def read_only(
    context: BrowserContext, but: Callable[[str], bool] = lambda _url: False
) -> AsyncIterator[list[str]]:
    """Abort every request that is not a reading one, to whatever host; yields the list of those that were aborted.

    ``but`` says which addresses are let through: those of the sign-in host. Leave it while signing in again: that is a
    POST by nature.
    """
    aborted: list[str] = []
    noted: list[Request] = []

    def guarded(url: str) -> bool:
        return not but(url)

    def note(request: Request) -> None:
        if request.method.upper() not in READING and guarded(request.url) and request not in noted:
            noted.append(request)
            aborted.append(f"{request.method} {urlsplit(request.url).path}")

    async def hold(route: Route) -> None:
        if route.request.method.upper() in READING:
            await route.fallback()
            return
        note(route.request)
        await route.abort("blockedbyclient")

    context.on("requestfailed", note)  # the page's own write guard may have been first
    await context.route(guarded, hold)
    try:
        yield aborted
    finally:
        await context.unroute(guarded, hold)
        context.remove_listener("requestfailed", note)

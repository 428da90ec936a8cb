"""The second lock of a dry run: whatever the flows do, no request that could write leaves the browser.

The first lock is the commit gate. This one sits in the network, where a mistake in a flow, or a script of the page,
would show.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Route

READING = frozenset({"GET", "HEAD", "OPTIONS"})


@asynccontextmanager
async def read_only(context: BrowserContext, app_hosts: Iterable[str]) -> AsyncIterator[list[str]]:
    """Abort every request to these hosts that is not a reading one; yields the list of those that were aborted.

    Leave it while signing in again: that is a POST by nature.
    """
    hosts = frozenset(host.lower() for host in app_hosts)
    aborted: list[str] = []

    def on_app_host(url: str) -> bool:
        return (urlsplit(url).hostname or "") in hosts

    async def hold(route: Route) -> None:
        request = route.request
        if request.method.upper() in READING:
            await route.fallback()
            return
        aborted.append(f"{request.method} {urlsplit(request.url).path}")
        await route.abort("blockedbyclient")

    await context.route(on_app_host, hold)
    try:
        yield aborted
    finally:
        await context.unroute(on_app_host, hold)

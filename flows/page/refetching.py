"""Do something after which the page's own script fetches data, and wait until it has drawn it.

The grids of the new generation show no sign while they load: the old rows stay until the new ones are there. So the
network is the witness, and after it two frames of the page; whoever reads afterwards checks that the rows fit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Request

from agent.errors import UnknownPage
from flows.page.reading import Reading
from flows.page.tab import Tab

#: a search acts a quarter of a second after the last key [I]; a page whose script is slow gets more
_USUALLY_BEGUN_SECONDS = 2.0
_QUIET_SECONDS = 0.05

_DRAWN = Reading(
    None,
    r"""
    await new Promise((drawn) => setTimeout(() => requestAnimationFrame(() => setTimeout(drawn, 0)), 0));
    return null;
    """,
)


async def refetched(tab: Tab, what: str, action: Callable[[], Awaitable[Any]]) -> None:
    """Run the action, and wait for the data that the page asks for because of it.

    UnknownPage("no-reaction") when the page asks for nothing, and when the answers do not come.
    """
    origin = tab.tenant.app_url.rstrip("/") + "/"
    under_way: set[Request] = set()
    begun, quiet = asyncio.Event(), asyncio.Event()

    def note_request(request: Request) -> None:
        if request.method == "GET" and request.resource_type in ("fetch", "xhr") and request.url.startswith(origin):
            under_way.add(request)
            begun.set()
            quiet.clear()

    def note_end(request: Request) -> None:
        under_way.discard(request)
        if begun.is_set() and not under_way:
            quiet.set()

    handlers: list[tuple[Any, Callable[[Request], None]]] = [
        ("request", note_request),
        ("requestfinished", note_end),
        ("requestfailed", note_end),
    ]
    for event, handler in handlers:
        tab.page.on(event, handler)
    try:
        await action()
        tab.untrust()
        await _happens(begun, max(_USUALLY_BEGUN_SECONDS, tab.timeouts.submit), what, "the page asked for no data")
        deadline = time.monotonic() + tab.timeouts.page
        while True:
            left = deadline - time.monotonic()
            await _happens(quiet, max(left, 0.0), what, "its data did not come")
            await asyncio.sleep(_QUIET_SECONDS)
            if not under_way:
                break
    finally:
        for event, handler in handlers:
            tab.page.remove_listener(event, handler)
    await tab.read(_DRAWN)


async def _happens(event: asyncio.Event, seconds: float, what: str, otherwise: str) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        raise UnknownPage(
            "no-reaction", f"The page did not react: {what}.", expected="rows that are loaded anew", seen=otherwise
        ) from None

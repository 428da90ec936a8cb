"""Scripts of ours, run in the page through the browser's own protocol.

Playwright's ``evaluate`` would do, but each of its calls takes two snapshots of the page into the recording, and a job
reads thirty times: that was a fifth of its time (measured). A reading changes nothing, and the page as it was read
stands in the recording all the same, as the "before" of the next call.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as BrowserError


class PageScripts:
    """Runs functions in the main frame of one page, in the page's own world."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession | None = None
        self._crashed = asyncio.Event()
        page.on("crash", lambda _: self._crashed.set())

    async def run(self, function: str, argument: str) -> str:
        """What the function of one text answers, a text.

        Raises the browser's Error when there is no page to run in (:func:`flows.page.limits.is_navigated_away` tells
        when another document has come in between), and when the function throws. Has no limit of time of its own.
        """
        if self._page.is_closed():
            raise BrowserError("the tab has been closed")
        if self._session is None:
            self._session = await self._page.context.new_cdp_session(self._page)
        call = {"expression": f"({function})({json.dumps(argument)})", "awaitPromise": True, "returnByValue": True}
        answer = await self._unless_crashed(self._session, call)
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"].get("exception", {})
            raise BrowserError(f"a script of ours failed in the page: {thrown.get('description', 'no description')}")
        return str(answer["result"]["value"])

    async def _unless_crashed(self, session: CDPSession, call: dict[str, Any]) -> dict[str, Any]:
        """The protocol's answer; a page that has crashed gives none, ever."""
        answer = asyncio.ensure_future(session.send("Runtime.evaluate", call))
        crash = asyncio.ensure_future(self._crashed.wait())
        try:
            await asyncio.wait({answer, crash}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise BrowserError("the page has crashed")
            return await answer
        finally:
            answer.cancel()
            crash.cancel()

"""Every call into the browser has a limit, and its errors become ours.

A browser can hang with no error at all (a stopped process answers nothing, not even ``close``), so Playwright's own
time-outs are not enough: each call is also bounded from outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from playwright.async_api import Error as BrowserError
from playwright.async_api import TimeoutError as BrowserTimeout

from agent.errors import Failed

T = TypeVar("T")

_GONE = ("has been closed", "crashed", "Connection closed while reading", "Browser closed", "Target closed")
_NOT_LOADED = ("net::ERR", "interrupted by another navigation")
_NAVIGATED = (
    "Execution context was destroyed",
    "Cannot find context",
    "frame was detached",
    "Element is not attached",
    # the same, said by the browser's own protocol
    "Inspected target navigated or closed",
    "Cannot find default execution context",
    "Promise was collected",
)


def is_browser_lost(error: BaseException) -> bool:
    """Whether the browser, the tab or the driver is gone, so that nothing more can be asked of it."""
    return type(error).__name__ == "TargetClosedError" or any(sign in str(error) for sign in _GONE)


def is_navigated_away(error: BaseException) -> bool:
    """Whether a call failed only because another document took the page's place meanwhile."""
    return any(sign in str(error) for sign in _NAVIGATED)


async def bounded(call: Awaitable[T], seconds: float, what: str) -> T:
    """Await a browser call for at most ``seconds``.

    Raises Failed with code "browser-hung" (no answer at all), "browser-lost" (closed or crashed), "page-unreachable"
    (network), "page-timeout" (Playwright's own limit) or "browser-error". Nothing of the error's call log is taken
    over beyond its first line: it can hold what was typed.
    """
    try:
        return await asyncio.wait_for(call, seconds)
    except TimeoutError:
        raise Failed(
            "browser-hung",
            f"The browser did not answer within {seconds:g} s: {what}.",
            expected="an answer or an error",
            seen="neither",
        ) from None
    except Exception as error:  # the driver's death shows as a bare Exception
        raise translated(error, what) from None


def translated(error: Exception, what: str) -> Failed:
    """Our error for one of the browser's; errors that are none of the browser's are raised as they are."""
    if isinstance(error, Failed):
        return error
    first_line = str(error).split("\n", 1)[0]
    if is_browser_lost(error):
        return Failed("browser-lost", f"The browser was lost: {what}.", expected="a running browser", seen=first_line)
    if not isinstance(error, BrowserError):
        raise error
    if isinstance(error, BrowserTimeout):
        return Failed("page-timeout", f"The page took too long: {what}.", expected="an answer in time", seen=first_line)
    if any(sign in first_line for sign in _NOT_LOADED):
        return Failed("page-unreachable", f"The page could not be loaded: {what}.", expected="a page", seen=first_line)
    return Failed("browser-error", f"The browser refused a call: {what}.", expected="no error", seen=first_line)

"""Pictures of pages: few, small, never of a page that asks for a password, and never a reason for a job to fail."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

_TRIES = 3
#: Measured on a form page of 1280 x 900: quality 70 gives 40 KB, 40 gives 30 KB with small print still legible, PNG
#: 41 KB; WebP would be 15 KB but costs 50 ms more a picture.
_QUALITY = 40
_SECONDS = 5.0
#: Three screens. A page with hundreds of projects is not pictured whole; its states are in the JSON files.
_TALLEST = 2700

# Only a field that is shown can be seen in the picture.
_LOOK = """() => {
  const asks = 'input[type=password], input[autocomplete~="one-time-code"]';
  const shown = [...document.querySelectorAll(asks)].some((field) => field.getClientRects().length > 0);
  const root = document.documentElement;
  let layer = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  while (layer && getComputedStyle(layer).position !== 'fixed') layer = layer.parentElement;
  const size = {width: root.clientWidth, height: root.scrollHeight, seen: innerHeight};
  return {asks: shown, over: Boolean(layer), ...size, title: document.title, url: location.href};
}"""
_SESSIONS: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()


@dataclass(frozen=True)
class Picture:
    """A JPEG of a page, or the reason why there is none."""

    data: bytes | None
    title: str = ""
    path: str = ""  # of the address; its query may hold tokens and is left out
    missing: str = ""
    cut: bool = False


async def take(page: Page, *, at_work: bool = False) -> Picture:
    """A picture of the page as it is; on any trouble a Picture that says why it is missing.

    The whole page where it is not too tall; of a taller one its upper part. ``at_work``, when a form is being filled,
    it is the part in view of a tall page, or of one with a window over it.

    A screenshot races with navigation ("Unable to capture screenshot", about one in a thousand), so it is tried up to
    three times.
    """
    trouble = ""
    for attempt in range(_TRIES):
        if page.is_closed():
            return Picture(None, missing="the page was closed")
        try:
            return await asyncio.wait_for(_take(page, at_work), _SECONDS)
        except TimeoutError:
            return Picture(None, missing=f"the page gave no picture within {_SECONDS:.0f} s")
        except PlaywrightError as error:
            trouble = error.message.split("\n", 1)[0]
            if attempt + 1 < _TRIES:
                await _settle(page)
    return Picture(None, missing=trouble)


async def _take(page: Page, at_work: bool) -> Picture:
    # Through the browser's own protocol: Playwright's screenshot call is itself recorded in the trace, with a snapshot
    # of the page before and after it, which costs more than the picture.
    session = await _session(page)
    looked = await session.send("Runtime.evaluate", {"expression": f"({_LOOK})()", "returnByValue": True})
    look: dict[str, Any] = looked["result"]["value"]
    title, path = str(look["title"]), urlsplit(str(look["url"])).path
    if look["asks"]:
        return Picture(None, title, path, missing="the page asks for a password or a code; such pages are not pictured")
    cut = look["height"] > _TALLEST
    in_view = at_work and (cut or look["over"])  # a window lies over the page: what matters is in view
    how: dict[str, Any] = {"format": "jpeg", "quality": _QUALITY, "optimizeForSpeed": True}
    if not in_view and look["height"] > look["seen"]:
        height = min(look["height"], _TALLEST)
        how |= {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": look["width"], "height": height, "scale": 1},
        }
    taken = await session.send("Page.captureScreenshot", how)
    return Picture(base64.b64decode(taken["data"]), title, path, cut=cut)


async def _session(page: Page) -> CDPSession:
    """The page's protocol session, opened once."""
    session = _SESSIONS.get(page)
    if session is None:
        session = _SESSIONS[page] = await page.context.new_cdp_session(page)
    return session


async def _settle(page: Page) -> None:
    """Let the navigation that disturbed the picture end; its own trouble shows at the next try."""
    try:
        await page.wait_for_load_state("domcontentloaded", timeout=1500)
    except PlaywrightError:
        return

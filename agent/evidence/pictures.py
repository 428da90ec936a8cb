"""Pictures of pages: few, small, never of a page that asks for a password, and never a reason for a job to fail."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from agent.domain.touch import Target
from agent.evidence.outline import FIND_BOXES, Box, boxes_of
from agent.evidence.private import Bystanders
from agent.evidence.private_pictures import cover, others_on

_TRIES = 3
#: What the browser hands over is made smaller afterwards (``picture_files``): a picture of this quality takes no longer
#: than a worse one, a WebP from the browser 50 ms more.
_QUALITY = 70
_SECONDS = 5.0
#: Three screens. A page with hundreds of projects is not pictured whole; its states are in the JSON files.
_TALLEST = 2700
#: Of a page longer than the window that shows a state, and not a form at work: as wide as the report shows it. That is
#: the dearest of all pictures, and its cost goes with its area.
_LONG_PAGE_SCALE = 0.75

# Only a field that is shown can be seen in the picture.
_LOOK = """(target, atWork, tallest, boxes) => {
  const asks = 'input[type=password], input[autocomplete~="one-time-code"]';
  const shown = [...document.querySelectorAll(asks)].some((field) => field.getClientRects().length > 0);
  const root = document.documentElement;
  let layer = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  while (layer && getComputedStyle(layer).position !== 'fixed') layer = layer.parentElement;
  const size = {width: root.clientWidth, height: root.scrollHeight, seen: innerHeight, across: innerWidth};
  const over = Boolean(layer), cut = size.height > tallest, inView = atWork && (cut || over);
  const touched = atWork && !shown ? boxes(target, inView ? 0 : scrollX, inView ? 0 : scrollY) : [];
  return {asks: shown, cut, inView, touched, ...size, title: document.title, url: location.href};
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
    width: int = 0  # in pixels of the page, as the boxes; the picture itself may be smaller
    height: int = 0
    boxes: tuple[Box, ...] = ()  # what was touched; the picture itself is the page as it was


async def take(
    page: Page, *, at_work: bool = False, target: Target | None = None, bystanders: Bystanders | None = None
) -> Picture:
    """A picture of the page as it is; on any trouble a Picture that says why it is missing.

    The whole page where it is not too tall; of a taller one its upper part. ``at_work``, when a form is being filled,
    it is the part in view of a tall page, or of one with a window over it, and it comes with the places of the fields
    that were set and of ``target``, which is clicked next. With ``bystanders`` other people are covered, and a page
    that shows any is pictured in view only.

    A screenshot races with navigation ("Unable to capture screenshot", about one in a thousand), so it is tried up to
    three times.
    """
    trouble = ""
    for attempt in range(_TRIES):
        if page.is_closed():
            return Picture(None, missing="the page was closed")
        try:
            return await asyncio.wait_for(_take(page, at_work, target, bystanders), _SECONDS)
        except TimeoutError:
            return Picture(None, missing=f"the page gave no picture within {_SECONDS:.0f} s")
        except _Moved:
            trouble = "the page moved, so that other people on it could not be covered with certainty"
        except PlaywrightError as error:
            trouble = error.message.split("\n", 1)[0]
            if attempt + 1 < _TRIES:
                await _settle(page)
    return Picture(None, missing=trouble)


class _Moved(Exception):
    """The page is not as it was before the picture was taken."""


async def _take(page: Page, at_work: bool, target: Target | None, bystanders: Bystanders | None) -> Picture:
    # Through the browser's own protocol: Playwright's screenshot call is itself recorded in the trace, with a snapshot
    # of the page before and after it, which costs more than the picture.
    session = await _session(page)
    given = json.dumps([asdict(target) if target else None, at_work, _TALLEST])
    expression = f"({_LOOK})(...{given}, {FIND_BOXES})"
    looked = await session.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
    look: dict[str, Any] = looked["result"]["value"]
    title, path = str(look["title"]), urlsplit(str(look["url"])).path
    if look["asks"]:
        return Picture(None, title, path, missing="the page asks for a password or a code; such pages are not pictured")
    others = await others_on(session, bystanders) if bystanders is not None else {"boxes": []}
    touched = look["touched"]
    in_view = look["inView"]  # a window lies over the page: what matters is in view
    if others["boxes"] and not in_view:
        in_view = True  # where others are is known of the window as it stands
        touched = [{**box, "x": box["x"] - others["x"], "y": box["y"] - others["y"]} for box in touched]
    width, height = look["across"], look["seen"]
    how: dict[str, Any] = {"format": "jpeg", "quality": _QUALITY, "optimizeForSpeed": True}
    if not in_view and look["height"] > look["seen"]:
        width, height = look["width"], min(look["height"], _TALLEST)
        scale = 1 if at_work else _LONG_PAGE_SCALE  # the places of what was touched are in pixels of the picture
        how |= {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": scale},
        }
    taken = await session.send("Page.captureScreenshot", how)
    data = base64.b64decode(taken["data"])
    if bystanders is not None:
        if others != await others_on(session, bystanders):
            raise _Moved
        if others["boxes"]:
            data = await asyncio.to_thread(cover, data, others["boxes"], others["across"])
    return Picture(data, title, path, "", look["cut"], width, height, boxes_of(touched))


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

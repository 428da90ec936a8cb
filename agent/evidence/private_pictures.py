"""Covers other people in a picture; the page itself is never altered, since a write may come next.

The places are asked of the page before and after the picture is taken: where they differ, the page has moved meanwhile
and the picture is not kept.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw
from playwright.async_api import CDPSession

from agent.evidence.private import Bystanders

_GREY = (128, 128, 128)
_MARGIN = 2  # pixels: letters reach out of their boxes
_QUALITY = 70

# The boxes, relative to the window, of rows without an allowed address, of texts and fields with another address, and
# of texts with a name that was seen in another row.
_LOOK = r"""(rows, allowed, learned) => {
  const address = /[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}/g;
  const addresses = (text) => (text.match(address) || []).map((one) => one.toLowerCase());
  const isAllowed = (one) => allowed.includes(one);
  const betrays = (text) => addresses(text).some((one) => !isAllowed(one)) || learned.some((one) => text.includes(one));
  const textNodes = (root) => {
    const found = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) if (node.data.trim()) found.push(node);
    return found;
  };
  const values = (el) => [...el.attributes].map((at) => at.value);
  const spelled = (row) => [row, ...row.querySelectorAll("*")].flatMap(values);
  const covered = new Set();
  for (const css of rows) {
    for (const row of document.querySelectorAll(css)) {
      const texts = [...textNodes(row).map((node) => node.data), ...spelled(row)];
      if (!texts.some((text) => addresses(text).some(isAllowed))) covered.add(row);
    }
  }
  if (document.body) {
    for (const node of textNodes(document.body)) if (betrays(node.data)) covered.add(node.parentElement);
  }
  for (const field of document.querySelectorAll("input, textarea")) {
    if (betrays(field.value || "")) covered.add(field);
  }
  const boxes = [];
  for (const element of covered) {
    for (const rect of element.getClientRects()) {
      if (rect.width && rect.height) boxes.push([rect.left, rect.top, rect.right, rect.bottom].map(Math.round));
    }
  }
  return {boxes, across: innerWidth, x: scrollX, y: scrollY};
}"""


async def others_on(session: CDPSession, bystanders: Bystanders) -> dict[str, Any]:
    """Where others are seen in the page right now: ``boxes`` (left, top, right, bottom) relative to the window."""
    given = json.dumps([bystanders.hooks.rows, bystanders.allowed, bystanders.learned])
    looked = await session.send("Runtime.evaluate", {"expression": f"({_LOOK})(...{given})", "returnByValue": True})
    found: dict[str, Any] = looked["result"]["value"]
    return found


def cover(jpeg: bytes, boxes: Sequence[Sequence[int]], across: int) -> bytes:
    """The picture of a window that is ``across`` wide with these places of it painted over."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        picture = opened.convert("RGB")
    scale = picture.width / across if across else 1.0
    draw = ImageDraw.Draw(picture)
    for left, top, right, bottom in boxes:
        corners = (left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN)
        draw.rectangle([corner * scale for corner in corners], fill=_GREY)
    out = io.BytesIO()
    picture.save(out, format="JPEG", quality=_QUALITY)
    return out.getvalue()

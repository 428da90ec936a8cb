"""The page of the trouble in a browser that reaches nobody: what is known, visible and on top there; its picture."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page

from agent.debugging.likeness import Surroundings
from agent.recording.nodes import Path
from agent.recording.places import AT_PLACE, PLACE_OF
from flows.catalogue import Catalogue

_LAYERS = ("shell.layer", "overlay.")
_TALLEST = 6_000  # CSS pixels of a picture
_MOST_PLACES = 40  # elements of one key: a list of 150 rows says nothing

_KNOWN = """(selectors) => {
  const place = PLACE_OF;
  const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
  const known = {}, on_top = [];
  for (const [key, css] of Object.entries(selectors)) {
    let found = [];
    try { found = [...document.querySelectorAll(css)]; } catch { continue; }
    known[key] = found.slice(0, MOST_PLACES).map(place);
    for (const element of found)
      if (seen(element)) on_top.push([key, element.textContent.replace(/\\s+/g, " ").trim().slice(0, 200)]);
  }
  return { known, on_top, visible: [...document.querySelectorAll("body *")].filter(seen).map(place) };
}""".replace("PLACE_OF", PLACE_OF).replace("MOST_PLACES", str(_MOST_PLACES))

_OUTLINE = """(marks) => {
  const at_place = AT_PLACE;
  const drawn = (styles, words) => {
    const made = document.createElement("div");
    made.setAttribute("data-rebuilt", "");
    made.style.cssText = styles;
    made.textContent = words;
    return made;
  };
  for (const [label, path] of marks) {
    const element = at_place(path);
    if (!element) continue;
    const box = element.getBoundingClientRect();
    const frame = drawn(`position:absolute;z-index:2147483647;pointer-events:none;box-sizing:border-box;` +
      `left:${box.left + scrollX - 3}px;top:${box.top + scrollY - 3}px;width:${box.width + 6}px;` +
      `height:${box.height + 6}px;border:3px solid #c2185b;border-radius:3px`, "");
    frame.append(drawn("position:absolute;left:-3px;top:-22px;padding:0 7px;font:bold 14px/20px sans-serif;" +
      "color:#fff;background:#c2185b;border-radius:3px 3px 0 0", label));
    document.body.append(frame);
  }
}""".replace("AT_PLACE", AT_PLACE)


class FrozenLook:
    """One page, opened once."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def around(
        self, catalogue: Catalogue, met: Collection[str] = ()
    ) -> tuple[Surroundings, tuple[tuple[str, str], ...]]:
        """What the catalogue finds here, what can be seen, and what lies on top.

        ``met`` are the keys that count, beside those of layers; all of them where none is named.
        """
        plain = {
            key: hook.selector
            for key, hook in catalogue.hooks.items()
            if hook.is_css and "{" not in hook.selector and (not met or key in met or key.startswith(_LAYERS))
        }
        answer = await self._page.evaluate(_KNOWN, plain)
        known: dict[Path, tuple[str, ...]] = {}
        for key, places in answer["known"].items():
            for place in places:
                known[tuple(place)] = (*known.get(tuple(place), ()), key)
        visible = frozenset(tuple(place) for place in answer["visible"])
        on_top = tuple(
            (key, words) for key, words in answer["on_top"] if key.startswith(_LAYERS) and not key.endswith("_close")
        )
        return Surroundings(known, visible), on_top

    async def counts(self, selectors: Iterable[str]) -> Mapping[str, int]:
        """How many elements each selector finds; none for one that is not understood."""
        found = {}
        for selector in selectors:
            try:
                found[selector] = await self._page.locator(selector).count()
            except BrowserError:
                continue
        return found

    async def picture(self, marks: Sequence[tuple[str, Path]]) -> bytes:
        """The page with numbered outlines."""
        await self._page.evaluate(_OUTLINE, [[label, list(path)] for label, path in marks])
        height = await self._page.evaluate("document.documentElement.scrollHeight")
        width = (self._page.viewport_size or {"width": 1280})["width"]
        return await self._page.screenshot(
            type="png",
            full_page=True,
            animations="disabled",
            clip={"x": 0, "y": 0, "width": width, "height": max(1, min(int(height), _TALLEST))},
        )

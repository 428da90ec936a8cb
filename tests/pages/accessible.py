"""What keeps somebody from reading a page: one sentence for each finding, none for a page that is fit for everybody."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# Contrast: WCAG 2.2, 1.4.3 (4.5 to 1, 3 to 1 for large print) and 1.4.11 (3 to 1 for what is drawn).
_LOOK = r"""(smallest) => {
  const found = [];
  const say = (what, el) => found.push(el ? `${what}: ${el.outerHTML.replace(/\s+/g, " ").slice(0, 90)}` : what);
  const shown = (el) => el.getClientRects().length > 0;
  const words = (el) => el.textContent.trim();
  const all = (css) => [...document.querySelectorAll(css)];

  if (!document.documentElement.lang) say("no language");
  if (!document.title.trim()) say("no title");
  const heads = all("h1, h2, h3, h4, h5, h6");
  if (heads.filter((el) => el.tagName === "H1").length !== 1) say("not one main heading");
  let last = 0;
  for (const el of heads) {
    const level = Number(el.tagName[1]);
    if (level > last + 1) say("a heading level is left out", el);
    if (!words(el)) say("an empty heading", el);
    last = level;
  }
  for (const [css, name] of [["main", "main"], ["body > header", "banner"], ["body > footer", "contentinfo"]])
    if (all(css).length !== 1) say(`not one ${name} landmark`);
  for (const el of all("nav")) if (!el.getAttribute("aria-label")) say("a navigation without a name", el);
  const reach = [...document.body.children].filter((el) => !el.matches("header, main, footer, .skip"));
  for (const el of reach) say("outside every landmark", el);
  for (const el of all("section")) {
    const name = document.getElementById(el.getAttribute("aria-labelledby"));
    if (!name || !words(name)) say("a section without a name", el);
  }

  for (const el of all("img")) {
    const alt = (el.getAttribute("alt") || "").trim();
    if (!alt) say("a picture without words", el);
    else if (/\.(jpe?g|png|webp)\b/i.test(alt) || alt.length < 15) say("words that do not say what it shows", el);
    if (!el.complete || !el.naturalWidth) say("a picture that cannot be seen", el);
  }
  for (const el of all("svg")) if (el.getAttribute("aria-hidden") !== "true" && !el.querySelector("title"))
    say("a drawing without words", el);
  for (const el of all("table")) {
    if (!el.caption || !words(el.caption)) say("a table without a name", el);
    if (!el.querySelector("thead th")) say("a table without heads", el);
  }
  for (const el of all("th")) if (!["col", "row"].includes(el.getAttribute("scope"))) say("a head without a scope", el);
  for (const el of all("a")) {
    if (!words(el)) say("a link without words", el);
    const target = el.getAttribute("href") || "";
    if (target.startsWith("#") && !document.getElementById(target.slice(1))) say("a link to nowhere", el);
  }
  const ids = all("[id]").map((el) => el.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) say(`the id ${id} stands twice`);
  for (const el of all("[tabindex]")) if (el.tabIndex > 0) say("an order of its own", el);
  if (all("script, iframe, object, embed, form, [onclick], [onload], [onerror]").length) say("a script or a frame");

  const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (n) => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb(colour).map((n) => linear(n / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const behind = (el) => {
    for (; el; el = el.parentElement) {
      const colour = getComputedStyle(el).backgroundColor;
      if ((rgb(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const el of all("body *")) {
    if (el.closest("svg") || !shown(el) || !words(el)) continue;
    if (![...el.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
    const style = getComputedStyle(el), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const has = ratio(style.color, behind(el));
    if (has < (large ? 3 : 4.5)) say(`a contrast of ${has.toFixed(2)}`, el);
    if (size < smallest) say(`print of ${size} pixels`, el);
  }
  for (const el of all("svg rect.line, svg circle, svg rect.part")) {
    const style = getComputedStyle(el);
    const drawn = el.matches(".line") ? style.stroke : style.fill;
    const has = ratio(drawn, "rgb(255, 255, 255)");
    if (has < 3) say(`a drawing with a contrast of ${has.toFixed(2)}`, el);
  }

  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) say("it has to be scrolled sideways");
  for (const el of all("body *")) {
    const box = el.getBoundingClientRect();
    if (shown(el) && !el.closest(".heard, .skip, svg") && box.right > width + 1) {
      say("it stands out on the right", el);
      break;
    }
  }
  return found;
}"""


def findings(page: Page, *, smallest: float = 11) -> list[str]:
    """Everything about the page as it is now (its width, its medium) that keeps somebody from reading it.

    ``smallest``: print below so many pixels (96 to an inch) is a finding.
    """
    found: list[str] = page.evaluate(_LOOK, smallest)
    return found


def focus_order(page: Page, most: int = 400) -> list[dict[str, Any]]:
    """What the Tab key reaches, in order: words, top edge in the document, and whether the focus can be seen."""
    page.evaluate("document.activeElement.blur()")
    reached: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        now: dict[str, Any] | None = page.evaluate(
            """() => {
            const el = document.activeElement;
            if (!el || el === document.body) return null;
            const style = getComputedStyle(el), box = el.getBoundingClientRect();
            const number = [...document.querySelectorAll("*")].indexOf(el);
            const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
              && box.right > 0 && box.bottom > 0;
            return {words: el.textContent.trim(), number, seen};
            }"""
        )
        if now is None or (reached and now["number"] == reached[0]["number"]):
            break
        reached.append(now)
    return reached

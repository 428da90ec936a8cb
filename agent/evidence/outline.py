"""Outlines of what was touched, beside a picture and never in it: boxes in the picture's own pixels.

They come out of the same look at the page that decides how it is pictured, so they cost no call to the browser.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from agent.domain.touch import TOUCHED

Kind = Literal["set", "pressed"]
KINDS: frozenset[str] = frozenset(get_args(Kind))
_MOST_BOXES = 60
_LONGEST_LABEL = 80
_SIDES = ("x", "y", "width", "height")

#: A function of the page: the boxes of fields that were set and of the control about to be pressed, in the order in
#: which they stand on the page, relative to the top left corner of what is pictured.
#: A field that lies hidden under its label is outlined as its label; what a window covers is not outlined.
FIND_BOXES = f"""(target, left, top) => {{
  const words = (el) => (el ? el.textContent.replace(/\\s+/g, " ").trim() : "");
  const byId = (ids) => (ids || "").split(/\\s+/).map((id) => words(document.getElementById(id))).filter(Boolean);
  const named = (el) => (el.labels && el.labels.length ? words(el.labels[0]) : "")
    || byId(el.getAttribute("aria-labelledby"))[0] || el.getAttribute("aria-label")
    || (el.matches("button, [type=submit], [role=button], a") ? words(el) || el.value || "" : "")
    || el.getAttribute("placeholder") || el.name || el.id || "";
  // A box in a row, or a level of a tool: what it is about stands at the beginning of the row.
  const label = (el) => {{
    const row = el.matches("[type=radio], [type=checkbox]") ? el.closest("tr") : null;
    const about = row ? [...row.cells].map((cell) => cell.contains(el) ? "" : words(cell)).filter(Boolean)[0] : "";
    const own = named(el);
    return about && !own.includes(about) ? `${{about}}: ${{own}}` : own;
  }};
  const field = "input:not([type=button], [type=submit], [type=hidden], [type=search]), select, textarea, " +
    "[contenteditable=true], [role=button][aria-haspopup], [role=combobox], [role=switch], [role=checkbox]";
  const rectOf = (el) => {{
    const own = el.getBoundingClientRect();
    const hidden = own.width < 2 || own.height < 2 || Number(getComputedStyle(el).opacity) === 0;
    return hidden && el.labels && el.labels.length ? el.labels[0].getBoundingClientRect() : own;
  }};
  const covered = (el, rect) => {{
    const [x, y] = [rect.left + rect.width / 2, rect.top + rect.height / 2];
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return false;
    const hit = document.elementFromPoint(x, y);
    return Boolean(hit) && !el.contains(hit) && !hit.contains(el) && !(el.labels && [...el.labels].some(
      (own) => own.contains(hit)));
  }};
  const boxes = [], seen = new Set();
  const add = (el, kind) => {{
    if (!el || seen.has(el) || !el.isConnected || !el.getClientRects().length) return;
    if (getComputedStyle(el).visibility === "hidden") return;
    seen.add(el);
    const rect = rectOf(el);
    if (rect.width < 2 || rect.height < 2 || covered(el, rect)) return;
    boxes.push({{ kind, label: label(el).replace(/\\s*\\*$/, "").slice(0, {_LONGEST_LABEL}), x: rect.left + left,
      y: rect.top + top, width: rect.width, height: rect.height }});
  }};
  if (target) {{
    let fitting = [];
    try {{ fitting = [...document.querySelectorAll(target.css)]; }} catch {{ /* a selector that is no plain CSS */ }}
    fitting = fitting.filter((el) => el.getClientRects().length && (!target.words || words(el) === target.words));
    if (fitting.length === 1) add(fitting[0], "pressed");
  }}
  for (const el of window[Symbol.for("{TOUCHED}")] || []) add(el.closest(field), "set");
  return boxes.sort((one, other) => one.y - other.y || one.x - other.x).slice(0, {_MOST_BOXES});
}}"""


@dataclass(frozen=True)
class Box:
    """One outline: what it is around, and where, in pixels of the picture."""

    kind: str  # "set": a field that was set; "pressed": what is pressed next
    label: str
    x: float
    y: float
    width: float
    height: float

    def is_within(self, width: float, height: float) -> bool:
        """Whether any of it is in a picture of this size."""
        return self.x < width and self.y < height and self.x + self.width > 0 and self.y + self.height > 0


def boxes_of(raw: Any) -> tuple[Box, ...]:
    """Boxes from what a page or a log said; whatever is no box is left out, since neither is to be trusted."""
    found = []
    for item in raw if isinstance(raw, Iterable) and not isinstance(raw, str | bytes | Mapping) else ():
        if not isinstance(item, Mapping) or item.get("kind") not in KINDS:
            continue
        numbers = [float(item[name]) for name in _SIDES if _is_number(item.get(name))]
        if len(numbers) == len(_SIDES):
            found.append(Box(str(item["kind"]), str(item.get("label", "")), *numbers))
    return tuple(found[:_MOST_BOXES])


def written(boxes: Iterable[Box]) -> list[dict[str, Any]]:
    """Boxes for the log."""
    return [
        {
            "kind": box.kind,
            "label": box.label,
            "x": round(box.x, 1),
            "y": round(box.y, 1),
            "width": round(box.width, 1),
            "height": round(box.height, 1),
        }
        for box in boxes
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

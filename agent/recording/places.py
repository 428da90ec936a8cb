"""The place of an element in a page, said the same way of a recorded page and of the page rebuilt from it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agent.recording.nodes import Path

#: marks what the rebuilding added to a page, so that it does not count among sisters; the scripts below name it, too
ADDED = "data-rebuilt"

#: JavaScript: the path of an element as a list of numbers and "#", as :func:`agent.recording.nodes.walk` gives it.
#: An element in a frame has its path in that frame's document.
PLACE_OF = """(element) => {
  const counts = (other) => !other.matches("[data-rebuilt], script, noscript, x-noscript");
  const path = [];
  for (let at = element; at && at !== at.ownerDocument.documentElement; ) {
    const parent = at.parentNode;
    if (!parent) return null;
    const sisters = [...parent.children].filter(counts);
    path.unshift(sisters.indexOf(at));
    if (parent instanceof ShadowRoot) { path.unshift("#"); at = parent.host; } else at = parent;
  }
  return path;
}"""

#: JavaScript: the element at such a path, or null.
AT_PLACE = """(path) => {
  const counts = (other) => !other.matches("[data-rebuilt], script, noscript, x-noscript");
  let at = document.documentElement;
  for (let number = 0; at && number < path.length; number++) {
    const inside = path[number] === "#" ? at.shadowRoot : at;
    if (path[number] === "#") number++;
    const sisters = inside ? [...inside.children].filter(counts) : [];
    at = sisters[path[number]] || null;
  }
  return at;
}"""


def as_path(answered: Sequence[int | str] | None) -> Path | None:
    """What :data:`PLACE_OF` answered."""
    return None if answered is None else tuple(answered)


def as_text(path: Path) -> str:
    """A path for people and files: ``1.0.3.#.2``."""
    return ".".join(str(part) for part in path)


def as_argument(path: Path) -> str:
    """A path as JSON, for :data:`AT_PLACE`."""
    return json.dumps(list(path))

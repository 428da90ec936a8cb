"""What was touched on a page: how the page remembers it, and which control sends the change.

The page remembers by itself (a script of the tab, from the moment a document begins), so that a picture of it can tell
which fields were set without one more call to the browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: ``window[Symbol.for(TOUCHED)]``: a Set of the controls that got an input, change or click event in this document.
TOUCHED = "agent.touched"

_WORDS = re.compile(r':text-is\("((?:[^"\\]|\\.)*)"\)')
_WORDS_AT_END = re.compile(_WORDS.pattern + r"$")
_EMPTY = re.compile(r":is\(\s*,\s*:has\(\s*\)\s*\)")  # of "has the words, or something with them in it"
_ROLE = re.compile(r'role=(button|menuitem|link)\[name="((?:[^"\\]|\\.)*)"s\]')
_ROLE_AT_END = re.compile(_ROLE.pattern + r"$")
_OF_ROLE = {"button": ':is(button, [role="button"])', "menuitem": '[role="menuitem"]', "link": "a"}

#: Listens only; nothing of the page is changed, and an event goes on as it would. The control around what was hit is
#: looked up at once: a page may draw the inside of a control anew.
TOUCH_RECORDER = f"""(() => {{
  const touched = (window[Symbol.for("{TOUCHED}")] = new Set());
  const control = "input, select, textarea, button, a, [role]";
  const note = ({{ target }}) => {{ if (target instanceof Element) touched.add(target.closest(control) || target); }};
  for (const kind of ["input", "change", "click"]) addEventListener(kind, note, {{ capture: true, passive: true }});
}})();"""


@dataclass(frozen=True)
class Target:
    """The control that the next click is for: plain CSS, and the words on it where that tells it from its like."""

    css: str
    words: str = ""

    @classmethod
    def of(cls, selector: str) -> Target:
        """From a selector of Playwright's, for outlining only: it may fit more than one element, which the one who
        draws has to notice. Conditions on texts further up are left out; the words at its end are kept."""
        by_role, by_words = _ROLE_AT_END.search(selector), _WORDS_AT_END.search(selector)
        words = by_role.group(2) if by_role else by_words.group(1) if by_words else ""
        plain = _ROLE.sub(lambda found: _OF_ROLE[found.group(1)], _WORDS.sub("", selector))
        return cls(_EMPTY.sub("", plain).replace(" >> ", " "), words)

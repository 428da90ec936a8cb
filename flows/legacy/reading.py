"""Read a page in one evaluation: one call that returns structured data, however many places it looks at.

Arguments and data cross as JSON text: the browser protocol's own encoding of nested objects costs more than the
reading itself (30 ms against 2 ms for an Edit page, measured).

A :class:`Reading` is a piece of JavaScript that names the catalogue keys of the places it reads. The words it may use:

* ``one(key, root)``: the element; a problem is noted when there is none or more than one;
* ``maybe(key, root)``: the element or null; more than one is a problem;
* ``many(key, root)``: all of them;
* ``visible(el)``, ``words(el)`` (text with single spaces), ``pattern(key)`` (a RegExp), ``fields(form)``;
* ``message(el)``: as ``words``, with a space between the lines of a text, for what is told to people;
* ``given.x`` (arguments).

The match that a script expects must be the one that stands in the catalogue; a test compares them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from flows.catalogue import Catalogue
from flows.legacy.shell import SHELL_SCRIPT, Layer

_USE = re.compile(r"\b(one|maybe|many|pattern)\(\s*\"([a-z_]+\.[a-z_]+)\"")

# Asked while the document is still being parsed, the answer comes right after its own DOMContentLoaded handlers and
# before its first layout, which takes longer than the reading on a list of 150 rows (measured).
_PARSED = r"""
  if (document.readyState === "loading") {
    await new Promise((parsed) => document.addEventListener("DOMContentLoaded", parsed, { once: true }));
    await new Promise((handled) => setTimeout(handled, 0));
  }
"""

_WORDS = r"""
  const { hooks, texts, given, layers } = JSON.parse(input);
  const problems = [];
  const root = (from) => from || document;
  const found = (key, from) => [...root(from).querySelectorAll(hooks[key])];
  const words = (el) => (el ? el.textContent.replace(/\s+/g, " ").trim() : "");
  // Not innerText: that is the plain text as soon as an element has left the page, as a faded flash has.
  const inline = /^(A|ABBR|B|BDI|CODE|EM|I|MARK|S|SMALL|SPAN|STRONG|SUB|SUP|U|WBR)$/;
  const spaced = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : inline.test(node.nodeName) ? [...node.childNodes].map(spaced).join("")
    : ` ${[...node.childNodes].map(spaced).join("")} `;
  const message = (el) => (el ? spaced(el).replace(/\s+/g, " ").trim() : "");
  const visible = (el) => {
    if (!el || !el.getClientRects().length) return false;
    const style = getComputedStyle(el);
    return style.visibility !== "hidden" && style.display !== "none";
  };
  const name = (el) => {
    const parts = [el.tagName.toLowerCase()];
    for (const at of ["id", "role", "data-qa", "aria-label"])
      if (el.getAttribute(at)) parts.push(`${at}=${el.getAttribute(at)}`);
    return `<${parts.join(" ")}> ${words(el).slice(0, 120)}`;
  };
  const one = (key, from) => {
    const all = found(key, from);
    if (all.length !== 1) problems.push({ key, expected: "one element", seen: `${all.length} elements` });
    return all[0] || null;
  };
  const maybe = (key, from) => {
    const all = found(key, from);
    if (all.length > 1) problems.push({ key, expected: "none or one element", seen: `${all.length} elements` });
    return all[0] || null;
  };
  const many = (key, from) => found(key, from);
  const pattern = (key) => new RegExp(texts[key], "u");
  const sent = (el) => el.name && !["submit", "button"].includes(el.type);
  const fields = (form) => [...form.elements].filter(sent).map((el) => ({
    name: el.name, type: el.type, id: el.id, value: el.value, checked: !!el.checked, disabled: el.matches(":disabled"),
    required: el.required || el.getAttribute("aria-required") === "true",
  }));
"""


class Reading:
    """A script over one page. ``landmark`` is the hook that says the page is the one meant, and is ready."""

    def __init__(self, landmark: str | None, script: str) -> None:
        self.landmark = landmark
        uses = _USE.findall(_WORDS + SHELL_SCRIPT + script)
        self.hooks = frozenset(key for word, key in uses if word != "pattern") | ({landmark} if landmark else set())
        self.texts = frozenset(key for word, key in uses if word == "pattern")
        ready = f'found("{landmark}").length > 0' if landmark else "true"
        self.source = (
            "async (input) => {\n"
            + _PARSED
            + _WORDS
            + SHELL_SCRIPT
            + f"\n  const ready = {ready};\n  let data = null;\n  const read = async () => {{\n{script}\n  }};\n"
            + "  try { if (ready) data = await read(); } catch (error) {\n"
            + f'    if (!problems.length) problems.push({{ key: "{landmark}", expected: "a page that can be read",'
            + " seen: String(error) });\n  }\n  return JSON.stringify({ shell: shell(), ready, problems, data });\n}"
        )

    def input(self, catalogue: Catalogue, given: Mapping[str, Any], layers: tuple[Layer, ...]) -> str:
        """What the script is evaluated with, as JSON: selectors of the keys that it names, and its arguments.

        Placeholders in selectors take their values from the arguments of the same name.
        """
        hooks = {}
        for key in sorted(self.hooks | {layer.key for layer in layers}):
            needed = re.findall(r"\{([a-z_]+)\}", catalogue.hooks[key].selector) if key in catalogue.hooks else []
            hooks[key] = catalogue.css(key, **{word: str(given[word]) for word in needed})
        return json.dumps(
            {
                "hooks": hooks,
                "texts": {key: catalogue.text(key) for key in self.texts},
                "given": dict(given),
                "layers": [{"css": hooks[layer.key], "headline": layer.headline} for layer in layers],
            }
        )

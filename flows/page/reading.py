"""Read a page in one evaluation: one call that returns structured data, however many places it looks at.

Arguments and data cross as JSON text: the browser protocol's own encoding of nested objects costs more than the
reading itself (30 ms against 2 ms for an Edit page, measured).

A :class:`Reading` is a piece of JavaScript that names the catalogue keys of the places it reads. The words it may use:

* ``one(key, root)``: the element; a problem is noted when there is none or more than one;
* ``maybe(key, root)``: the element or null; more than one is a problem;
* ``many(key, root)``: all of them;
* ``visible(el)``, ``pattern(key)`` (a RegExp), ``fields(form)``;
* ``words(el)``: its text with single spaces, without what a reader of the page does not hear (``aria-hidden``);
* ``message(el)``: as ``words``, with a space between the lines of a text, for what is told to people;
* ``given.x`` (arguments).

A reading with a name is told to the session's observer, with how many elements each key led to. Given ``where``, the
script also says where in the document they stand; that is for looking at recorded pages, and costs too much otherwise.

The match that a script expects must be the one that stands in the catalogue; a test compares them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from flows.catalogue import Catalogue
from flows.page.shell import SHELL_SCRIPT, Layer

_USE = re.compile(r"\b(one|maybe|many|found|pattern)\(\s*\"([a-z_]+\.[a-z_]+)\"")

# Asked while the document is still being parsed, the answer comes right after its own DOMContentLoaded handlers and
# before its first layout, which takes longer than the reading on a list of 150 rows (measured).
_PARSED = r"""
  const handled = () => (performance.getEntriesByType("navigation")[0] || {}).domContentLoadedEventEnd > 0;
  if (document.readyState !== "complete" && !handled()) {  // "interactive": its deferred scripts may still have to run
    await new Promise((parsed) => {
      document.addEventListener("DOMContentLoaded", parsed, { once: true });
      addEventListener("load", parsed, { once: true });
    });
    await new Promise((after) => setTimeout(after, 0));
  }
"""

_WORDS = r"""
  const { hooks, texts, given, layers, where } = JSON.parse(input);
  const problems = [], met = {};
  const root = (from) => from || document;
  const found = (key, from) => {
    const all = [...root(from).querySelectorAll(hooks[key])];
    (met[key] ||= []).push(...all);
    return all;
  };
  const path = (el) => {
    const steps = [];
    for (; el.parentElement; el = el.parentElement) steps.unshift([...el.parentElement.children].indexOf(el));
    return steps.join("/");
  };
  const count = () => Object.fromEntries(Object.entries(met).filter(([, all]) => all.length)
    .map(([key, all]) => [key, all.length]));
  const places = () => Object.fromEntries(Object.entries(met).map(([key, all]) => [key, all.map(path)]));
  // Icons and stars that a reader of the page does not hear are no words of it.
  const unheard = '[aria-hidden="true"]';
  const heard = (node) => node.nodeType === Node.TEXT_NODE ? node.data
    : node.nodeType !== Node.ELEMENT_NODE || node.matches(unheard) ? "" : [...node.childNodes].map(heard).join("");
  const text = (el) => (el.querySelector(unheard) ? [...el.childNodes].map(heard).join("") : el.textContent);
  const words = (el) => (el ? text(el).replace(/\s+/g, " ").trim() : "");
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
    """A script over one page. ``landmark`` is the hook that says the page is the one meant, and is ready.

    ``name`` stands in records of the reading; one without a name is not told to anybody: pages that ask for a password.
    ``generation`` is that of the page it reads, or "any": marks of the other one are then another page at once.
    """

    generation = "legacy"

    def __init__(self, landmark: str | None, script: str, *, name: str = "", generation: str = "legacy") -> None:
        self.generation = generation
        ready = f'found("{landmark}").length > 0' if landmark else "true"
        self._set(
            name,
            landmark,
            "async (input) => {\n"
            + _PARSED
            + _WORDS
            + SHELL_SCRIPT
            + f"\n  const ready = {ready};\n  let data = null;\n  const read = async () => {{\n{script}\n  }};\n"
            + "  try { if (ready) data = await read(); } catch (error) {\n"
            + f'    if (!problems.length) problems.push({{ key: "{landmark}", expected: "a page that can be read",'
            + " seen: String(error) });\n  }\n  const answer = { shell: shell(), ready, problems, data };\n"
            + "  answer.document = performance.timeOrigin;  // not of the surroundings: each load has another\n"
            + "  return JSON.stringify({ ...answer, found: count(), ...(where ? { where: places() } : {}) });\n}",
        )

    @classmethod
    def recorded(cls, name: str, source: str) -> Reading:
        """A reading of an earlier version, from its whole source as it was recorded."""
        reading = cls.__new__(cls)
        reading._set(name, None, source)
        return reading

    def _set(self, name: str, landmark: str | None, source: str) -> None:
        self.name = name
        self.landmark = landmark
        self.source = source
        self.sha256 = hashlib.sha256(source.encode()).hexdigest()
        uses = _USE.findall(source)
        self.hooks = frozenset(key for word, key in uses if word != "pattern")
        self.texts = frozenset(key for word, key in uses if word == "pattern")

    def input(
        self, catalogue: Catalogue, given: Mapping[str, Any], layers: tuple[Layer, ...], *, where: bool = False
    ) -> str:
        """What the script is evaluated with, as JSON: selectors of the keys that it names, and its arguments.

        Placeholders in selectors take their values from the arguments of the same name. ``where`` asks for the places
        of the elements, too.
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
                **({"where": True} if where else {}),
            }
        )

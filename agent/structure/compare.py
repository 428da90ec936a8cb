"""Compares a recording with the selector catalogue: which entries it confirms, contradicts, or says nothing about.

The recorded elements are built up again as inert markup in a browser that can reach nobody, and the catalogue's own
selectors are asked there. Rows that were merged count as often as they stood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from playwright.async_api import Browser
from playwright.async_api import Page as Tab

from agent.recording.serving import frozen_browser
from agent.structure.candidates import nearest
from agent.structure.compare_shapes import REGION, differences
from agent.structure.expected import ALWAYS, form_hook, is_expected, is_judged, needs, within
from agent.structure.recording import Node, Page, Recording
from agent.structure.widened import has_blanks, widened
from flows import Catalogue

_BUILD = r"""
(tree) => {
  const build = (node) => {
    const element = document.createElement(node.tag);
    for (const [name, value] of Object.entries(node.at || {})) element.setAttribute(name, value);
    if (node.times > 1) element.setAttribute("x-times", node.times);
    for (const child of node.in || []) element.append(typeof child === "string" ? ` ${child} ` : build(child));
    return element;
  };
  document.replaceChild(build(tree), document.documentElement);
}
"""
_MARK = r"""
(selectors) => {
  const known = [];
  for (const [key, css] of Object.entries(selectors)) {
    for (const element of document.querySelectorAll(css))
      element.setAttribute("x-places", `${element.getAttribute("x-places") || ""} ${key} `);
    known.push(key);
  }
  return known.length;
}
"""
_COUNTING = r"""
  const is = (element, other) => (element.getAttribute("x-places") || "").includes(` ${other} `);
  const isAnother = (element, key) =>
    (element.getAttribute("x-places") || "").split(/\s+/).some((at) => at && at !== key);
  const above = (element, test) => {
    for (let at = element.parentElement; at; at = at.parentElement) if (test(at)) return at;
    return null;
  };
  const counted = (elements, { key, within }) => {
    const counts = new Map();
    let found = 0;
    for (const element of elements) {
      if (within.length && !above(element, (at) => within.some((other) => is(at, other)))) continue;
      const box = above(element, (at) => isAnother(at, key));
      let times = 1;
      for (let at = element; at && at !== box; at = at.parentElement) times *= Number(at.getAttribute("x-times") || 1);
      counts.set(box, (counts.get(box) || 0) + times);
      found += 1;
    }
    return { found, most: Math.max(0, ...counts.values()), boxes: counts.size };
  };
"""
_COUNT = f"(elements, asked) => {{ {_COUNTING} return counted(elements, asked); }}"
_COUNT_ALL = (
    f"(all) => {{ {_COUNTING} return all.map((asked) => counted(document.querySelectorAll(asked.css), asked)); }}"
)
_FIELDS = r"""
(forms) => {
  const isSent = (field) => !["submit", "button"].includes(field.getAttribute("type"));
  const fields = (form) => [...form.querySelectorAll("input[name], select[name], textarea[name]")];
  return forms.map((form) => fields(form).filter(isSent).map((field) => field.getAttribute("name")));
}
"""
_CLASS = re.compile(r"<[a-z]+(?::\d+\+?)?>")
_LIMIT_MS = 20_000


class Verdict(StrEnum):
    """What a recording says about an entry."""

    CONFIRMED = "confirmed"  #: found, as often as stated, on a page where it was expected
    CONTRADICTED = "contradicted"  #: the page is there, and the match is another
    UNSEEN = "unseen"  #: its page is not in the recording, or it may be absent there


@dataclass(frozen=True)
class Compared:
    """One entry of the catalogue and what was found. ``kind``: hook, text, form or shape."""

    key: str
    kind: str
    mark: str
    verdict: Verdict
    stated: str
    found: str
    places: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()

    @property
    def proposal(self) -> str:
        """The change of mark that the recording speaks for, or ""."""
        return "I -> C" if self.verdict is Verdict.CONFIRMED and self.mark == "I" else ""

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "key": self.key,
            "kind": self.kind,
            "mark": self.mark,
            "verdict": self.verdict.value,
            "stated": self.stated,
            "found": self.found,
            "places": list(self.places),
            "candidates": list(self.candidates),
            "proposal": self.proposal,
        }


@dataclass(frozen=True)
class _Count:
    place: str
    found: int
    most: int
    boxes: int


@dataclass
class _Look:
    """The recorded pages, opened one after the other."""

    recording: Recording
    catalogue: Catalogue
    tab: Tab
    counts: dict[str, list[_Count]] = field(default_factory=dict)
    fields: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)
    regions: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)  # per shape: place, what differs


async def compare(recording: Recording, catalogue: Catalogue, browser: Path) -> list[Compared]:
    """Every hook, text, form and shape of the catalogue, in the catalogue's order."""
    async with frozen_browser(browser) as frozen:
        return await compare_in(frozen, recording, catalogue)


async def compare_in(browser: Browser, recording: Recording, catalogue: Catalogue) -> list[Compared]:
    """As :func:`compare`, in a browser that is there already."""
    context = await browser.new_context(java_script_enabled=False, offline=True, service_workers="block")
    try:
        look = _Look(recording, catalogue, await context.new_page())
        for page in recording.pages:
            await _look_at(look, page)
    finally:
        await context.close()
    hooks = [_hook(look, key) for key in catalogue.hooks]
    texts = [_text(look, key) for key in catalogue.texts]
    forms = [_form(look, key) for key in catalogue.forms]
    return [*hooks, *texts, *forms, *(_shape(look, key) for key in catalogue.shapes)]


async def _look_at(look: _Look, page: Page) -> None:
    await look.tab.goto("about:blank")
    await look.tab.evaluate(_BUILD, page.root.model_dump(mode="json", by_alias=True))
    hooks = look.catalogue.hooks
    places = {key: widened(hook.selector) for key, hook in hooks.items() if hook.is_css}
    await look.tab.evaluate(_MARK, places)
    due = [key for key in hooks if is_expected(key, page.place, page.generation)]
    asked: list[dict[str, Any]] = [
        {"key": key, "within": within(key, hooks), "css": places.get(key, "")} for key in due
    ]
    at_once = await look.tab.evaluate(_COUNT_ALL, [ask for ask in asked if ask["css"]])
    found = dict(zip((ask["key"] for ask in asked if ask["css"]), at_once, strict=True))
    for ask in asked:
        if not ask["css"]:
            place = look.tab.locator(widened(hooks[ask["key"]].selector))
            found[ask["key"]] = await place.evaluate_all(_COUNT, ask)
    for key in due:
        seen = found[key]
        look.counts.setdefault(key, []).append(_Count(page.place, seen["found"], seen["most"], seen["boxes"]))
    await _look_at_regions(look, page)
    for key in look.catalogue.forms:
        form = look.catalogue.hooks.get(form_hook(key))
        if form is not None and is_expected(key, page.place, page.generation):
            names = await look.tab.locator(widened(form.selector)).evaluate_all(_FIELDS)
            look.fields.setdefault(key, []).extend((page.place, list(fields)) for fields in names)


async def _look_at_regions(look: _Look, page: Page) -> None:
    for key, shape in look.catalogue.shapes.items():
        where = key if is_judged(key) else shape.hook
        if is_expected(where, page.place, page.generation):
            place = look.tab.locator(widened(look.catalogue.hooks[shape.hook].selector))
            for elements in await place.evaluate_all(REGION):
                told = [str(difference) for difference in differences(shape, elements)]
                look.regions.setdefault(key, []).append((page.place, told))


def _hook(look: _Look, key: str) -> Compared:
    hook = look.catalogue.hooks[key]
    counts = look.counts.get(key, [])
    stated = f"{hook.match.value}: {hook.selector}"

    def answer(verdict: Verdict, found: str, places: Sequence[str] = (), candidates: Sequence[str] = ()) -> Compared:
        return Compared(key, "hook", hook.mark.value, verdict, stated, found, tuple(places), tuple(candidates))

    if not counts:
        return answer(Verdict.UNSEEN, "no page in the recording where it is expected")
    is_single = hook.match.value in {"one", "optional"} and not has_blanks(hook.selector)
    too_many = [count for count in counts if is_single and count.most > 1]
    present = [count for count in counts if count.found]
    if too_many and not is_judged(key):
        return answer(Verdict.UNSEEN, "found more than once, where it is expected is not known")
    if too_many:
        worst = max(too_many, key=lambda count: count.most)
        found = f"{worst.most} elements on {worst.place}"
        return answer(Verdict.CONTRADICTED, found, [count.place for count in too_many])
    if present:
        best = max(present, key=lambda count: count.found)
        each = f", one in each of {best.boxes}" if is_single and best.boxes > 1 else ""
        return answer(Verdict.CONFIRMED, f"{best.found} on {best.place}{each}", [count.place for count in present])
    is_due = is_judged(key) and (hook.match.value == "one" or key in ALWAYS) and not _is_another_page(look, key)
    if not is_due:
        return answer(Verdict.UNSEEN, "not there, and it need not be", [count.place for count in counts])
    pages = [page for page in look.recording.pages if any(count.place == page.place for count in counts)]
    near = nearest(hook.selector, pages)
    return answer(Verdict.CONTRADICTED, "none", [count.place for count in counts], near)


def _is_another_page(look: _Look, key: str) -> bool:
    """Whether its places show another of the forms that they may have, or have not what tells the right one."""
    mark = needs(key)
    places = {count.place for count in look.counts[key]}

    def is_there(hook: str) -> bool:
        return any(count.found and count.place in places for count in look.counts.get(hook, ()))

    if not mark or is_there(mark):
        return False
    others = {needs(other) for other in look.catalogue.hooks if needs(other)} - {mark}
    return key != mark or any(is_there(other) for other in others)


def _text(look: _Look, key: str) -> Compared:
    text = look.catalogue.texts[key]
    pattern = re.compile(text.pattern)
    pages = [page for page in look.recording.pages if is_expected(key, page.place, page.generation)]
    mark = needs(key)
    if mark:
        told = {count.place for count in look.counts.get(mark, ()) if count.found}
        pages = [page for page in pages if page.place in told]
    hits = [page.place for page in pages if any(pattern.search(_readable(said)) for said in _said(page.root))]
    verdict = Verdict.CONFIRMED if hits else Verdict.UNSEEN
    found = (
        f"on {len(hits)} pages" if hits else "not read on any page where it is expected" if pages else "no such page"
    )
    return Compared(key, "text", text.mark.value, verdict, text.pattern, found, tuple(hits))


def _form(look: _Look, key: str) -> Compared:
    form = look.catalogue.forms[key]
    stated = f"{len(form.fields)} known fields"
    seen = look.fields.get(key, [])
    if not seen:
        return Compared(key, "form", form.mark.value, Verdict.UNSEEN, stated, "no such form in the recording")
    places = tuple(dict.fromkeys(place for place, _ in seen))
    names = sorted({name for _, fields in seen for name in fields})
    unknown = tuple(name for name in names if not form.knows(name))
    if unknown:
        found = f"fields that are not known: {', '.join(unknown)}"
        return Compared(key, "form", form.mark.value, Verdict.CONTRADICTED, stated, found, places)
    return Compared(key, "form", form.mark.value, Verdict.CONFIRMED, stated, f"{len(names)} fields, all known", places)


def _shape(look: _Look, key: str) -> Compared:
    shape = look.catalogue.shapes[key]
    stated = f"{shape.kind} at {shape.hook} with {len(shape.controls)} controls"
    seen = look.regions.get(key, [])
    as_known = [place for place, told in seen if not told]
    shares_its_place = sum(1 for other in look.catalogue.shapes.values() if other.hook == shape.hook) > 1
    if as_known:
        found = "every control that must be there, with words that are known or not readable"
        return Compared(key, "shape", shape.mark, Verdict.CONFIRMED, stated, found, tuple(as_known))
    if not seen or shares_its_place:
        return Compared(key, "shape", shape.mark, Verdict.UNSEEN, stated, "not opened while it was recorded")
    place, told = min(seen, key=lambda item: len(item[1]))
    return Compared(key, "shape", shape.mark, Verdict.CONTRADICTED, stated, "; ".join(told), (place,))


def _said(node: Node) -> list[str]:
    """Every text of the page, and those of elements with nothing but text and inline elements in them."""
    said: list[str] = []
    for element in node.elements():
        own = [child for child in element.inner if isinstance(child, str)]
        said += own
        if len(element.inner) > 1:
            said.append(" ".join(_words(element)))
    return said


def _words(node: Node) -> list[str]:
    return [word for child in node.inner for word in ([child] if isinstance(child, str) else _words(child))]


def _readable(said: str) -> str:
    """A recorded text as a pattern could have met it: digits for digit classes, a word for words."""
    return _CLASS.sub("Xxxx", said.replace("#", "1"))


def counted(found: Sequence[Compared]) -> Mapping[Verdict, int]:
    """How many entries of each verdict."""
    return {verdict: sum(1 for item in found if item.verdict is verdict) for verdict in Verdict}

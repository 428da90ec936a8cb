"""Walk the pages of a tenant and take each as it stands, for a recording of its structure.

Reading only: pages are opened by address, and the few controls that are clicked open a window or a menu and send
nothing. The walk needs less than the flows do: a page that no flow knows is what it is there for. Whoever calls keeps
every request that could write from leaving the browser.

What comes out of here is **raw**, people included. It lives in memory only; ``agent.structure`` makes of it what may be
kept.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from playwright.async_api import Page

from agent.errors import AgentError, Failed, SignedOut
from flows.catalogue import Catalogue
from flows.interface import SignInCredentials
from flows.page import overlays
from flows.page.limits import bounded, is_navigated_away, translated
from flows.page.sign_in import sign_in
from flows.page.tab import Tab
from flows.structure_places import PLACES, Place, Touch, Way, with_sources
from flows.tenant import TenantAddress, Timeouts

_PAUSE_S = 0.25
_STEADY_LOOKS = 3  # so many looks in a row with as many elements: the page is at rest

_TAKE = r"""
(input) => {
  const { hooks, take } = JSON.parse(input);
  const count = {};
  for (const [key, css] of Object.entries(hooks)) count[key] = document.querySelectorAll(css).length;
  const elements = document.getElementsByTagName("*").length;
  const shown = (el) => el.getClientRects().length > 0;
  const form = [...document.querySelectorAll(hooks["sign_in.field"])].some(shown);
  const look = { ready: document.readyState !== "loading", elements, count, form, url: location.href };
  if (!take) return JSON.stringify(look);
  let left = 80000;
  const empty = /^(STYLE|NOSCRIPT|TEMPLATE|LINK|IFRAME|OBJECT|EMBED)$/;
  const taken = (el, depth) => {
    left -= 1;
    const attributes = Object.fromEntries([...el.attributes].map((at) => [at.name, at.value]));
    const node = { tag: el.localName, attributes, children: [] };
    if (el.localName === "script") {
      if (/json/i.test(el.type)) node.children.push(el.textContent);
      return node;
    }
    if (empty.test(el.nodeName) || depth > 150) return node;
    const under = (parent) => {
      for (const child of parent.childNodes) {
        if (left <= 0) return;
        if (child.nodeType === Node.TEXT_NODE && child.data.trim()) node.children.push(child.data);
        else if (child.nodeType === Node.ELEMENT_NODE) node.children.push(taken(child, depth + 1));
      }
    };
    if (el.shadowRoot) under(el.shadowRoot);
    under(el);
    return node;
  };
  const page = typeof Procore === "undefined" ? {} : (Procore.Environment || {});
  const globals = Object.fromEntries(Object.entries(page).map(([name, value]) => [name, typeof value]));
  const locale = String(page.locale || document.documentElement.lang || "");
  return JSON.stringify({ ...look, globals, locale, root: taken(document.documentElement, 0), whole: left > 0 });
}
"""
_BLANK = re.compile(r"\{([a-z_]+)\}")
_NO_CONTACT = "User"  # column Type of the newer lists: contacts have a page of another kind [C]
_ENDS_IT = frozenset({"browser-lost", "browser-hung"})
_LOOKED_FOR = (
    "shell.avatar",
    "sign_in.field",
    "shell.new_generation",
    "list.root",
    "user_page.root",
    "shell.error_heading",
)


@dataclass(frozen=True)
class RawNode:
    """An element as it stood: everything in it is the tenant's."""

    tag: str
    attributes: Mapping[str, str]
    children: tuple[RawNode | str, ...] = ()

    @classmethod
    def of(cls, taken: Mapping[str, Any]) -> RawNode:
        """From what the page answered."""
        children = tuple(item if isinstance(item, str) else cls.of(item) for item in taken["children"])
        return cls(taken["tag"], taken["attributes"], children)


@dataclass(frozen=True)
class RawPage:
    """One page of the walk. ``generation`` is "legacy", "mfe", or "" where nothing tells."""

    place: str
    generation: str
    url: str
    locale: str
    root: RawNode
    globals: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    as_opened: bool = True  #: False where something was clicked open on it


@dataclass(frozen=True)
class NotTaken:
    """A place that the walk did not come to; ``why`` is an error code."""

    place: str
    why: str


class StructureWalk:
    """One walk through one tenant, on a tab of a context that is, or will be, signed in.

    ``own_address`` is the service account's: the user pages that are looked at are its own where its row is found.
    """

    def __init__(
        self, page: Page, tenant: TenantAddress, catalogue: Catalogue, timeouts: Timeouts, own_address: str
    ) -> None:
        self._tab = Tab(page, tenant, catalogue, timeouts)
        self._looked_for = json.dumps({"hooks": {key: catalogue.css(key) for key in _LOOKED_FOR}, "take": False})
        self._taken = json.dumps({"hooks": {key: catalogue.css(key) for key in _LOOKED_FOR}, "take": True})
        self._own_address = own_address
        directory = tenant.directory_path
        self._blanks = {
            "company": tenant.company_id,
            "directory": directory,
            "new_directory": f"/webclients/host/companies/{tenant.company_id}/tools/directory",
            "permissions": f"/webclients/host/companies/{tenant.company_id}/tools/permissions/permission_templates",
            "own_address": quote(own_address),
            "own_login": own_address,
        }

    async def enter(self, credentials: SignInCredentials) -> None:
        """Open the Directory and sign in where that is asked for. Raises what a sign-in raises."""
        await self._tab.prepare()
        await self._tab.open(self._tab.tenant.directory_path)
        if not _is_signed_in(await self._at_rest()):
            await sign_in(self._tab, credentials)

    async def pages(self, wanted: Collection[str] = ()) -> AsyncIterator[RawPage | NotTaken]:
        """Every place in order, or only the ``wanted`` ones (and what is needed to find them, which is not told).

        Raises SignedOut when the session ends, and Failed when the browser is lost: what came before is good.
        """
        needed = with_sources(wanted)
        for place in PLACES:
            if place.name not in needed:
                continue
            taken = await self._taken_or_not(place)
            if isinstance(taken, RawPage):
                self._learn(place, taken)
            if not wanted or place.name in wanted:
                yield taken

    async def _taken_or_not(self, place: Place) -> RawPage | NotTaken:
        try:
            return await self._take(place)
        except SignedOut:
            raise
        except AgentError as error:
            if error.code in _ENDS_IT:
                raise
            return NotTaken(place.name, error.code)

    async def _take(self, place: Place) -> RawPage:
        await self._tab.open(self._address(place))
        look = await self._at_rest()
        if place.ways:
            with suppress(AgentError):  # an overlay that stays shows when the click does not come through
                await overlays.clear(self._tab)
            way = await self._way(place)
            for touch in way.touches:
                await self._touch(place, touch)
                await self._at_rest()
            look = await self._at_rest()
            if not await self._count(way.opens):
                raise _not_there(place, way.opens)
        if not _is_signed_in(look):
            raise SignedOut
        return await self._page(place)

    async def _way(self, place: Place) -> Way:
        for way in place.ways:
            if await self._count(way.at):
                return way
        raise _not_there(place, " or ".join(way.at for way in place.ways))

    def _address(self, place: Place) -> str:
        for address in place.addresses:
            blanks = set(_BLANK.findall(address))
            if blanks <= self._blanks.keys():
                return _BLANK.sub(lambda found: self._blanks[found.group(1)], address)
        raise _not_there(place, "a link on the pages before that leads there")

    async def _touch(self, place: Place, touch: Touch) -> None:
        if not await self._count(touch.within or touch.key, {} if touch.within else touch.values):
            raise _not_there(place, touch.within or touch.key)
        at = self._tab.at(touch.within or touch.key, **({} if touch.within else touch.values)).first
        if touch.within:
            at = at.locator(self._tab.selector(touch.key, **touch.values)).first
        if touch.types:
            text = self._blanks[touch.types]
            await self._tab.act(f"searching for {place.name}", lambda: at.fill(text))
        else:
            await self._tab.act(f"opening {place.name}", at.click)

    async def _count(self, key: str, values: Mapping[str, str] | None = None) -> int:
        return await bounded(
            self._tab.at(key, **(values or {})).count(), self._tab.timeouts.control, f"looking for {key}"
        )

    async def _at_rest(self) -> Mapping[str, Any]:
        """Wait until the page has stopped growing, at most the limit for slow pages; what stands there then."""
        deadline = time.monotonic() + self._tab.timeouts.hook
        look: dict[str, Any] | None = None
        same = 0
        while look is None or same < _STEADY_LOOKS:
            seen: dict[str, Any] | None = await self._evaluate(self._looked_for)
            is_same = seen is not None and look is not None and seen["elements"] == look["elements"] and seen["ready"]
            same, look = same + 1 if is_same else 0, seen
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_PAUSE_S)
        if look is None:
            raise Failed("page-timeout", "The page kept changing.", expected="a page at rest", seen="none")
        return look

    async def _page(self, place: Place) -> RawPage:
        taken = await self._evaluate(self._taken)
        if taken is None:
            raise Failed("page-timeout", "The page kept changing.", expected="a page at rest", seen=place.name)
        if taken["count"]["shell.error_heading"]:
            raise Failed("service-error", "Procore shows an error page.", expected=place.name, seen="an error page")
        count = taken["count"]
        is_legacy = count["list.root"] or count["user_page.root"]
        generation = "mfe" if count["shell.new_generation"] else "legacy" if is_legacy else ""
        return RawPage(
            place.name,
            generation,
            taken["url"],
            taken["locale"],
            RawNode.of(taken["root"]),
            taken["globals"],
            taken["whole"],
            as_opened=not place.ways,
        )

    async def _evaluate(self, argument: str) -> Any:
        """What the script answers; None when another document came in between."""
        limit = self._tab.timeouts.page
        try:
            return json.loads(await asyncio.wait_for(self._tab.page.evaluate(_TAKE, argument), limit))
        except Exception as error:
            if is_navigated_away(error):
                return None
            if isinstance(error, TimeoutError):
                raise Failed("browser-hung", "The browser does not answer.", seen="nothing") from None
            raise translated(error, "taking a page") from None

    def _learn(self, place: Place, page: RawPage) -> None:
        for blank, pattern in place.teaches.items():
            beside = {"own_user": self._own_address, "own_person": self._own_address, "member_person": _NO_CONTACT}
            found = _nearest(page.root, beside.get(blank, ""), pattern)
            if found and (blank not in self._blanks):
                self._blanks[blank] = found
        if "project" in self._blanks:
            self._blanks["project_directory"] = f"/{self._blanks['project']}/project/directory"


def _is_signed_in(look: Mapping[str, Any]) -> bool:
    return bool(look["count"]["shell.avatar"]) or not look["form"]


def _not_there(place: Place, expected: str) -> Failed:
    return Failed("place-not-there", f"There is no way to {place.name}.", expected=expected, seen="none")


def _nearest(node: RawNode, words: str, pattern: re.Pattern[str]) -> str | None:
    """What the pattern finds in a link or a form's address, in the smallest element that bears the words, too.

    Where no element bears both, the first such link of the page.
    """
    best: tuple[int, str] | None = None
    for element in _elements(node):
        link = next(_links(element, pattern), None)
        if link is None:
            continue
        size = sum(1 for _ in _elements(element))
        bears = words.casefold() in _all_text(element).casefold()
        rank = size if bears else size + 10**9
        if best is None or rank < best[0]:
            best = (rank, link)
    return best[1] if best else None


def _elements(node: RawNode) -> Iterator[RawNode]:
    yield node
    for child in node.children:
        if isinstance(child, RawNode):
            yield from _elements(child)


def _links(node: RawNode, pattern: re.Pattern[str]) -> Iterator[str]:
    for element in _elements(node):
        for name in ("href", "action"):
            found = pattern.search(element.attributes.get(name, ""))
            if found:
                yield found.group(1)


def _all_text(node: RawNode) -> str:
    return " ".join(child if isinstance(child, str) else _all_text(child) for child in node.children)

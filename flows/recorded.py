"""The flows on recorded pages (implements :class:`flows.rechecking.Rechecking`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page

from agent.domain.person import TenantFacts
from agent.errors import Failed
from flows.catalogue import Catalogue
from flows.interface import CommitGate, Use
from flows.legacy.directory import LegacyDirectory
from flows.page.places import Placed, placed_again
from flows.page.protocol import PageScripts
from flows.page.reading import Reading
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.readings import READINGS
from flows.rechecking import Asked, RecordedPages, Reread
from flows.tenant import TenantAddress, Timeouts

#: a frozen page is as it is: nothing on it is worth waiting for
_AT_ONCE = Timeouts(page=20.0, answer=0.0, hook=0.0, control=0.0, submit=0.0, margin=5.0)

# What the page's own scripts had set, and what a flash had said that has faded since: frozen pages run no script.
_SURROUNDINGS = r"""(input) => {
  const { locale, companyId, flashes } = JSON.parse(input);
  window.Procore = { Environment: { locale, companyId } };
  window[Symbol.for("agent.flashes")] = flashes.map(({ kind, text }) => {
    const flash = document.createElement("div");
    flash.className = `alert alert-${kind}`;
    flash.textContent = text;
    return flash;
  });
  return "";
}"""


# One call in place of two.
_AFTER_SURROUNDINGS = r"""async (input) => {
  const { shown, arguments: given } = JSON.parse(input);
  (%s)(shown);
  return await (%s)(given);
}"""


class RecordedFlows:
    """Today's readings, places and decisions. ``generation`` is that of the lists as they were recorded."""

    def __init__(self, generation: str) -> None:
        self._generation = generation
        self._scripts: WeakKeyDictionary[Page, PageScripts] = WeakKeyDictionary()

    def script_sha256(self, reading: str) -> str | None:
        """Which version of a reading this is; None when there is no such reading any more."""
        return READINGS[reading].sha256 if reading in READINGS else None

    def script_of(self, sha256: str) -> str | None:
        """The script of this hash, if it is one of today's."""
        return next((reading.source for reading in READINGS.values() if reading.sha256 == sha256), None)

    async def reread(self, page: Page, asked: Asked, catalogue: Catalogue) -> Reread:
        """Make the reading on this page with the selectors of this catalogue."""
        reading = READINGS.get(asked.reading)
        if asked.script is not None:
            reading = Reading.recorded(asked.reading, asked.script)
        if reading is None:
            return Reread(broken="today's flows make no such reading")
        layers = tuple(Layer(key, headline) for key, headline in asked.layers)
        try:
            given = placed_again(asked.given, catalogue)
            arguments = reading.input(catalogue, given, layers, where=True)
        except KeyError as error:
            return Reread(broken=str(error.args[0]))
        if page not in self._scripts:
            self._scripts[page] = PageScripts(page)
        both = json.dumps({"shown": json.dumps(_shown(asked.shell)), "arguments": arguments})
        try:
            raw = json.loads(await self._scripts[page].run(_AFTER_SURROUNDINGS % (_SURROUNDINGS, reading.source), both))
        except (BrowserError, ValueError) as error:
            return Reread(broken=str(error).split("\n", 1)[0])
        return Reread(
            ready=raw["ready"],
            problems=tuple(raw["problems"]),
            shell=raw["shell"],
            data=raw["data"],
            where={key: tuple(paths) for key, paths in raw.get("where", {}).items()},
        )

    def selector(self, uses: Sequence[Use], catalogue: Catalogue) -> str:
        """What these uses select in this catalogue; KeyError for a key or a placeholder that it has not."""
        return str(Placed.of(catalogue, tuple(uses), css=False))

    def directory(
        self,
        blank: Page,
        pages: RecordedPages,
        tenant: TenantAddress,
        catalogue: Catalogue,
        gate: CommitGate,
        account: str,
        facts: TenantFacts,
        at: datetime,
    ) -> LegacyDirectory:
        """A Directory that reads recorded pages; it knows the recorded names and the recorded time.

        Failed("not-walkable") in the new generation: its lists change under one address, so that a recording does not
        tell which of them a flow would get.
        """
        if self._generation != "legacy":
            raise Failed(
                "not-walkable",
                "Decisions on pages of the new generation cannot be walked through again: its lists change under one "
                "address.",
                expected="pages that their addresses tell apart",
                seen=self._generation,
            )
        return _RecordedDirectory(_RecordedTab(blank, pages, tenant, catalogue, at), gate, account, facts)


class _RecordedTab(Tab):
    """A tab in which recorded pages are opened."""

    def __init__(
        self, blank: Page, pages: RecordedPages, tenant: TenantAddress, catalogue: Catalogue, at: datetime
    ) -> None:
        super().__init__(blank, tenant, catalogue, _AT_ONCE)
        self._pages = pages
        self._at = at

    async def open(self, path: str) -> None:
        """Show the page that was read under this address. Failed("page-not-recorded") when none was."""
        self.loads += 1
        self.untrust()
        self.page, shell = await self._pages.visit(self.tenant.url(path))
        self._scripts = PageScripts(self.page)
        await self._scripts.run(_SURROUNDINGS, json.dumps(_shown(shell)))

    def server_time(self) -> datetime:
        """The tenant's time at the beginning of the recorded job."""
        return self._at


class _RecordedDirectory(LegacyDirectory):
    """A Directory whose names are the recorded ones, however often it is asked."""

    async def facts(self, *, refresh: bool = False) -> TenantFacts:
        """The recorded names."""
        return await super().facts()


def _shown(shell: Mapping[str, Any]) -> dict[str, Any]:
    """What of the recorded surroundings a frozen page cannot show by itself."""
    return {
        "locale": shell.get("locale", ""),
        "companyId": shell.get("companyId", ""),
        "flashes": shell.get("flashes", []),
    }

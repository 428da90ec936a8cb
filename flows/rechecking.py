"""Look at recorded pages with today's flows: the same readings, places and decisions, without a tenant.

One implementation per UI generation. A page that is looked at here is frozen: nothing in it runs, nothing it asks for
comes. So this proves what a flow sees and decides, never what a page does in answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from playwright.async_api import Page

from agent.domain.person import TenantFacts
from flows.catalogue import Catalogue
from flows.interface import CommitGate, Directory, Use
from flows.tenant import TenantAddress


@dataclass(frozen=True)
class Asked:
    """A reading as it was made: its name, its script where it is not today's, arguments, and what surrounded it."""

    reading: str
    given: Mapping[str, Any]
    layers: Sequence[Sequence[str]]
    shell: Mapping[str, Any]
    script: str | None = None  # None: today's


@dataclass(frozen=True)
class Reread:
    """What a reading says of a frozen page. ``where`` has, for each catalogue key, the paths of the elements found, in
    the order of the look-ups; ``broken`` says why nothing could be read."""

    ready: bool = False
    problems: tuple[Mapping[str, str], ...] = ()
    shell: Mapping[str, Any] | None = None
    data: Any = None
    where: Mapping[str, tuple[str, ...]] | None = None
    broken: str = ""


class RecordedPages(Protocol):
    """Answers to addresses: the pages as they were recorded."""

    async def visit(self, url: str) -> tuple[Page, Mapping[str, Any]]:
        """The frozen page that was read under this address, and the surroundings as they were read then.

        Failed("page-not-recorded") when nobody has read it.
        """


class Rechecking(Protocol):
    """Today's flows of one generation, for recorded pages."""

    def script_sha256(self, reading: str) -> str | None:
        """Which version of a reading this is; None when there is no such reading any more."""

    def script_of(self, sha256: str) -> str | None:
        """The script of this hash, if it is one of today's."""

    async def reread(self, page: Page, asked: Asked, catalogue: Catalogue) -> Reread:
        """Make the reading on this page with the selectors of this catalogue."""

    def selector(self, uses: Sequence[Use], catalogue: Catalogue) -> str:
        """What these uses select in this catalogue; KeyError for a key or a placeholder that it has not."""

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
    ) -> Directory:
        """A Directory that reads recorded pages; it knows the recorded names and the recorded time."""

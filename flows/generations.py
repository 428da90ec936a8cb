"""Which generation of pages a tenant shows, found out page by page, never configured.

Procore runs several generations side by side, per company and per tool, and switches them while the agent works. So the
flows of the generation that was met last are tried first, and those of the other one where the page turns out to be
of that: before anything was sent, and once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeVar

from playwright.async_api import Page

from agent.domain.touch import Target
from agent.errors import Failed
from flows.interface import CommitGate

T = TypeVar("T")
Generation = Literal["legacy", "mfe"]

_OTHER: Mapping[Generation, Generation] = {"legacy": "mfe", "mfe": "legacy"}


class CountingGate:
    """A gate that passes everything on, and counts the writes it was asked about."""

    def __init__(self, gate: CommitGate) -> None:
        self._gate = gate
        self.asked = 0

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """See :class:`flows.interface.CommitGate`."""
        self.asked += 1
        await self._gate.before(page, intent, target)

    async def after(self, page: Page, intent: str) -> None:
        """See :class:`flows.interface.CommitGate`."""
        await self._gate.after(page, intent)


class Generations:
    """The generation of each kind of page of a tenant, as far as pages of that kind were met in this session."""

    def __init__(self, gate: CountingGate) -> None:
        self._gate = gate
        self._met: dict[str, Generation] = {}

    @property
    def met(self) -> Mapping[str, str]:
        """Generation by page kind; kinds that nobody has opened are missing. It is filled in as pages are met: whoever
        keeps it knows later what was not met yet."""
        return self._met

    async def as_shown(
        self, kind: str, legacy: Callable[[], Awaitable[T]], mfe: Callable[[], Awaitable[T]], *, like: str = ""
    ) -> T:
        """What the flows of the right generation return. A kind that was not met yet is tried as the kind ``like`` was.

        A page of the other generation (UnknownPage "unknown-generation", or an address of the new one that is gone) is
        detected anew, once. From the moment the gate was asked nothing is tried again: the error goes up.
        """
        flows = {"legacy": legacy, "mfe": mfe}
        first: Generation = self._met.get(kind) or self._met.get(like) or "legacy"
        asked = self._gate.asked
        try:
            result = await flows[first]()
        except Failed as error:
            if self._gate.asked != asked or not _is_other(error, first):
                raise
            other = _OTHER[first]
            try:
                result = await flows[other]()
            except Failed as second:
                if _is_other(second, other) or second.code == "unknown-page":
                    raise error from second  # neither: that is told, not how it differs from what it is not
                raise
            first = other
        self._met[kind] = first
        return result


def _is_other(error: Failed, generation: Generation) -> bool:
    return error.code == "unknown-generation" or (generation == "mfe" and error.code == "not-found")

"""The worker's side of the places at which a running job may stop (:mod:`agent.execute.boundary`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from agent.execute.boundary import StopAsked
from agent.execute.trail import Trail
from agent.queue.interface import ClaimLost, Queue
from agent.queue.record import Claim
from agent.worker.judgement import Stop

T = TypeVar("T")
GIVEN_BACK = "The agent stops; the job goes on when it runs again."


@dataclass
class Draining:
    """Whether the worker has been asked to stop."""

    asked: bool = False

    @property
    def stop(self) -> Stop | None:
        """Why a run was stopped that did not get to its next boundary."""
        return Stop.SHUTDOWN if self.asked else None

    @property
    def words(self) -> str:
        """The same in words."""
        return GIVEN_BACK if self.asked else ""


@dataclass
class QueueBoundary:
    """Asks the queue at each boundary, and puts each write on record before it leaves."""

    queue: Queue
    claim: Claim
    draining: Draining
    evidence: Callable[[], Path | None]
    before_first_write: Callable[[], Awaitable[None]]
    stop: Stop | None = None
    words: str = ""
    lost: bool = False
    _has_written: bool = field(default=False)

    async def at_step(self, trail: Trail) -> None:
        """Raises StopAsked when the agent stops, somebody wants the job stopped, or one of its many people is to be
        offboarded; ClaimLost when it is another's."""
        if self.draining.asked:
            self.stop, self.words = Stop.SHUTDOWN, GIVEN_BACK
            raise StopAsked("given-back", GIVEN_BACK)
        wish = await self._noticing(self.queue.guard(self.claim))
        if wish.comes_back:
            self.stop, self.words = Stop.SHUTDOWN, wish.why
            raise StopAsked("given-back", wish.why)
        if wish.stop:
            self.stop, self.words = Stop.ASKED, wish.why or "Somebody asked to stop this job."
            raise StopAsked("cancel-asked", self.words)

    async def at_write(self, trail: Trail) -> None:
        """As :meth:`at_step`; then the write is on record, with access that will have to end."""
        await self.at_step(trail)
        if not self._has_written:
            await self.before_first_write()
        await self._record(trail)
        self._has_written = True

    async def settled(self, trail: Trail) -> None:
        """Correct the record."""
        await self._record(trail)

    async def _record(self, trail: Trail) -> None:
        under_way = trail.under_way
        folder = self.evidence()
        data = {
            "step": under_way.step.title if under_way is not None else "",
            "evidence": str(folder) if folder is not None else "",
            "trail": trail.data(),
        }
        await self._noticing(self.queue.progress(self.claim, data))

    async def _noticing(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except ClaimLost:
            self.lost = True
            raise

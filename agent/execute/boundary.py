"""Where a running job may be stopped: before each step and right before each write.

Whoever runs jobs from a queue puts a :class:`Boundary` there: it asks whether the job is still ours and wanted, and
puts on record what is about to leave before it leaves.
"""

from __future__ import annotations

from typing import Protocol

from agent.errors import Failed, Mender
from agent.execute.trail import Trail


class StopAsked(Failed):
    """Somebody asked the job to stop, or the agent itself stops: nothing more is written."""

    def __init__(self, code: str, message: str) -> None:
        """``code`` is "given-back", "cancel-asked" or "stop-asked"."""
        super().__init__(code, message, expected="a job that runs to its end", seen="a wish to stop")
        self.mender = Mender.OPERATOR


class Boundary(Protocol):
    """The places at which a job may stop. Whatever AgentError is raised here stops the job before its next write."""

    async def at_step(self, trail: Trail) -> None:
        """Before a step, and before planning. Raises StopAsked, or what says that the job is not ours any more."""

    async def at_write(self, trail: Trail) -> None:
        """Right before a write leaves: ``trail`` names it and is on disk when this returns."""

    async def settled(self, trail: Trail) -> None:
        """The write on record did not happen, or happened otherwise than a return says: put the new trail on record."""


class NoBoundary:
    """For jobs that nobody stops and whose process nobody replaces (``agent run-job``)."""

    async def at_step(self, trail: Trail) -> None:
        """Nobody asks."""

    async def at_write(self, trail: Trail) -> None:
        """Nobody keeps it."""

    async def settled(self, trail: Trail) -> None:
        """Nobody kept it."""

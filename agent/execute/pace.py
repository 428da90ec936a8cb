"""Time as an argument: what the runner waits with, so that tests need not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from agent.errors import Failed, SignedOut, SignInRejected, UnknownPage

T = TypeVar("T")


class Clock(Protocol):
    """The time and the waiting."""

    def now(self) -> datetime:
        """Our own clock, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Our own clock, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Limits:
    """How long the runner polls, in seconds; ``answer_s`` is how long the flows wait for the answer to a save."""

    answer_s: float = 30
    settle_s: float = 60
    verify_s: float = 60
    projects_s: float = 300
    first_pause_s: float = 0.25
    longest_pause_s: float = 5.0


async def poll(
    read: Callable[[], Awaitable[T]], good: Callable[[T], bool], limit_s: float, clock: Clock, limits: Limits
) -> tuple[T, bool]:
    """Read until it is good or the time is up; returns the last reading and whether it was good.

    Reads at least once, and once more at the deadline. Pauses double, from ``first_pause_s`` to ``longest_pause_s``.
    A reading that fails for a passing reason (an error page, no connection) is repeated, too; its error is raised only
    when the last one fails.
    """
    deadline = clock.monotonic() + limit_s
    pause = limits.first_pause_s
    while True:
        failed: Failed | None = None
        try:
            reading = await read()
        except (UnknownPage, SignedOut, SignInRejected):
            raise
        except Failed as error:
            failed = error
        else:
            if good(reading):
                return reading, True
        left = deadline - clock.monotonic()
        if left <= 0:
            if failed is not None:
                raise failed
            return reading, False
        await clock.sleep(min(pause, left))
        pause = min(pause * 2, limits.longest_pause_s)

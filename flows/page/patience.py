"""Waiting for a page to get there: how long, and how often to look."""

from __future__ import annotations

import asyncio
import time

#: Between the first looks, doubled up to the longest: what a page does by itself is mostly done within some
#: milliseconds, and a look at a busy one takes from what it needs.
SHORTEST_SECONDS = 0.004
_LONGEST_SECONDS = 0.05
#: For a list that draws its rows as it is scrolled: they need this long to come, and a row that was never drawn is
#: never read.
DRAWING_SECONDS = 0.03


class Patience:
    """How long one thing is waited for, and how often it is looked at::

        patience = Patience(tab.timeouts.control)
        while not await there():
            if patience.is_over:
                raise ...
            await patience.pause()

    Times are in seconds.
    """

    def __init__(self, seconds: float, *, shortest: float = SHORTEST_SECONDS) -> None:
        """``seconds`` is the whole time, ``shortest`` the first pause."""
        self._seconds = seconds
        self._shortest = shortest
        self.renew()

    def renew(self) -> None:
        """It goes on: the time counts from here."""
        self._deadline = time.monotonic() + self._seconds
        self._next = self._shortest

    @property
    def is_over(self) -> bool:
        """Whether the time has passed."""
        return time.monotonic() > self._deadline

    async def pause(self) -> None:
        """Until the next look."""
        await asyncio.sleep(self._next)
        self._next = min(self._next * 2, _LONGEST_SECONDS)

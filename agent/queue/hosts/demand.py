"""Who on this host waits for a job: a lane is taken only for somebody who can start at once."""

from __future__ import annotations

import asyncio
from collections import deque

from agent.queue.interface import Openings
from agent.queue.record import Claim


class Ask:
    """One worker that waits for a job."""

    def __init__(self, worker: str, openings: Openings) -> None:
        self.worker = worker
        self.openings = openings
        self.answer: asyncio.Future[Claim] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return not self.answer.done()


class Demand:
    """The asks of this host, first come, first served."""

    def __init__(self) -> None:
        self._asks: deque[Ask] = deque()
        self._stirred = asyncio.Event()
        self._is_over = False

    def add(self, ask: Ask) -> None:
        """Somebody waits."""
        self._asks.append(ask)
        self._stirred.set()

    def put_back(self, ask: Ask) -> None:
        """There was nothing for this one: it waits on, before those who came later."""
        if ask.is_open:
            self._asks.appendleft(ask)
            self._stirred.set()

    async def take(self) -> Ask | None:
        """The next that waits; None when no more will be served."""
        while not self._is_over:
            while self._asks:
                ask = self._asks.popleft()
                if ask.is_open:
                    return ask
            self._stirred.clear()
            await self._stirred.wait()
        return None

    def end(self) -> None:
        """Serve nobody any more."""
        self._is_over = True
        self._stirred.set()

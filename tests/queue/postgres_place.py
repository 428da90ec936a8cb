"""A queue in a database of its own, on the tests' server; with the times as they are shipped."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from agent.queue.hosts.postgres import PostgresQueue
from agent.queue.hosts.tickets import queue_of
from agent.queue.interface import Openings, Queue
from agent.queue.record import Claim
from tests.queue.places import CHANNELS, Clock

_LANES = """
SELECT (SELECT count(*) FROM lane) AS claimed,
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing') AS taken,
       (SELECT count(*) FROM procrastinate_jobs AS waiting WHERE waiting.status = 'todo'
         AND waiting.queue_name = ANY(%s) AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS taken
           WHERE taken.lock = waiting.lock AND taken.status = 'doing')) AS free
"""

# On a busy machine the engine stands still for a moment between two of its steps: only rest that lasts counts.
_LOOKS = 5
_BETWEEN_LOOKS_S = 0.02


@dataclass
class PostgresPlace:
    """A database; a dying process says good-bye here (tests/torture has those that do not)."""

    url: str
    clock: Clock = field(default_factory=Clock)
    opened: list[PostgresQueue] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)  # of the engine, that the last host listens to
    lost: int = 0  # how often a process would have ended itself

    async def open(self, tenants: Mapping[str, int]) -> Queue:
        queue = PostgresQueue(self.url, channels=CHANNELS, clock=self.clock, on_claim_lost=self._count_lost)
        await queue.open(tenants)
        self.opened.append(queue)
        self.queues = [queue_of(name) for name in tenants]
        return queue

    def _count_lost(self) -> None:
        self.lost += 1

    async def die(self, queue: Queue) -> None:
        await queue.close()

    async def try_claim(self, queue: Queue, openings: Openings | None = None) -> Claim | None:
        assert isinstance(queue, PostgresQueue)
        await queue.look()  # the clock may have been moved
        claiming = asyncio.create_task(queue.next_claim("worker", openings))
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as looking:
            seen_at_rest = 0
            while not claiming.done() and seen_at_rest < _LOOKS:
                seen_at_rest = seen_at_rest + 1 if await self._at_rest(looking, queue) else 0
                await asyncio.wait({claiming}, timeout=_BETWEEN_LOOKS_S)
        if claiming.done():
            return claiming.result()
        claiming.cancel()
        await asyncio.wait([claiming])
        return None

    async def _at_rest(self, looking: psycopg.AsyncConnection[tuple[int, int, int]], queue: PostgresQueue) -> bool:
        """Whether no lane is on its way to anybody: those taken have a claim, and its worker has been told."""
        row = await (await looking.execute(_LANES, (self.queues,))).fetchone()
        assert row is not None
        claimed, taken, free = row
        told = len(queue._running)
        for _ in range(3):
            await asyncio.sleep(0)
        return free == 0 and claimed == taken == told

    async def close(self) -> None:
        for queue in self.opened:
            await queue.close()

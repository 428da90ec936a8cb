"""Where a queue's data lives in a test: what the contract suite needs of an adapter besides the port itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.queue.embedded import EmbeddedQueue
from agent.queue.interface import Openings, Queue
from agent.queue.record import Claim

CHANNELS = {"mail": frozenset({"dead", "paused"}), "webhook:desk": frozenset({"dead", "waiting", "expired", "flow"})}
NOON = 1_800_000_000.0


@dataclass
class Clock:
    """The time of the ledger, which stands still unless a test moves it."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


class Place(Protocol):
    """One queue's data, opened by one process after the other."""

    clock: Clock

    async def open(self, tenants: Mapping[str, int]) -> Queue:
        """A process starts and opens the queue."""

    async def die(self, queue: Queue) -> None:
        """That process dies; what it had claimed is settled as soon as the next one is open."""

    async def try_claim(self, queue: Queue, openings: Openings | None = None) -> Claim | None:
        """What may be claimed now; None when nothing may."""

    async def close(self) -> None:
        """Close what is open, remove the data."""


class WatchedQueue(EmbeddedQueue):
    """The embedded queue, which tells when a claim has found nothing and waits."""

    def __init__(self, file: Path, clock: Clock) -> None:
        super().__init__(file, CHANNELS, clock=clock)
        self.found_nothing = asyncio.Event()

    async def _wait_for_change(self, limit_s: float) -> None:
        self.found_nothing.set()
        await super()._wait_for_change(limit_s)


@dataclass
class EmbeddedPlace:
    """A file."""

    file: Path
    clock: Clock = field(default_factory=Clock)
    opened: list[WatchedQueue] = field(default_factory=list)

    async def open(self, tenants: Mapping[str, int]) -> Queue:
        queue = WatchedQueue(self.file, self.clock)
        await queue.open(tenants)
        self.opened.append(queue)
        return queue

    async def die(self, queue: Queue) -> None:
        await queue.close()

    async def try_claim(self, queue: Queue, openings: Openings | None = None) -> Claim | None:
        assert isinstance(queue, WatchedQueue)
        queue.found_nothing.clear()
        claiming = asyncio.create_task(queue.next_claim("worker", openings))
        nothing = asyncio.create_task(queue.found_nothing.wait())
        await asyncio.wait([claiming, nothing], return_when=asyncio.FIRST_COMPLETED)
        for task in (claiming, nothing):
            task.cancel()
        await asyncio.wait([claiming, nothing])
        return None if claiming.cancelled() else claiming.result()

    async def close(self) -> None:
        for queue in self.opened:
            await queue.close()

"""A process that works with a queue until it is killed, and tells what it has done and been told."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from agent.queue.embedded import EmbeddedQueue
from agent.queue.ending import Done, Ending
from tests.queue.wishes import wish

PEOPLE = ("ana", "bo", "cy")


def work(file: Path, life: int, told: Connection) -> None:
    """Submit batches of two jobs and run jobs; a line before and after everything that changes the queue."""
    asyncio.run(_work(file, life, told))


async def _work(file: Path, life: int, told: Connection) -> None:
    queue = EmbeddedQueue(file)
    await queue.open({"north": 2})
    told.send(("opened", life, 0))
    number = 0
    while True:
        batch = [wish(person, "update", f"{life}-{number}-{person}", what=f"{life}-{number}") for person in PEOPLE[:2]]
        told.send(("submitting", life, number))
        for accepted in await queue.submit(batch):
            told.send(("accepted", life, accepted.id))
        for _ in range(2):
            claim = await queue.next_claim(f"life {life}")
            told.send(("claimed", life, claim.job.id))
            await queue.progress(claim, {"step": "save"})
            told.send(("finishing", life, claim.job.id))
            await queue.finish(claim, Ending(Done()))
            told.send(("finished", life, claim.job.id))
        number += 1

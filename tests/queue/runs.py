"""A job in the queue that is run and ends."""

from __future__ import annotations

from typing import Any

from agent.queue.ending import Ending, How
from agent.queue.interface import Queue
from agent.queue.record import Claim, JobRecord
from tests.queue.places import Place
from tests.queue.wishes import wish

DAY = 86_400.0  # seconds


async def claimed(place: Place, queue: Queue, **changes: Any) -> Claim:
    await queue.submit([wish(**changes)])
    return await again(place, queue)


async def again(place: Place, queue: Queue) -> Claim:
    claim = await place.try_claim(queue)
    assert claim is not None, "nothing was claimable"
    return claim


async def ended(place: Place, queue: Queue, how: How, **changes: Any) -> JobRecord:
    return await queue.finish(await claimed(place, queue, **changes), Ending(how))

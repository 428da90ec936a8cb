"""What is late, and what waits for people too long: told, once each.

Both scans look at the queue as it is now. What they say carries a key, so that a restart, a second host or a clock that
jumps tells nothing twice, and a week of downtime tells one thing about each job, not seven.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from agent.notify.notices import late, still_waiting
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import JobRecord, JobState

PAGE = 200
LIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


async def tell_late(queue: Queue, now: float, late_after_s: float) -> int:
    """Tell of every live job whose date has passed, and of every offboard that is due for too long; how many there are.

    A held one counts, too: a leaver who waits for somebody's decision is exactly what has to be known.
    """
    count = 0
    # An overlap of the two costs nothing: a notice has one key.
    leavers = JobFilter(states=LIVE, ops=frozenset({"offboard"}), due_by=now - late_after_s, limit=PAGE)
    dated = JobFilter(states=LIVE, needed_by=now, limit=PAGE)
    for which in (leavers, dated):
        async for record in _all(queue, which):
            since = record.needed_by if which is dated else await _due_since(queue, record)
            if since is not None and (which is dated or since <= now - late_after_s):
                await queue.tell(late(record, since))
                count += 1
    return count


async def remind(queue: Queue, now: float, every_s: float) -> int:
    """Remind of every job that waits for a person since ``every_s`` seconds or a multiple of it; how many there are."""
    count = 0
    async for record in _all(queue, JobFilter(states=frozenset({JobState.QUEUED}), held=True, limit=PAGE)):
        since = await _held_since(queue, record)
        times = int((now - since) // every_s)
        if times >= 1:
            await queue.tell(still_waiting(record, since, times))
            count += 1
    return count


async def _due_since(queue: Queue, record: JobRecord) -> float:
    """From when on the job could have run. The back-off of a retry does not count, a date given with the job does."""
    if record.started_at is None:
        return max(record.created_at, record.not_before)
    accepted = (await queue.events(record.id))[0].data
    return max(record.created_at, float(accepted.get("not_before", 0.0)))


async def _held_since(queue: Queue, record: JobRecord) -> float:
    """Nothing happens to a job after it was held, so its last event is that."""
    events = await queue.events(record.id)
    return events[-1].at if events else record.created_at


async def _all(queue: Queue, which: JobFilter) -> AsyncIterator[JobRecord]:
    while True:
        page = await queue.jobs(which)
        for record in page:
            yield record
        if len(page) < which.limit:
            return
        which = replace(which, after_id=page[-1].id)

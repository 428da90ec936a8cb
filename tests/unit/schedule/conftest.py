"""The embedded queue with a clock that tests set, and a worker that does everything at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.domain.access import Project
from agent.jobs.grants import grants_of, over_by
from agent.jobs.model import Offboard
from agent.queue.admission import admit, job_of
from agent.queue.embedded import EmbeddedQueue
from agent.queue.ending import Done, Ending, How
from agent.queue.interface import JobFilter
from agent.queue.record import JobRecord, JobState, NewJob
from tests.unit.plan.wishes import job

NOON = 1_800_000_000.0
HOUR, DAY = 3600.0, 86_400.0
ALL_KINDS = frozenset({"dead", "uncertain", "waiting", "paused", "late", "expired", "flow"})
PROJECTS = (Project(id="9", name="Westend Library", number="24-017"),)


@dataclass
class SetClock:
    """A clock that stands where a test puts it."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


def new(action: str, key: str, **fields: Any) -> NewJob:
    """A job on its way into the queue."""
    return admit(job(action, idempotency_key=key, **fields), "acme", "hr")


@dataclass
class Office:
    """One agent on one queue file, which can be stopped and started again."""

    file: Path
    clock: SetClock
    started: list[EmbeddedQueue] = field(default_factory=list)

    @property
    def queue(self) -> EmbeddedQueue:
        """The queue in use."""
        return self.started[-1]

    async def start(self) -> EmbeddedQueue:
        """Open the queue, after what was open is closed."""
        await self.stop()
        queue = EmbeddedQueue(self.file, {"mail": ALL_KINDS}, clock=self.clock)
        await queue.open({"acme": 4})
        self.started.append(queue)
        return queue

    async def stop(self) -> None:
        """Close it."""
        while self.started:
            await self.started.pop().close()

    async def work_off(self, how: How | None = None) -> list[JobRecord]:
        """Run every due job as a worker does that finds each wish fulfilled; ``how`` ends them otherwise."""
        ended = []
        while await self._due():
            claim = await self.queue.next_claim("worker-1")
            wish = job_of(claim.job)
            mine = [grant for grant in await self.queue.grants(tenant="acme") if grant.person == claim.job.person]
            done = how is None
            ending = Ending(
                how or Done(),
                grants=grants_of(wish, PROJECTS) if done else (),
                revoked=over_by(wish, mine, PROJECTS) if done and not isinstance(wish, Offboard) else (),
                closes_grants=done and isinstance(wish, Offboard),
            )
            ended.append(await self.queue.finish(claim, ending))
        return ended

    async def _due(self) -> bool:
        waiting = await self.queue.jobs(JobFilter(states=frozenset({JobState.QUEUED}), held=False))
        return any(record.not_before <= self.clock() for record in waiting)

    async def told(self) -> list[tuple[str, int | None]]:
        """Kind and job of every notice in the outbox."""
        return [(notice.kind, notice.job_id) for notice in await self.queue.notices_due(1000)]


@pytest.fixture
def clock() -> SetClock:
    """The time of day."""
    return SetClock()


@pytest.fixture
async def office(tmp_path: Path, clock: SetClock) -> AsyncIterator[Office]:
    """An agent's queue, opened."""
    place = Office(tmp_path / "queue.db", clock)
    await place.start()
    yield place
    await place.stop()

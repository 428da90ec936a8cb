"""Without room for evidence the worker claims nothing, says so once, and goes on by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.evidence.budget import EvidenceRoom
from agent.queue.record import NewNotice
from agent.worker.room import RoomWatch
from agent.worker.telemetry import NoTelemetry

MIB = 2**20


class Counting(NoTelemetry):
    """Remembers what it was told of the room."""

    def __init__(self, seen: list[bool]) -> None:
        self._seen = seen

    def room_seen(self, enough: bool) -> None:
        self._seen.append(enough)


class Surroundings:
    """A disk, a queue that takes notices, a clock, and what was called."""

    def __init__(self, folder: Path) -> None:
        self.free = 600 * MIB
        self.freed_by_tidying = 0
        self.tidied = 0
        self.told: list[NewNotice] = []
        self.seen: list[bool] = []
        room = EvidenceRoom(folder, keep_free=500 * MIB, free=lambda _: self.free)
        self.watch = RoomWatch(room, self, Counting(self.seen), ("acme", "north"), self.tidy, lambda: 1_795_000_000.0)  # type: ignore[arg-type]  # a queue that only listens

    def tidy(self) -> None:
        self.tidied += 1
        self.free += self.freed_by_tidying

    async def tell(self, notice: NewNotice) -> None:
        self.told.append(notice)


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings(tmp_path)


async def test_with_room_nothing_is_said(around: Surroundings) -> None:
    """The ordinary case costs one look."""
    assert await around.watch.has_room()
    assert (around.tidied, around.told, around.seen, around.watch.trouble) == (0, [], [], "")


async def test_tidying_may_be_enough(around: Surroundings) -> None:
    """What may be removed is removed before anybody is told."""
    around.free, around.freed_by_tidying = 100 * MIB, 500 * MIB
    assert await around.watch.has_room()
    assert (around.tidied, around.told) == (1, [])


async def test_without_room_everybody_is_told_once(around: Surroundings) -> None:
    """One notice a tenant and day, a metric, a reason that status and readiness show."""
    around.free = 100 * MIB
    assert [await around.watch.has_room() for _ in range(3)] == [False] * 3
    assert [(notice.tenant, notice.kind) for notice in around.told] == [("acme", "paused"), ("north", "paused")]
    assert all("no room for evidence" in notice.subject for notice in around.told)
    assert all("100 MiB left" in notice.data["message"] for notice in around.told)
    assert len({notice.key for notice in around.told}) == 2
    assert "100 MiB left" in around.watch.trouble
    assert around.tidied == 1


async def test_it_goes_on_by_itself(around: Surroundings) -> None:
    """With room again jobs start, and nothing has to be done for that."""
    around.free = 100 * MIB
    assert not await around.watch.has_room()
    around.free = 600 * MIB
    assert await around.watch.has_room()
    assert around.watch.trouble == ""
    assert around.seen == [False, True]

"""A full disk stops new jobs and no running one, and says so to everybody who might look."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from agent.evidence import budget
from tests.browser.worker.conftest import Hall, all_done, provisioning

_Usage = namedtuple("_Usage", "total used free")
MIB = 2**20


class Disk:
    """What the system says of the disk; the evidence itself is written on a real one."""

    def __init__(self) -> None:
        self.free = 10_000 * MIB

    def usage(self, path: Path) -> _Usage:
        return _Usage(20_000 * MIB, 10_000 * MIB, self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(shutil, "disk_usage", made.usage)
    assert budget.free_bytes(Path()) == made.free, "the oracle looks where the agent looks"
    return made


async def test_a_full_disk_stops_new_jobs_and_never_a_running_one(hall: Hall, disk: Disk) -> None:
    """The job under way is done and sealed; the next waits, is told, and runs by itself once there is room."""
    hall.sandbox.post("/faults", [{"operation": "create_user", "effect": "hold", "when": "before"}])
    (running,) = await hall.submit(provisioning(20))
    async with hall.working() as worker:
        await hall.held()
        disk.free = 100 * MIB
        (waiting,) = await hall.submit(provisioning(21))
        hall.sandbox.post("/held/release")
        (first,) = await hall.until_over(running)
        assert all_done([first]), first.error
        assert (Path(first.evidence or "") / "manifest.json").exists()
        await hall.until(lambda _: bool(worker.status().no_room), waiting)
        assert "100 MiB left" in worker.status().no_room
        told = [notice for notice in await hall.queue.notices_due() if "no room" in notice.subject]
        disk.free = 10_000 * MIB
        assert all_done(await hall.until_over(waiting))
        assert worker.status().no_room == ""
    assert [notice.kind for notice in told] in ([], ["paused"])  # nobody is to be told in these settings

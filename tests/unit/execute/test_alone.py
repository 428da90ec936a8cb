"""A person has one job at a time on a machine, whoever runs it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.errors import Failed, RetrySafe
from agent.execute.alone import NoPersonLocks, PersonLockFile, PersonLocks

PEOPLE = ("ana@example.com", "ben@example.com")

_HOLD = """
import asyncio, sys
from pathlib import Path
from agent.execute.alone import PersonLockFile

async def hold():
    async with PersonLockFile(Path(sys.argv[1])).held("acme", [sys.argv[2]]):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def most_at_once(locks: Sequence[PersonLocks], people: Sequence[Sequence[str]], rounds: int = 3) -> int:
    """The most jobs that ever held one and the same person together."""
    inside: dict[str, int] = {}
    most = 0

    async def job(lock: PersonLocks, whom: Sequence[str]) -> None:
        nonlocal most
        async with lock.held("acme", whom):
            for person in whom:
                inside[person] = inside.get(person, 0) + 1
                most = max(most, inside[person])
            for _ in range(5):
                await asyncio.sleep(0)
            for person in whom:
                inside[person] -= 1

    for _ in range(rounds):
        await asyncio.gather(*(job(lock, whom) for lock, whom in zip(locks, people, strict=True)))
    return most


async def test_two_jobs_of_a_person_never_run_together(tmp_path: Path) -> None:
    """Also when each names the two people of a change of address in another order, and nobody waits in a circle."""
    locks = [PersonLockFile(tmp_path / "people.lock") for _ in range(3)]

    assert await most_at_once(locks, [PEOPLE, PEOPLE[::-1], PEOPLE[:1]]) == 1


async def test_the_count_of_jobs_together_can_see_a_violation() -> None:
    """Planted: locks that lock nobody are caught by the same count."""
    assert await most_at_once([NoPersonLocks()] * 3, [PEOPLE, PEOPLE, PEOPLE]) == 3


async def test_a_person_whom_another_process_has_is_refused_until_that_process_is_dead(tmp_path: Path) -> None:
    """The error says that nothing was done and that a retry is safe; others, and other tenants, are free meanwhile; a
    kill leaves nothing behind."""
    file = tmp_path / "people.lock"
    command = (sys.executable, "-c", _HOLD, str(file), PEOPLE[0])
    other = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"held\n"
        impatient = PersonLockFile(file, patience_s=0)
        with pytest.raises(Failed) as refused:
            async with impatient.held("acme", PEOPLE):
                pass
        async with impatient.held("acme", PEOPLE[1:]), impatient.held("other", PEOPLE):
            pass
    finally:
        other.kill()
        await other.communicate()

    assert (refused.value.code, refused.value.retry_safe) == ("person-busy", RetrySafe.YES)
    async with impatient.held("acme", PEOPLE):
        pass


async def test_locks_that_cannot_be_kept_stop_the_job(tmp_path: Path) -> None:
    """A folder that cannot be made is an error before anything is done, not a job without a lock."""
    (tmp_path / "state").write_text("a file in the way")

    with pytest.raises(Failed, match="cannot be written") as stopped:
        async with PersonLockFile(tmp_path / "state" / "people.lock").held("acme", PEOPLE):
            pass
    assert stopped.value.code == "state-unwritable"

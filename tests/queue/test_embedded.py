"""What only the embedded queue has to promise: its file, its lock, its one thread."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from agent.errors import Failed, Refused
from agent.queue import embedded
from agent.queue.embedded import EmbeddedQueue
from agent.queue.ending import Done, Ending, GiveBack
from agent.queue.interface import JobFilter, Openings, Queue, QueueOwned
from agent.queue.ledger import claiming
from agent.queue.ledger.sqlite import wal_is_safe
from agent.queue.record import Claim, Hold, JobState
from tests.queue.places import NOON, Clock, EmbeddedPlace, WatchedQueue
from tests.queue.wishes import wish

pytestmark = pytest.mark.asyncio
LIMITS = {"north": 2, "south": 1}


@pytest.fixture
async def queue(embedded_place: EmbeddedPlace) -> WatchedQueue:
    queue = await embedded_place.open(LIMITS)
    assert isinstance(queue, WatchedQueue)
    return queue


async def claimed(queue: Queue) -> Claim:
    async with asyncio.timeout(30):
        return await queue.next_claim("worker")


async def waiting_claim(queue: WatchedQueue) -> asyncio.Task[Claim]:
    """A claim that has found nothing and waits."""
    queue.found_nothing.clear()
    task = asyncio.create_task(queue.next_claim("worker"))
    await queue.found_nothing.wait()
    return task


# --- the lock ---


async def test_a_second_agent_is_told_who_owns_the_queue(embedded_place: EmbeddedPlace, queue: Queue) -> None:
    """At once, and without touching the file; when the first is gone it may."""
    with pytest.raises(QueueOwned) as refused:
        await embedded_place.open(LIMITS)
    assert refused.value.code == "queue-owned"
    assert refused.value.seen == f"process {os.getpid()} since 2027-01-15 08:00:00 UTC"
    await queue.close()
    await (await embedded_place.open(LIMITS)).submit([wish()])


async def test_a_program_that_the_agent_starts_does_not_inherit_the_lock(
    embedded_place: EmbeddedPlace, queue: Queue
) -> None:
    """A browser that outlives its agent must not keep the next one out."""
    child = await asyncio.create_subprocess_exec("sleep", "60", close_fds=False)
    await queue.close()
    await embedded_place.open(LIMITS)
    child.kill()
    await child.wait()


async def test_a_queue_that_could_not_be_opened_lets_go_of_the_lock(embedded_place: EmbeddedPlace) -> None:
    """Else mending the file would not help."""
    embedded_place.file.parent.mkdir()
    embedded_place.file.write_bytes(b"this is not a database" * 100)
    with pytest.raises(Failed) as broken:
        await embedded_place.open(LIMITS)
    assert broken.value.code == "queue-broken"
    embedded_place.file.unlink()
    await embedded_place.open(LIMITS)


# --- the file ---


async def test_a_damaged_file_is_said_before_anything_is_claimed(embedded_place: EmbeddedPlace, queue: Queue) -> None:
    """The integrity check at opening finds a page that was overwritten."""
    await queue.submit([wish(f"p{number}") for number in range(200)])
    await queue.close()
    content = bytearray(embedded_place.file.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    embedded_place.file.write_bytes(content)
    with pytest.raises(Failed) as broken:
        await embedded_place.open(LIMITS)
    assert broken.value.code == "queue-broken"


async def test_the_file_is_for_this_account_alone(embedded_place: EmbeddedPlace, queue: Queue) -> None:
    """It holds names and addresses."""
    assert embedded_place.file.stat().st_mode & 0o777 == 0o600
    assert embedded_place.file.parent.stat().st_mode & 0o777 == 0o700


async def test_each_commit_is_synced_and_the_folders_names_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepted means on disk; a new file's name is on disk as well, up to the folder that was there before."""
    synced: list[str] = []
    plain = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    place = EmbeddedPlace(tmp_path / "var" / "queue" / "queue.db")
    queue = await place.open(LIMITS)
    assert {str(tmp_path), str(tmp_path / "var"), str(tmp_path / "var" / "queue")} <= set(synced)
    assert isinstance(queue, WatchedQueue)
    pragmas = await queue._read(
        lambda ledger: [ledger.rows(f"PRAGMA {name}")[0] for name in ("journal_mode", "synchronous")]
    )
    expected = ("wal", 2) if wal_is_safe(sqlite3.sqlite_version_info) else ("delete", 3)
    assert (pragmas[0]["journal_mode"], pragmas[1]["synchronous"]) == expected
    await place.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
)
async def test_wal_is_used_only_where_its_race_is_mended(version: tuple[int, int, int], safe: bool) -> None:
    """The releases and the two older lines that have the fix."""
    assert wal_is_safe(version) is safe


async def test_a_network_file_system_is_refused(embedded_place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its locks and syncs do not hold what we promise."""
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="ext4"),
        SimpleNamespace(mountpoint=str(embedded_place.file.parent.parent), fstype="nfs4"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)  # psutil's own name
    with pytest.raises(Refused) as refused:
        await embedded_place.open(LIMITS)
    assert refused.value.code == "queue-on-network"
    mounts.pop()
    await embedded_place.open(LIMITS)


async def test_a_full_disk_refuses_loudly_and_leaves_nothing_half_done(queue: WatchedQueue) -> None:
    """Nothing is accepted, looking still works, and it goes on when there is room."""
    await queue.submit([wish("ana")])
    before = await queue.jobs(JobFilter())
    await set_full(queue, True)
    with pytest.raises(Failed) as failed:
        await queue.submit([wish(f"p{number}", key=f"k{number}", what="x" * 500) for number in range(500)])
    assert failed.value.code == "queue-unwritable"
    assert await queue.jobs(JobFilter()) == before
    await set_full(queue, False)
    accepted = await queue.submit([wish("bo", key="k1")])
    assert not accepted[0].joined
    assert (await claimed(queue)).job.person == "ana@example.com"


async def set_full(queue: WatchedQueue, full: bool) -> None:
    """As if the disk had no page left."""

    def limit(ledger: Any) -> None:
        pages = ledger.rows("PRAGMA page_count")[0]["page_count"]
        ledger.rows(f"PRAGMA max_page_count = {pages if full else 1_000_000}")

    await queue._read(limit)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The message names the folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed) as failed:
        await EmbeddedPlace(tmp_path / "file" / "queue.db").open(LIMITS)
    assert failed.value.code == "queue-unwritable"


# --- waiting ---

WAKING: dict[str, Callable[[Queue], Awaitable[object]]] = {
    "submit": lambda queue: queue.submit([wish("bo")]),
    "resume": lambda queue: queue.resume("north", "mia"),
    "approve": lambda queue: queue.approve(1, "mia", {}),
    "retry": lambda queue: queue.retry(1, "mia"),
    "resolve": lambda queue: queue.resolve(1, "mia"),
}


@pytest.mark.parametrize("waking", WAKING)
async def test_a_waiting_claim_wakes_up_when_something_changes(
    queue: WatchedQueue, monkeypatch: pytest.MonkeyPatch, waking: str
) -> None:
    """At once, not at its next look."""
    monkeypatch.setattr(embedded, "LOOK_AGAIN_S", 3600)
    if waking == "resume":
        await queue.submit([wish()])
        await queue.pause("north", "mia", "audit")
    elif waking != "submit":
        await queue.submit([wish(hold=Hold.APPROVAL)])
    claiming_task = await waiting_claim(queue)
    await WAKING[waking](queue)
    async with asyncio.timeout(30):
        await claiming_task


async def test_a_waiting_claim_wakes_up_when_a_running_job_ends(
    queue: WatchedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person's next job is free then."""
    monkeypatch.setattr(embedded, "LOOK_AGAIN_S", 3600)
    await queue.submit([wish(), wish(what="24-002")])
    first = await claimed(queue)
    second = await waiting_claim(queue)
    await queue.finish(first, Ending(Done()))
    async with asyncio.timeout(30):
        assert (await second).job.id == 2


async def test_a_waiting_claim_wakes_up_when_a_date_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own timer, not by looking again and again."""
    monkeypatch.setattr(embedded, "LOOK_AGAIN_S", 3600)
    queue = EmbeddedQueue(tmp_path / "queue.db")
    await queue.open(LIMITS)
    due = time.time() + 0.3
    await queue.submit([wish(not_before=due)])
    await claimed(queue)
    assert time.time() >= due
    await queue.close()


async def test_a_clock_that_jumps_strands_no_waiting_claim(
    queue: WatchedQueue, embedded_place: EmbeddedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks again by a clock that does not jump."""
    monkeypatch.setattr(embedded, "LOOK_AGAIN_S", 0.05)
    await queue.submit([wish(not_before=NOON + 3600)])
    waiting = await waiting_claim(queue)
    embedded_place.clock.now += 3600
    async with asyncio.timeout(30):
        await waiting


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancelled_wait_loses_no_job(embedded_place: EmbeddedPlace, queue: WatchedQueue, turns: int) -> None:
    """Wherever the cancel hits: the job is claimed by nobody, and no attempt was used."""
    await queue.submit([wish()])
    task = asyncio.create_task(queue.next_claim("worker"))
    for _ in range(turns):
        await asyncio.sleep(0)
    if turns > 8:
        await queue.depths()  # the queue's thread has made the claim, the waiting task does not know yet
    task.cancel()
    with suppress(asyncio.CancelledError):
        claim = await task
        await queue.finish(claim, Ending(GiveBack("it was received after all")))
    await queue.close()
    (job,) = await (await embedded_place.open(LIMITS)).jobs(JobFilter())
    assert (job.state, job.attempt, job.crashes) == (JobState.QUEUED, 0, 0)


# --- the cost of a claim ---


async def steps_of_a_claim(tmp_path: Path, jobs: int) -> tuple[int, int, list[str]]:
    """How many statements and how much of SQLite's machine one claim takes with so many jobs waiting; its plan."""
    queue = EmbeddedQueue(tmp_path / f"{jobs}.db", clock=Clock())
    await queue.open(LIMITS)
    await queue.submit([wish(f"p{number}", "update") for number in range(jobs)])
    statements: list[str] = []
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    def watch(ledger: Any, on: bool) -> None:
        connection = ledger.db._connection
        connection.set_trace_callback(statements.append if on else None)
        connection.set_progress_handler(tick if on else None, 100)

    await queue._read(watch, True)
    await queue.next_claim("worker")
    await queue._read(watch, False)
    statement, values = claiming.heads(NOON, ["north", "south"], Openings())
    plan = await queue._read(lambda ledger: ledger.rows(f"EXPLAIN QUERY PLAN {statement}", *values))
    await queue.close()
    return len(statements), ticks, [row["detail"] for row in plan]


async def test_a_claim_is_one_walk_over_an_index(tmp_path: Path) -> None:
    """Four times the jobs are four times the work, not sixteen, and no statement more; the table is not touched."""
    few_statements, few, plan = await steps_of_a_claim(tmp_path, 500)
    many_statements, many, _ = await steps_of_a_claim(tmp_path, 2000)
    assert many_statements == few_statements <= 12
    assert many <= 5 * few
    assert plan[1].startswith("SEARCH job USING COVERING INDEX job_todo")


async def test_asking_job_by_job_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound above can fail: the obvious statement is what it is there to prevent."""

    def by_job(now: float, tenants: Any, openings: Any) -> tuple[str, tuple[Any, ...]]:
        return (
            "SELECT id AS head, NULL AS removal, NULL AS pressed_head FROM job"
            " WHERE state = 'queued' AND not_before <= ? AND NOT EXISTS"
            " (SELECT 1 FROM job AS earlier WHERE earlier.id < job.id AND +earlier.tenant = job.tenant"
            " AND earlier.line = job.line AND earlier.state IN ('queued', 'running')) ORDER BY priority, id",
            (now,),
        )

    monkeypatch.setattr(claiming, "heads", by_job)
    _, few, _ = await steps_of_a_claim(tmp_path, 200)
    _, many, _ = await steps_of_a_claim(tmp_path, 800)
    assert many > 5 * few

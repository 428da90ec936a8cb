"""From one host to several: ``agent queue migrate``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.commands.app import app_with
from agent.errors import Failed, Refused
from agent.queue.embedded import EmbeddedQueue
from agent.queue.ending import Dead, Done, Ending, Held
from agent.queue.hosts import moving
from agent.queue.hosts.connection import PostgresDatabase
from agent.queue.hosts.postgres import PostgresQueue
from agent.queue.interface import JobFilter, Queue, QueueOwned
from agent.queue.record import FlowHealth, FlowReport, Hold, JobEvent, JobRecord, NewGrant, NewNotice
from tests.queue.places import CHANNELS, NOON
from tests.queue.postgres_server import PostgresServer
from tests.queue.wishes import TROUBLE, wish

LIMITS = {"north": 2, "south": 1}
Kept = tuple[tuple[JobRecord, ...], list[tuple[JobEvent, ...]], object, object, object, object, object]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    return postgres_server.new_database()


async def everything(queue: Queue) -> Kept:
    """All that can be seen of a queue."""
    jobs = await queue.jobs(JobFilter(limit=1000))
    return (
        jobs,
        [await queue.events(job.id) for job in jobs],
        await queue.tenants(),
        await queue.grants(),
        await queue.notices_due(100),
        await queue.flow_states(),
        await queue.flow_events("north", "invite"),
    )


async def used(file: Path) -> Kept:
    """A queue with a bit of everything in it."""
    queue = EmbeddedQueue(file, CHANNELS, clock=lambda: NOON)
    await queue.open(LIMITS)
    await queue.submit(
        [wish("ana", key="k1"), wish("bo"), wish("cy", not_before=NOON + 60), wish("di", tenant="south")]
    )
    grant = NewGrant("project", {"number": "24-001"}, NOON + 900)
    await queue.finish(await queue.next_claim("one"), Ending(Done(), grants=(grant,)))
    await queue.finish(await queue.next_claim("one"), Ending(Held(Hold.HAND_OVER, "by hand", {"steps": ["ü\x00"]})))
    notice = NewNotice("dead", "south", "a job is dead", {}, 4, "dead:4")
    await queue.finish(await queue.next_claim("one"), Ending(Dead(TROUBLE), notices=(notice,)))
    await queue.submit([wish("eva"), wish("flo", op="offboard")])
    await queue.pause("south", "mia", "holidays")
    await queue.set_flow_state("north", FlowReport("invite", FlowHealth.QUARANTINED, "mia", "It looks odd."))
    kept = await everything(queue)
    await queue.close()
    return kept


async def opened(url: str) -> PostgresQueue:
    queue = PostgresQueue(url, channels=CHANNELS, clock=lambda: NOON)
    await queue.open(LIMITS)
    return queue


@pytest.mark.asyncio
async def test_all_of_it_is_there_and_goes_on(file: Path, url: str) -> None:
    """Jobs with numbers, history, holds, grants, notices, pauses; the most urgent one is next; numbers go on."""
    before = await used(file)
    database = PostgresDatabase(url, lambda: None)
    moved = moving.move(file, database, NOON)
    database.close()
    assert (moved.jobs, moved.live) == (6, 4)
    queue = await opened(url)
    try:
        assert await everything(queue) == before
        assert [claim.args["action"] for claim in [(await queue.next_claim("one")).job]] == ["offboard"]
        (again,) = await queue.submit([wish("ana", key="k1")])
        assert (again.id, again.joined) == (1, True)
        (new,) = await queue.submit([wish("gus")])
        assert new.id == 7
    finally:
        await queue.close()


@pytest.mark.asyncio
async def test_a_queue_in_use_is_not_moved(file: Path, url: str) -> None:
    """An agent that runs would go on with its copy."""
    queue = EmbeddedQueue(file)
    await queue.open(LIMITS)
    try:
        with pytest.raises(QueueOwned):
            moving.move(file, PostgresDatabase(url, lambda: None), NOON)
    finally:
        await queue.close()


def test_it_is_moved_once(file: Path, url: str) -> None:
    """Neither a second time, nor into a queue that has jobs; the file is left as it was."""
    asyncio.run(used(file))
    database = PostgresDatabase(url, lambda: None)
    moved = moving.move(file, database, NOON)
    with pytest.raises(Refused, match="no queue file"):
        moving.move(file, database, NOON)
    moved.kept_as.rename(file)
    with pytest.raises(Refused, match="has jobs already"):
        moving.move(file, database, NOON)
    assert file.is_file()
    database.close()


@pytest.mark.asyncio
async def test_a_copy_that_fails_changes_nothing(file: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables or none; it can be tried again."""
    await used(file)
    database = PostgresDatabase(url, lambda: None)
    real = moving._copy_table

    def failing(source: object, target: object, table: str) -> None:
        if table == "notice":
            raise Failed("queue-unwritable", "no room")
        real(source, target, table)  # type: ignore[arg-type]  # as it was called

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_copy_table", failing)
        with pytest.raises(Failed):
            moving.move(file, database, NOON)
    assert database.execute("SELECT COUNT(*) AS n FROM job") == [{"n": 0}]
    assert moving.move(file, database, NOON).jobs == 6
    database.close()


def test_by_command(file: Path, url: str, tmp_path: Path) -> None:
    """``agent queue migrate`` says how many, and where the file is; ``agent queue upgrade`` has nothing to do."""
    asyncio.run(used(file))
    settings = tmp_path / "agent.toml"
    settings.write_text(f'[queue]\nbackend = "postgres"\npostgres_url = "{url}"\nfile = "{file}"\n')
    run = CliRunner().invoke(app_with(["queue"]), ["queue", "migrate", "--settings", str(settings), "--json"])
    assert run.exit_code == 0, run.output
    assert '"jobs": 6' in run.output
    assert '"waiting": 4' in run.output
    assert (tmp_path / "queue.db.moved").is_file()
    again = CliRunner().invoke(app_with(["queue"]), ["queue", "upgrade", "--settings", str(settings)])
    assert again.exit_code == 0, again.output
    assert "Nothing" in again.output


def test_settings_without_postgres_are_told_so(tmp_path: Path) -> None:
    """Before anything is opened."""
    settings = tmp_path / "agent.toml"
    settings.write_text("")
    run = CliRunner().invoke(app_with(["queue"]), ["queue", "migrate", "--settings", str(settings)])
    assert run.exit_code == 2
    assert "postgres_url" in run.output

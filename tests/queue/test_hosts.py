"""Several hosts on one PostgreSQL: what the contract suite cannot ask of a queue that has one owner.

Where a test would wait for a host to be declared dead, it says so and takes :data:`QUICK`; the same is run with the
times as they are shipped in ``tests/torture/test_postgres.py``.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from procrastinate.schema import SchemaManager

from agent.errors import Failed, RetrySafe
from agent.queue.ending import Done, Ending
from agent.queue.hosts import tables
from agent.queue.hosts.connection import InDoubt, PostgresDatabase, Unreachable
from agent.queue.hosts.postgres import PostgresQueue
from agent.queue.hosts.pulse import Times
from agent.queue.hosts.tickets import queue_of
from agent.queue.interface import ClaimLost, JobFilter
from agent.queue.record import JobState
from tests.queue.postgres_server import PASSWORD, PostgresServer
from tests.queue.wishes import wish

QUICK = Times(beat_s=0.2, fence_s=0.6, stale_s=1.0, rescue_s=0.2, poll_s=5)
LIMITS = {"north": 2, "south": 1}
OpenHost = Callable[..., Awaitable[PostgresQueue]]


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """An empty database."""
    return postgres_server.new_database()


@pytest.fixture
async def host(url: str) -> AsyncIterator[OpenHost]:
    """Start a host; all are stopped at the end."""
    opened: list[PostgresQueue] = []

    async def start(limits: Mapping[str, int] = LIMITS, **options: Any) -> PostgresQueue:
        queue = PostgresQueue(options.pop("url", url), **options)
        await queue.open(limits)
        opened.append(queue)
        return queue

    yield start
    for queue in opened:
        await queue.close()


async def true_at_last(condition: Callable[[], bool], limit_s: float = 20) -> None:
    async with asyncio.timeout(limit_s):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def test_a_waiting_host_hears_of_a_job_that_another_accepts(host: OpenHost) -> None:
    """By notification, not by its next look five seconds later."""
    one, two = await host(), await host()
    waiting = asyncio.create_task(two.next_claim("two"))
    await asyncio.sleep(0.3)  # so that it has looked and found nothing
    (accepted,) = await one.submit([wish()])
    async with asyncio.timeout(4):
        claim = await waiting
    assert claim.job.id == accepted.id


async def test_a_waiting_host_hears_of_a_lane_that_another_lets_go(host: OpenHost) -> None:
    """The tenant's limit counts over all hosts; the next job starts as soon as there is room."""
    one, two = await host(), await host()
    await one.submit([wish(person, tenant="south") for person in ("ana", "bo")])
    first = await one.next_claim("one")
    waiting = asyncio.create_task(two.next_claim("two"))
    await asyncio.sleep(0.3)
    assert not waiting.done(), "south may run one job at once"
    await one.finish(first, Ending(Done()))
    async with asyncio.timeout(4):
        assert (await waiting).job.id != first.job.id


async def test_a_host_claims_only_for_the_tenants_of_its_own_settings(host: OpenHost) -> None:
    """So tenants are pinned to hosts, and a host that starts does not take another host's tenants away."""
    south = await host({"south": 1})
    north = await host({"north": 2})
    await north.submit([wish("ana"), wish("bo", tenant="south")])
    assert (await north.next_claim("n")).job.tenant == "north"
    assert (await south.next_claim("s")).job.tenant == "south"
    assert {state.name: state.max_running for state in await north.tenants()} == {"north": 2, "south": 1}


async def test_a_raised_limit_takes_effect_without_a_pause(host: OpenHost) -> None:
    """Lanes belong to nobody: more of them never lets a person be worked on twice."""
    one = await host({"north": 1})
    await one.submit([wish("ana"), wish("ana", what="24-002"), wish("bo")])
    await one.next_claim("one")
    two = await host({"north": 3})
    async with asyncio.timeout(4):
        assert (await two.next_claim("two")).job.person == "bo@example.com"
    waiting = asyncio.create_task(two.next_claim("two"))
    await asyncio.sleep(0.5)
    assert not waiting.done(), "ana's second job must wait for her first"
    waiting.cancel()
    await asyncio.wait([waiting])


@pytest.mark.parametrize("before", [False, True])
async def test_a_lost_commit_answer_changes_nothing(
    host: OpenHost, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """Committed or not: the job is in the queue once, and the caller is told so."""
    queue = await host()
    async with answers_lost(monkeypatch, queue, before=before):
        (accepted,) = await queue.submit([wish()])
    assert [job.id for job in await queue.jobs(JobFilter())] == [accepted.id]


@asynccontextmanager
async def answers_lost(monkeypatch: pytest.MonkeyPatch, queue: PostgresQueue, *, before: bool) -> AsyncIterator[None]:
    """The connection breaks at the next commit, before or after it was done; the queue's own upkeep makes none."""
    queue._loops[1].cancel()
    await queue._in_thread(lambda: None)  # what it had begun has ended
    database = queue._db
    real = psycopg.Connection.execute
    broken: list[bool] = []

    def execute(connection: psycopg.Connection[Any], statement: Any, *more: Any, **options: Any) -> Any:
        if statement == "COMMIT" and connection is database._connection and not broken:
            broken.append(True)
            if not before:
                real(connection, statement)
            connection.close()
            raise psycopg.OperationalError("the connection was lost")
        return real(connection, statement, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Connection, "execute", execute)
        yield
    assert broken, "nothing was committed meanwhile"


async def test_a_commit_in_doubt_is_called_that_when_the_server_stays_away(
    host: OpenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Nothing was done" would be a lie: here it was."""
    queue = await host()
    address = queue._db._url
    async with answers_lost(monkeypatch, queue, before=False):
        queue._db._url = address.replace("host=/tmp", "host=/tmp/nowhere")  # for the connections after this one
        with pytest.raises(InDoubt) as caught:
            await queue.submit([wish()])
    assert caught.value.retry_safe is RetrySafe.UNKNOWN
    queue._db._url = address
    assert len(await queue.jobs(JobFilter())) == 1


async def test_a_finished_job_whose_commit_answer_was_lost_is_not_a_lost_claim(
    host: OpenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated blindly, the end of a run would find its own claim gone, and end the process."""
    lost: list[bool] = []
    queue = await host(on_claim_lost=lambda: lost.append(True))
    await queue.submit([wish()])
    claim = await queue.next_claim("one")
    async with answers_lost(monkeypatch, queue, before=False):
        assert (await queue.finish(claim, Ending(Done()))).state is JobState.DONE
    assert not lost


async def test_a_server_that_is_away_is_a_clear_answer(url: str) -> None:
    """A way in says that nothing was accepted."""
    gone = PostgresQueue(url.replace("host=/tmp", "host=/tmp/nowhere"))
    with pytest.raises(Unreachable) as caught:
        await gone.open(LIMITS)
    assert caught.value.code == "queue-unreachable"


async def test_a_server_that_takes_no_writes_is_not_used(postgres_server: PostgresServer, url: str) -> None:
    """A standby, or a primary that was made read-only: orders from a past that never was."""
    name = url.split("/")[3].split("?")[0]
    postgres_server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(Failed) as caught:
        await PostgresQueue(url).open(LIMITS)
    assert caught.value.code == "queue-unreachable"
    assert "read-only" in caught.value.seen


async def test_a_role_that_may_make_no_tables_is_told_so(postgres_server: PostgresServer, url: str) -> None:
    """Not by a traceback."""
    postgres_server.sql("CREATE ROLE guest LOGIN")
    with pytest.raises(Failed) as caught:
        await PostgresQueue(url.replace("agent@", "guest@")).open(LIMITS)
    assert caught.value.code == "queue-unwritable"
    assert "permission denied" in caught.value.seen


async def test_an_address_that_libpq_does_not_understand_is_told_so(url: str) -> None:
    """The same."""
    with pytest.raises(Unreachable, match="does not answer"):
        await PostgresQueue(f"{url}&nonsense=1").open(LIMITS)


async def test_the_password_is_handed_over_in_memory_and_stands_nowhere(
    postgres_server: PostgresServer, url: str, host: OpenHost, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in an error, a log, the command line or what the server shows of us."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        network = postgres_server.by_network(url)
        queue = await host(url=network, password=lambda: PASSWORD)
        await queue.submit([wish()])
        await queue.finish(await queue.next_claim("one"), Ending(Done()))
        wrong = f"{PASSWORD}-wrong"
        with pytest.raises(Unreachable) as caught:
            await PostgresQueue(network, lambda: wrong).open(LIMITS)
        shown = postgres_server.sql("SELECT string_agg(application_name || query, ' ') FROM pg_stat_activity")
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    said = f"{caught.value.diagnostics()} {caught.value.__cause__} {log.getvalue()} {shown} {capfd.readouterr()}"
    assert "password authentication failed" in said
    assert PASSWORD not in said
    assert not any(PASSWORD in word for word in psutil.Process().cmdline())


# --- hosts that are declared dead (QUICK) ---


async def silence(queue: PostgresQueue) -> None:
    """Let a host stand still in the eyes of the others: its heartbeats stop, and it does not look after them."""
    for task in asyncio.all_tasks():
        if task.get_name() == "update_heartbeats" and task.get_coro().cr_frame.f_locals["self"].app is queue._app:  # type: ignore[union-attr]
            task.cancel()
    queue._loops[1].cancel()


async def test_a_silent_hosts_jobs_are_taken_over_and_it_may_write_no_more(host: OpenHost) -> None:
    """QUICK. Its guard says so before the next write; its end of the run is not put on record."""
    lost: list[bool] = []
    asleep = await host(times=QUICK, on_claim_lost=lambda: lost.append(True))
    await asleep.submit([wish()])
    old = await asleep.next_claim("asleep")
    await silence(asleep)
    awake = await host(times=QUICK)
    async with asyncio.timeout(20):
        new = await awake.next_claim("awake")
    assert (new.job.id, new.job.crashes) == (old.job.id, 1)
    with pytest.raises(ClaimLost):
        await asleep.guard(old)
    assert lost == [True]
    with pytest.raises(ClaimLost):
        await asleep.finish(old, Ending(Done()))
    assert (await awake.job(old.job.id)).state is JobState.RUNNING
    await awake.finish(new, Ending(Done()))
    kinds = [event.kind for event in await awake.events(old.job.id)]
    assert kinds == ["accepted", "claimed", "orphaned", "claimed", "done"]


async def test_what_a_buried_host_says_about_its_ticket_does_not_free_the_new_owners_lane(host: OpenHost) -> None:
    """QUICK. The tenant's limit holds though the zombie reports that it has let its lane go."""
    asleep = await host({"south": 1}, times=QUICK, on_claim_lost=lambda: None)
    await asleep.submit([wish("ana", tenant="south"), wish("bo", tenant="south")])
    old = await asleep.next_claim("asleep")
    await silence(asleep)
    awake = await host({"south": 1}, times=QUICK)
    async with asyncio.timeout(20):
        new = await awake.next_claim("awake")
    with pytest.raises(ClaimLost):
        await asleep.guard(old)
    waiting = asyncio.create_task(awake.next_claim("awake"))
    await asyncio.sleep(1)
    assert not waiting.done()
    await awake.finish(new, Ending(Done()))
    async with asyncio.timeout(10):
        assert (await waiting).job.person == "bo@example.com"


async def test_a_host_that_was_buried_with_empty_hands_goes_on(host: OpenHost) -> None:
    """QUICK. It gets a new number and works again; its process need not end."""
    lost: list[bool] = []
    queue = await host(times=QUICK, on_claim_lost=lambda: lost.append(True))
    before = queue._engine.host
    await queue._write(lambda ledger: ledger.rows("DELETE FROM procrastinate_workers"))
    await true_at_last(lambda: queue._engine.host != before)
    await queue.submit([wish()])
    async with asyncio.timeout(10):
        await queue.finish(await queue.next_claim("one"), Ending(Done()))
    assert not lost


# --- releases ---


def test_the_engines_migrations_come_in_two_halves(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """*pre* with the first host of a new release, *post* when it is asked for; each once."""
    for present in Path(SchemaManager.get_migrations_path()).glob("*.sql"):
        (tmp_path / present.name).touch()
    database = PostgresDatabase(url, lambda: None)
    monkeypatch.setattr(SchemaManager, "get_migrations_path", staticmethod(lambda: str(tmp_path)))
    tables.bring_up(database)
    (tmp_path / "99.00.00_01_pre_add.sql").write_text("CREATE TABLE added (n int); CREATE INDEX ON added (n);")
    (tmp_path / "99.00.00_50_post_add.sql").write_text("INSERT INTO added VALUES (1)")
    tables.bring_up(database)
    tables.bring_up(database)
    assert database.execute("SELECT n FROM added") == []
    assert tables.finish_upgrade(database) == ("99.00.00_50_post_add.sql",)
    assert tables.finish_upgrade(database) == ()
    assert database.execute("SELECT n FROM added") == [{"n": 1}]
    database.close()


def test_a_long_tenants_channel_is_not_cut() -> None:
    """PostgreSQL cuts names at 63 bytes, and would let two tenants share a queue, or refuse the notification."""
    names = [f"{'x' * 62}{n}" for n in range(2)]
    assert len({queue_of(name) for name in names}) == 2
    assert all(len(f"procrastinate_queue_v1#{queue_of(name)}") <= 63 for name in names)


async def test_a_ticket_names_no_person_and_no_job(host: OpenHost, url: str) -> None:
    """What the engine keeps and logs is nobody's data."""
    queue = await host()
    await queue.submit([wish("ana")])
    async with await psycopg.AsyncConnection.connect(url) as looking:
        rows = await (await looking.execute("SELECT to_jsonb(t)::text FROM procrastinate_jobs AS t")).fetchall()
    assert rows
    for (row,) in rows:
        assert set(json.loads(row)["args"]) == {"tenant", "lane"}
        assert "ana" not in row

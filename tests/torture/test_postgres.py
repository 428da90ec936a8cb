"""Several hosts on one PostgreSQL, with the times as they are shipped: the server dies, hosts die, hosts fall asleep.

Hosts are processes of their own without a browser (:mod:`tests.torture.postgres_worker`). Each test ends with the
counts of the whole run. ``TORTURE=full`` in the environment lets the server die twenty times, and stay away for two
minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.queue.hosts.postgres import EXIT_CLAIM_LOST, PostgresQueue
from agent.queue.hosts.pulse import since_boot
from agent.queue.interface import JobFilter
from agent.queue.record import NewJob
from tests.queue.postgres_server import PostgresServer, reason_to_skip
from tests.torture.postgres_counts import Counts, count

FULL = os.environ.get("TORTURE") == "full"
DEATHS, OUTAGE_S = (20, 120) if FULL else (4, 40)
pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(1800 if FULL else 420)]
LIMITS = {"north": 2, "south": 2}


def jobs(number: int, people: int, tenants: tuple[str, ...] = ("north", "south")) -> list[NewJob]:
    """So many jobs, spread over tenants and people."""
    return [
        NewJob(
            tenant=tenants[n % len(tenants)],
            person=f"p{n % people}@example.com",
            op="update",
            args={"n": n},
            request_key=None,
            dedup_key=None,
            priority=50,
            created_by="torture",
        )
        for n in range(number)
    ]


async def until(condition: Callable[[], bool], limit_s: float, what: str) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + limit_s
    while True:
        if condition():
            return
        assert time.monotonic() < end, f"not within {limit_s} s: {what}"
        await asyncio.sleep(0.05)


class Hosts:
    """The processes, and what they have written down."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._diary = folder / "diary"
        self._diary.touch()
        self._errors = (folder / "errors").open("ab")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *, slots: int = 2, steps: int = 3, step_s: float = 0.02, **limits: int) -> None:
        """Start a host."""
        what = [self.url, str(self._diary), name, str(slots), str(steps), str(step_s), json.dumps(limits or LIMITS)]
        self._running[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.postgres_worker", *what],
            stdout=self._errors,
            stderr=self._errors,
        )

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal; a killed host's runs end with it."""
        self._running[name].send_signal(number)
        if number is signal.SIGKILL:
            self._running[name].wait(30)
            with self._diary.open("ab", buffering=0) as diary:
                diary.write(json.dumps({"at": since_boot(), "worker": name, "what": "killed"}).encode() + b"\n")

    def code(self, name: str) -> int | None:
        """With which code a host has ended; None while it runs."""
        return self._running[name].poll()

    def lines(self, what: str | None = None, worker: str | None = None) -> list[dict[str, Any]]:
        """The diary."""
        found = [json.loads(line) for line in self._diary.read_text().splitlines()]
        return [line for line in found if what in (None, line["what"]) and worker in (None, line["worker"])]

    async def are_up(self) -> None:
        """Wait until all that were started work."""
        await until(lambda: {line["worker"] for line in self.lines("up")} >= set(self._running), 60, "the hosts are up")

    def end(self) -> None:
        """End them all."""
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._errors.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that keeps what it has said is on disk."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    with PostgresServer(fsync=True) as running:
        yield running


@pytest.fixture
async def door(server: PostgresServer) -> AsyncIterator[PostgresQueue]:
    """A host that only accepts jobs."""
    queue = PostgresQueue(server.new_database())
    await queue.open({})
    yield queue
    await queue.close()


@pytest.fixture
def hosts(door: PostgresQueue, tmp_path: Path) -> Iterator[Hosts]:
    """No host yet."""
    found = Hosts(door.url, tmp_path)
    yield found
    found.end()


async def states(door: PostgresQueue) -> dict[int, str]:
    """Every job's state."""
    return {job.id: job.state.value for job in await door.jobs(JobFilter(limit=100_000))}


async def all_over(door: PostgresQueue, limit_s: float) -> Mapping[int, str]:
    """Wait until no job is live."""
    end = time.monotonic() + limit_s
    while True:
        found = await states(door)
        if not {"queued", "running"} & set(found.values()):
            return found
        assert time.monotonic() < end, f"not over within {limit_s} s: {sorted(found.values())}"
        await asyncio.sleep(0.5)


def assert_sound(counts: Counts, limits: Mapping[str, int]) -> None:
    """All zero but "ended twice"."""
    print(counts)  # noqa: T201 - the figures of the run, for whoever runs it with -s
    assert (counts.lost, counts.overlaps, counts.order_breaks) == (0, 0, 0)
    assert all(peak <= limits[tenant] for tenant, peak in counts.peak.items())


def back_after(hosts: Hosts, up_again: float) -> float:
    """How long after this moment both hosts had claimed something anew, in seconds."""
    firsts: dict[str, float] = {}
    for line in hosts.lines("start"):
        if line["at"] > up_again:
            firsts.setdefault(line["worker"], line["at"] - up_again)
    return max(firsts.values()) if len(firsts) == 2 else float("inf")


async def test_the_server_dies_again_and_again_under_load(
    server: PostgresServer, door: PostgresQueue, hosts: Hosts
) -> None:
    """Nothing is lost, nobody is worked on twice at once, and the hosts are back within ten seconds."""
    hosts.start("a")
    hosts.start("b")
    await hosts.are_up()
    slowest = 0.0
    for _ in range(DEATHS):
        before = len(hosts.lines("end"))
        await door.submit(jobs(80, people=25))
        await until(lambda before=before: len(hosts.lines("end")) >= before + 10, 60, "jobs end before the crash")  # type: ignore[misc]
        server.crash()
        server.start()
        up_again = since_boot()
        await until(lambda up=up_again: back_after(hosts, up) < float("inf"), 60, "both hosts claim again")  # type: ignore[misc]
        slowest = max(slowest, back_after(hosts, up_again))
    ended = await all_over(door, 600)
    assert len(ended) == 80 * DEATHS
    assert_sound(count(hosts.lines(), ended), LIMITS)
    assert slowest <= 10, f"the slower host was back after {slowest:.1f} s"


async def test_an_outage_longer_than_a_lease(server: PostgresServer, door: PostgresQueue, hosts: Hosts) -> None:
    """After so long without a server every host looks dead to every other; none is buried, none ends itself."""
    hosts.start("a")
    hosts.start("b")
    await hosts.are_up()
    await door.submit(jobs(300, people=40))
    await until(lambda: len(hosts.lines("end")) >= 10, 60, "the first jobs end")
    server.stop()
    await asyncio.sleep(OUTAGE_S)
    server.start()
    up_again = since_boot()
    await until(lambda: back_after(hosts, up_again) < float("inf"), 60, "both hosts claim again")
    ended = await all_over(door, 120)
    counts = count(hosts.lines(), ended)
    assert_sound(counts, LIMITS)
    assert [hosts.code("a"), hosts.code("b")] == [None, None]
    assert back_after(hosts, up_again) <= 10


async def test_hosts_that_die_and_hosts_that_wake_up_late(door: PostgresQueue, hosts: Hosts) -> None:
    """One is killed for good, one stands still for longer than its jobs are kept for it: a third takes over.

    The one that wakes up ends itself with code 75 before it writes anything, in the Directory or in the ledger. One
    more, which writes without asking, shows that the count of overlaps can count.
    """
    limits = {"killed": 2, "zombie": 2, "careless": 1}
    hosts.start("killed", steps=600, step_s=0.2, killed=2)
    hosts.start("zombie", steps=600, step_s=0.2, zombie=2)
    hosts.start("careless", slots=1, steps=600, step_s=0.2, careless=1)
    await hosts.are_up()
    await door.submit(jobs(12, people=6, tenants=("killed", "zombie", "careless")))
    await until(lambda: len({(run["job"]) for run in hosts.lines("write")}) >= 5, 60, "all three work")
    taken = {line["job"]: line["worker"] for line in hosts.lines("start")}
    hosts.start("third", slots=5, steps=3, step_s=0.2, **limits)
    await hosts.are_up()
    gone = since_boot()
    hosts.signal("zombie", signal.SIGSTOP)
    hosts.signal("careless", signal.SIGSTOP)
    hosts.signal("killed", signal.SIGKILL)

    def taken_over() -> bool:
        return set(taken) <= {line["job"] for line in hosts.lines("start", "third")}

    await until(taken_over, 90, "the third host has their jobs")
    assert max(line["at"] for line in hosts.lines("start", "third") if line["job"] in taken) - gone <= 60
    hosts.signal("zombie", signal.SIGCONT)
    hosts.signal("careless", signal.SIGCONT)
    await until(lambda: hosts.code("zombie") is not None and hosts.code("careless") is not None, 30, "they end")
    ended = await all_over(door, 120)
    assert (hosts.code("zombie"), hosts.code("careless")) == (EXIT_CLAIM_LOST, EXIT_CLAIM_LOST)
    assert not [line for line in hosts.lines("write", "zombie") if line["at"] > gone + 30], "it wrote after it woke up"
    for job in taken:
        ends = [event for event in await door.events(job) if event.kind == "done"]
        assert len(ends) == 1
    careful = [line for line in hosts.lines() if line.get("tenant") != "careless"]
    assert_sound(count(careful, ended), limits)
    careless = count([line for line in hosts.lines() if line.get("tenant") == "careless"], ended)
    assert careless.overlaps >= 1, "the planted violation was not counted"

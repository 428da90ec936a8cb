"""The queues with a backlog: how long a claim takes, how many jobs a second, how soon after a restart.

``python -m tests.bench.queue`` measures them alone. The adapters take turns, job by job, so that both see the same
machine; a synced write of 4 KiB beside them says what the disk itself costs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from agent.queue.embedded import EmbeddedQueue
from agent.queue.ending import Done, Ending
from agent.queue.hosts.postgres import PostgresQueue
from agent.queue.interface import Queue
from agent.queue.record import NewJob, Priority
from fixtures.running import ROOT
from tests.queue.postgres_server import PostgresServer, reason_to_skip

BACKLOG = 10_000
BATCH = 500
LIMITS = {f"tenant-{number}": 2 for number in range(4)}
Result = TypeVar("Result")
console = Console(highlight=False, width=110)


@dataclass
class Measured:
    """One adapter's figures, in seconds."""

    name: str
    new: Callable[[], Queue]
    submit: list[float] = field(default_factory=list)  # of one batch
    claim: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of a claim, in this process
    finish: list[float] = field(default_factory=list)
    restart: float = 0.0


async def timed(seconds: list[float], work: Awaitable[Result]) -> Result:
    began = time.perf_counter()
    result = await work
    seconds.append(time.perf_counter() - began)
    return result


def backlog(jobs: int) -> list[NewJob]:
    """Jobs of four tenants, two for each person, an offboarding among a hundred."""
    tenants = sorted(LIMITS)
    return [
        NewJob(
            tenant=tenants[number % len(tenants)],
            person=f"p{number % (jobs // 2)}@example.com",
            op="offboard" if number % 100 == 99 else "add_to_projects",
            args={"projects": [{"project": "24-017", "template": "Read Only - Internal"}], "number": number},
            request_key=f"bench-{number}",
            dedup_key=f"wish-{number}",
            priority=Priority.OFFBOARD if number % 100 == 99 else Priority.NORMAL,
            created_by="bench",
        )
        for number in range(jobs)
    ]


async def measure(adapters: list[Measured], jobs: int, rounds: int) -> None:
    """Fill every queue, then run jobs in turn."""
    queues = {}
    waiting = backlog(jobs)
    for adapter in adapters:
        queues[adapter.name] = queue = adapter.new()
        await queue.open(LIMITS)
        for at in range(0, jobs, BATCH):
            await timed(adapter.submit, queue.submit(waiting[at : at + BATCH]))
    for _ in range(rounds):
        for adapter in adapters:
            queue = queues[adapter.name]
            began = time.process_time()
            claim = await timed(adapter.claim, queue.next_claim("bench"))
            adapter.cpu.append(time.process_time() - began)
            await timed(adapter.finish, queue.finish(claim, Ending(Done())))
    for adapter in adapters:
        await queues[adapter.name].close()
        again = adapter.new()
        began = time.perf_counter()
        await again.open(LIMITS)
        await again.next_claim("bench")
        adapter.restart = time.perf_counter() - began
        await again.close()


def synced_write(folder: Path, rounds: int) -> float:
    """Median seconds of writing and syncing 4 KiB on the same disk."""
    times = []
    with (folder / "raw").open("wb", buffering=0) as file:
        for _ in range(rounds):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times)


@contextmanager
def adapters_in(folder: Path, embedded_only: bool) -> Iterator[list[Measured]]:
    """The embedded queue, and PostgreSQL where it is installed, on the same disk."""
    with ExitStack() as stack:
        found = [Measured("embedded", lambda: EmbeddedQueue(folder / "queue.db"))]
        if (reason := reason_to_skip()) is not None:
            console.print(f"Without PostgreSQL: {reason}")
        elif not embedded_only:
            url = stack.enter_context(PostgresServer(fsync=True)).new_database()
            found.append(Measured("postgres", lambda: PostgresQueue(url)))
        yield found


def queues(jobs: int = BACKLOG, rounds: int = 200, *, embedded_only: bool = False) -> dict[str, float]:
    """Print a table; returns the figures that we promise."""
    folder = ROOT / "var" / "bench" / "queue"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with adapters_in(folder, embedded_only) as adapters:
        asyncio.run(measure(adapters, jobs, rounds))
    disk = synced_write(folder, rounds)
    table = Table(title=f"Queues with {jobs:,} jobs waiting ({rounds} claims of each, in turn)")
    for heading in ("", "claim ms", "p95 ms", "CPU ms", "finish ms", "jobs/s", "accepted/s", "restart to claim s"):
        table.add_column(heading, justify="right" if heading else "left")
    for adapter in adapters:
        claim, finish = statistics.median(adapter.claim), statistics.median(adapter.finish)
        table.add_row(
            adapter.name,
            f"{claim * 1000:.1f}",
            f"{p95(adapter.claim) * 1000:.1f}",
            f"{statistics.median(adapter.cpu) * 1000:.1f}",
            f"{finish * 1000:.1f}",
            f"{1 / (claim + finish):.0f}",
            f"{BATCH / statistics.median(adapter.submit):.0f}",
            f"{adapter.restart:.2f}",
        )
    console.print(table)
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    console.print(f"A synced write of 4 KiB on this disk: {disk * 1000:.2f} ms; load for each core: {load:.1f}.")
    return {
        "embedded claim p95, ms": p95(adapters[0].claim) * 1000,
        "embedded restart to first claim, s": adapters[0].restart,
    }


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


AIMS = {"embedded claim p95, ms": 30, "embedded restart to first claim, s": 2}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=BACKLOG, help="that wait")
    parser.add_argument("--rounds", type=int, default=200, help="claims of each adapter")
    parser.add_argument("--embedded-only", action="store_true", help="without PostgreSQL")
    chosen = parser.parse_args()
    for name, value in queues(chosen.jobs, chosen.rounds, embedded_only=chosen.embedded_only).items():
        console.print(f"{name}: {value:.2f}, aim <= {AIMS[name]}: {'held' if value <= AIMS[name] else 'missed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the parts of a job's audit cost: the agent with all of it, and with one part left out, in turn in one run.

Only here can they be left out; the agent has no setting for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from playwright.async_api import BrowserContext
from rich.console import Console
from rich.table import Table

from agent.evidence.job_pictures import JobPictures
from agent.evidence.job_recordings import JobRecordings
from fixtures.running import RunningSandbox
from flows.page.write_guard import WriteGuard
from tests.bench.agent_job import AgentJob
from tests.bench.measure import Worker, ratios

PARTS = {
    "agent": "with all of it",
    "agent without pages": "its recording without the pages",
    "agent without pictures": "no pictures",
    "agent without guard": "nothing holds what could write back in the network",
}
console = Console(highlight=False, width=110)
_record = JobRecordings.start


async def _record_calls(self: JobRecordings, context: BrowserContext, job_id: str, *, pages: bool) -> None:
    del pages
    await _record(self, context, job_id, pages=False)


async def _nothing(*_: Any, **__: Any) -> None:
    """In the place of what is left out."""


class _Without(AgentJob):
    """The agent's job in a process in which one method does something else."""

    def __init__(self, owner: type, method: str, instead: Callable[..., Any]) -> None:
        self._patch = patch.object(owner, method, instead)

    async def open(self, setup: dict[str, Any]) -> None:
        self._patch.start()
        await super().open(setup)


def without_pages() -> AgentJob:
    """The recording holds the calls alone."""
    return _Without(JobRecordings, "start", _record_calls)


def without_pictures() -> AgentJob:
    """No page is pictured."""
    return _Without(JobPictures, "take", _nothing)


def without_guard() -> AgentJob:
    """The write guard is never shut."""
    return _Without(WriteGuard, "shut", _nothing)


def parts(
    people: Callable[[dict[str, Any]], Iterator[dict[str, Any]]],
    set_up: Callable[[RunningSandbox, str], dict[str, Any]],
    rounds: int,
) -> None:
    """Print how long a provision job takes with all of its audit, as multiples of one without a part of it."""
    with RunningSandbox(200, 7, "--no-delays", "--option", 'mfa="off"') as sandbox, ExitStack() as stack:
        wanted = people(sandbox.get("/state")["companies"][0])
        workers = {
            name: stack.enter_context(Worker(name, set_up(sandbox, f"parts-{number}")))
            for number, name in enumerate(PARTS)
        }
        for worker in workers.values():
            worker.run(next(wanted))
            worker.samples.clear()
        for _ in range(rounds):
            for worker in workers.values():
                worker.run(next(wanted))
    table = Table(
        title=f"One provision job with all of its audit, as a multiple of one without a part ({rounds} rounds)"
    )
    for heading in ("", "wall", "CPU"):
        table.add_column(heading, justify="right" if heading else "left")
    whole = workers["agent"]
    for name, worker in workers.items():
        if worker is not whole:
            table.add_row(PARTS[name], ratios(whole, worker, "wall"), ratios(whole, worker, "cpu"))
    console.print(table)

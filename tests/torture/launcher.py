"""Starts the real agent with strings attached: ``python -m tests.torture.launcher run --settings FILE``.

The agent's code is untouched. Some of its edges are wrapped, each only when an environment variable asks for it:

* ``TORTURE_PLAN`` names a JSON file with a list of ``{"job": id, "call": n, "when": "before" | "after"}``. A job that
  comes to its call of the queue stands still there; when all of the list do, the process ends as by ``kill -9``. A job
  whose entry is taken out of the file goes on. ``"call": "any"`` is the first one. Calls are counted from the claim
  (call 1), anew in each process, and noted in ``FILE.calls``, so that a sweep knows how many there are.
* ``TORTURE_FORGET`` (any value) plants a violation: the agent does not learn which write a dead one had under way.
* ``TORTURE_CLOCK`` names a file with a number of seconds by which ``time.time()`` is ahead.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

PLAN = "TORTURE_PLAN"
CLOCK = "TORTURE_CLOCK"
FORGET = "TORTURE_FORGET"
WATCHED = ("next_claim", "guard", "progress", "spend", "finish")
"""Calls on behalf of one claimed job."""


class Tether:
    """Counts the queue calls of each job, and ends the process when every job of the plan has come to its own."""

    def __init__(self, plan: Path) -> None:
        self._plan = plan
        self._calls: dict[int, int] = {}
        self._reached: set[int] = set()

    async def before(self, name: str, job_id: int) -> None:
        """A call is about to be made."""
        self._calls[job_id] = self._calls.get(job_id, 0) + 1
        self._note(name, job_id)
        await self._reach(job_id, "before")

    async def after(self, name: str, job_id: int) -> None:
        """A call has returned; a claim has no before, since nobody knew which job it would be."""
        if name == "next_claim":
            self._calls[job_id] = 1
            self._note(name, job_id)
        await self._reach(job_id, "after")

    def _note(self, name: str, job_id: int) -> None:
        with self._plan.with_name(self._plan.name + ".calls").open("a") as calls:
            calls.write(json.dumps({"job": job_id, "call": self._calls[job_id], "name": name}) + "\n")

    async def _reach(self, job_id: int, when: str) -> None:
        while (plan := self._read()) and any(
            entry["job"] == job_id and entry["when"] == when and entry["call"] in ("any", self._calls[job_id])
            for entry in plan
        ):
            self._reached.add(job_id)
            if self._reached >= {entry["job"] for entry in plan}:
                os.kill(os.getpid(), signal.SIGKILL)
            await asyncio.sleep(0.02)

    def _read(self) -> list[dict[str, Any]]:
        try:
            plan: list[dict[str, Any]] = json.loads(self._plan.read_text())
        except FileNotFoundError:
            return []
        return plan


def tethered(queue: Any, tether: Tether) -> Any:
    """The queue with each watched call reported to the tether."""
    for name in WATCHED:
        setattr(queue, name, _wrapped(name, getattr(queue, name), tether))
    return queue


def _wrapped(name: str, call: Callable[..., Any], tether: Tether) -> Callable[..., Any]:
    async def wrapped(*arguments: Any, **options: Any) -> Any:
        if name == "next_claim":
            claim = await call(*arguments, **options)
            await tether.after(name, claim.job.id)
            if os.environ.get(FORGET):
                claim = replace(claim, job=replace(claim.job, progress={}))
            return claim
        job_id = arguments[0].job.id
        await tether.before(name, job_id)
        answer = await call(*arguments, **options)
        await tether.after(name, job_id)
        return answer

    return wrapped


def wrap_clock(file: Path) -> None:
    """From now on the machine's clock is ahead by what the file says, at each look anew."""
    real = time.time

    def ahead() -> float:
        try:
            return real() + float(file.read_text() or 0)
        except (FileNotFoundError, ValueError):
            return real()

    time.time = ahead


def wrap_queue(plan: Path) -> None:
    """Whoever opens the agent's queue from now on gets it with a tether."""
    from agent.queue import opening

    opened = opening.open_queue

    def wrapped(*arguments: Any, **options: Any) -> Any:
        return tethered(opened(*arguments, **options), Tether(plan))

    opening.open_queue = wrapped


def main() -> None:
    """Wrap what was asked for, then be the agent."""
    if clock := os.environ.get(CLOCK):
        wrap_clock(Path(clock))
    if plan := os.environ.get(PLAN):
        wrap_queue(Path(plan))
    # Only now: names that other modules import from these must be the wrapped ones.
    from agent.commands.app import main as agent

    sys.argv[0] = "agent"
    agent()


if __name__ == "__main__":
    main()

"""A host without a browser, for the faults of several hosts: claims jobs, "writes" into a file, puts ends on record.

Run as ``python -m tests.torture.postgres_worker URL DIARY NAME SLOTS STEPS STEP_S LIMITS``. Every line of the diary is
one JSON object, appended by one system call, timed by a clock that all processes of the machine share. A write in the
diary stands for a write in Procore: it cannot be taken back, and nobody asks the queue about it afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from agent.errors import Failed
from agent.queue.ending import Done, Ending
from agent.queue.hosts.postgres import PostgresQueue
from agent.queue.hosts.pulse import since_boot
from agent.queue.interface import ClaimLost
from agent.queue.record import Claim


class Diary:
    """What really happened, in the order in which it happened."""

    def __init__(self, file: Path, worker: str) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._worker = worker

    def note(self, what: str, claim: Claim | None = None, **more: Any) -> None:
        """One line."""
        line: dict[str, Any] = {"at": since_boot(), "worker": self._worker, "what": what, **more}
        if claim is not None:
            job = claim.job
            line |= {"job": job.id, "fence": claim.fence, "tenant": job.tenant, "person": job.person}
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")


async def work(queue: PostgresQueue, diary: Diary, name: str, steps: int, step_s: float) -> None:
    """Claim and run jobs, one after the other; a host whose name begins with "careless" never asks before it writes."""
    while True:
        claim = await queue.next_claim(name)
        diary.note("start", claim)
        try:
            for step in range(steps):
                if not name.startswith("careless"):
                    await queue.progress(claim, {"step": step})
                    await queue.guard(claim)
                diary.note("write", claim, step=step)
                await asyncio.sleep(step_s)
            diary.note("ending", claim)  # before it is on record: after that the person's next job may start elsewhere
            await queue.finish(claim, Ending(Done()))
        except ClaimLost:
            diary.note("lost", claim)
        except Failed as error:
            diary.note("failed", claim, code=error.code)  # the real worker asks for a retry; here nothing is given back
            await queue.finish(claim, Ending(Done()))
        else:
            diary.note("end", claim)


async def main(url: str, file: str, name: str, slots: str, steps: str, step_s: str, limits: str) -> None:
    """Work until SIGTERM."""
    diary = Diary(Path(file), name)
    queue = PostgresQueue(url)
    await queue.open(json.loads(limits))
    diary.note("up", pid=os.getpid())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    workers = [asyncio.create_task(work(queue, diary, name, int(steps), float(step_s))) for _ in range(int(slots))]
    await stop.wait()
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    await queue.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Looks on until jobs have come to rest: over, or waiting for a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from agent.commands.exit_codes import ExitCode
from agent.commands.job_views import code_of
from agent.queue.interface import JobFilter
from agent.service.desk import Desk
from agent.service.views import JobView

LOOK_EVERY_S = 1.0
_PAGE = 500
_WORST_FIRST = (ExitCode.UNCERTAIN, ExitCode.FAILED, ExitCode.REFUSED, ExitCode.WAITING, ExitCode.DONE)


def has_settled(job: JobView) -> bool:
    """Whether nothing happens to it any more unless a person does something."""
    return job.is_over or (job.hold is not None and not job.checking)


async def follow(
    desk: Desk,
    ids: Collection[int],
    changed: Callable[[JobView], None],
    *,
    every_s: float = LOOK_EVERY_S,
) -> tuple[JobView, ...]:
    """These jobs when all have come to rest; ``changed`` is told each time one looks different."""
    seen: dict[int, JobView] = {}
    while True:
        for job in await look(desk, ids):
            before = seen.get(job.id)
            seen[job.id] = job
            if before is None or _face(before) != _face(job):
                changed(job)
        if all(has_settled(job) for job in seen.values()):
            return tuple(seen[number] for number in sorted(seen))
        await asyncio.sleep(every_s)


async def look(desk: Desk, ids: Collection[int]) -> tuple[JobView, ...]:
    """The jobs of these numbers as they are now; a single one with all that is known. Raises NoSuchJob."""
    if len(ids) <= 3:
        return tuple([await desk.job(number) for number in sorted(ids)])
    wanted, after = set(ids), min(ids) - 1
    found: dict[int, JobView] = {}
    while wanted - set(found) and after < max(ids):
        page = await desk.jobs(JobFilter(after_id=after, limit=_PAGE))
        found.update({job.id: job for job in page.jobs if job.id in wanted})
        if page.next_after is None:
            break
        after = page.next_after
    for number in wanted - set(found):
        found[number] = await desk.job(number)
    return tuple(found[number] for number in sorted(found))


def worst(jobs: Collection[JobView]) -> ExitCode:
    """The exit code of several jobs: that of the worst one."""
    codes = {code_of(job) for job in jobs}
    return next((code for code in _WORST_FIRST if code in codes), ExitCode.DONE)


def _face(job: JobView) -> tuple[object, ...]:
    """What an onlooker would notice."""
    return (job.state, job.hold, job.checking, job.cancelling, job.attempt, str(job.progress.get("step", "")))

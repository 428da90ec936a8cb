"""Access that has outlived its end: a job should have taken it away, and has not.

The scan looks at each open grant whose time has come and for which a job was made, and at how that job stands::

    queued, running   told as late, once, when the end is long past
    done              nothing: the grant was closed with the job
    dead              told, again and again; a person runs it again, extends the access, or takes it away
                      (of a person who has another address by now: a new job, at once)
    cancelled         told, again and again: somebody decided against it, so no job is made behind their back
    superseded        nothing while the offboarding lives; a new job, should that end without being done
    not there         a new job

Telling ends when the grant is closed, replaced by a later end, or about to be (an extension is due in the queue).
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from agent.errors import AgentError
from agent.notify.notices import late, outlived
from agent.queue.interface import NoSuchJob, Queue
from agent.queue.record import Grant, JobRecord, JobState
from agent.schedule.revoking import is_extended, revoke

_log = structlog.get_logger()


@dataclass(frozen=True)
class Overstay:
    """A grant whose end has passed, and the job that should have taken the access away; None: it was forgotten."""

    grant: Grant
    job: JobRecord | None
    needs_job: bool  # nobody decided against a new one

    @property
    def is_for_people(self) -> bool:
        """Whether nothing happens any more unless a person acts."""
        return self.job is not None and not self.job.state.is_live and not self.needs_job


async def overstays(queue: Queue, now: float) -> tuple[Overstay, ...]:
    """Every open grant whose end has passed and for which a job was made, unless it is about to be extended."""
    found = []
    for grant in await queue.grants(overdue_at=now):
        if not await is_extended(queue, grant, now):
            found.append(await _standing(queue, grant))
    return tuple(found)


async def look_after(queue: Queue, now: float, max_attempts: int, late_after_s: float, every_s: float) -> int:
    """Tell of all that overstays, and make the jobs that are missing; how many grants are for people."""
    count = 0
    for found in await overstays(queue, now):
        try:
            if found.needs_job:
                await revoke(queue, found.grant, max_attempts)
            elif found.is_for_people:
                count += 1
                await _tell(queue, found, now, every_s)
            elif found.job is not None and now - found.grant.expires_at >= late_after_s:
                await queue.tell(late(found.job, found.grant.expires_at))
        except AgentError as error:  # the others are looked after all the same
            grant = found.grant
            _log.error("grant-not-revoked", grant=grant.id, tenant=grant.tenant, code=error.code, reason=error.message)
    return count


async def _tell(queue: Queue, found: Overstay, now: float, every_s: float) -> None:
    assert found.job is not None
    since = found.job.finished_at or found.grant.expires_at
    await queue.tell(outlived(found.grant, found.job, max(0, int((now - since) // every_s))))


async def _standing(queue: Queue, grant: Grant) -> Overstay:
    job = await _find(queue, grant.revoked_by_job)
    if job is None:
        return Overstay(grant, None, needs_job=True)
    if job.state is JobState.DEAD:
        return Overstay(grant, job, needs_job=job.person != grant.person)
    if job.state is JobState.SUPERSEDED:
        offboard = await _find(queue, job.superseded_by)
        return Overstay(grant, offboard or job, needs_job=offboard is None or not offboard.state.is_live)
    return Overstay(grant, job, needs_job=False)


async def _find(queue: Queue, number: int | None) -> JobRecord | None:
    try:
        return await queue.job(number) if number is not None else None
    except NoSuchJob:
        return None

"""Access whose end has come: a job that takes it away goes into the queue, once.

The scan asks what is due *now*, so a missed tick, a restart or a week of downtime costs delay and nothing else. The
request key ``expire:{grant}`` makes the second submission of the same grant a no-op, by whichever host and however
often; the job itself removes what is there and is done when nothing is.
"""

from __future__ import annotations

import json

import structlog

from agent.errors import AgentError
from agent.jobs.grants import ACCOUNT, grants_of, is_of_same
from agent.jobs.model import ANY_JOB, Job
from agent.notify.notices import expired
from agent.queue.admission import admit, job_of
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import CLOCK, Grant, JobRecord, JobState

LIVE = frozenset({JobState.QUEUED, JobState.RUNNING})
MOST_LIVE_JOBS = 200  #: of one person; more are not looked at

_log = structlog.get_logger()


async def revoke_due(queue: Queue, now: float, max_attempts: int) -> int:
    """Enqueue what takes away the access whose end has come; returns how many jobs that were.

    A grant for which a job with a later end of the same access is due in the queue is left until that job has run: the
    extension was accepted in time. One that is held or dated does not count: nobody has said yes to it yet.
    """
    count = 0
    for grant in await queue.grants(due_at=now):
        try:
            if await is_extended(queue, grant, now):
                continue
            await revoke(queue, grant, max_attempts)
        except AgentError as error:  # the others are due all the same
            _log.error("grant-not-revoked", grant=grant.id, tenant=grant.tenant, code=error.code, reason=error.message)
            continue
        count += 1
    return count


def revocation(grant: Grant) -> Job:
    """The job that takes a grant's access away."""
    job = {
        "action": "offboard" if grant.kind == ACCOUNT else "remove_from_projects",
        "idempotency_key": f"expire:{grant.id}" + (f":{again}" if (again := grant.revoked_by_job) else ""),
        "reason": {
            "ticket": f"end of access given by job {grant.given_by_job}",
            "requested_by": f"ends_at of job {grant.given_by_job}",
            "approved_by": f"the approver of job {grant.given_by_job}",
        },
        "person": {"email": grant.person},
        **({} if grant.kind == ACCOUNT else {"projects": [grant.what["project"]]}),
    }
    return ANY_JOB.validate_json(json.dumps(job))  # through JSON: only there is a list a tuple under strict rules


async def revoke(queue: Queue, grant: Grant, max_attempts: int) -> None:
    """Put the job into the queue that takes a grant's access away, and tell."""
    new = admit(revocation(grant), grant.tenant, CLOCK, max_attempts=max_attempts)
    (accepted,) = await queue.submit([new])
    # In this order: a death in between submits the same key again, which is answered with the same job.
    await queue.mark_revoking(grant.id, accepted.id)
    await queue.tell(expired(grant, accepted.id))
    _log.info("grant-expired", grant=grant.id, tenant=grant.tenant, kind=grant.kind, job=accepted.id)


async def is_extended(queue: Queue, grant: Grant, now: float) -> bool:
    """Whether a job that is due in the queue gives this very access a later end."""
    waiting = await queue.jobs(
        JobFilter(tenant=grant.tenant, person=grant.person, states=LIVE, held=False, limit=MOST_LIVE_JOBS)
    )
    return any(_extends(record, grant, now) for record in waiting if record.id != grant.given_by_job)


def _extends(record: JobRecord, grant: Grant, now: float) -> bool:
    if record.started_at is None and record.not_before > now:
        return False
    try:
        later = [new for new in grants_of(job_of(record)) if new.expires_at > max(now, grant.expires_at)]
    except AgentError:  # of a release that this one cannot read: its own run says so
        return False
    # An extension that names the project as nobody did before (it was renamed) is not seen here. It runs first all the
    # same, being older, and then the revocation is cancelled in the queue.
    return any(is_of_same(new, grant) for new in later)

"""A job file's job on its way into the queue, and back out of it into the worker's hands."""

from __future__ import annotations

import json

from pydantic import ValidationError

from agent.domain.names import normal_email
from agent.errors import Failed, Mender, RetrySafe
from agent.jobs.bulk import BulkJob, BulkRemoveFromProject
from agent.jobs.model import (
    ANY_JOB,
    ChangeEmail,
    Invite,
    Job,
    Offboard,
    Read,
    RemoveFromProjects,
    Snapshot,
    email_of,
    given_up_at,
    people_of,
    thing_of,
)
from agent.queue.record import ARGS_VERSION, SNAPSHOT_PERSON, JobRecord, NewJob, Priority
from agent.queue.wish import wish_digest

BULK_FROM = 21  #: jobs submitted together are bulk from this number on, and give way to others


def admit(
    job: Job,
    tenant: str,
    created_by: str,
    *,
    batch: str | None = None,
    priority: int | None = None,
    bulk: bool = False,
    not_before: float = 0.0,
    max_attempts: int = 8,
) -> NewJob:
    """The job as the queue takes it. ``bulk``: one of a large batch; an offboarding in it stays as urgent as any."""
    person = _person_of(job)
    args = json.loads(job.model_dump_json(exclude_unset=True))
    return NewJob(
        tenant=tenant,
        person=person,
        other_person=normal_email(job.new_email) if isinstance(job, ChangeEmail) else None,
        people=people_of(job) if isinstance(job, BulkJob) else (),
        op=job.action,
        args=args,
        request_key=job.idempotency_key,
        dedup_key=None if _is_one_of_its_own(job) else wish_digest(tenant, person, job.action, args),
        priority=_priority(job, bulk) if priority is None else priority,
        created_by=created_by,
        yields_to_offboard=_yields_to_offboard(job),
        supersedes=isinstance(job, Offboard),
        not_before=not_before,
        give_up_at=until.timestamp() if (until := given_up_at(job)) else None,
        needed_by=job.needed_by.timestamp() if job.needed_by else None,
        max_attempts=max_attempts,
        batch=batch,
    )


def job_of(record: JobRecord) -> Job:
    """The job that a record keeps; a job stored by the release before is read as well.

    Raises Failed("stored-job-unreadable") for one that neither this release nor the one before has written.
    """
    if record.args_version not in (ARGS_VERSION, ARGS_VERSION - 1):
        raise _unreadable(record, f"version {record.args_version}")
    try:
        return ANY_JOB.validate_json(json.dumps(record.args))
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in found["loc"]) for found in error.errors(include_url=False))
        raise _unreadable(record, f"fields that do not fit: {places}") from None


def _unreadable(record: JobRecord, seen: str) -> Failed:
    return Failed(
        "stored-job-unreadable",
        f"Job {record.id} was stored by a release of the agent whose jobs this one cannot read.",
        expected=f"a job of version {ARGS_VERSION - 1} or {ARGS_VERSION}",
        seen=seen,
        mender=Mender.OPERATOR,
        retry_safe=RetrySafe.NO,
    )


def _person_of(job: Job) -> str:
    """Whom the queue has it about: an address, everybody, or the project or group of a job about many people."""
    if isinstance(job, BulkJob):
        return thing_of(job)
    address = email_of(job)
    return SNAPSHOT_PERSON if address is None else normal_email(address)


def _is_one_of_its_own(job: Job) -> bool:
    """Sending a mail once more is no state: two such wishes are two mails."""
    return isinstance(job, Invite) and job.resend


def _priority(job: Job, bulk: bool) -> int:
    if isinstance(job, Offboard):
        return Priority.OFFBOARD
    if bulk:
        return Priority.BULK
    return Priority.REVOKE if isinstance(job, RemoveFromProjects | BulkRemoveFromProject) else Priority.NORMAL


def _yields_to_offboard(job: Job) -> bool:
    """Whether a later offboard makes the job pointless: it takes away all that the job could give, change or take.

    A leaver must wait for none of these, held ones and those that wait for a retry included. Not so a change of the
    address, by which the offboard may know the person, and reports, which somebody wants to have. A job about many
    people goes on for the others (:mod:`agent.queue.ledger.people`).
    """
    return not isinstance(job, Offboard | ChangeEmail | Read | Snapshot | BulkJob)

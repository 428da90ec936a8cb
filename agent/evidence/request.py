"""``request.json``: the job as it was asked for, by whom, and from where it came."""

from __future__ import annotations

from typing import Any

from agent.audit.sink import Origin
from agent.domain.names import normal_email
from agent.evidence.entries import EVERYBODY
from agent.evidence.folder import timestamp
from agent.execute.events import JobStarted
from agent.jobs.bulk import BulkJob
from agent.jobs.model import Job, email_of, thing_of


def request_of(event: JobStarted, job_id: str, origin: Origin, service_account: str) -> dict[str, Any]:
    """The contents of ``request.json``; ``service_account`` is the account that the agent signs in with."""
    queue = {"job": origin.queue, "attempt": origin.attempt}
    return {
        "job_id": job_id,
        "queue": queue if origin.queue is not None else None,
        "person": _person_of(event.job),
        "tenant": event.tenant,
        "at": timestamp(event.at),
        "dry_run": event.dry_run,
        **({"check_since": timestamp(event.check_since)} if event.check_since else {}),
        "service_account": service_account,
        **({"joined": [dict(asker) for asker in event.joined]} if event.joined else {}),
        # What was left out of a job must stay left out: null and absent are two decisions.
        "job": event.job.model_dump(mode="json", exclude_unset=True),
    }


def _person_of(job: Job) -> str:
    """As the queue has it (:func:`agent.queue.admission.admit`): the ledger compares."""
    if isinstance(job, BulkJob):
        return thing_of(job)
    address = email_of(job)
    return EVERYBODY if address is None else normal_email(address)

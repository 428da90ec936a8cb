"""Where a job of the queue comes from, who wants it, and what was asked after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from agent.jobs.bulk import BulkRemoveFromProject
from agent.jobs.model import RemoveFromProjects
from agent.plan.bulk.taken_off import LaterRemoval
from agent.queue.admission import job_of
from agent.queue.interface import Queue
from agent.queue.record import JobEvent, JobRecord


def origin_of(record: JobRecord) -> dict[str, str]:
    """Who handed the job in and who approved it, for the evidence."""
    said = {
        "queue_job": str(record.id),
        "attempt": str(record.attempt),
        "handed_in_by": record.created_by,
        "batch": record.batch or "",
        "approved_by": record.approved_by or "",
        "mode": record.mode.value,
        "earlier_evidence": str(record.progress.get("evidence") or record.evidence or ""),
    }
    return {name: text for name, text in said.items() if text}


def joined_wishes(events: Sequence[JobEvent]) -> tuple[dict[str, Any], ...]:
    """Who else asked for the same while the job waited: their reason, who handed it in, when, and under which key."""
    return tuple(
        {
            "at": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds"),
            "handed_in_by": event.data.get("by", ""),
            "idempotency_key": event.data.get("request_key"),
            "reason": event.data.get("reason", {}),
        }
        for event in events
        if event.kind == "joined"
    )


async def later_removals(queue: Queue, job_id: int) -> dict[str, tuple[LaterRemoval, ...]]:
    """What later jobs take the people of a job about many off, by person. Raises Failed("stored-job-unreadable")."""
    found: dict[str, tuple[LaterRemoval, ...]] = {}
    for person, records in (await queue.later_removals(job_id)).items():
        for record in records:
            job = job_of(record)
            if isinstance(job, RemoveFromProjects | BulkRemoveFromProject):
                found[person] = (*found.get(person, ()), LaterRemoval(record.id, job))
    return found

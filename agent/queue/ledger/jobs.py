"""One job in the ledger: read it under lock, change it, write down that it was changed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from agent.queue.interface import ClaimLost, NoSuchJob
from agent.queue.ledger.database import Ledger, Value
from agent.queue.ledger.rows import job_record, text_of
from agent.queue.record import Claim, JobRecord, JobState

GROUP = "group:"  #: how what a job is about begins where it is a distribution group: group:24-017/site safety


class Happened(StrEnum):
    """Kinds of lines in a job's history."""

    ACCEPTED = "accepted"  #: it is in the queue
    JOINED = "joined"  #: the same wish came again and was not added
    CLAIMED = "claimed"  #: a worker took it
    UNCLAIMED = "unclaimed"  #: the worker went away before it began
    DONE = "done"
    RETRY = "retry"  #: passing trouble; due again at ``at``
    GIVEN_BACK = "given-back"  #: not run to its end for a reason that is not the job's
    HELD = "held"  #: a person decides
    DEAD = "dead"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    LEFT_OUT = "left-out"  #: one of its people, because of a later offboard
    PASSED_BY = "passed-by"  #: a later removal of some of its people goes before it
    CANCEL_ASKED = "cancel-asked"  #: it stops at its next step boundary
    SUPERSEDE_ASKED = "supersede-asked"  #: the same, for a later offboard
    APPROVED = "approved"
    CHECK_ASKED = "check-asked"  #: the agent shall look whether the wish is fulfilled
    RETRY_ASKED = "retry-asked"
    HANDED_OVER = "handed-over"
    ORPHANED = "orphaned"  #: its process died


def note(ledger: Ledger, job: JobRecord, kind: Happened, data: Mapping[str, Any] | None = None) -> None:
    """Add a line to the job's history."""
    ledger.rows(
        "INSERT INTO job_event (job_id, at, kind, attempt, data) VALUES (?, ?, ?, ?, ?)",
        job.id,
        ledger.now,
        kind.value,
        job.attempt,
        text_of(data or {}),
    )


def find(ledger: Ledger, job_id: int) -> JobRecord:
    """The job as it is. Raises NoSuchJob."""
    row = ledger.row("SELECT * FROM job WHERE id = ?", job_id)
    if row is None:
        raise NoSuchJob(job_id)
    return job_record(row)


def claimed(ledger: Ledger, claim: Claim) -> JobRecord:
    """The job of a claim that still holds. Raises ClaimLost."""
    try:
        job = find(ledger, claim.job.id)
    except NoSuchJob:
        raise ClaimLost(claim.job.id) from None
    if job.state is not JobState.RUNNING or job.fence != claim.fence:
        raise ClaimLost(job.id)
    return job


def change(ledger: Ledger, job: JobRecord, **columns: Value) -> JobRecord:
    """Set these columns and give the job as it is then."""
    settings = ", ".join(f"{name} = ?" for name in columns)
    row = ledger.row(f"UPDATE job SET {settings} WHERE id = ? RETURNING *", *columns.values(), job.id)
    if row is None:
        raise NoSuchJob(job.id)
    return job_record(row)


def line_for(ledger: Ledger, tenant: str, person: str, other_person: str | None) -> str:
    """In whose line a job about these addresses stands.

    That of the newest live job which shares an address with it, so that a job about the address that a waiting
    ``change_email`` gives comes after it; else its own person's. Groups of one name stand in one line, whichever their
    projects: two jobs may call one project differently, and the ledger does not know its names.
    """
    if person.startswith(GROUP):
        where, _, name = person.removeprefix(GROUP).rpartition("/")
        return f"{GROUP}{'*/' if where else ''}{name}"
    for address in (person, other_person):
        if address is None:
            continue
        row = ledger.row(
            "SELECT line FROM ("
            " SELECT id, line FROM job WHERE tenant = ? AND person = ? AND state IN ('queued', 'running')"
            " UNION ALL"
            " SELECT id, line FROM job WHERE tenant = ? AND other_person = ? AND state IN ('queued', 'running')"
            ") AS sharing ORDER BY id DESC LIMIT 1",
            *(tenant, address, tenant, address),
        )
        if row is not None:
            return str(row["line"])
    return person

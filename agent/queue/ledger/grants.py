"""Access that ends at a time: remembered when it was given, closed when it is gone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from agent.queue.ledger.database import Ledger
from agent.queue.ledger.jobs import Happened, change, note
from agent.queue.ledger.rows import grant, job_record, text_of
from agent.queue.record import CLOCK, Grant, JobState, NewGrant


def add(ledger: Ledger, job_id: int, tenant: str, person: str, grants: Iterable[NewGrant]) -> None:
    """Remember grants; an open one of the same person and thing is replaced, and one without an end only closes it.

    A revocation of the replaced one that has not begun has become pointless and is cancelled: it would take away what
    was just extended.
    """
    for new in grants:
        what = text_of(new.what)
        replaced = ledger.rows(
            "UPDATE access_grant SET closed_at = ?, closed_why = ?"
            " WHERE tenant = ? AND person = ? AND kind = ? AND what = ? AND closed_at IS NULL RETURNING revoked_by_job",
            *(ledger.now, f"replaced by job {job_id}", tenant, person, new.kind, what),
        )
        if new.expires_at > ledger.now:
            for row in replaced:
                _cancel_revocation(ledger, row["revoked_by_job"], job_id)
        if math.isinf(new.expires_at):
            continue
        ledger.rows(
            "INSERT INTO access_grant (tenant, person, kind, what, names, expires_at, given_by_job)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(tenant, person, new.kind, what, json.dumps(list(new.names)), new.expires_at, job_id),
        )


def _cancel_revocation(ledger: Ledger, revocation: int | None, job_id: int) -> None:
    """Cancel the clock's own job, if it waits and nobody else wants the same."""
    row = ledger.row(
        "SELECT * FROM job WHERE id = ? AND state = 'queued' AND created_by = ?"
        " AND NOT EXISTS (SELECT 1 FROM job_event WHERE job_id = job.id AND kind = ?)",
        *(revocation, CLOCK, Happened.JOINED.value),
    )
    if row is None:
        return
    by = f"job {job_id}"
    job = change(
        ledger,
        job_record(row),
        state=JobState.CANCELLED.value,
        hold=None,
        cancel=1,
        cancel_by=by,
        finished_at=ledger.now,
    )
    note(ledger, job, Happened.CANCELLED, {"by": by, "why": "the access was extended"})


def open_grants(
    ledger: Ledger, tenant: str | None, due_at: float | None, overdue_at: float | None
) -> tuple[Grant, ...]:
    """Open grants, soonest end first; with ``due_at`` those that end by then and have no job yet, with ``overdue_at``
    those that have one."""
    where, values = ["closed_at IS NULL"], list[str | float]()
    if tenant is not None:
        where.append("tenant = ?")
        values.append(tenant)
    if due_at is not None:
        where += ["expires_at <= ?", "revoked_by_job IS NULL"]
        values.append(due_at)
    if overdue_at is not None:
        where += ["expires_at <= ?", "revoked_by_job IS NOT NULL"]
        values.append(overdue_at)
    rows = ledger.rows(f"SELECT * FROM access_grant WHERE {' AND '.join(where)} ORDER BY expires_at, id", *values)
    return tuple(grant(row) for row in rows)


def mark_revoking(ledger: Ledger, grant_id: int, job_id: int) -> None:
    """A job that takes the access away is in the queue; or was, and is done already."""
    ledger.rows("UPDATE access_grant SET revoked_by_job = ? WHERE id = ? AND closed_at IS NULL", job_id, grant_id)
    if ledger.row("SELECT id FROM job WHERE id = ? AND state = 'done'", job_id) is not None:
        close(ledger, [grant_id], job_id)


def close_revoked_by(ledger: Ledger, job_id: int) -> None:
    """The job is done: whatever it was to take away is gone, under whichever name the project was remembered."""
    ledger.rows(
        "UPDATE access_grant SET closed_at = ?, closed_why = ? WHERE revoked_by_job = ? AND closed_at IS NULL",
        *(ledger.now, f"revoked by job {job_id}", job_id),
    )


def close(ledger: Ledger, grant_ids: Iterable[int], job_id: int) -> None:
    """The access of these is gone."""
    for grant_id in grant_ids:
        ledger.rows(
            "UPDATE access_grant SET closed_at = ?, closed_why = ?, revoked_by_job = ?"
            " WHERE id = ? AND closed_at IS NULL",
            *(ledger.now, f"revoked by job {job_id}", job_id, grant_id),
        )


def close_all(ledger: Ledger, tenant: str, person: str, job_id: int) -> None:
    """The person has no access any more."""
    ledger.rows(
        "UPDATE access_grant SET closed_at = ?, closed_why = ? WHERE tenant = ? AND person = ? AND closed_at IS NULL",
        *(ledger.now, f"offboarded by job {job_id}", tenant, person),
    )


def rename(ledger: Ledger, tenant: str, person: str, renamed_to: str) -> None:
    """The person's open grants go with them to the new address.

    Where there is one of the same thing already, that one stays, with the earlier end.
    """
    for row in ledger.rows(
        "SELECT * FROM access_grant WHERE tenant = ? AND person = ? AND closed_at IS NULL", tenant, person
    ):
        present = ledger.row(
            "SELECT * FROM access_grant"
            " WHERE tenant = ? AND person = ? AND kind = ? AND what = ? AND closed_at IS NULL",
            *(tenant, renamed_to, row["kind"], row["what"]),
        )
        if present is None:
            ledger.rows("UPDATE access_grant SET person = ? WHERE id = ?", renamed_to, row["id"])
            continue
        if row["expires_at"] < present["expires_at"]:
            ledger.rows("UPDATE access_grant SET expires_at = ? WHERE id = ?", row["expires_at"], present["id"])
        ledger.rows(
            "UPDATE access_grant SET closed_at = ?, closed_why = ? WHERE id = ?",
            *(ledger.now, f"the same as grant {present['id']}", row["id"]),
        )

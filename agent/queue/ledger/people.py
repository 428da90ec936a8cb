"""The people of jobs about many: who is held by one, and who is left out because of a later offboard.

A leaver must not wait for a job about forty others, nor be given anything by it. So an offboard leaves its person out
of the waiting ones at once; one that runs is stopped at its next boundary and comes back without that person. Who was
left out stays left out, whatever becomes of the offboard, as a job of one person that was superseded stays so.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.queue.ledger.database import Ledger, Value, places
from agent.queue.ledger.jobs import Happened, find, note
from agent.queue.record import JobRecord

_LATER_OFFBOARD = (
    "SELECT MIN(later.id) FROM job AS later WHERE later.tenant = job_people.tenant"
    " AND later.person = job_people.person AND later.supersedes = 1 AND later.id > job_people.job_id"
    " AND later.state IN ('queued', 'running', 'done')"
)


def put(ledger: Ledger, job: JobRecord, people: Iterable[str]) -> None:
    """Remember whom a new job is about."""
    for person in dict.fromkeys(people):
        ledger.rows("INSERT INTO job_people (job_id, tenant, person) VALUES (?, ?, ?)", job.id, job.tenant, person)


def held_by(ledger: Ledger, job: JobRecord) -> list[str]:
    """The people of a job who are not left out."""
    rows = ledger.rows("SELECT person FROM job_people WHERE job_id = ? AND left_out_by IS NULL", job.id)
    return [str(row["person"]) for row in rows]


def left_out(ledger: Ledger, job: JobRecord) -> dict[str, int]:
    """Who is left out of a job, and for which offboard."""
    rows = ledger.rows("SELECT person, left_out_by FROM job_people WHERE job_id = ? AND left_out_by > 0", job.id)
    return {str(row["person"]): int(row["left_out_by"]) for row in rows}


def to_leave_out(ledger: Ledger, job: JobRecord) -> dict[str, int]:
    """Who is to be left out of a job and is not yet: people whom a later job offboards."""
    rows = ledger.rows(
        f"SELECT person, by_job FROM (SELECT person, ({_LATER_OFFBOARD}) AS by_job FROM job_people"
        " WHERE job_id = ? AND left_out_by IS NULL) AS found WHERE by_job IS NOT NULL",
        job.id,
    )
    return {str(row["person"]): int(row["by_job"]) for row in rows}


def leave_out(ledger: Ledger, job: JobRecord) -> None:
    """Leave those out. Only for a job that does not run: one that does is at work on them."""
    for person, by_job in to_leave_out(ledger, job).items():
        ledger.rows("UPDATE job_people SET left_out_by = ? WHERE job_id = ? AND person = ?", by_job, job.id, person)
        note(ledger, job, Happened.LEFT_OUT, {"by_job": by_job, "person": person})


def waiting_with(ledger: Ledger, offboard: JobRecord) -> list[JobRecord]:
    """The waiting jobs about many people, of whom the offboard's is one."""
    rows = ledger.rows(
        "SELECT job.id AS id FROM job_people JOIN job ON job.id = job_people.job_id"
        " WHERE job_people.tenant = ? AND job_people.person = ? AND job_people.left_out_by IS NULL"
        " AND job.state = 'queued' AND job.id < ? ORDER BY job.id",
        *(offboard.tenant, offboard.person, offboard.id),
    )
    return [find(ledger, int(row["id"])) for row in rows]


def anybody_since(ledger: Ledger, tenant: str, addresses: list[str], job_id: int) -> bool:
    """Whether a live job with a higher number is about one of these addresses."""
    among = places(addresses)
    values: tuple[Value, ...] = (tenant, *addresses)
    row = ledger.row(
        "SELECT id FROM ("
        f" SELECT id FROM job WHERE tenant = ? AND person IN ({among}) AND state IN ('queued', 'running')"
        " UNION ALL"
        f" SELECT id FROM job WHERE tenant = ? AND other_person IN ({among}) AND state IN ('queued', 'running')"
        " UNION ALL"
        " SELECT job.id AS id FROM job_people JOIN job ON job.id = job_people.job_id"
        f" WHERE job_people.tenant = ? AND job_people.person IN ({among}) AND job.state IN ('queued', 'running')"
        ") AS about WHERE id > ? LIMIT 1",
        *(*values, *values, *values, job_id),
    )
    return row is not None

"""The people of jobs about many: who is held by one, and who is left out because of a later offboard.

A leaver must not wait for a job about forty others, nor be given anything by it. So an offboard leaves its person out
of the waiting ones at once; one that runs is stopped at its next boundary and comes back without that person. Who was
left out stays left out, whatever becomes of the offboard, as a job of one person that was superseded stays so.

Nor does somebody who is only taken off a project wait for a job about many that has not come to a write. Whether that
job is about the same project is known where the tenant's names are: :func:`later_removals` tells the worker whom to
look at.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.queue.interface import REMOVE_MANY
from agent.queue.ledger.database import Ledger, Value, places
from agent.queue.ledger.jobs import Happened, find, note
from agent.queue.record import JobRecord, JobState

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
    return [find(ledger, job_id) for job_id in _waiting(ledger, offboard, [offboard.person])]


def tell_those_passed(ledger: Ledger, removal: JobRecord) -> None:
    """Note in the waiting jobs about many people that a removal of some of them goes before."""
    about = held_by(ledger, removal) or [removal.person]
    for job_id, people in _waiting(ledger, removal, about).items():
        passed = find(ledger, job_id)
        if passed.op != REMOVE_MANY:
            note(ledger, passed, Happened.PASSED_BY, {"by_job": removal.id, "people": people})


def _waiting(ledger: Ledger, later: JobRecord, addresses: list[str]) -> dict[int, list[str]]:
    """The numbers of the earlier jobs about many that wait, with those of these people who are not left out."""
    found: dict[int, list[str]] = {}
    values: tuple[Value, ...] = (later.tenant, *addresses, later.id)
    for row in ledger.rows(
        "SELECT job.id AS id, job_people.person AS person FROM job_people JOIN job ON job.id = job_people.job_id"
        f" WHERE job_people.tenant = ? AND job_people.person IN ({places(addresses)})"
        " AND job_people.left_out_by IS NULL AND job.state = 'queued' AND job.id < ? ORDER BY job.id, person",
        *values,
    ):
        found.setdefault(int(row["id"]), []).append(str(row["person"]))
    return found


def later_removals(ledger: Ledger, job: JobRecord) -> dict[str, tuple[JobRecord, ...]]:
    """Jobs accepted later that take one of the job's people off projects, by person and in order.

    Those that are done; those that are still to come only as long as the job itself has not come to a write: from then
    on they wait for it, and take away what it gives.
    """
    states = [JobState.DONE.value]
    if not job.progress:
        states += [JobState.QUEUED.value, JobState.RUNNING.value]
    values: tuple[Value, ...] = (job.id, job.id, REMOVE_MANY, *states)
    rows = ledger.rows(
        "SELECT person, id FROM ("
        " SELECT mine.person AS person, later.id AS id, later.state AS state FROM job_people AS mine"
        " JOIN job AS later ON later.person = mine.person AND later.tenant = mine.tenant AND later.id > mine.job_id"
        " WHERE mine.job_id = ? AND later.op = 'remove_from_projects'"
        " UNION ALL"
        " SELECT mine.person AS person, later.id AS id, later.state AS state FROM job_people AS mine"
        " JOIN job_people AS theirs ON theirs.person = mine.person AND theirs.tenant = mine.tenant"
        " AND theirs.job_id > mine.job_id JOIN job AS later ON later.id = theirs.job_id"
        " WHERE mine.job_id = ? AND later.op = ?"
        f") AS found WHERE state IN ({places(states)}) ORDER BY person, id",
        *values,
    )
    found: dict[str, tuple[JobRecord, ...]] = {}
    for row in rows:
        person = str(row["person"])
        found[person] = (*found.get(person, ()), find(ledger, int(row["id"])))
    return found


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

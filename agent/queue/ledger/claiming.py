"""Which job is next.

Each line (the jobs of one person) has at most one candidate: its first job that is not dated in the future (reports
that are held or wait for a retry do not count). It is as
urgent as the most urgent job behind it, so that nobody's offboarding waits for the small things before it. The choice
is one grouped walk over the index ``job_todo``; asked job by job ("is anything of this person running or earlier?") it
does not come to an end with ten thousand jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.queue.interface import READING_OPS, REMOVE_MANY, REVOKING_OPS, ClaimLost, Openings, Wish
from agent.queue.ledger import people
from agent.queue.ledger.database import Ledger, Value, places
from agent.queue.ledger.finishing import expire
from agent.queue.ledger.jobs import Happened, change, claimed, find, note
from agent.queue.ledger.rows import text_of
from agent.queue.record import Claim, JobRecord, JobState

_PAGE = 20  # candidates looked at together; nearly always the first is taken

# A report changes nothing: while it is held or waits for its retry it keeps nobody waiting, least of all a leaver.
_REPORT = f"op IN ({', '.join(repr(op) for op in sorted(READING_OPS))})"
_IN_LINE = (
    f"(not_before <= ? OR (started_at IS NOT NULL AND NOT {_REPORT}))"
    f" AND NOT ({_REPORT} AND hold IS NOT NULL AND mode <> 'check')"
)


def claim(ledger: Ledger, worker: str, openings: Openings, tenant: str | None = None) -> Claim | None:
    """Take the most urgent job that may run now, of any tenant or of this one; None when there is none."""
    expire(ledger)
    tenants = [name for name in _with_room(ledger) if tenant in (None, name)]
    if not tenants:
        return None
    running = {
        (row["tenant"], row["line"]) for row in ledger.rows("SELECT tenant, line FROM job WHERE state = 'running'")
    }
    for job in _candidates(ledger, tenants, openings):
        if (job.tenant, job.line) in running or _shares_an_address_in_use(ledger, job):
            continue
        if job.op != REMOVE_MANY or _may_pass_its_line(ledger, job):
            return _take(ledger, job, worker)
    return None


def next_due(ledger: Ledger) -> float | None:
    """When something may change by time alone: a date or a retry is due, a pause ends, a job is given up."""
    queued = "FROM job WHERE state = 'queued'"
    times = [
        ledger.rows(statement, ledger.now)[0]["at"]
        for statement in (
            f"SELECT MIN(not_before) AS at {queued} AND not_before > 0 AND not_before > ?",
            f"SELECT MIN(give_up_at) AS at {queued} AND give_up_at IS NOT NULL AND give_up_at > ?",
            "SELECT MIN(not_before) AS at FROM tenant WHERE paused = 1 AND not_before > ?",
        )
    ]
    return min((float(at) for at in times if at is not None), default=None)


def unclaim(ledger: Ledger, claim: Claim) -> None:
    """Undo a claim that nobody received."""
    job = claimed(ledger, claim)
    note(ledger, job, Happened.UNCLAIMED)
    waiting = change(ledger, job, state=JobState.QUEUED.value, worker=None, beat=None, attempt=job.attempt - 1)
    people.leave_out(ledger, waiting)


def guard(ledger: Ledger, claim: Claim) -> Wish:
    """Whether the claim still holds, and whether the run should stop. Raises ClaimLost."""
    job = claimed(ledger, claim)
    if job.superseded_by is not None:
        return Wish(True, f"Job {job.superseded_by} offboards the person.")
    if job.cancel:
        return Wish(True, f"Cancelled by {job.cancel_by}.")
    leavers = people.to_leave_out(ledger, job)
    if leavers:
        named = ", ".join(f"{person} (job {by_job})" for person, by_job in leavers.items())
        return Wish(True, f"Offboarded by a later job: {named}. It begins anew, without them.", comes_back=True)
    return Wish(False, left_out=people.left_out(ledger, job))


def progress(ledger: Ledger, claim: Claim, data: Mapping[str, Any]) -> None:
    """The step under way. Raises ClaimLost."""
    row = ledger.row(
        "UPDATE job SET progress = ?, beat = ? WHERE id = ? AND fence = ? AND state = 'running' RETURNING id",
        *(text_of(data), ledger.now, claim.job.id, claim.fence),
    )
    if row is None:
        raise ClaimLost(claim.job.id)


def _with_room(ledger: Ledger) -> list[str]:
    """Tenants that are not paused and have fewer running jobs than they may."""
    rows = ledger.rows(
        "SELECT name FROM tenant WHERE (paused = 0 OR (not_before IS NOT NULL AND not_before <= ?))"
        " AND max_running > (SELECT COUNT(*) FROM job WHERE job.tenant = tenant.name AND state = 'running')",
        ledger.now,
    )
    return [row["name"] for row in rows]


def _candidates(ledger: Ledger, tenants: Sequence[str], openings: Openings) -> Iterator[JobRecord]:
    """The lines' first jobs that may run, most urgent first, then in the order of acceptance.

    A removal of many people comes after its line's first job if that one may run at this hour, else before it.
    """
    statement, values = heads(ledger.now, tenants, openings)
    offset = 0
    while True:
        page = ledger.rows(f"{statement} LIMIT ? OFFSET ?", *values, _PAGE, offset)
        for row in page:
            numbers = (row["head"], row["removal"], row["pressed_head"])
            yield from (find(ledger, number) for number in dict.fromkeys(numbers) if number is not None)
        if len(page) < _PAGE:
            return
        offset += _PAGE


def heads(now: float, tenants: Sequence[str], openings: Openings) -> tuple[str, tuple[Value, ...]]:
    """The statement for the lines' first jobs that may run, in the order in which they are to be taken.

    A line's first job may run if it is also the first *that may run*: not held (or only to be looked at), due, and not
    shut out by its tenant's hours. A removal behind it that may run at any hour opens them for it: a leaver must not
    wait until Monday for a telephone number that was accepted before. ``removal`` is the line's first removal of many
    people that may run: it may pass those before it.
    """
    hours, hours_values = _within_hours(tenants, openings)
    pressing, pressing_values = _pressing(tenants, openings)
    ready = "(hold IS NULL OR mode = 'check') AND not_before <= ?"
    statement = (
        "SELECT CASE WHEN first = first_to_run THEN first END AS head, removal,"
        " CASE WHEN pressed = 1 AND first = first_at_any_hour THEN first END AS pressed_head"
        " FROM (SELECT MIN(id) AS first, MIN(priority) AS urgency,"
        f" MIN(CASE WHEN {ready} AND {hours} THEN id END) AS first_to_run,"
        f" MIN(CASE WHEN op = '{REMOVE_MANY}' AND {ready} AND {hours} THEN id END) AS removal,"
        f" MIN(CASE WHEN {ready} THEN id END) AS first_at_any_hour,"
        f" MAX(CASE WHEN {ready} AND {pressing} THEN 1 ELSE 0 END) AS pressed"
        f" FROM job WHERE state = 'queued' AND tenant IN ({places(tenants)})"
        f" AND {_IN_LINE} GROUP BY tenant, line) AS head"
        " WHERE first = first_to_run OR removal IS NOT NULL OR (pressed = 1 AND first = first_at_any_hour)"
        " ORDER BY urgency, first"
    )
    return statement, (now, *hours_values, now, *hours_values, now, now, *pressing_values, *tenants, now)


def _pressing(tenants: Sequence[str], openings: Openings) -> tuple[str, list[Value]]:
    """A condition for removals that may run outside the window of their tenant."""
    removing = sorted(openings.exempt_ops - READING_OPS)
    shut = sorted((openings.closed & set(tenants)) - openings.reads_only)
    if not removing or not shut:
        return "1 = 0", []
    return f"op IN ({places(removing)}) AND tenant IN ({places(shut)})", [*removing, *shut]


def _within_hours(tenants: Sequence[str], openings: Openings) -> tuple[str, list[Value]]:
    """A condition for jobs that may run at this hour: a tenant outside its window lets only exempt ones through."""
    closed = sorted(openings.closed & set(tenants))
    if not closed:
        return "1 = 1", []
    condition, values = f"(mode = 'check' OR tenant NOT IN ({places(closed)})", list[Value](closed)
    for exempt, shut in (
        (sorted(openings.exempt_ops & READING_OPS), closed),
        (sorted(openings.exempt_ops - READING_OPS), sorted(set(closed) - openings.reads_only)),
    ):
        if exempt and shut:
            condition += f" OR (op IN ({places(exempt)}) AND tenant IN ({places(shut)}))"
            values += [*exempt, *shut]
    return f"{condition})", values


def _shares_an_address_in_use(ledger: Ledger, job: JobRecord) -> bool:
    """Whether a job of another line that shares an address runs, or stands before this one.

    Lines are joined when a ``change_email`` is accepted; jobs that were in two lines then are told apart only here. So
    are jobs about many people, whose line is that of their project or group.
    """
    addresses = [address for address in (job.person, job.other_person) if address is not None]
    addresses += people.held_by(ledger, job)
    among, columns = places(addresses), ("id", "state", "not_before", "started_at", "line", "op", "hold", "mode")
    of_many = "job.state IN ('queued', 'running')"
    if job.supersedes:  # a leaver waits for no job about many that waits itself: it goes on without that person
        of_many = "job.state = 'running'"
    elif job.op in REVOKING_OPS:  # nor does who is taken off a project, unless half of it may be done
        of_many = "(job.state = 'running' OR (job.state = 'queued' AND job.progress <> '{}'))"
    row = ledger.row(
        "SELECT id FROM ("
        f" SELECT {', '.join(columns)} FROM job WHERE tenant = ? AND person IN ({among})"
        " AND state IN ('queued', 'running')"
        " UNION ALL"
        f" SELECT {', '.join(columns)} FROM job WHERE tenant = ? AND other_person IN ({among})"
        " AND state IN ('queued', 'running')"
        " UNION ALL"
        f" SELECT {', '.join(f'job.{name} AS {name}' for name in columns)}"
        " FROM job_people JOIN job ON job.id = job_people.job_id"
        f" WHERE job_people.tenant = ? AND job_people.person IN ({among})"
        f" AND job_people.left_out_by IS NULL AND {of_many}"
        ") AS sharing WHERE line <> ? AND"
        f" (state = 'running' OR (id < ? AND {_IN_LINE})) LIMIT 1",
        *(job.tenant, *addresses),
        *(job.tenant, *addresses),
        *(job.tenant, *addresses),
        *(job.line, job.id, ledger.now),
    )
    return row is not None


def _may_pass_its_line(ledger: Ledger, removal: JobRecord) -> bool:
    """Whether none of those before it in its line has come to a write."""
    row = ledger.row(
        "SELECT id FROM job WHERE tenant = ? AND line = ? AND id < ? AND state = 'queued' AND progress <> '{}'"
        f" AND {_IN_LINE} LIMIT 1",
        *(removal.tenant, removal.line, removal.id, ledger.now),
    )
    return row is None


def _take(ledger: Ledger, job: JobRecord, worker: str) -> Claim:
    taken = change(
        ledger,
        job,
        state=JobState.RUNNING.value,
        fence=job.fence + 1,
        attempt=job.attempt + 1,
        worker=worker,
        beat=ledger.now,
        started_at=ledger.now,
    )
    note(ledger, taken, Happened.CLAIMED, {"worker": worker})
    if job.op in REVOKING_OPS and job.started_at is None:
        people.tell_those_passed(ledger, taken)
    return Claim(taken, taken.fence)

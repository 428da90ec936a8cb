"""Jobs into the ledger: known request keys, joined wishes, superseded grants, and the line a job stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.errors import Refused
from agent.queue.ledger import people, tenants
from agent.queue.ledger.database import Ledger
from agent.queue.ledger.jobs import Happened, change, line_for, note
from agent.queue.ledger.rows import job_record, text_of
from agent.queue.record import Accepted, JobRecord, JobState, Mode, NewJob
from agent.queue.wish import wish_digest

_COLUMNS = (
    "tenant, person, other_person, line, op, args, args_version, yields_to_offboard, supersedes, request_key,"
    " dedup_key, batch, priority, state, hold, hold_reason, not_before,"
    " give_up_at, needed_by, max_attempts, created_by, created_at"
)


def submit(ledger: Ledger, jobs: Sequence[NewJob]) -> tuple[Accepted, ...]:
    """Take all, or raise and take none. Raises Refused("unknown-tenant", "request-key-reused")."""
    for tenant in {job.tenant for job in jobs}:
        tenants.state(ledger, tenant)  # raises for one that is not known
    return tuple(_submit(ledger, job) for job in jobs)


def _submit(ledger: Ledger, new: NewJob) -> Accepted:
    wish = wish_digest(new.tenant, new.person, new.op, new.args)
    known = _known_request(ledger, new, wish)
    if known is not None:
        return Accepted(known, new.request_key, joined=True)
    line = line_for(ledger, new.tenant, new.person, new.other_person)
    waiting = _same_wish_waiting(ledger, new, line)
    if waiting is not None:
        _join(ledger, waiting, new)
        _remember_request(ledger, new, wish, waiting.id)
        return Accepted(waiting.id, new.request_key, joined=True)
    job = _insert(ledger, new, line)
    people.put(ledger, job, new.people)
    _remember_request(ledger, new, wish, job.id)
    dated = {"not_before": new.not_before} if new.not_before else {}  # a retry forgets it, lateness does not
    note(ledger, job, Happened.ACCEPTED, {"by": new.created_by, **dated})
    return Accepted(job.id, new.request_key, superseded=_supersede(ledger, job) if new.supersedes else ())


def _known_request(ledger: Ledger, new: NewJob, wish: str) -> int | None:
    if new.request_key is None:
        return None
    row = ledger.row(
        "SELECT job_id, wish FROM request WHERE tenant = ? AND request_key = ?", new.tenant, new.request_key
    )
    if row is None:
        return None
    if row["wish"] != wish:
        raise Refused(
            "request-key-reused",
            f"The idempotency key {new.request_key!r} was used for another wish.",
            expected="a key of its own for each wish",
            seen=f"job {row['job_id']} has it",
        )
    return int(row["job_id"])


def _remember_request(ledger: Ledger, new: NewJob, wish: str, job_id: int) -> None:
    if new.request_key is not None:
        ledger.rows(
            "INSERT INTO request (tenant, request_key, wish, job_id) VALUES (?, ?, ?, ?)",
            *(new.tenant, new.request_key, wish, job_id),
        )


def _same_wish_waiting(ledger: Ledger, new: NewJob, line: str) -> JobRecord | None:
    """The newest live job of the line, if it waits for its turn and wishes the same; else a new job is due.

    Only the newest, also among those of other lines that share a person: behind an earlier one of the same wish stands
    something that may undo it.
    """
    row = ledger.row(
        "SELECT * FROM job WHERE tenant = ? AND line = ? AND state IN ('queued', 'running') ORDER BY id DESC LIMIT 1",
        *(new.tenant, line),
    )
    if row is None or new.dedup_key is None or row["dedup_key"] != new.dedup_key:
        return None
    newest = job_record(row)
    is_waiting = newest.state is JobState.QUEUED and newest.hold is None and newest.mode is Mode.RUN
    is_soon_enough = newest.started_at is not None or newest.not_before <= max(new.not_before, ledger.now)
    if not is_waiting or not is_soon_enough or new.hold is not None:
        return None
    if new.people and (people.left_out(ledger, newest) or people.later_removals(ledger, newest)):
        return None  # it leaves somebody out for what came between and is over
    addresses = [address for address in (new.person, new.other_person, *new.people) if address is not None]
    return None if people.anybody_since(ledger, new.tenant, addresses, newest.id) else newest


def _join(ledger: Ledger, waiting: JobRecord, new: NewJob) -> None:
    """The waiting job does for both: as urgent and as early as either needs it, given up as late as either allows."""
    deadlines = [at for at in (waiting.needed_by, new.needed_by) if at is not None]
    give_up_at = None
    if waiting.give_up_at is not None and new.give_up_at is not None:
        give_up_at = max(waiting.give_up_at, new.give_up_at)
    job = change(
        ledger,
        waiting,
        priority=min(waiting.priority, new.priority),
        needed_by=min(deadlines, default=None),
        give_up_at=give_up_at,
    )
    reason = new.args.get("reason")
    asked = {"reason": dict(reason)} if isinstance(reason, Mapping) else {}
    note(ledger, job, Happened.JOINED, {"by": new.created_by, "request_key": new.request_key, **asked})


def _insert(ledger: Ledger, new: NewJob, line: str) -> JobRecord:
    row = ledger.row(
        f"INSERT INTO job ({_COLUMNS}) VALUES ({', '.join('?' * 22)}) RETURNING *",
        *(new.tenant, new.person, new.other_person, line, new.op, text_of(new.args), new.args_version),
        *(
            int(new.yields_to_offboard),
            int(new.supersedes),
            new.request_key,
            new.dedup_key,
            new.batch,
            int(new.priority),
        ),
        *(JobState.QUEUED.value, new.hold.value if new.hold else None, new.hold_reason, new.not_before),
        *(new.give_up_at, new.needed_by, new.max_attempts, new.created_by, ledger.now),
    )
    assert row is not None, "an INSERT that inserted nothing"
    return job_record(row)


def _supersede(ledger: Ledger, offboard: JobRecord) -> tuple[int, ...]:
    """End the grants that wait in the line, dated and held ones too; a running one is asked to stop.

    Jobs about many people go on without this one.
    """
    superseded: list[int] = []
    for many in people.waiting_with(ledger, offboard):
        people.leave_out(ledger, many)
    for row in ledger.rows(
        "SELECT * FROM job WHERE tenant = ? AND line = ? AND id < ? AND yields_to_offboard = 1"
        " AND state IN ('queued', 'running') ORDER BY id",
        *(offboard.tenant, offboard.line, offboard.id),
    ):
        grant = job_record(row)
        if grant.state is JobState.RUNNING:
            changed = change(ledger, grant, superseded_by=offboard.id)
            note(ledger, changed, Happened.SUPERSEDE_ASKED, {"by_job": offboard.id})
        else:
            changed = change(
                ledger,
                grant,
                state=JobState.SUPERSEDED.value,
                superseded_by=offboard.id,
                hold=None,
                finished_at=ledger.now,
            )
            note(ledger, changed, Happened.SUPERSEDED, {"by_job": offboard.id})
        superseded.append(grant.id)
    return tuple(superseded)

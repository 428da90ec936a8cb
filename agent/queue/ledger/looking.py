"""What is in the ledger; nothing here changes it."""

from __future__ import annotations

from agent.queue.interface import Depth, JobFilter
from agent.queue.ledger.database import Ledger, Value, places
from agent.queue.ledger.jobs import find
from agent.queue.ledger.rows import job_event, job_record
from agent.queue.record import JobEvent, JobRecord, JobState


def jobs(ledger: Ledger, which: JobFilter) -> tuple[JobRecord, ...]:
    """Jobs by number; newest first, ``after_id`` means the jobs before that one."""
    where: list[str] = []
    values: list[Value] = []

    def ask(condition: str, *more: Value) -> None:
        where.append(condition)
        values.extend(more)

    if which.tenant is not None:
        ask("tenant = ?", which.tenant)
    if which.person is not None:
        ask(
            "(person = ? OR other_person = ? OR id IN (SELECT job_id FROM job_people WHERE person = ?))",
            *(which.person, which.person, which.person),
        )
    if which.states is not None:
        names = sorted(which.states)
        ask(f"state IN ({places(names)})" if names else "1 = 0", *names)
    if which.held is not None:
        ask("hold IS NOT NULL" if which.held else "hold IS NULL")
    if which.batch is not None:
        ask("batch = ?", which.batch)
    if which.ops is not None:
        actions = sorted(which.ops)
        ask(f"op IN ({places(actions)})" if actions else "1 = 0", *actions)
    if which.due_by is not None:
        # A retry that waits is due since its first run.
        ask("created_at <= ? AND (not_before <= ? OR started_at IS NOT NULL)", which.due_by, which.due_by)
    if which.needed_by is not None:
        ask("needed_by <= ?", which.needed_by)
    if which.finished_since is not None:
        ask("finished_at >= ?", which.finished_since)
    if which.after_id:
        ask("id < ?" if which.newest_first else "id > ?", which.after_id)
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    order = "id DESC" if which.newest_first else "id"
    rows = ledger.rows(f"SELECT * FROM job{condition} ORDER BY {order} LIMIT ?", *values, which.limit)
    return tuple(job_record(row) for row in rows)


def events(ledger: Ledger, job_id: int) -> tuple[JobEvent, ...]:
    """A job's history, oldest first. Raises NoSuchJob."""
    find(ledger, job_id)
    return tuple(job_event(row) for row in ledger.rows("SELECT * FROM job_event WHERE job_id = ? ORDER BY id", job_id))


def depths(ledger: Ledger) -> tuple[Depth, ...]:
    """Live jobs by tenant, priority, state and hold, with the time since when the oldest is due (or runs)."""
    rows = ledger.rows(
        "SELECT tenant, priority, state, is_held, COUNT(*) AS number, MIN(since) AS oldest_at FROM ("
        " SELECT tenant, priority, state, CASE WHEN hold IS NULL THEN 0 ELSE 1 END AS is_held,"
        " CASE WHEN state = 'running' THEN started_at"
        " WHEN not_before > ? THEN NULL"
        " WHEN not_before > created_at THEN not_before ELSE created_at END AS since"
        " FROM job WHERE state IN ('queued', 'running')) AS live"
        " GROUP BY tenant, priority, state, is_held ORDER BY tenant, priority, state, is_held",
        ledger.now,
    )
    return tuple(
        Depth(
            row["tenant"],
            row["priority"],
            JobState(row["state"]),
            bool(row["is_held"]),
            row["number"],
            row["oldest_at"],
        )
        for row in rows
    )

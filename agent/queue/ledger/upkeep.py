"""Forgetting what has been kept long enough."""

from __future__ import annotations

import math

from agent.queue.ledger.database import Ledger, places

CHUNK = 500  # jobs in one transaction, so that a claim never waits long
_UNTRIED_S = 7 * 86_400.0  # a notice that still can be tried is kept for so much longer


def forget(ledger: Ledger, ended_before: float) -> int:
    """Delete up to CHUNK jobs that ended before this time, with their history and request keys; how many there were.

    A job that should have taken access away, and has not, is kept: how it ended is still to be told.
    """
    ids = [
        row["id"]
        for row in ledger.rows(
            "SELECT id FROM job WHERE state IN ('done', 'dead', 'cancelled', 'superseded') AND finished_at < ?"
            " AND NOT EXISTS (SELECT 1 FROM access_grant WHERE revoked_by_job = job.id AND closed_at IS NULL)"
            " ORDER BY finished_at LIMIT ?",
            *(ended_before, CHUNK),
        )
    ]
    if ids:
        among = places(ids)
        for statement in (
            f"DELETE FROM job_event WHERE job_id IN ({among})",
            f"DELETE FROM job_people WHERE job_id IN ({among})",
            f"DELETE FROM request WHERE job_id IN ({among})",
            f"DELETE FROM job WHERE id IN ({among})",
        ):
            ledger.rows(statement, *ids)
    return len(ids)


def forget_the_rest(ledger: Ledger, ended_before: float) -> None:
    """Delete what is over since before this time: notices, grants, what was spent of a budget, a flow's old history.

    A notice is over when it has arrived or was given up, and also when nobody has tried it for a week more: its
    channel has left the settings. No budget looks back further than the shortest retention, a day.
    """
    for statement, values in (
        ("DELETE FROM notice WHERE sent_at < ?", (ended_before,)),
        ("DELETE FROM notice WHERE sent_at IS NULL AND not_before = ? AND at < ?", (math.inf, ended_before)),
        ("DELETE FROM notice WHERE sent_at IS NULL AND at < ?", (ended_before - _UNTRIED_S,)),
        ("DELETE FROM access_grant WHERE closed_at < ?", (ended_before,)),
        ("DELETE FROM spent WHERE at < ?", (ended_before,)),
        (
            "DELETE FROM flow_event WHERE at < ? AND id NOT IN (SELECT MAX(id) FROM flow_event GROUP BY tenant, flow)",
            (ended_before,),
        ),
    ):
        ledger.rows(statement, *values)

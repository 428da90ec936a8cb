"""Forgetting what has been kept long enough."""

from __future__ import annotations

from agent.queue.ledger.database import Ledger, places

CHUNK = 500  # jobs in one transaction, so that a claim never waits long


def forget(ledger: Ledger, ended_before: float) -> int:
    """Delete up to CHUNK jobs that ended before this time, with their history and request keys; how many there were."""
    ids = [
        row["id"]
        for row in ledger.rows(
            "SELECT id FROM job WHERE state IN ('done', 'dead', 'cancelled', 'superseded') AND finished_at < ?"
            " ORDER BY finished_at LIMIT ?",
            *(ended_before, CHUNK),
        )
    ]
    if ids:
        among = places(ids)
        for statement in (
            f"DELETE FROM job_event WHERE job_id IN ({among})",
            f"DELETE FROM request WHERE job_id IN ({among})",
            f"DELETE FROM spent WHERE job_id IN ({among})",
            f"DELETE FROM job WHERE id IN ({among})",
        ):
            ledger.rows(statement, *ids)
    return len(ids)


def forget_the_rest(ledger: Ledger, ended_before: float) -> None:
    """Delete notices that arrived, and grants that were closed, before this time."""
    ledger.rows("DELETE FROM notice WHERE sent_at < ?", ended_before)
    ledger.rows("DELETE FROM access_grant WHERE closed_at < ?", ended_before)

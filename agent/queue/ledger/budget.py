"""How much of a tenant's budget has been used lately."""

from __future__ import annotations

from agent.queue.ledger.database import Ledger
from agent.queue.ledger.jobs import claimed
from agent.queue.record import Claim


def spend(ledger: Ledger, claim: Claim, kind: str, amount: int, limit: int, window_s: float) -> tuple[bool, int]:
    """Take ``amount`` if that stays within ``limit``; also what others have spent in the window. Raises ClaimLost.

    A job that spent this within the window spends it once; one that spent it before and comes again (a retry after a
    long outage, a dead job that is run again) asks like any other. What is dated in the future (the clock was set
    back) counts as lately.
    """
    job = claimed(ledger, claim)
    others = ledger.rows(
        "SELECT COALESCE(SUM(amount), 0) AS total FROM spent WHERE tenant = ? AND kind = ? AND at > ? AND job_id <> ?",
        *(job.tenant, kind, ledger.now - window_s, job.id),
    )
    before = int(others[0]["total"])
    mine = ledger.row("SELECT at FROM spent WHERE job_id = ? AND kind = ?", job.id, kind)
    if mine is not None and mine["at"] > ledger.now - window_s:
        return True, before
    if before + amount > limit:
        return False, before
    ledger.rows(
        "INSERT INTO spent (job_id, kind, tenant, amount, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (job_id, kind) DO UPDATE SET amount = excluded.amount, at = excluded.at",
        *(job.id, kind, job.tenant, amount, ledger.now),
    )
    return True, before

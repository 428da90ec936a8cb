"""How much of a tenant's budget has been used lately."""

from __future__ import annotations

from agent.queue.ledger.database import Ledger
from agent.queue.ledger.jobs import claimed
from agent.queue.record import Claim


def spend(ledger: Ledger, claim: Claim, kind: str, amount: int, limit: int, window_s: float) -> tuple[bool, int]:
    """Take ``amount`` if that stays within ``limit``; also what others have spent in the window. Raises ClaimLost.

    What is dated in the future (the clock was set back) counts as lately.
    """
    job = claimed(ledger, claim)
    others = ledger.rows(
        "SELECT COALESCE(SUM(amount), 0) AS total FROM spent WHERE tenant = ? AND kind = ? AND at > ? AND job_id <> ?",
        *(job.tenant, kind, ledger.now - window_s, job.id),
    )
    before = int(others[0]["total"])
    if ledger.row("SELECT amount FROM spent WHERE job_id = ? AND kind = ?", job.id, kind) is not None:
        return True, before
    if before + amount > limit:
        return False, before
    ledger.rows(
        "INSERT INTO spent (job_id, kind, tenant, amount, at) VALUES (?, ?, ?, ?, ?)",
        *(job.id, kind, job.tenant, amount, ledger.now),
    )
    return True, before

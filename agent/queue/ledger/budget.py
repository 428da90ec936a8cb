"""How much of a tenant's budget has been used lately, by jobs of the queue and by those that ``agent run-job`` runs."""

from __future__ import annotations

from collections.abc import Sequence

from agent.queue.ledger import tenants
from agent.queue.ledger.database import Ledger
from agent.queue.ledger.jobs import claimed
from agent.queue.record import Claim, Spending, Spent


def spend(ledger: Ledger, claim: Claim, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
    """What a job of the queue takes. Raises ClaimLost."""
    job = claimed(ledger, claim)
    return _spend(ledger, job.tenant, str(job.id), wanted)


def spend_outside(ledger: Ledger, tenant: str, key: str, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
    """What a job takes that is not in the queue; ``key`` is its idempotency key. Raises Refused("unknown-tenant")."""
    tenants.state(ledger, tenant)
    return _spend(ledger, tenant, f"key:{key}", wanted)  # no job's number has a colon


def _spend(ledger: Ledger, tenant: str, spender: str, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
    """Take all that is wanted if there is room for all of it, else nothing.

    A spender that spent a kind within its window spends it once; one that spent it before and comes again (a retry
    after a long outage, a dead job that is run again) asks like any other. What is dated in the future (the clock was
    set back) counts as lately.
    """
    answers = []
    fresh = []
    for item in wanted:
        since = ledger.now - item.window_s
        others = ledger.rows(
            "SELECT COALESCE(SUM(amount), 0) AS total FROM spent"
            " WHERE tenant = ? AND kind = ? AND at > ? AND spender <> ?",
            *(tenant, item.kind, since, spender),
        )
        before = int(others[0]["total"])
        mine = ledger.row(
            "SELECT at FROM spent WHERE tenant = ? AND spender = ? AND kind = ?", tenant, spender, item.kind
        )
        has_spent = mine is not None and mine["at"] > since
        answers.append(Spent(has_spent or before + item.amount <= item.limit, before))
        fresh += [] if has_spent else [item]
    if all(answer.has_room for answer in answers):
        for item in fresh:
            ledger.rows(
                "INSERT INTO spent (tenant, spender, kind, amount, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (tenant, spender, kind) DO UPDATE SET amount = excluded.amount, at = excluded.at",
                *(tenant, spender, item.kind, item.amount, ledger.now),
            )
    return tuple(answers)

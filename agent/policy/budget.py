"""How many people a tenant's agent may inactivate before somebody has to say yes.

A job file that offboards half the company is either a reorganisation or a mistake; a person can tell which. Two limits
hold at once: a number in an hour, and a share of the tenant's people in a day. What was approved does not count against
them: it comes on top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from agent.jobs.model import Job
from agent.plan.steps import Inactivate, Plan
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from agent.queue.record import Claim

HOUR_S = 3600.0
DAY_S = 86_400.0


class Purse(Protocol):
    """Keeps count of what a tenant's jobs have spent; :meth:`agent.queue.interface.Queue.spend`."""

    async def spend(self, claim: Claim, kind: str, amount: int, limit: int, window_s: float) -> tuple[bool, int]:
        """Take an amount from a budget in one transaction; a job spends each kind once."""


@dataclass(frozen=True)
class _Limit:
    kind: str
    limit: int
    window_s: float
    code: str
    words: str


async def over_budget(
    queue: Purse, claim: Claim, job: Job, plan: Plan, people_total: int | None, rules: PolicyRules
) -> tuple[ApprovalNeeded, ...]:
    """Why this plan has to wait for an approval; empty when it is within the tenant's budget, which it then has spent.

    ``people_total`` is what the pager of the Users list says; where it is not known, only the number holds. At least
    one person a day is always within the share, so that a small tenant can offboard at all.
    """
    if not any(isinstance(step, Inactivate) for step in plan.steps):
        return ()
    needed = []
    for limit in _limits(people_total, rules):
        granted, spent = await queue.spend(claim, limit.kind, 1, limit.limit, limit.window_s)
        if not granted:
            message = f"{_people(spent)} inactivated by this agent {limit.words}: {job.action} waits for an approval."
            needed.append(ApprovalNeeded(code=limit.code, message=message))
    return tuple(needed)


def _limits(people_total: int | None, rules: PolicyRules) -> list[_Limit]:
    hourly = rules.max_deactivations_per_hour
    limits = [
        _Limit(
            kind="deactivate-hour",
            limit=hourly,
            window_s=HOUR_S,
            code="too-many-deactivations",
            words=f"in the last hour, and {hourly} need no approval",
        )
    ]
    if people_total is not None and rules.max_deactivated_share < 1:
        share = rules.max_deactivated_share
        daily = max(1, math.floor(share * people_total)) if share > 0 else 0
        limits.append(
            _Limit(
                kind="deactivate-day",
                limit=daily,
                window_s=DAY_S,
                code="too-large-share",
                words=f"in the last day, and {share:.3g} of {people_total:,} people ({daily}) need no approval",
            )
        )
    return limits


def _people(count: int) -> str:
    return "1 person was" if count == 1 else f"{count} people were"

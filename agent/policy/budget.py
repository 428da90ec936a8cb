"""How many people a tenant's agent may inactivate before somebody has to say yes.

A job file that offboards half the company is either a reorganisation or a mistake; a person can tell which. Two limits
hold at once: a number in an hour, and a share of the tenant's people in a day. What was approved does not count against
them: it comes on top. Jobs of the queue and those that ``agent run-job`` runs take from the same budget.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from agent.plan.steps import Inactivate, Plan
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from agent.queue.record import Spending, Spent

HOUR_S = 3600.0
DAY_S = 86_400.0


#: takes all of it from a budget, or nothing: :meth:`agent.queue.interface.Queue.spend` for one job
Spend = Callable[[Sequence[Spending]], Awaitable[Sequence[Spent]]]


@dataclass(frozen=True)
class _Limit:
    spending: Spending
    code: str
    words: str


def inactivates(plan: Plan) -> bool:
    """Whether a plan takes something from the budget."""
    return any(isinstance(step, Inactivate) for step in plan.steps)


async def over_budget(
    spend: Spend, action: str, people_total: int | None, rules: PolicyRules
) -> tuple[ApprovalNeeded, ...]:
    """Why inactivating one more person has to wait for an approval; empty when there is room, which is taken then.

    ``people_total`` is what the pager of the Users list says; where it is not known, only the number holds. At least
    one person a day is always within the share, so that a small tenant can offboard at all.
    """
    limits = _limits(people_total, rules)
    answers = await spend([limit.spending for limit in limits])
    return tuple(
        ApprovalNeeded(
            code=limit.code,
            message=(
                f"{_people(answer.before)} inactivated by this agent {limit.words}: {action} waits for an approval."
            ),
        )
        for limit, answer in zip(limits, answers, strict=True)
        if not answer.has_room
    )


def _limits(people_total: int | None, rules: PolicyRules) -> list[_Limit]:
    hourly = rules.max_deactivations_per_hour
    limits = [
        _Limit(
            Spending("deactivate-hour", 1, hourly, HOUR_S),
            code="too-many-deactivations",
            words=f"in the last hour, and {hourly} need no approval",
        )
    ]
    if people_total is not None and rules.max_deactivated_share < 1:
        share = rules.max_deactivated_share
        daily = max(1, math.floor(share * people_total)) if share > 0 else 0
        limits.append(
            _Limit(
                Spending("deactivate-day", 1, daily, DAY_S),
                code="too-large-share",
                words=f"in the last day, and {share:.3g} of {people_total:,} people ({daily}) need no approval",
            )
        )
    return limits


def _people(count: int) -> str:
    return "1 person was" if count == 1 else f"{count} people were"

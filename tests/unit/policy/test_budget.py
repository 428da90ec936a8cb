"""The budget of deactivations: by the hour, by the share of people, and what does not count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent.plan.steps import BlastRadius, Inactivate, Plan, Reactivate
from agent.policy.budget import Spend, inactivates, over_budget
from agent.policy.rules import PolicyRules
from agent.queue.record import Spending, Spent
from tests.unit.plan.wishes import EMAIL

LEAVER = Plan(steps=(Inactivate(email=EMAIL),), blast=BlastRadius(people=1, projects=0))
RETURNER = Plan(steps=(Reactivate(email=EMAIL),), blast=BlastRadius(people=1, projects=0))


class Purse:
    """Counts as the ledger does: a job spends each kind once, and all it wants or nothing."""

    def __init__(self) -> None:
        self.spent: dict[str, dict[int, int]] = {}
        self.windows: dict[str, float] = {}

    def of(self, number: int) -> Spend:
        """The purse in one job's hands."""

        async def spend(wanted: Sequence[Spending]) -> Sequence[Spent]:
            answers = []
            for item in wanted:
                self.windows[item.kind] = item.window_s
                jobs = self.spent.get(item.kind, {})
                before = sum(value for at, value in jobs.items() if at != number)
                answers.append(Spent(number in jobs or before + item.amount <= item.limit, before))
            if all(answer.has_room for answer in answers):
                for item in wanted:
                    self.spent.setdefault(item.kind, {})[number] = item.amount
            return answers

        return spend


async def codes(purse: Purse, number: int, people: int | None = None, **rules: Any) -> list[str]:
    """The codes for which a person is asked."""
    needed = await over_budget(purse.of(number), "offboard", people, PolicyRules(**rules))
    return [item.code for item in needed]


async def test_more_than_the_hourly_number_waits() -> None:
    """Ten leavers pass, the eleventh waits; running one of the ten again costs nothing."""
    purse = Purse()
    assert [await codes(purse, number) for number in range(10)] == [[]] * 10
    assert await codes(purse, 10) == ["too-many-deactivations"]
    assert await codes(purse, 3) == []
    assert purse.windows["deactivate-hour"] == 3600


async def test_more_than_the_share_of_people_waits() -> None:
    """5 % of 60 people are 3 a day, whatever the hourly number says."""
    purse = Purse()
    assert [await codes(purse, number, 60) for number in range(3)] == [[]] * 3
    assert await codes(purse, 3, 60) == ["too-large-share"]
    assert purse.windows["deactivate-day"] == 86_400


@pytest.mark.parametrize(("people", "share", "allowed"), [(4, 0.05, 1), (0, 0.05, 1), (1000, 0.0, 0), (10, 1.0, 99)])
async def test_small_tenants_can_offboard_and_zero_means_never_unasked(people: int, share: float, allowed: int) -> None:
    """At least one person a day is within a share; a share of nothing asks every time, a share of all never."""
    purse = Purse()
    answers = [
        await codes(purse, number, people, max_deactivated_share=share, max_deactivations_per_hour=99)
        for number in range(99)
    ]
    assert [number for number, answer in enumerate(answers) if not answer] == list(range(allowed))


async def test_where_the_number_of_people_is_not_known_only_the_count_holds() -> None:
    """No pager was read: the share is not guessed."""
    purse = Purse()
    await codes(purse, 1, None)
    assert set(purse.spent) == {"deactivate-hour"}


@pytest.mark.parametrize(("plan", "expected"), [(LEAVER, True), (RETURNER, False), (Plan(), False)])
def test_only_a_plan_that_inactivates_takes_from_the_budget(plan: Plan, expected: bool) -> None:
    """Bringing somebody back, or finding nothing to do, is not counted."""
    assert inactivates(plan) is expected


async def test_where_one_limit_refuses_the_other_is_not_spent() -> None:
    """A day's share that is used up must not eat the hour's number as well: nobody was inactivated."""
    purse = Purse()
    rules = {"max_deactivations_per_hour": 2}
    assert await codes(purse, 1, 20, **rules) == []
    assert [await codes(purse, number, 20, **rules) for number in (2, 3, 4)] == [["too-large-share"]] * 3
    assert purse.spent["deactivate-hour"] == {1: 1}


async def test_the_sentence_says_how_many_and_what_is_allowed() -> None:
    """An approver sees what has happened already."""
    purse = Purse()
    rules = PolicyRules(max_deactivations_per_hour=1)
    await over_budget(purse.of(1), "offboard", None, rules)
    (needed,) = await over_budget(purse.of(2), "offboard", None, rules)
    assert needed.message == (
        "1 person was inactivated by this agent in the last hour, and 1 need no approval: "
        "offboard waits for an approval."
    )

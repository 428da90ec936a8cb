"""Budgets: what a job takes from them, once, and what is given back by time."""

from __future__ import annotations

import pytest

from agent.errors import Refused
from agent.queue.ending import Done, Ending
from agent.queue.interface import Queue
from agent.queue.record import Spending, Spent
from tests.queue.places import Place
from tests.queue.runs import DAY, claimed

pytestmark = pytest.mark.asyncio


async def test_a_budget_is_shared_by_the_tenants_jobs_and_spent_once_by_each(place: Place, queue: Queue) -> None:
    """Within the window; a second run of the same job is granted without being counted again."""
    first = await claimed(place, queue, person="ana")
    assert await queue.spend(first, [Spending("people", 2, 3, 3600)]) == (Spent(True, 0),)
    assert await queue.spend(first, [Spending("people", 2, 3, 3600)]) == (Spent(True, 0),)
    second = await claimed(place, queue, person="bo")
    assert await queue.spend(second, [Spending("people", 2, 3, 3600)]) == (Spent(False, 2),)
    assert await queue.spend(second, [Spending("projects", 2, 3, 3600)]) == (Spent(True, 0),)
    assert await queue.spend(second, [Spending("people", 1, 3, 3600)]) == (Spent(True, 2),)
    other = await claimed(place, queue, tenant="south")
    assert await queue.spend(other, [Spending("people", 3, 3, 3600)]) == (Spent(True, 0),)
    await queue.finish(first, Ending(Done()))
    place.clock.now += 3601
    third = await claimed(place, queue, person="cy")
    assert await queue.spend(third, [Spending("people", 3, 3, 3600)]) == (Spent(True, 0),)


async def test_a_budget_is_spent_as_a_whole_or_not_at_all(place: Place, queue: Queue) -> None:
    """A day's share that is used up does not eat the hour's number as well."""
    claim = await claimed(place, queue)
    hour, day = Spending("hour", 1, 1, 3600), Spending("day", 1, 0, 86_400)
    assert await queue.spend(claim, [hour, day]) == (Spent(True, 0), Spent(False, 0))
    other = await claimed(place, queue, person="bo")
    assert await queue.spend(other, [hour]) == (Spent(True, 0),)


async def test_a_job_outside_the_queue_takes_from_the_same_budget(place: Place, queue: Queue) -> None:
    """Counted for the queue's jobs and the other way round, once by its key, and by tenant; it survives a death."""
    one = [Spending("people", 1, 2, 3600)]
    assert await queue.spend_outside("north", "hr-1", one) == (Spent(True, 0),)
    assert await queue.spend_outside("north", "hr-1", one) == (Spent(True, 0),)
    claim = await claimed(place, queue)
    assert await queue.spend(claim, one) == (Spent(True, 1),)
    assert await queue.spend_outside("north", "hr-2", one) == (Spent(False, 2),)
    assert await queue.spend_outside("north", str(claim.job.id), one) == (Spent(False, 2),)  # a key is no number
    assert await queue.spend_outside("south", "hr-2", one) == (Spent(True, 0),)
    with pytest.raises(Refused, match="no tenant"):
        await queue.spend_outside("nowhere", "hr-2", one)
    await place.die(queue)
    again = await place.open({"north": 2, "south": 1})
    assert await again.spend_outside("north", "hr-3", one) == (Spent(False, 2),)


async def test_a_job_that_comes_again_after_the_window_spends_anew(place: Place, queue: Queue) -> None:
    """Else a hundred offboards, spread over a day and dead, could be run again all at once without an approval."""
    old = await claimed(place, queue, person="ana")
    assert await queue.spend(old, [Spending("people", 1, 1, 3600)]) == (Spent(True, 0),)
    place.clock.now += 3601
    other = await claimed(place, queue, person="bo")
    assert await queue.spend(other, [Spending("people", 1, 1, 3600)]) == (Spent(True, 0),)
    assert await queue.spend(old, [Spending("people", 1, 1, 3600)]) == (Spent(False, 1),)
    place.clock.now += 3601
    assert await queue.spend(old, [Spending("people", 1, 1, 3600)]) == (Spent(True, 0),)
    assert await queue.spend(other, [Spending("people", 1, 1, 3600)]) == (Spent(False, 1),)


async def test_what_was_spent_is_forgotten_after_the_retention(place: Place, queue: Queue) -> None:
    """Not before: the budget looks back a day, which is the shortest retention."""
    one = [Spending("people", 1, 1, DAY)]
    await queue.spend_outside("north", "a", one)
    place.clock.now += DAY - 1
    await queue.maintain(DAY)
    assert await queue.spend_outside("north", "b", one) == (Spent(False, 1),)
    place.clock.now += 2
    await queue.maintain(DAY)
    assert await queue.spend_outside("north", "b", one) == (Spent(True, 0),)

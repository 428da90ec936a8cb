"""Late leavers and forgotten decisions: told, once each, whatever the clock does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.queue.ending import Dead, Done, Held, Retry, Trouble
from agent.queue.record import Hold
from agent.schedule.watching import remind, tell_late
from tests.unit.schedule.conftest import DAY, HOUR, NOON, Office, new

LATE_S = 1800.0


async def late(office: Office) -> list[int | None]:
    await tell_late(office.queue, office.clock(), LATE_S)
    return [job_id for kind, job_id in await office.told() if kind == "late"]


async def test_an_offboard_that_is_not_done_in_time_is_told_once(office: Office) -> None:
    """Half an hour after it was due, in the queue or running, and never again after that."""
    await office.queue.submit([new("offboard", "a", projects=...), new("update", "b", company_access="none")])
    office.clock.now = NOON + LATE_S - 1
    assert await late(office) == []
    office.clock.now += 1
    assert await late(office) == [1]
    await office.queue.next_claim("worker-1")
    office.clock.now += DAY
    await office.start()
    assert await late(office) == [1]


async def test_a_held_leaver_is_late_too(office: Office) -> None:
    """Somebody's decision is missing: that is exactly what has to be known."""
    await office.queue.submit([new("offboard", "a")])
    await office.work_off(Held(Hold.APPROVAL, "The budget."))
    office.clock.now = NOON + LATE_S
    assert await late(office) == [1]


async def test_a_leaver_who_is_done_or_dead_is_not_late(office: Office) -> None:
    """Dead was told already, as dead."""
    await office.queue.submit([new("offboard", "a"), new("offboard", "b", person={"email": "b@example.com"})])
    await office.work_off(Done())
    await office.queue.submit([new("offboard", "c")])
    await office.work_off(Dead(Trouble("failed", "denied", "No.")))
    office.clock.now = NOON + DAY
    assert await late(office) == []


async def test_an_offboard_for_a_later_date_is_late_from_that_date_on(office: Office) -> None:
    """Waiting for its day is not being late; waiting for a retry is."""
    await office.queue.submit([replace(new("offboard", "a"), not_before=NOON + DAY)])
    office.clock.now = NOON + DAY
    assert await late(office) == []
    await office.work_off(Retry(NOON + DAY + HOUR, Trouble("failed", "page-timeout", "Slow.")))
    office.clock.now = NOON + DAY + LATE_S - 1
    assert await late(office) == []
    office.clock.now = NOON + DAY + LATE_S
    assert await late(office) == [1]


@pytest.mark.parametrize("action", ["update", "provision", "offboard"])
async def test_any_job_whose_date_has_passed_is_told(office: Office, action: str) -> None:
    """`needed_by` is a promise to somebody, whatever the action."""
    needed_by = datetime.fromtimestamp(NOON + 60, tz=UTC).isoformat()
    fields = {"company_access": "none"} if action == "update" else {}
    await office.queue.submit([new(action, "a", needed_by=needed_by, **fields)])
    office.clock.now = NOON + 59
    assert await late(office) == []
    office.clock.now = NOON + 60
    assert await late(office) == [1]


async def test_many_late_jobs_are_each_told_once(office: Office) -> None:
    """More than a page of them, and twice looked at."""
    leavers = [new("offboard", f"a{number}", person={"email": f"p{number}@example.com"}) for number in range(450)]
    await office.queue.submit(leavers)
    office.clock.now = NOON + LATE_S
    await late(office)
    assert sorted(number for number in await late(office) if number) == list(range(1, 451))


async def test_clocks_that_jump_do_not_tell_twice(office: Office) -> None:
    """A year forward and back: one notice."""
    await office.queue.submit([new("offboard", "a")])
    office.clock.now = NOON + 365 * DAY
    assert await late(office) == [1]
    office.clock.now = NOON - 365 * DAY
    assert await late(office) == [1]


async def reminders(office: Office) -> int:
    await remind(office.queue, office.clock(), DAY)
    return sum(1 for kind, _ in await office.told() if kind == "waiting")


async def test_what_waits_for_a_person_is_told_again_every_day(office: Office) -> None:
    """From the hold on, not from the submission; one reminder a day, also when it is looked at every minute."""
    await office.queue.submit([new("offboard", "a")])
    office.clock.now = NOON + 3 * DAY
    await office.work_off(Held(Hold.HAND_OVER, "By hand."))
    assert await reminders(office) == 0
    office.clock.now = NOON + 4 * DAY
    assert [await reminders(office), await reminders(office)] == [1, 1]
    office.clock.now = NOON + 5 * DAY
    assert await reminders(office) == 2


async def test_a_week_of_downtime_is_one_reminder(office: Office) -> None:
    """Not seven."""
    await office.queue.submit([new("offboard", "a")])
    await office.work_off(Held(Hold.UNCERTAIN, "Look."))
    office.clock.now = NOON + 7 * DAY
    await office.start()
    assert await reminders(office) == 1


async def test_a_decision_ends_the_reminders(office: Office) -> None:
    """Approved: nothing waits any more."""
    await office.queue.submit([new("offboard", "a")])
    await office.work_off(Held(Hold.APPROVAL, "Budget."))
    await office.queue.approve(1, "maria", {})
    office.clock.now = NOON + 2 * DAY
    assert await reminders(office) == 0

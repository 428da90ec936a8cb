"""Which job is next: order per person, one at a time, limits, urgency, hours, dates."""

from __future__ import annotations

from typing import Any

import pytest

from agent.queue.ending import Done, Ending, Held, PauseTenant, Retry
from agent.queue.interface import Openings, Queue
from agent.queue.record import Claim, Hold
from tests.queue.places import NOON, Place
from tests.queue.wishes import TROUBLE, wish

pytestmark = pytest.mark.asyncio


async def submit(queue: Queue, *jobs: Any) -> list[int]:
    return [accepted.id for accepted in await queue.submit(jobs)]


async def claimed(place: Place, queue: Queue, openings: Openings | None = None) -> Claim:
    claim = await place.try_claim(queue, openings)
    assert claim is not None, "nothing was claimable"
    return claim


async def done(queue: Queue, claim: Claim, **changes: Any) -> None:
    await queue.finish(claim, Ending(Done(), **changes))


async def run_all(place: Place, queue: Queue) -> list[int]:
    """The order in which one worker gets the jobs."""
    order = []
    while (claim := await place.try_claim(queue)) is not None:
        order.append(claim.job.id)
        await done(queue, claim)
    return order


async def test_never_two_jobs_of_one_person_at_a_time(place: Place, queue: Queue) -> None:
    """The second waits for the first, though the tenant has room; another person's job does not."""
    first, second, other = await submit(queue, wish(), wish(what="24-002"), wish("bo"))
    running = await claimed(place, queue)
    assert running.job.id == first
    assert (await claimed(place, queue)).job.id == other
    assert await place.try_claim(queue) is None
    await done(queue, running)
    assert (await claimed(place, queue)).job.id == second


async def test_the_same_address_at_two_tenants_is_two_people(place: Place, queue: Queue) -> None:
    """Tenants do not wait for each other."""
    ids = await submit(queue, wish(), wish(tenant="south"))
    assert {(await claimed(place, queue)).job.id for _ in ids} == set(ids)


async def test_a_tenant_never_has_more_jobs_running_than_it_may(place: Place, queue: Queue) -> None:
    """Two of north, one of south, whatever waits."""
    await submit(queue, *(wish(f"p{n}") for n in range(5)), *(wish(f"p{n}", tenant="south") for n in range(5)))
    running = [await claimed(place, queue) for _ in range(3)]
    assert sorted(claim.job.tenant for claim in running) == ["north", "north", "south"]
    assert await place.try_claim(queue) is None
    await done(queue, next(claim for claim in running if claim.job.tenant == "south"))
    assert (await claimed(place, queue)).job.tenant == "south"


async def test_a_persons_jobs_run_in_the_order_of_acceptance(place: Place, queue: Queue) -> None:
    """A more urgent job does not overtake its own person's earlier ones; it pulls them forward."""
    others = await submit(queue, wish("bo"), wish("cy"))
    ana = await submit(queue, wish(op="update"), wish(op="remove_from_projects"), wish(op="offboard"))
    assert await run_all(place, queue) == [*ana, *others]


async def test_an_offboard_behind_three_hundred_creates_is_next(place: Place, queue: Queue) -> None:
    """Leavers first."""
    await submit(queue, *(wish(f"p{n}", op="provision") for n in range(300)))
    (offboard,) = await submit(queue, wish("leaver", op="offboard"))
    assert (await claimed(place, queue)).job.id == offboard


async def test_a_dated_job_does_not_hold_its_person(place: Place, queue: Queue) -> None:
    """What is dated in the future lets later ones pass, and comes in its turn when it is due."""
    dated, later = await submit(queue, wish(not_before=NOON + 60), wish(what="24-002"))
    assert await run_all(place, queue) == [later]
    place.clock.now += 60
    assert await run_all(place, queue) == [dated]


async def test_a_job_that_waits_for_its_retry_holds_its_person(place: Place, queue: Queue) -> None:
    """Else its later jobs would find the person as nobody expects."""
    first, second = await submit(queue, wish(), wish(what="24-002"))
    await queue.finish(await claimed(place, queue), Ending(Retry(NOON + 30, TROUBLE)))
    assert await place.try_claim(queue) is None
    place.clock.now += 30
    assert await run_all(place, queue) == [first, second]


@pytest.mark.parametrize("hold", list(Hold))
async def test_a_held_job_holds_its_person(place: Place, queue: Queue, hold: Hold) -> None:
    """Until a person has decided, the later ones wait; other people's do not."""
    await submit(queue, wish(), wish(what="24-002"))
    (other,) = await submit(queue, wish("bo"))
    await queue.finish(await claimed(place, queue), Ending(Held(hold, "why")))
    assert await run_all(place, queue) == [other]


async def test_a_clock_that_jumps_back_delays_no_accepted_job(place: Place, queue: Queue) -> None:
    """Not dated means at once, whatever the time is."""
    (job,) = await submit(queue, wish())
    place.clock.now -= 3600
    assert (await claimed(place, queue)).job.id == job


async def test_outside_its_hours_a_tenant_runs_only_what_is_exempt(place: Place, queue: Queue) -> None:
    """Offboardings and reading go on; a job that only checks as well; other tenants are not touched."""
    grant, leaver, read, south = await submit(
        queue, wish(), wish("bo", op="offboard"), wish("cy", op="read"), wish(tenant="south")
    )
    closed = Openings(frozenset({"north"}), frozenset({"offboard", "read"}))
    seen = []
    while (claim := await place.try_claim(queue, closed)) is not None:
        seen.append(claim.job.id)
        await done(queue, claim)
    assert seen == [leaver, read, south]
    await queue.finish(await claimed(place, queue), Ending(Held(Hold.HAND_OVER, "by hand")))
    await queue.resolve(grant, "mia")
    assert (await claimed(place, queue, closed)).job.id == grant


async def test_a_tenant_may_keep_even_removals_inside_its_hours(place: Place, queue: Queue) -> None:
    """``reads_only``: of the exempt actions only those that change nothing are left."""
    _, read = await submit(queue, wish("bo", op="offboard"), wish("cy", op="read"))
    closed = Openings(frozenset({"north"}), frozenset({"offboard", "read"}), frozenset({"north"}))
    assert (await claimed(place, queue, closed)).job.id == read
    assert await place.try_claim(queue, closed) is None


async def test_nothing_of_a_paused_tenant_is_claimed(place: Place, queue: Queue) -> None:
    """By a person until a person resumes; by a breaker until its date. What is accepted meanwhile waits."""
    first, second = await submit(queue, wish(), wish("bo"))
    running = await claimed(place, queue)
    await queue.finish(running, Ending(Done(), pause=PauseTenant("password rejected", until=NOON + 900)))
    assert running.job.id == first
    assert await place.try_claim(queue) is None
    await submit(queue, wish(tenant="south"))
    assert (await claimed(place, queue)).job.tenant == "south"
    place.clock.now += 900
    assert (await claimed(place, queue)).job.id == second
    await submit(queue, wish("cy"))
    await queue.pause("north", "mia", "maintenance")
    place.clock.now += 9e6
    assert await place.try_claim(queue) is None
    await queue.resume("north", "mia")
    assert (await claimed(place, queue)).job.person == "cy@example.com"


async def test_a_breaker_neither_replaces_a_persons_pause_nor_shortens_its_own(place: Place, queue: Queue) -> None:
    """The stronger pause stays."""
    await submit(queue, wish(), wish("bo"))
    one, other = await claimed(place, queue), await claimed(place, queue)
    await queue.finish(one, Ending(Done(), pause=PauseTenant("locked")))
    await queue.finish(other, Ending(Done(), pause=PauseTenant("unreachable", until=NOON + 60)))
    north = next(state for state in await queue.tenants() if state.name == "north")
    assert (north.paused, north.paused_by, north.why, north.not_before) == (True, "breaker", "locked", None)


async def test_a_job_about_the_address_that_a_change_email_gives_comes_after_it(place: Place, queue: Queue) -> None:
    """The two are one person: one line, and the urgency of what stands behind."""
    await submit(queue, wish("zoe"))
    change, leaver = await submit(queue, wish("ana", op="change_email", to="ana.new"), wish("ana.new", op="offboard"))
    claim = await claimed(place, queue)
    assert claim.job.id == change
    assert (await claimed(place, queue)).job.person == "zoe@example.com"
    assert await place.try_claim(queue) is None
    await done(queue, claim, renamed_to="ana.new@example.com")
    assert (await claimed(place, queue)).job.id == leaver


async def test_a_change_email_waits_for_the_earlier_jobs_of_both_addresses(place: Place, queue: Queue) -> None:
    """And while it runs, nothing about either address does."""
    old, new = await submit(queue, wish("ana"), wish("ana.new"))
    (change,) = await submit(queue, wish("ana", op="change_email", to="ana.new"))
    one, other = await claimed(place, queue), await claimed(place, queue)
    assert {one.job.id, other.job.id} == {old, new}
    await done(queue, one)
    assert await place.try_claim(queue) is None
    await done(queue, other)
    assert (await claimed(place, queue)).job.id == change
    dated_then_due = await submit(queue, wish("ana.new", what="24-009"))
    assert await place.try_claim(queue) is None, dated_then_due


async def test_two_change_emails_to_one_address_never_run_together(place: Place, queue: Queue) -> None:
    """They share the address that they give."""
    first, second = await submit(queue, wish("ana", op="change_email", to="a"), wish("bo", op="change_email", to="a"))
    assert (await claimed(place, queue)).job.id == first
    assert await place.try_claim(queue) is None, second


async def test_a_job_is_given_up_when_its_time_has_come(place: Place, queue: Queue) -> None:
    """Dead with a reason, and people are told; it no longer holds its person."""
    first, second = await submit(queue, wish(give_up_at=NOON + 60, hold=Hold.APPROVAL), wish(what="24-002"))
    assert await place.try_claim(queue) is None
    place.clock.now += 60
    assert (await claimed(place, queue)).job.id == second
    job = await queue.job(first)
    assert (job.state.value, job.error_kind) == ("dead", "expired")
    assert [(notice.kind, notice.channel) for notice in await queue.notices_due()] == [("expired", "webhook:desk")]


@pytest.mark.parametrize("how", [Retry(NOON + 3600, TROUBLE), Held(Hold.HAND_OVER, "no right to look")])
@pytest.mark.parametrize("where", ["the same line", "another line"])
async def test_no_leaver_waits_for_a_report(place: Place, queue: Queue, how: Retry | Held, where: str) -> None:
    """A report that could not be had is tried later, or by a person; meanwhile the person's other jobs go on."""
    if where == "another line":  # joined only when the change of the address was accepted
        await submit(queue, wish("ana.new", op="read"), wish("ana"))
        (report,) = [claim for claim in [await claimed(place, queue)] if claim.job.op == "read"]
        await done(queue, await claimed(place, queue))
        (offboard,) = await submit(queue, wish("ana", op="change_email", to="ana.new"))
    else:
        await submit(queue, wish(op="read"))
        report = await claimed(place, queue)
        (offboard,) = await submit(queue, wish(op="offboard"))
    assert await place.try_claim(queue) is None, "never two at a time"
    await queue.finish(report, Ending(how))
    assert (await claimed(place, queue)).job.id == offboard

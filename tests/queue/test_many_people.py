"""Jobs about many people: a job of each of them, but for whoever is offboarded later."""

from __future__ import annotations

import pytest

from agent.queue.ending import Dead, Done, Ending, GiveBack, Held, Retry
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import Hold
from tests.queue.places import NOON, Place
from tests.queue.test_order import claimed, done, run_all, submit
from tests.queue.wishes import TROUBLE, crowd, wish

pytestmark = pytest.mark.asyncio

CREW = ("ana", "bo", "cy")


async def test_it_waits_for_the_earlier_jobs_of_each(place: Place, queue: Queue) -> None:
    """One that runs, and one that waits for its retry, of any of its people."""
    first, second, many = await submit(queue, wish("bo"), wish("cy"), crowd(*CREW))
    bo, cy = await claimed(place, queue), await claimed(place, queue)
    assert [bo.job.id, cy.job.id] == [first, second]
    await done(queue, bo)
    await queue.finish(cy, Ending(Retry(NOON + 30, TROUBLE)))
    assert await place.try_claim(queue) is None
    place.clock.now += 30
    assert await run_all(place, queue) == [second, many]


async def test_later_jobs_of_its_people_wait_for_it(place: Place, queue: Queue) -> None:
    """While it runs and while it is held; nobody else waits."""
    many, later, stranger = await submit(queue, crowd(*CREW), wish("bo"), wish("zoe"))
    running = await claimed(place, queue)
    assert running.job.id == many
    assert (await claimed(place, queue)).job.id == stranger
    assert await place.try_claim(queue) is None
    await queue.finish(running, Ending(Held(Hold.APPROVAL, "three people")))
    assert await place.try_claim(queue) is None
    await queue.approve(many, "mia", {})
    assert await run_all(place, queue) == [many, later]


async def test_two_with_a_person_in_common_run_one_after_the_other(place: Place, queue: Queue) -> None:
    """Whatever their projects are; two without run side by side, and one project's jobs keep their order."""
    first, second = await submit(queue, crowd("ana", "bo"), crowd("bo", "cy", project="24-002"))
    (third,) = await submit(queue, crowd("eva", project="24-003"))
    (fourth,) = await submit(queue, crowd("flo", project="24-003"))
    assert {(await claimed(place, queue)).job.id for _ in range(2)} == {first, third}
    assert await place.try_claim(queue) is None
    await place.die(queue)
    queue = await place.open({"north": 2, "south": 1})
    assert await run_all(place, queue) == [first, second, third, fourth]


async def test_a_leaver_does_not_wait_for_it_and_is_left_out(place: Place, queue: Queue) -> None:
    """The offboard comes first, even while the others wait for an approval; they go on without that person."""
    (many,) = await submit(queue, crowd(*CREW, hold=Hold.APPROVAL))
    (leaver,) = await submit(queue, wish("bo", op="offboard"))
    assert await run_all(place, queue) == [leaver]
    assert [event.data for event in await queue.events(many) if event.kind == "left-out"] == [
        {"by_job": leaver, "person": "bo@example.com"}
    ]
    await queue.approve(many, "mia", {})
    claim = await claimed(place, queue)
    assert (await queue.guard(claim)).left_out == {"bo@example.com": leaver}


async def test_the_leaver_of_a_running_one_stops_it_for_a_moment(place: Place, queue: Queue) -> None:
    """At its next boundary; it comes back without an attempt burnt and without that person, beside the offboard."""
    (many,) = await submit(queue, crowd(*CREW))
    running = await claimed(place, queue)
    (leaver,) = await submit(queue, wish("bo", op="offboard"))
    assert await place.try_claim(queue) is None  # it is at work on that person
    asked = await queue.guard(running)
    assert (asked.stop, asked.comes_back) == (True, True)
    assert "bo@example.com" in asked.why
    await queue.finish(running, Ending(GiveBack(asked.why)))
    first, second = await claimed(place, queue), await claimed(place, queue)
    assert (first.job.id, second.job.id, second.job.attempt) == (leaver, many, 1)
    assert (await queue.guard(second)).left_out == {"bo@example.com": leaver}
    assert not (await queue.guard(second)).stop


async def test_a_dead_one_that_is_run_again_leaves_out_who_was_offboarded_since(place: Place, queue: Queue) -> None:
    """An old job must not bring a leaver back; the others are done."""
    (many,) = await submit(queue, crowd(*CREW))
    await queue.finish(await claimed(place, queue), Ending(Dead(TROUBLE)))
    (leaver,) = await submit(queue, wish("ana", op="offboard"))
    assert await run_all(place, queue) == [leaver]
    await queue.retry(many, "mia")
    assert (await queue.guard(await claimed(place, queue))).left_out == {"ana@example.com": leaver}


async def test_the_same_wish_is_one_job_unless_something_came_between(place: Place, queue: Queue) -> None:
    """Also where what came between is about one of its people only, and the other way round."""
    first, again = await submit(queue, crowd(*CREW), crowd(*CREW))
    assert first == again
    between, third = await submit(queue, wish("bo", op="remove_from_projects"), crowd(*CREW))
    assert third not in (first, between)
    (fourth,) = await submit(queue, wish("bo", op="remove_from_projects"))
    assert fourth != between


async def test_it_is_found_by_each_of_its_people(place: Place, queue: Queue) -> None:
    """Whoever asks for a person's jobs sees it, until it is forgotten with all that belongs to it."""
    (many,) = await submit(queue, crowd(*CREW))
    assert [job.id for job in await queue.jobs(JobFilter(person="bo@example.com"))] == [many]
    await queue.finish(await claimed(place, queue), Ending(Done()))
    place.clock.now += 100
    assert await queue.maintain(50) == 1
    assert await queue.jobs(JobFilter(person="bo@example.com")) == ()
    (again,) = await submit(queue, crowd(*CREW))
    assert again != many

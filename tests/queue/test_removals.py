"""People who are taken off a project while a job about many of them waits, and lines of distribution groups."""

from __future__ import annotations

from typing import Any

import pytest

from agent.queue.ending import Dead, Ending, Held, How, Retry
from agent.queue.interface import Openings, Queue
from agent.queue.record import Hold, JobState, NewJob, Priority
from tests.queue.places import NOON, Place
from tests.queue.test_order import claimed, done, run_all, submit
from tests.queue.wishes import TROUBLE, crowd, wish

pytestmark = pytest.mark.asyncio

CREW = ("ana", "bo", "cy")
NIGHT = Openings(frozenset({"north"}), frozenset({"offboard", "remove_from_projects", "bulk_remove_from_project"}))


def removal(*people: str, one: bool = False, project: str = "24-001", **changes: Any) -> NewJob:
    """Somebody is taken off a project: by a job of their own, or by one about several."""
    values = {"priority": Priority.REVOKE, **changes}
    if one:
        return wish(people[0], op="remove_from_projects", **values)
    return crowd(*people, op="bulk_remove_from_project", project=project, **values)


REMOVALS = {
    "one": removal("bo", one=True),
    "many": removal("bo"),
    "another project": removal("bo", "zoe", project="24-002"),
}
WAITING: dict[str, How] = {
    **{hold.value: Held(hold, "somebody has to act") for hold in Hold},
    "retry": Retry(NOON + 300, TROUBLE),
}


@pytest.mark.parametrize("which", REMOVALS)
@pytest.mark.parametrize("why", WAITING)
async def test_a_removal_passes_a_job_about_many_that_has_not_come_to_a_write(
    place: Place, queue: Queue, why: str, which: str
) -> None:
    """Whatever that one waits for, and whether the removal is about one person or several; its history says so."""
    (many,) = await submit(queue, crowd(*CREW))
    await queue.finish(await claimed(place, queue), Ending(WAITING[why]))
    (gone,) = await submit(queue, REMOVALS[which])
    assert await run_all(place, queue) == [gone]
    assert [event.data for event in await queue.events(many) if event.kind == "passed-by"] == [
        {"by_job": gone, "people": ["bo@example.com"]}
    ]
    later = await queue.later_removals(many)
    assert {person: [job.id for job in jobs] for person, jobs in later.items()} == {"bo@example.com": [gone]}


@pytest.mark.parametrize("which", REMOVALS)
async def test_a_removal_waits_for_one_of_which_half_may_be_done(place: Place, queue: Queue, which: str) -> None:
    """From its first write on, order is kept: the removal takes away what it gives."""
    (many,) = await submit(queue, crowd(*CREW))
    running = await claimed(place, queue)
    await queue.progress(running, {"step": "Add three people"})
    await queue.finish(running, Ending(Held(Hold.UNCERTAIN, "look", trouble=TROUBLE)))
    (gone,) = await submit(queue, REMOVALS[which])
    assert await place.try_claim(queue) is None
    assert await queue.later_removals(many) == {}
    await queue.retry(many, "mia")
    assert await run_all(place, queue) == [many, gone]


@pytest.mark.parametrize("which", REMOVALS)
async def test_passing_never_makes_two_jobs_of_a_person_run(place: Place, queue: Queue, which: str) -> None:
    """Approved while the removal is at work: it waits for it."""
    (many,) = await submit(queue, crowd(*CREW, hold=Hold.APPROVAL))
    (gone,) = await submit(queue, REMOVALS[which])
    running = await claimed(place, queue)
    assert running.job.id == gone
    await queue.approve(many, "mia", {})
    assert await place.try_claim(queue) is None
    await done(queue, running)
    assert (await claimed(place, queue)).job.id == many


async def test_a_removal_waits_for_one_that_runs(place: Place, queue: Queue) -> None:
    """Also before that one has come to a write: it may do so at any moment."""
    (many,) = await submit(queue, crowd(*CREW))
    running = await claimed(place, queue)
    ids = await submit(queue, *REMOVALS.values())
    assert await place.try_claim(queue) is None
    await done(queue, running)
    assert sorted(await run_all(place, queue)) == sorted(set(ids))
    assert [event for event in await queue.events(many) if event.kind == "passed-by"] == []


@pytest.mark.parametrize("which", REMOVALS)
async def test_outside_office_hours_a_removal_passes_and_what_is_before_it_stays_shut_out(
    place: Place, queue: Queue, which: str
) -> None:
    """It must not wait until Monday, and is no reason to add forty people at night."""
    many, gone = await submit(queue, crowd(*CREW), REMOVALS[which])
    at_night = await claimed(place, queue, NIGHT)
    assert at_night.job.id == gone
    await done(queue, at_night)
    assert await place.try_claim(queue, NIGHT) is None
    assert await run_all(place, queue) == [many]


async def test_other_jobs_of_its_people_wait_as_before(place: Place, queue: Queue) -> None:
    """Only what takes access away goes first."""
    many, other, more = await submit(
        queue, crowd(*CREW, hold=Hold.APPROVAL), wish("bo"), crowd("cy", project="24-009", what="more")
    )
    assert await place.try_claim(queue) is None
    await queue.approve(many, "mia", {})
    assert await run_all(place, queue) == [many, other, more]


async def test_a_dead_one_is_told_of_removals_that_are_done(place: Place, queue: Queue) -> None:
    """Though it has come to a write: run again it would give back what was taken away since."""
    (many,) = await submit(queue, crowd(*CREW))
    running = await claimed(place, queue)
    await queue.progress(running, {"step": "Add three people"})
    await queue.finish(running, Ending(Dead(TROUBLE)))
    gone, cancelled = await submit(queue, REMOVALS["one"], removal("cy", one=True))
    await queue.cancel(cancelled, "mia")
    assert await run_all(place, queue) == [gone]
    await queue.retry(many, "mia")
    assert list(await queue.later_removals(many)) == ["bo@example.com"]


@pytest.mark.parametrize("between", [REMOVALS["one"], REMOVALS["many"], wish("bo", op="offboard")])
async def test_a_wish_that_comes_again_is_not_joined_to_one_that_leaves_somebody_out(
    place: Place, queue: Queue, between: NewJob
) -> None:
    """Add, remove, add: the first leaves the person out, so the last is a job of its own, which does not."""
    (first,) = await submit(queue, crowd(*CREW))
    await queue.finish(await claimed(place, queue), Ending(Retry(NOON + 300, TROUBLE)))
    (gone,) = await submit(queue, between)
    assert await run_all(place, queue) == [gone]
    (again,) = await submit(queue, crowd(*CREW))
    assert again != first
    assert await queue.later_removals(again) == {}


def group(project: str, name: str = "site safety", **changes: Any) -> NewJob:
    """A job about a project's distribution group; ``project`` in the words of the job."""
    job = crowd(*changes.pop("people", ()), op="distribution_group", **changes)
    return NewJob(**{**vars(job), "person": f"group:{project and project + '/'}{name}", "dedup_key": None})


async def test_jobs_of_one_group_keep_their_order_however_they_call_the_project(place: Place, queue: Queue) -> None:
    """A deletion that waits for an approval must not come after the group was made anew."""
    delete, make = await submit(queue, group("24-001", hold=Hold.APPROVAL), group("harbor bridge", people=("ana",)))
    assert await place.try_claim(queue) is None
    await queue.approve(delete, "mia", {})
    assert await run_all(place, queue) == [delete, make]


async def test_groups_of_other_names_and_of_the_company_wait_for_nobody(place: Place, queue: Queue) -> None:
    """A line is a level and a name."""
    delete, other, company = await submit(
        queue, group("24-001", hold=Hold.APPROVAL), group("24-001", "lift plan"), group("")
    )
    assert await run_all(place, queue) == [other, company]
    assert (await queue.job(delete)).state is JobState.QUEUED


async def test_a_group_job_that_is_run_again_stands_in_its_line(place: Place, queue: Queue) -> None:
    """Dead ones come back into it."""
    (first,) = await submit(queue, group("24-001"))
    await queue.finish(await claimed(place, queue), Ending(Dead(TROUBLE)))
    await queue.hand_over(first, "mia", "by hand", {})
    (second,) = await submit(queue, group("harbor bridge"))
    assert await place.try_claim(queue) is None
    await queue.cancel(first, "mia")
    assert await run_all(place, queue) == [second]


async def test_members_of_one_project_called_differently_keep_the_order_of_each_person(
    place: Place, queue: Queue
) -> None:
    """Jobs that share nobody may go side by side: what they do to the project does not depend on their order."""
    add, stranger = await submit(
        queue, crowd("ana", "bo", hold=Hold.APPROVAL), crowd("zoe", project="harbor bridge", what="zoe")
    )
    (more,) = await submit(queue, crowd("bo", project="harbor bridge"))
    assert await run_all(place, queue) == [stranger]
    await queue.approve(add, "mia", {})
    assert await run_all(place, queue) == [add, more]

"""What is accepted, what is joined, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import Refused
from agent.queue.ending import Done, Ending, Held, Retry
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import Hold, JobState
from tests.queue.places import NOON, Place
from tests.queue.wishes import TROUBLE, wish

pytestmark = pytest.mark.asyncio


async def kinds(queue: Queue, job_id: int) -> list[str]:
    return [event.kind for event in await queue.events(job_id)]


async def test_an_accepted_job_is_there_after_the_process_has_died(place: Place, queue: Queue) -> None:
    """What submit has returned, the next process finds."""
    (accepted,) = await queue.submit([wish(key="k1", needed_by=NOON + 60, batch="b", what="24-007")])
    await place.die(queue)
    job = await (await place.open({"north": 2})).job(accepted.id)
    assert (job.state, job.person, job.needed_by, job.batch) == (JobState.QUEUED, "ana@example.com", NOON + 60, "b")
    assert job.args["what"] == "24-007"
    assert job.created_at == NOON


async def test_a_batch_is_accepted_as_a_whole_or_not_at_all(queue: Queue) -> None:
    """One bad job in it, and none of it is in the queue."""
    with pytest.raises(Refused, match="no tenant 'west'"):
        await queue.submit([wish("ana"), wish("bo"), wish("cy", tenant="west")])
    assert await queue.jobs(JobFilter()) == ()
    accepted = await queue.submit([wish("ana"), wish("bo")])
    assert [item.id for item in accepted] == [job.id for job in await queue.jobs(JobFilter())]


async def test_the_same_request_key_is_the_same_job_for_the_retention_time(place: Place, queue: Queue) -> None:
    """Sent again, whether it waits or has ended, it adds nothing; a tenant has keys of its own."""
    (first,) = await queue.submit([wish(key="hr-1")])
    (again,) = await queue.submit([wish(key="hr-1", ticket="IT-2")])
    assert (again.id, again.joined) == (first.id, True)
    claim = await place.try_claim(queue)
    assert claim is not None
    await queue.finish(claim, Ending(Done()))
    (late,) = await queue.submit([wish(key="hr-1")])
    assert (late.id, late.joined) == (first.id, True)
    (other,) = await queue.submit([wish(key="hr-1", tenant="south")])
    assert not other.joined


async def test_a_request_key_with_another_wish_is_refused(queue: Queue) -> None:
    """A key names one wish; the whole batch is refused, the first job of it as well."""
    await queue.submit([wish(key="hr-1", what="24-001")])
    with pytest.raises(Refused) as refused:
        await queue.submit([wish("bo"), wish(key="hr-1", what="24-002")])
    assert refused.value.code == "request-key-reused"
    assert len(await queue.jobs(JobFilter())) == 1


async def test_a_wish_that_waits_already_is_joined(queue: Queue) -> None:
    """The same wish again is the job that waits, as urgent and as early as either asks."""
    (first,) = await queue.submit([wish(key="a", needed_by=NOON + 900)])
    (second,) = await queue.submit([wish(key="b", needed_by=NOON + 100, priority=30)])
    (third,) = await queue.submit([wish(key="b", needed_by=NOON + 100)])
    assert [second.id, third.id] == [first.id, first.id]
    assert second.joined
    job = await queue.job(first.id)
    assert (job.priority, job.needed_by) == (30, NOON + 100)
    assert await kinds(queue, first.id) == ["accepted", "joined"]


async def test_a_wish_is_not_joined_across_another_one_of_the_person(queue: Queue) -> None:
    """Add, remove, add: the last one is a job of its own, or the person would end up outside."""
    add, remove = wish(), wish(op="remove_from_projects")
    ids = [(await queue.submit([job]))[0].id for job in (add, remove, add)]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("how", ["running", "held", "held from the start", "dated"])
async def test_a_wish_joins_only_a_job_that_waits_for_its_turn(place: Place, queue: Queue, how: str) -> None:
    """Not one that runs (it has read the page already), that a person decides on, or that comes too late."""
    at_first: dict[str, dict[str, Any]] = {
        "held from the start": {"hold": Hold.APPROVAL},
        "dated": {"not_before": NOON + 60},
    }
    changes = at_first.get(how, {})
    (first,) = await queue.submit([wish(**changes)])
    if how in ("running", "held"):
        claim = await place.try_claim(queue)
        assert claim is not None
        if how == "held":
            await queue.finish(claim, Ending(Held(Hold.APPROVAL, "too many projects")))
    (second,) = await queue.submit([wish()])
    assert second.id != first.id


async def test_a_wish_joins_a_job_that_waits_for_its_retry(place: Place, queue: Queue) -> None:
    """Sending it again does not make a second job of one that is being tried."""
    (first,) = await queue.submit([wish()])
    claim = await place.try_claim(queue)
    assert claim is not None
    await queue.finish(claim, Ending(Retry(NOON + 300, TROUBLE)))
    (second,) = await queue.submit([wish()])
    assert (second.id, second.joined) == (first.id, True)


async def test_an_offboard_supersedes_the_persons_waiting_grants(place: Place, queue: Queue) -> None:
    """Held and dated ones, too; not what takes access away, not other people's, not what comes later."""
    waiting = await queue.submit(
        [
            wish(hold=Hold.APPROVAL),
            wish(what="24-002", not_before=NOON + 9e6),
            wish(op="remove_from_projects"),
            wish("bo"),
        ]
    )
    held, dated, removal, other = (accepted.id for accepted in waiting)
    (offboard,) = await queue.submit([wish(op="offboard")])
    (later,) = await queue.submit([wish(op="provision")])
    assert offboard.superseded == (held, dated)
    states = {job.id: job.state for job in await queue.jobs(JobFilter())}
    assert [states[held], states[dated]] == [JobState.SUPERSEDED] * 2
    assert {states[removal], states[other], states[later.id]} == {JobState.QUEUED}
    assert (await queue.job(held)).superseded_by == offboard.id
    assert await kinds(queue, held) == ["accepted", "superseded"]


async def test_an_offboard_asks_a_running_grant_to_stop(place: Place, queue: Queue) -> None:
    """It stops at its next step boundary, and is superseded then, however its run ends short of done."""
    (grant,) = await queue.submit([wish()])
    claim = await place.try_claim(queue)
    assert claim is not None
    assert not (await queue.guard(claim)).stop
    (offboard,) = await queue.submit([wish(op="offboard")])
    assert offboard.superseded == (grant.id,)
    assert (await queue.guard(claim)).stop
    ended = await queue.finish(claim, Ending(Held(Hold.UNCERTAIN, "no answer", trouble=TROUBLE)))
    assert (ended.state, ended.hold, ended.error_code) == (JobState.SUPERSEDED, None, "page-timeout")
    following = await place.try_claim(queue)
    assert following is not None
    assert following.job.id == offboard.id

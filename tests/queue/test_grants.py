"""Access for a time: what a run grants, and the revocation that ends it."""

from __future__ import annotations

import math

import pytest

from agent.queue.ending import Dead, Done, Ending
from agent.queue.interface import Queue
from agent.queue.record import CLOCK, JobState, NewGrant
from tests.queue.places import NOON, Place
from tests.queue.runs import DAY, claimed, ended
from tests.queue.wishes import TROUBLE, wish

pytestmark = pytest.mark.asyncio


async def test_grants_of_a_run(place: Place, queue: Queue) -> None:
    """Given, replaced by a later end, closed when revoked, taken along to a new address, over with the offboarding."""
    project, account = NewGrant("project", {"id": "17"}, NOON + 60), NewGrant("account", {}, NOON + 90)
    await queue.finish(await claimed(place, queue), Ending(Done(), grants=(project, account)))
    extended = NewGrant("project", {"id": "17"}, NOON + 600)
    await queue.finish(await claimed(place, queue), Ending(Done(), grants=(extended,)))
    found = await queue.grants()
    assert [(grant.kind, grant.expires_at, grant.given_by_job) for grant in found] == [
        ("account", NOON + 90, 1),
        ("project", NOON + 600, 2),
    ]
    await queue.finish(await claimed(place, queue), Ending(Done(), renamed_to="ana.new@example.com"))
    assert {grant.person for grant in await queue.grants()} == {"ana.new@example.com"}
    await queue.finish(await claimed(place, queue), Ending(Done(), revoked=(found[1].id,)))
    assert [grant.kind for grant in await queue.grants(tenant="north")] == ["account"]
    assert await queue.grants(tenant="south") == ()
    await queue.finish(await claimed(place, queue, person="ana.new"), Ending(Done(), closes_grants=True))
    assert await queue.grants() == ()


async def test_a_new_address_that_has_the_same_grant_keeps_the_earlier_end(place: Place, queue: Queue) -> None:
    """Access ends no later than anybody has asked for."""
    for person, at in (("ana", NOON + 60), ("ana.new", NOON + 90)):
        await queue.finish(
            await claimed(place, queue, person=person), Ending(Done(), grants=(NewGrant("account", {}, at),))
        )
    await queue.finish(await claimed(place, queue), Ending(Done(), renamed_to="ana.new@example.com"))
    assert [(grant.person, grant.expires_at) for grant in await queue.grants()] == [("ana.new@example.com", NOON + 60)]


async def test_a_due_grant_is_due_until_a_job_for_it_is_in_the_queue(queue: Queue) -> None:
    """Level-triggered: asked again and again, enqueued once."""
    await queue.add_grants(1, "north", "ana@example.com", [NewGrant("project", {"id": "17"}, NOON + 60)])
    assert await queue.grants(due_at=NOON + 59) == ()
    (grant,) = await queue.grants(due_at=NOON + 60)
    await queue.mark_revoking(grant.id, 7)
    assert await queue.grants(due_at=NOON + 60) == ()
    assert [open_grant.revoked_by_job for open_grant in await queue.grants()] == [7]


async def test_a_done_revocation_closes_its_grant_whatever_the_project_is_called(place: Place, queue: Queue) -> None:
    """The job has read that the access is gone; a grant left open would be told as overdue for ever."""
    await queue.add_grants(1, "north", "ana@example.com", [NewGrant("project", {"project": "24-017"}, NOON)])
    (grant,) = await queue.grants(due_at=NOON)
    claim = await claimed(place, queue, person="ana")
    await queue.mark_revoking(grant.id, claim.job.id)
    assert [item.id for item in await queue.grants(overdue_at=NOON)] == [grant.id]
    await queue.finish(claim, Ending(Done()))
    assert await queue.grants() == ()


async def test_a_revocation_that_was_done_before_it_was_noted_closes_the_grant(place: Place, queue: Queue) -> None:
    """The clock died between submitting and noting, and the job ran meanwhile."""
    await queue.add_grants(1, "north", "ana@example.com", [NewGrant("account", {}, NOON)])
    (grant,) = await queue.grants(due_at=NOON)
    claim = await claimed(place, queue, person="ana")
    await queue.finish(claim, Ending(Done()))
    await queue.mark_revoking(grant.id, claim.job.id)
    assert await queue.grants() == ()


@pytest.mark.parametrize(
    ("created_by", "joins", "end", "expected"),
    [
        (CLOCK, False, NOON + 60, JobState.CANCELLED),
        (CLOCK, True, NOON + 60, JobState.QUEUED),
        ("maria", False, NOON + 60, JobState.QUEUED),
        (CLOCK, False, NOON - 60, JobState.QUEUED),
    ],
    ids=["extended", "somebody else wants it", "not the clock's", "extended to a time that has passed"],
)
async def test_an_extension_cancels_the_revocation_that_waits(
    place: Place, queue: Queue, created_by: str, joins: bool, end: float, expected: JobState
) -> None:
    """It would take away what was just given again. What a person asked for is that person's."""
    thing = {"project": {"id": "9"}}
    await queue.add_grants(1, "north", "ana@example.com", [NewGrant("project", thing, NOON)])
    (grant,) = await queue.grants(due_at=NOON)
    removal = wish("ana", "remove_from_projects", created_by=created_by)
    (revocation,) = await queue.submit([removal])
    if joins:
        await queue.submit([wish("ana", "remove_from_projects")])
    await queue.mark_revoking(grant.id, revocation.id)
    await queue.add_grants(7, "north", "ana@example.com", [NewGrant("project", thing, end)])
    record = await queue.job(revocation.id)
    assert record.state is expected
    if expected is JobState.CANCELLED:
        assert (await queue.events(revocation.id))[-1].data == {"by": "job 7", "why": "the access was extended"}


async def test_a_job_whose_revocation_is_open_is_not_forgotten(place: Place, queue: Queue) -> None:
    """How it ended is still to be told, every day; once the grant is closed it goes with the others."""
    await queue.add_grants(1, "north", "ana@example.com", [NewGrant("account", {}, NOON)])
    (grant,) = await queue.grants(due_at=NOON)
    dead = await ended(place, queue, Dead(TROUBLE))
    await queue.mark_revoking(grant.id, dead.id)
    place.clock.now += 10 * DAY
    assert await queue.maintain(DAY) == 0
    await queue.add_grants(2, "north", "ana@example.com", [NewGrant("account", {}, math.inf)])
    assert await queue.maintain(DAY) == 1

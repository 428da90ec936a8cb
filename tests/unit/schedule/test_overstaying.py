"""Access that outlives its end is never silent: level-triggered, whatever became of the job that should end it."""

from __future__ import annotations

import pytest

from agent.queue.ending import Dead, Done, Ending, Held, Trouble
from agent.queue.interface import JobFilter
from agent.queue.record import Hold, JobState
from agent.schedule.overstaying import look_after, overstays
from agent.schedule.revoking import revoke_due
from tests.unit.plan.wishes import EMAIL
from tests.unit.schedule.conftest import DAY, HOUR, NOON, Office, new
from tests.unit.schedule.test_time_limited_access import access, end

DENIED = Dead(Trouble("failed", "denied", "No right."))


async def look(office: Office) -> int:
    """One look of the clock: what is due, then what overstays."""
    await revoke_due(office.queue, office.clock(), 8)
    return await look_after(office.queue, office.clock(), 8, HOUR / 2, DAY)


async def subjects(office: Office) -> list[str]:
    """What was told, but for the first notice that the end has come."""
    told = await office.queue.notices_due(1000)
    return [notice.subject for notice in told if "takes it away" not in notice.subject]


async def expired(office: Office, action: str = "add_to_projects") -> int:
    """Access whose end has come, and whose revocation waits in the queue: its number."""
    fields = {"projects": access(DAY)} if action == "add_to_projects" else {"ends_at": end(DAY)}
    await office.queue.submit([new(action, "a", **fields)])
    await office.work_off()
    office.clock.now = NOON + DAY
    assert await look(office) == 0
    (record,) = await office.queue.jobs(JobFilter(states=frozenset({JobState.QUEUED})))
    return record.id


async def test_a_cancelled_revocation_is_told_every_day(office: Office) -> None:
    """By whom, and what to do; no job is made behind the back of who cancelled it; a restart tells nothing twice."""
    number = await expired(office)
    await office.queue.cancel(number, "maria")
    for day in range(3):
        office.clock.now = NOON + DAY + day * DAY
        assert [await look(office), await look(office)] == [1, 1]
        await office.start()
    said = "A project membership has outlived its end: job 2, which should take it away, was cancelled by maria"
    assert await subjects(office) == [said] * 3
    assert len(await office.queue.jobs(JobFilter())) == 2


async def test_a_dead_revocation_is_told_every_day_until_it_is_run_again(office: Office) -> None:
    """The clock does not send the same job round and round; a person does, when the cause is mended."""
    number = await expired(office)
    await office.work_off(DENIED)
    assert [await look(office), await look(office)] == [1, 1]
    office.clock.now += DAY
    assert await look(office) == 1
    assert [subject.rpartition(", ")[2] for subject in await subjects(office)] == ["is dead", "is dead"]
    await office.queue.retry(number, "maria")
    assert await look(office) == 0
    await office.work_off()
    office.clock.now += 10 * DAY
    assert await look(office) == 0
    assert await office.queue.grants() == ()


@pytest.mark.parametrize("how", ["extended", "made permanent", "taken away"])
async def test_telling_ends_when_somebody_has_decided(office: Office, how: str) -> None:
    """A later end, none at all, or another job that takes the access away."""
    await office.queue.cancel(await expired(office), "maria")
    assert await look(office) == 1
    if how == "taken away":
        await office.queue.submit([new("remove_from_projects", "b", projects=["24-017"])])
    else:
        later = access(9 * DAY)
        later[0]["ends_at"] = "none" if how == "made permanent" else later[0]["ends_at"]
        await office.queue.submit([new("add_to_projects", "b", projects=later)])
        assert await look(office) == 0  # it is due in the queue
    await office.work_off()
    office.clock.now += DAY
    assert await look(office) == 0


async def test_an_extension_that_nobody_has_approved_does_not_end_the_telling(office: Office) -> None:
    """Access is still there, and nobody has said yes to it."""
    await office.queue.cancel(await expired(office), "maria")
    await office.queue.submit([new("add_to_projects", "b", projects=access(9 * DAY))])
    await office.work_off(Held(Hold.APPROVAL, "Many."))
    assert await look(office) == 1


@pytest.mark.parametrize("offboard_ends", ["cancelled", "dead"])
async def test_a_superseded_revocation_comes_again_when_the_offboarding_fails(
    office: Office, offboard_ends: str
) -> None:
    """Nobody decided that the access should stay: while the offboarding lives it will do; then a new job is made."""
    number = await expired(office)
    (offboard,) = await office.queue.submit([new("offboard", "b")])
    assert (await office.queue.job(number)).state is JobState.SUPERSEDED
    assert await look(office) == 0
    if offboard_ends == "cancelled":
        await office.queue.cancel(offboard.id, "maria")
    else:
        await office.work_off(DENIED)
    await look(office)
    await look(office)
    live = await office.queue.jobs(JobFilter(states=frozenset({JobState.QUEUED})))
    assert [(record.op, record.request_key) for record in live] == [("remove_from_projects", f"expire:1:{number}")]
    await office.work_off()
    assert await office.queue.grants() == ()


async def test_a_revocation_that_waits_too_long_is_late(office: Office) -> None:
    """A paused tenant, an outage: told once, as late; a removal from a project as well as an offboarding."""
    number = await expired(office)
    office.clock.now += HOUR / 2 - 1
    await look(office)
    assert await subjects(office) == []
    for hours in (1, 2, 50):
        office.clock.now = NOON + DAY + hours * HOUR
        assert await look(office) == 0
    (said,) = await subjects(office)
    assert said.startswith(f"remove_from_projects (job {number} of acme) is late")


async def test_a_person_who_was_renamed_meanwhile_is_found(office: Office) -> None:
    """A change of address stood before the revocation, which then found nobody: a second one is made, once."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    await office.queue.submit([new("change_email", "b", new_email="new.name@example.com")])
    office.clock.now = NOON + DAY
    await look(office)
    renaming = await office.queue.next_claim("worker-1")
    await office.queue.finish(renaming, Ending(Done(), renamed_to="new.name@example.com"))
    revoking = await office.queue.next_claim("worker-1")
    assert (revoking.job.op, revoking.job.person) == ("remove_from_projects", EMAIL)
    await office.queue.finish(revoking, Ending(Dead(Trouble("refused", "no-such-person", "Nobody."))))
    assert [await look(office), await look(office)] == [0, 0]
    live = await office.queue.jobs(JobFilter(states=frozenset({JobState.QUEUED})))
    assert [(record.person, record.request_key) for record in live] == [
        ("new.name@example.com", f"expire:1:{revoking.job.id}")
    ]


async def test_a_week_of_downtime_is_one_notice(office: Office) -> None:
    """Not seven; and the status shows it all the time."""
    await office.queue.cancel(await expired(office, "provision"), "maria")
    office.clock.now = NOON + 8 * DAY
    await office.start()
    assert [await look(office), await look(office)] == [1, 1]
    assert len(await subjects(office)) == 1
    (found,) = await overstays(office.queue, office.clock())
    assert found.is_for_people
    assert (found.grant.kind, found.job and found.job.state) == ("account", JobState.CANCELLED)

"""Access with an end, from the job that gives it to the job that takes it away: through restarts and jumping clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.errors import Failed
from agent.queue.admission import admit
from agent.queue.ending import Done, Ending, Held
from agent.queue.interface import JobFilter
from agent.queue.record import Hold, JobState, NewGrant
from agent.schedule.revoking import revocation, revoke_due
from tests.unit.plan.wishes import EMAIL, job
from tests.unit.schedule.conftest import DAY, HOUR, NOON, Office, new


def end(seconds: float) -> str:
    return datetime.fromtimestamp(NOON + seconds, tz=UTC).isoformat()


def access(seconds: float, project: Any = "24-017") -> list[dict[str, Any]]:
    return [{"project": project, "template": "Viewer", "ends_at": end(seconds)}]


async def tick(office: Office) -> int:
    return await revoke_due(office.queue, office.clock(), 8)


async def ops(office: Office) -> list[tuple[str, str]]:
    return [(record.op, record.state.value) for record in await office.queue.jobs(JobFilter())]


async def test_a_membership_ends_at_its_time(office: Office) -> None:
    """Not a second earlier; the job that removes it names the project by its id and is as urgent as a revocation."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    office.clock.now = NOON + DAY - 1
    assert await tick(office) == 0
    office.clock.now += 1
    assert await tick(office) == 1
    (record,) = await office.queue.jobs(JobFilter(states=frozenset({JobState.QUEUED})))
    assert (record.op, record.person, record.priority, record.created_by) == (
        "remove_from_projects",
        EMAIL,
        30,
        "clock",
    )
    assert record.args["projects"] == [{"id": "9"}]
    await office.work_off()
    assert await office.queue.grants() == ()
    assert await tick(office) == 0


async def test_an_account_ends_with_an_offboarding(office: Office) -> None:
    """With everything else that was given for a time; the job says who gave it and when it was to end."""
    await office.queue.submit([new("provision", "a", ends_at=end(DAY), projects=access(9 * DAY))])
    await office.work_off()
    office.clock.now = NOON + DAY
    await tick(office)
    (record,) = await office.queue.jobs(JobFilter(states=frozenset({JobState.QUEUED})))
    assert (record.op, record.priority, record.args["reason"]["ticket"]) == (
        "offboard",
        10,
        "end of access given by job 1",
    )
    await office.work_off()
    assert await office.queue.grants() == ()
    office.clock.now = NOON + 10 * DAY
    assert await tick(office) == 0


async def test_a_week_of_downtime_costs_delay_and_nothing_else(office: Office) -> None:
    """Fifty ends that passed while nobody looked: fifty jobs, each once, however often it is looked then."""
    for number in range(50):
        wish = job(
            "add_to_projects",
            idempotency_key=f"a{number}",
            person={"email": f"p{number}@example.com"},
            projects=access(DAY),
        )
        await office.queue.submit([admit(wish, "acme", "hr")])
    await office.work_off()
    await office.stop()
    office.clock.now = NOON + 8 * DAY
    await office.start()
    assert await tick(office) == 50
    assert [await tick(office) for _ in range(3)] == [0, 0, 0]
    ended = await office.work_off()
    assert sorted(record.person for record in ended) == sorted(f"p{number}@example.com" for number in range(50))
    assert await office.queue.grants() == ()


async def test_a_death_between_submitting_and_noting_it_enqueues_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same key is submitted again after the restart and answered with the same job, even when that has run."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    office.clock.now = NOON + DAY

    async def die(grant_id: int, job_id: int) -> None:
        raise Failed("queue-unwritable", "The process dies here.")

    with monkeypatch.context() as patched:
        patched.setattr(office.queue, "mark_revoking", die)
        assert await tick(office) == 0
    await office.start()
    assert await tick(office) == 1
    assert await ops(office) == [("add_to_projects", "done"), ("remove_from_projects", "queued")]


async def test_clocks_that_jump_lose_and_repeat_nothing(office: Office) -> None:
    """Forward by a year: what has ended then is revoked, once. Back again: nothing is given back or enqueued again."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    office.clock.now = NOON + 365 * DAY
    assert await tick(office) == 1
    office.clock.now = NOON - 365 * DAY
    assert await tick(office) == 0
    await office.work_off()
    assert await ops(office) == [("add_to_projects", "done"), ("remove_from_projects", "done")]


async def test_a_later_end_replaces_an_earlier_one_also_when_nothing_else_is_to_do(office: Office) -> None:
    """An extension is a new job; the project may be named in another way."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    await office.queue.submit([new("add_to_projects", "b", projects=access(3 * DAY, "Westend Library"))])
    await office.work_off()
    office.clock.now = NOON + 2 * DAY
    assert await tick(office) == 0
    (grant,) = await office.queue.grants()
    assert grant.expires_at == NOON + 3 * DAY
    office.clock.now = NOON + 3 * DAY
    assert await tick(office) == 1


async def test_none_makes_it_permanent(office: Office) -> None:
    """The word none is a decision: the end is gone and does not come."""
    await office.queue.submit([new("provision", "a", ends_at=end(DAY))])
    await office.work_off()
    await office.queue.submit([new("provision", "b", ends_at="none")])
    await office.work_off()
    office.clock.now = NOON + 365 * DAY
    assert await office.queue.grants() == ()
    assert await tick(office) == 0


async def test_an_extension_that_was_accepted_in_time_goes_first(office: Office) -> None:
    """The tenant was paused over the end: the extension waits in the queue, and an offboard would make it pointless."""
    await office.queue.submit([new("provision", "a", ends_at=end(DAY))])
    await office.work_off()
    await office.queue.submit([new("provision", "b", ends_at=end(5 * DAY))])
    office.clock.now = NOON + 2 * DAY
    assert await tick(office) == 0
    await office.work_off()
    assert await tick(office) == 0
    office.clock.now = NOON + 5 * DAY
    assert await tick(office) == 1


async def test_an_extension_that_nobody_has_approved_does_not_count(office: Office) -> None:
    """Held, or dead: access ends at its time, since nobody has said yes to more."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    await office.queue.submit([new("add_to_projects", "b", projects=access(5 * DAY))])
    await office.work_off(Held(Hold.APPROVAL, "too many"))
    office.clock.now = NOON + DAY
    assert await tick(office) == 1


async def test_a_removal_by_hand_of_the_requester_ends_the_grant(office: Office) -> None:
    """Else the old end would take away what is given again later, for good."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    await office.queue.submit([new("remove_from_projects", "b", projects=["24-017"])])
    await office.work_off()
    await office.queue.submit([new("add_to_projects", "c", projects=[{"project": "24-017", "template": "Viewer"}])])
    await office.work_off()
    office.clock.now = NOON + 2 * DAY
    assert await tick(office) == 0


async def test_an_extension_of_another_project_delays_nothing(office: Office) -> None:
    """Each project has its own end; the same one counts under its number, its name and its id."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    office.clock.now = NOON + DAY
    for key, project in (("b", "24-018"), ("c", {"id": "10"})):
        await office.queue.submit([new("add_to_projects", key, projects=access(5 * DAY, project))])
    assert await tick(office) == 1


@pytest.mark.parametrize("project", ["24-017", "westend library", "24-017 - Westend Library", {"id": "9"}], ids=str)
async def test_an_extension_counts_by_every_name_of_its_project(office: Office, project: Any) -> None:
    """The clock sees no page, so it knows the names that the project had when the access was given."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    await office.queue.submit([new("add_to_projects", "b", projects=access(5 * DAY, project))])
    office.clock.now = NOON + DAY
    assert await tick(office) == 0


async def test_an_extension_under_a_new_name_cancels_the_revocation(office: Office) -> None:
    """The clock cannot know that name; the extension runs first, and what it extends is not taken away then."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    await office.queue.submit([new("add_to_projects", "b", projects=access(5 * DAY, "Renamed"))])
    office.clock.now = NOON + DAY
    assert await tick(office) == 1
    extending = await office.queue.next_claim("worker-1")
    later = NewGrant("project", {"project": {"id": "9"}}, NOON + 5 * DAY)
    await office.queue.finish(extending, Ending(Done(), grants=(later,)))
    assert await office.work_off() == []
    assert (await ops(office))[-1] == ("remove_from_projects", "cancelled")
    assert [grant.expires_at for grant in await office.queue.grants()] == [NOON + 5 * DAY]


async def test_one_grant_that_cannot_be_revoked_does_not_stop_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is its own affair; the failing one comes again at the next look."""
    await office.queue.add_grants(1, "nowhere", "x@example.com", [NewGrant("account", {}, NOON)])
    await office.queue.submit([new("add_to_projects", "a", projects=access(HOUR))])
    await office.work_off()
    office.clock.now = NOON + 2 * HOUR
    assert await tick(office) == 1
    assert [grant.tenant for grant in await office.queue.grants(due_at=office.clock())] == ["nowhere"]


async def test_the_outbox_says_that_access_has_ended(office: Office) -> None:
    """Once for each grant."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    office.clock.now = NOON + DAY
    await tick(office)
    await tick(office)
    assert await office.told() == [("expired", 2)]


async def test_a_revocation_reads_as_a_job_file_does(office: Office) -> None:
    """The clock's jobs pass the same reader as everybody's."""
    await office.queue.add_grants(7, "acme", EMAIL, [NewGrant("account", {}, NOON)])
    (grant,) = await office.queue.grants()
    wish = revocation(grant)
    assert (wish.action, wish.idempotency_key) == ("offboard", "expire:1")
    assert wish.reason.requested_by == "ends_at of job 7"

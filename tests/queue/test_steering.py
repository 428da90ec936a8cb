"""What a person decides, and what they see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from agent.errors import Refused
from agent.queue.ending import Dead, Done, Ending, Held, Retry
from agent.queue.interface import Depth, JobFilter, NoSuchJob, NotPossibleNow, Queue
from agent.queue.record import Hold, JobRecord, JobState, Mode
from tests.queue.places import NOON, Place
from tests.queue.wishes import TROUBLE, wish

pytestmark = pytest.mark.asyncio
Steer = Callable[[Queue, int], Awaitable[JobRecord]]

STEERS: dict[str, Steer] = {
    "cancel": lambda queue, job: queue.cancel(job, "mia"),
    "retry": lambda queue, job: queue.retry(job, "mia"),
    "approve": lambda queue, job: queue.approve(job, "mia", {"codes": ["too-many-projects"]}),
    "resolve": lambda queue, job: queue.resolve(job, "mia"),
    "hand_over": lambda queue, job: queue.hand_over(job, "mia", "no flow", {"steps": ["click"]}),
}
SITUATIONS = ("waiting", "approval", "hand-over", "uncertain", "retrying", "running", "dead", "done", "cancelled")


async def job_in(place: Place, queue: Queue, situation: str) -> int:
    (accepted,) = await queue.submit([wish()])
    if situation == "cancelled":
        await queue.cancel(accepted.id, "mia")
    if situation in ("waiting", "cancelled"):
        return accepted.id
    claim = await place.try_claim(queue)
    assert claim is not None
    match situation:
        case "approval" | "hand-over" | "uncertain":
            await queue.finish(claim, Ending(Held(Hold(situation), "why", {"plan": 1})))
        case "retrying":
            await queue.finish(claim, Ending(Retry(NOON + 900, TROUBLE)))
        case "dead":
            await queue.finish(claim, Ending(Dead(TROUBLE)))
        case "done":
            await queue.finish(claim, Ending(Done()))
    return accepted.id


POSSIBLE = {
    "cancel": {"waiting", "approval", "hand-over", "uncertain", "retrying", "running"},
    "retry": {"waiting", "approval", "hand-over", "uncertain", "retrying", "dead"},
    "approve": {"approval"},
    "resolve": {"approval", "hand-over", "uncertain", "dead"},
    "hand_over": {"waiting", "approval", "hand-over", "uncertain", "retrying", "dead"},
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("steer", STEERS)
async def test_what_can_be_decided_when(place: Place, queue: Queue, steer: str, situation: str) -> None:
    """Each decision is possible in the states in which it means something; elsewhere nothing changes."""
    job_id = await job_in(place, queue, situation)
    before = await queue.job(job_id)
    if situation not in POSSIBLE[steer]:
        with pytest.raises(NotPossibleNow):
            await STEERS[steer](queue, job_id)
        assert await queue.job(job_id) == before
        return
    changed = await STEERS[steer](queue, job_id)
    assert changed == await queue.job(job_id)
    assert (await queue.events(job_id))[-1].data["by"] == "mia"
    may_run = {"retry": True, "approve": True, "resolve": True}.get(steer, False)
    claim = await place.try_claim(queue)
    assert (claim is not None) == may_run, "whether it may run now"
    if claim is not None:
        assert claim.job.mode is (Mode.CHECK if steer == "resolve" else Mode.RUN)


@pytest.mark.parametrize("steer", STEERS)
async def test_there_is_no_such_job(queue: Queue, steer: str) -> None:
    """A wrong number is said, not passed over."""
    with pytest.raises(NoSuchJob):
        await STEERS[steer](queue, 404)
    with pytest.raises(NoSuchJob):
        await queue.job(404)


async def test_a_retry_counts_attempts_and_deaths_from_zero(place: Place, queue: Queue) -> None:
    """And forgets that it was to be cancelled."""
    job = await queue.retry(await job_in(place, queue, "dead"), "mia")
    assert (job.state, job.attempt, job.crashes, job.hold, job.finished_at) == (JobState.QUEUED, 0, 0, None, None)


async def test_an_approval_stands_on_record(place: Place, queue: Queue) -> None:
    """Who, and what; the next run can see whether it covers its plan."""
    job_id = await job_in(place, queue, "approval")
    await STEERS["approve"](queue, job_id)
    claim = await place.try_claim(queue)
    assert claim is not None
    assert (claim.job.approved_by, claim.job.approval) == ("mia", {"codes": ["too-many-projects"]})


async def test_an_approved_job_keeps_its_date(place: Place, queue: Queue) -> None:
    """A yes is not a now."""
    (accepted,) = await queue.submit([wish(hold=Hold.APPROVAL, not_before=NOON + 60)])
    await STEERS["approve"](queue, accepted.id)
    assert await place.try_claim(queue) is None
    place.clock.now += 60
    assert await place.try_claim(queue) is not None


@pytest.mark.parametrize("steer", ["retry", "hand_over"])
async def test_an_old_grant_does_not_bring_a_leaver_back(place: Place, queue: Queue, steer: str) -> None:
    """What died before the offboarding is not run again after it; to look is harmless once the person is offboarded."""
    dead = await job_in(place, queue, "dead")
    await queue.submit([wish(op="offboard")])
    with pytest.raises(NotPossibleNow) as refused:
        await STEERS[steer](queue, dead)
    assert refused.value.code == "overtaken"
    offboarding = await place.try_claim(queue)
    assert offboarding is not None
    await queue.finish(offboarding, Ending(Done()))
    with pytest.raises(NotPossibleNow):
        await STEERS[steer](queue, dead)
    assert (await queue.resolve(dead, "mia")).mode is Mode.CHECK


async def test_no_leaver_waits_for_a_look_at_an_old_grant(place: Place, queue: Queue) -> None:
    """A look that does not find what was wished ends in a hold, and a hold keeps the person's later jobs waiting."""
    dead = await job_in(place, queue, "dead")
    (offboard,) = await queue.submit([wish(op="offboard")])
    with pytest.raises(NotPossibleNow) as refused:
        await queue.resolve(dead, "mia")
    assert refused.value.code == "overtaken"
    claim = await place.try_claim(queue)
    assert claim is not None
    assert claim.job.id == offboard.id


async def test_a_redriven_job_has_the_place_of_its_number(place: Place, queue: Queue) -> None:
    """Before the person's later jobs."""
    dead = await job_in(place, queue, "dead")
    await queue.submit([wish(op="remove_from_projects")])
    await queue.retry(dead, "mia")
    claim = await place.try_claim(queue)
    assert claim is not None
    assert claim.job.id == dead


async def test_pauses_name_who_and_why(queue: Queue) -> None:
    """As status shows them; an unknown tenant is refused."""
    paused = await queue.pause("north", "mia", "audit", NOON + 60)
    assert (paused.paused, paused.paused_by, paused.why, paused.not_before) == (True, "mia", "audit", NOON + 60)
    assert [state.paused for state in await queue.tenants()] == [True, False]
    assert not (await queue.resume("north", "mia")).paused
    with pytest.raises(Refused, match="no tenant 'west'"):
        await queue.pause("west", "mia", "audit")
    with pytest.raises(Refused, match="no tenant 'west'"):
        await queue.resume("west", "mia")


async def test_a_tenant_that_left_the_settings_is_kept_and_not_run(place: Place, queue: Queue) -> None:
    """Its jobs wait for it to come back."""
    await queue.submit([wish(tenant="south")])
    await place.die(queue)
    queue = await place.open({"north": 3})
    assert [(state.name, state.max_running) for state in await queue.tenants()] == [("north", 3), ("south", 0)]
    assert await place.try_claim(queue) is None
    await place.die(queue)
    assert await place.try_claim(await place.open({"north": 3, "south": 1})) is not None


async def test_jobs_are_found_by_what_they_are(place: Place, queue: Queue) -> None:
    """By tenant, person (either address), state, hold and batch; in pages, in both directions."""
    await queue.submit(
        [
            wish("ana", batch="a"),
            wish("bo", op="change_email", to="ana", batch="b"),
            wish("cy", tenant="south"),
            wish("dee", hold=Hold.APPROVAL),
        ]
    )
    await queue.cancel(1, "mia")

    async def found(which: JobFilter) -> list[int]:
        return [job.id for job in await queue.jobs(which)]

    assert await found(JobFilter()) == [1, 2, 3, 4]
    assert await found(JobFilter(tenant="south")) == [3]
    assert await found(JobFilter(person="ana@example.com")) == [1, 2]
    assert await found(JobFilter(states=frozenset({JobState.CANCELLED}))) == [1]
    assert await found(JobFilter(states=frozenset())) == []
    assert await found(JobFilter(held=True)) == [4]
    assert await found(JobFilter(held=False)) == [1, 2, 3]
    assert await found(JobFilter(batch="b")) == [2]
    assert await found(JobFilter(after_id=2, limit=1)) == [3]
    assert await found(JobFilter(newest_first=True, limit=2)) == [4, 3]
    assert await found(JobFilter(newest_first=True, after_id=3)) == [2, 1]


async def test_depths_count_what_is_live(place: Place, queue: Queue) -> None:
    """By tenant, urgency, state and hold; the oldest that is due, so that a dated one raises no alarm."""
    await queue.submit([wish("ana"), wish("bo", not_before=NOON + 60), wish("cy", hold=Hold.APPROVAL)])
    place.clock.now += 10
    await queue.submit([wish("dee", op="offboard")])
    assert await place.try_claim(queue) is not None
    await queue.submit([wish("eve"), wish("fay", tenant="south", not_before=NOON + 60)])
    assert await queue.depths() == (
        Depth("north", 10, JobState.RUNNING, False, 1, NOON + 10),
        Depth("north", 50, JobState.QUEUED, False, 3, NOON),
        Depth("north", 50, JobState.QUEUED, True, 1, NOON),
        Depth("south", 50, JobState.QUEUED, False, 1, None),
    )

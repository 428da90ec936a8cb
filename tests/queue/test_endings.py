"""How a run ends, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.queue.ending import Dead, Done, Ending, GiveBack, Held, How, PauseTenant, Retry, Stopped, Trouble
from agent.queue.interface import ClaimLost, NoSuchJob, Queue
from agent.queue.record import Hold, JobState, Mode, NewNotice, Spending
from tests.queue.places import NOON, Place
from tests.queue.runs import DAY, again, claimed, ended
from tests.queue.wishes import TROUBLE, wish

pytestmark = pytest.mark.asyncio


async def test_a_claim_says_who_has_the_job_and_since_when(place: Place, queue: Queue) -> None:
    """The record of a running job; each claim has a fence of its own."""
    claim = await claimed(place, queue)
    job = await queue.job(claim.job.id)
    assert job == claim.job
    assert (job.state, job.worker, job.started_at, job.attempt) == (JobState.RUNNING, "worker", NOON, 1)
    await queue.finish(claim, Ending(GiveBack("stop")))
    assert (await again(place, queue)).fence > claim.fence


async def test_done(place: Place, queue: Queue) -> None:
    """Result and evidence are on record, the trouble of an earlier attempt is not."""
    await ended(place, queue, Retry(NOON, TROUBLE))
    job = await queue.finish(await again(place, queue), Ending(Done(), {"changed": 2}, "evidence/1"))
    assert (job.state, job.result, job.evidence, job.finished_at) == (
        JobState.DONE,
        {"changed": 2},
        "evidence/1",
        NOON,
    )
    assert (job.error_code, job.worker) == (None, None)
    assert job == await queue.job(job.id)
    assert [event.kind for event in await queue.events(job.id)] == ["accepted", "claimed", "retry", "claimed", "done"]


async def test_passing_trouble_is_tried_until_the_attempts_are_used_up(place: Place, queue: Queue) -> None:
    """The last attempt makes it dead, and people are told though the worker could not know."""
    claim = await claimed(place, queue, max_attempts=2)
    job = await queue.finish(claim, Ending(Retry(NOON + 30, TROUBLE)))
    assert (job.state, job.not_before, job.attempt, job.error_code) == (JobState.QUEUED, NOON + 30, 1, "page-timeout")
    place.clock.now += 30
    job = await queue.finish(await again(place, queue), Ending(Retry(NOON + 90, TROUBLE)))
    assert (job.state, job.error_kind, job.attempt) == (JobState.DEAD, "failed", 2)
    assert {(notice.kind, notice.job_id) for notice in await queue.notices_due()} == {("dead", job.id)}


async def test_the_tenants_trouble_burns_no_attempt(place: Place, queue: Queue) -> None:
    """Retry without counting, and giving back."""
    job = await ended(place, queue, Retry(NOON, TROUBLE, counts=False))
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    job = await queue.finish(await again(place, queue), Ending(GiveBack("the agent stops")))
    assert (job.state, job.attempt, job.not_before) == (JobState.QUEUED, 0, 0)


async def test_dead(place: Place, queue: Queue) -> None:
    """With the reason, and without a notice besides the worker's own."""
    claim = await claimed(place, queue)
    notice = NewNotice("dead", "north", "Job 1 is dead", {}, claim.job.id)
    job = await queue.finish(
        claim, Ending(Dead(Trouble("refused", "no-such-person", "Nobody has it.")), notices=(notice,))
    )
    assert (job.state, job.error_kind, job.error_code) == (JobState.DEAD, "refused", "no-such-person")
    assert {item.subject for item in await queue.notices_due()} == {"Job 1 is dead"}


@pytest.mark.parametrize("hold", list(Hold))
async def test_held(place: Place, queue: Queue, hold: Hold) -> None:
    """A person decides; what they need for it is on record, and no attempt was used."""
    job = await ended(place, queue, Held(hold, "three projects too many", {"plan": [1]}, TROUBLE))
    assert (job.state, job.hold, job.hold_reason, job.hold_data) == (
        JobState.QUEUED,
        hold,
        "three projects too many",
        {"plan": [1]},
    )
    assert (job.attempt, job.error_code) == (0, "page-timeout")
    assert await place.try_claim(queue) is None


async def test_stopped(place: Place, queue: Queue) -> None:
    """Because somebody cancelled."""
    claim = await claimed(place, queue)
    await queue.cancel(claim.job.id, "mia")
    wish_now = await queue.guard(claim)
    assert (wish_now.stop, wish_now.why) == (True, "Cancelled by mia.")
    job = await queue.finish(claim, Ending(Stopped("before the first write")))
    assert (job.state, job.cancel_by) == (JobState.CANCELLED, "mia")


@pytest.mark.parametrize(
    ("how", "state", "hold"),
    [
        (Done(), JobState.DONE, None),
        (Retry(NOON, TROUBLE), JobState.CANCELLED, None),
        (GiveBack("stop"), JobState.CANCELLED, None),
        (Dead(TROUBLE), JobState.DEAD, None),
        (Held(Hold.APPROVAL, "budget"), JobState.CANCELLED, None),
        (Held(Hold.UNCERTAIN, "no answer"), JobState.QUEUED, Hold.UNCERTAIN),
    ],
)
async def test_a_cancel_that_came_too_late(
    place: Place, queue: Queue, how: How, state: JobState, hold: Hold | None
) -> None:
    """The run ended by itself: it is cancelled unless it is over, or something may have been changed."""
    claim = await claimed(place, queue)
    await queue.cancel(claim.job.id, "mia")
    job = await queue.finish(claim, Ending(how))
    assert (job.state, job.hold) == (state, hold)


@pytest.mark.parametrize("way", ["guard", "progress", "finish", "spend"])
@pytest.mark.parametrize("since", ["given back", "taken again", "ended", "opened again"])
async def test_a_claim_that_was_taken_over_puts_nothing_on_record(
    place: Place, queue: Queue, way: str, since: str
) -> None:
    """Whoever holds it is told to stop at once."""
    claim = await claimed(place, queue)
    if since == "opened again":
        await place.die(queue)
        queue = await place.open({"north": 2})
    else:
        await queue.finish(claim, Ending(Done() if since == "ended" else GiveBack("stop")))
        if since == "taken again":
            await again(place, queue)
    before = await queue.job(claim.job.id)
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "guard": lambda: queue.guard(claim),
        "progress": lambda: queue.progress(claim, {"step": 3}),
        "finish": lambda: queue.finish(claim, Ending(Dead(TROUBLE), pause=PauseTenant("x"))),
        "spend": lambda: queue.spend(claim, [Spending("people", 1, 10, 3600)]),
    }
    with pytest.raises(ClaimLost):
        await ways[way]()
    assert await queue.job(claim.job.id) == before
    assert not any(tenant.paused for tenant in await queue.tenants())


async def test_the_step_under_way_survives_the_process(place: Place, queue: Queue) -> None:
    """What was about to be written is known to whoever looks afterwards."""
    claim = await claimed(place, queue)
    await queue.progress(claim, {"step": "invite", "sent": True})
    await place.die(queue)
    job = await (await place.open({"north": 2})).job(claim.job.id)
    assert job.progress == {"step": "invite", "sent": True}


async def test_a_notice_goes_once_to_each_channel_that_wants_it(place: Place, queue: Queue) -> None:
    """A row per channel, one per key, tried again at its time, gone when it has arrived."""
    for _ in range(2):
        await queue.tell(NewNotice("dead", "north", "Job 5 is dead", {"code": "x"}, 5, key="dead:5"))
    await queue.tell(NewNotice("waiting", "north", "Job 6 waits", {}))
    await queue.tell(NewNotice("late", "north", "nobody wants this kind", {}))
    due = await queue.notices_due()
    assert [(notice.channel, notice.subject) for notice in due] == [
        ("mail", "Job 5 is dead"),
        ("webhook:desk", "Job 5 is dead"),
        ("webhook:desk", "Job 6 waits"),
    ]
    assert due[0].data == {"code": "x"}
    await queue.notice_sent(due[0].id)
    await queue.notice_failed(due[1].id, NOON + 60, "503")
    assert [notice.id for notice in await queue.notices_due()] == [due[2].id]
    place.clock.now += 60
    assert [(notice.id, notice.attempts) for notice in await queue.notices_due()] == [(due[1].id, 1), (due[2].id, 0)]
    assert len(await queue.notices_due(limit=1)) == 1


async def test_what_ended_long_ago_is_forgotten(place: Place, queue: Queue) -> None:
    """With its history and request key; what is live, or ended lately, stays."""
    old = (await queue.finish(await claimed(place, queue, key="old"), Ending(Done()))).id
    (live,) = await queue.submit([wish("bo", key="live", not_before=NOON + 9e9)])
    place.clock.now += 1000
    late = (await queue.finish(await claimed(place, queue, person="cy"), Ending(Done()))).id
    assert await queue.maintain(500) == 1
    with pytest.raises(NoSuchJob):
        await queue.events(old)
    assert [(await queue.job(job_id)).id for job_id in (live.id, late)] == [live.id, late]
    (new,) = await queue.submit([wish(key="old")])
    assert (new.joined, new.id > late) == (False, True)


async def test_a_third_death_of_the_process_under_a_job_is_its_end(place: Place, queue: Queue) -> None:
    """Put back twice, then dead, so that the others go on; people are told."""
    claim = await claimed(place, queue)
    await queue.submit([wish("bo")])
    for crashes in (1, 2):
        await place.die(queue)
        queue = await place.open({"north": 1})
        job = await queue.job(claim.job.id)
        assert (job.state, job.crashes, job.worker) == (JobState.QUEUED, crashes, None)
        assert (await again(place, queue)).job.id == claim.job.id
    await place.die(queue)
    queue = await place.open({"north": 1})
    job = await queue.job(claim.job.id)
    assert (job.state, job.error_kind, job.error_code) == (JobState.DEAD, "poison", "poison-job")
    assert {notice.kind for notice in await queue.notices_due()} == {"dead"}
    assert (await again(place, queue)).job.person == "bo@example.com"


async def test_deaths_are_counted_in_a_row(place: Place, queue: Queue) -> None:
    """A run that came to an orderly end in between starts the count anew."""
    await claimed(place, queue)
    for _ in range(2):
        await place.die(queue)
        queue = await place.open({"north": 1})
        claim = await again(place, queue)
    job = await queue.finish(claim, Ending(GiveBack("stop")))
    assert job.crashes == 0


async def test_a_job_that_died_with_its_process_after_a_cancel_stays_cancelled(place: Place, queue: Queue) -> None:
    """Nobody wants it run again; a superseded one neither."""
    claim = await claimed(place, queue)
    await queue.cancel(claim.job.id, "mia")
    grant = await claimed(place, queue, person="bo")
    await queue.submit([wish("bo", op="offboard")])
    await place.die(queue)
    queue = await place.open({"north": 1})
    assert (await queue.job(claim.job.id)).state is JobState.CANCELLED
    assert (await queue.job(grant.job.id)).state is JobState.SUPERSEDED


async def test_the_check_of_a_held_job_keeps_its_hold_on_record(place: Place, queue: Queue) -> None:
    """So that a check that finds the wish unfulfilled can put it back where it was."""
    job = await ended(place, queue, Held(Hold.HAND_OVER, "by hand", {"steps": ["click"]}))
    await queue.resolve(job.id, "mia")
    claim = await again(place, queue)
    assert (claim.job.mode, claim.job.hold, claim.job.hold_data) == (Mode.CHECK, Hold.HAND_OVER, {"steps": ["click"]})
    back = await queue.finish(claim, Ending(Held(Hold.HAND_OVER, "not yet", claim.job.hold_data)))
    assert (back.state, back.mode, back.hold) == (JobState.QUEUED, Mode.RUN, Hold.HAND_OVER)
    await queue.resolve(job.id, "mia")
    done = await queue.finish(await again(place, queue), Ending(Done()))
    assert (done.state, done.mode, done.hold) == (JobState.DONE, Mode.RUN, None)


async def test_a_check_that_cannot_be_made_leaves_the_hold_as_it_was(place: Place, queue: Queue) -> None:
    """The last attempt at looking is no answer: the person's later jobs go on waiting."""
    claim = await claimed(place, queue, max_attempts=1)
    job = await queue.finish(claim, Ending(Held(Hold.UNCERTAIN, "no answer", {"look": "here"})))
    await queue.resolve(job.id, "mia")
    job = await queue.finish(await again(place, queue), Ending(Retry(NOON, TROUBLE)))
    assert (job.state, job.hold, job.hold_reason, job.hold_data, job.mode) == (
        JobState.QUEUED,
        Hold.UNCERTAIN,
        "no answer",
        {"look": "here"},
        Mode.RUN,
    )


async def test_an_uncertain_job_is_not_given_up(place: Place, queue: Queue) -> None:
    """Somebody still has to look."""
    claim = await claimed(place, queue, give_up_at=NOON + 60)
    await queue.finish(claim, Ending(Held(Hold.UNCERTAIN, "no answer")))
    place.clock.now += 61
    assert await place.try_claim(queue) is None
    assert (await queue.job(claim.job.id)).hold is Hold.UNCERTAIN


@pytest.mark.parametrize("progress", [{}, {"step": "Save", "trail": {}}], ids=["nothing written", "has begun to write"])
async def test_a_job_that_has_begun_to_write_is_finished_however_late(
    place: Place, queue: Queue, progress: dict[str, Any]
) -> None:
    """Half a person is worse than a late one; a job that wrote nothing is given up, and people are told."""
    claim = await claimed(place, queue, give_up_at=NOON + 60)
    if progress:
        await queue.progress(claim, progress)
    await queue.finish(claim, Ending(Retry(NOON + 30, TROUBLE)))
    place.clock.now += 61
    job = await place.try_claim(queue)
    told = [(notice.kind, notice.job_id) for notice in await queue.notices_due()]
    if progress:
        assert job is not None
        assert told == []
    else:
        assert job is None
        record = await queue.job(claim.job.id)
        assert (record.state, record.error_code) == (JobState.DEAD, "expired")
        assert told == [("expired", claim.job.id)]


async def test_a_job_that_was_given_up_is_run_again_when_a_person_says_so(place: Place, queue: Queue) -> None:
    """Their word outweighs the date."""
    (accepted,) = await queue.submit([wish(give_up_at=NOON + 60)])
    place.clock.now += 60
    assert await place.try_claim(queue) is None
    await queue.retry(accepted.id, "maria")
    assert (await again(place, queue)).job.id == accepted.id


async def test_notices_are_forgotten_when_they_are_over(place: Place, queue: Queue) -> None:
    """Arrived, given up, or of a channel that left the settings; what is still tried stays."""
    for number in range(3):
        await queue.tell(NewNotice("waiting", "north", f"Job {number}", {}))
    arrived, given_up, tried = await queue.notices_due()
    await queue.notice_sent(arrived.id)
    await queue.notice_failed(given_up.id, math.inf, "410")
    await queue.notice_failed(tried.id, NOON + 5 * DAY, "503")
    place.clock.now += 2 * DAY
    await queue.maintain(DAY)
    place.clock.now += 3 * DAY
    assert [notice.id for notice in await queue.notices_due()] == [tried.id]
    await queue.notice_failed(given_up.id, NOON, "found again")  # would be due, if it were still there
    assert [notice.id for notice in await queue.notices_due()] == [tried.id]
    place.clock.now += 8 * DAY
    await queue.maintain(DAY)
    assert await queue.notices_due() == ()

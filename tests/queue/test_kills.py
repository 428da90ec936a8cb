"""kill -9 of the process that owns the queue, at every kind of moment: nothing is lost, ended twice or out of order."""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.queue.ending import Done, Ending
from agent.queue.interface import JobFilter
from agent.queue.record import JobEvent, JobRecord, JobState
from tests.queue.killable import work
from tests.queue.places import NOON, EmbeddedPlace
from tests.queue.test_against_the_model import record

KILLS = 30
Told = tuple[str, int, int]


def one_life(file: Path, life: int, lines: int) -> list[Told]:
    """Start a process, kill it as soon as it has told so many lines; all that it has told by then."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.queue.killable"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(file, life, theirs), daemon=True)
    process.start()
    theirs.close()
    told: list[Told] = []
    try:
        while True:
            told.append(ours.recv())
            if len(told) == lines:
                process.kill()
    except EOFError:
        return told
    finally:
        process.kill()
        process.join()


def wrongs(told: Sequence[Told], jobs: Sequence[JobRecord], events: Sequence[JobEvent]) -> list[str]:
    """What must not have happened, from what the processes told and what is on record in the end."""
    present = {job.id: job for job in jobs}
    found = [
        f"job {number} was accepted and is lost"
        for what, _, number in told
        if what == "accepted" and number not in present
    ]
    found += [
        f"job {number} was put on record as done and is {present[number].state}"
        for what, _, number in told
        if what == "finished" and number in present and present[number].state is not JobState.DONE
    ]
    found += [
        f"job {job.id} is neither done nor dead" for job in jobs if job.state not in (JobState.DONE, JobState.DEAD)
    ]
    batches = Counter(job.args["what"] for job in jobs)
    found += [f"of batch {batch} there are {count} jobs" for batch, count in batches.items() if count != 2]
    ends = [event.job_id for event in events if event.kind in ("done", "dead")]
    found += [f"job {number} ended {count} times" for number, count in Counter(ends).items() if count > 1]
    order: dict[str, list[int]] = defaultdict(list)
    for number in ends:
        if number in present:
            order[present[number].person].append(number)
    found += [f"{person}'s jobs ended as {numbers}" for person, numbers in order.items() if numbers != sorted(numbers)]
    return found


@pytest.mark.asyncio
@pytest.mark.timeout(300)
async def test_a_process_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """At thirty different moments, opening included; each next process goes on where the last one was."""
    file = tmp_path / "queue.db"
    told = [line for kill in range(KILLS) for line in one_life(file, kill, lines=1 + kill * 7 % 23)]
    assert {what for what, _, _ in told} == {"opened", "submitting", "accepted", "claimed", "finishing", "finished"}
    place = EmbeddedPlace(file)
    queue = await place.open({"north": 2})
    while (claim := await place.try_claim(queue)) is not None:
        await queue.finish(claim, Ending(Done()))
    jobs = await queue.jobs(JobFilter(limit=10_000))
    events = [event for job in jobs for event in await queue.events(job.id)]
    events.sort(key=lambda event: event.at)
    await place.close()
    assert wrongs(told, jobs, events) == []
    assert all(job.error_code == "poison-job" for job in jobs if job.state is JobState.DEAD)


def test_each_wrong_is_seen() -> None:
    """The oracle above, planted with each thing that it looks for."""
    jobs = [
        replace(record(number, "ana"), state=JobState.DONE, args={"what": str((number + 1) // 2)})
        for number in range(1, 5)
    ]
    events = [JobEvent(job.id, NOON, "done", 1) for job in jobs]
    told: list[Told] = [("accepted", 0, job.id) for job in jobs] + [("finished", 0, 1)]
    assert wrongs(told, jobs, events) == []
    assert "job 5 was accepted and is lost" in wrongs([*told, ("accepted", 0, 5)], jobs, events)
    assert "of batch 2 there are 1 jobs" in wrongs(told[:3], jobs[:3], events[:3])
    assert "job 1 ended 2 times" in wrongs(told, jobs, [events[0], *events])
    assert "ana@example.com's jobs ended as [4, 3, 2, 1]" in wrongs(told, jobs, events[::-1])
    back = [replace(jobs[0], state=JobState.QUEUED), *jobs[1:]]
    assert "job 1 was put on record as done and is queued" in wrongs(told, back, events)
    assert "job 1 is neither done nor dead" in wrongs(told, back, events)

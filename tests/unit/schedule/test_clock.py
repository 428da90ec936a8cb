"""The clock itself: every scan in its turn, whatever fails or jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from agent.errors import Failed
from agent.schedule.clock import AgentClock, Hooks
from agent.schedule.trigger import Every
from agent.settings import ClockSettings, Settings
from tests.unit.schedule.conftest import DAY, NOON, Office, SetClock, new
from tests.unit.schedule.test_time_limited_access import access


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the clock tells nobody; there is no event to wait for
            await asyncio.sleep(0.005)


def settings(scan_s: float = 0.05, **clock: float) -> Settings:
    return Settings(clock=ClockSettings(scan_s=scan_s, **clock))


class Steps:
    """A clock that cannot jump, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_the_clock_revokes_by_itself(office: Office) -> None:
    """From the end of the access to the job that takes it away, with nobody's help; and again after a restart."""
    await office.queue.submit([new("add_to_projects", "a", projects=access(DAY))])
    await office.work_off()
    clock = AgentClock(settings(), office.queue, clock=office.clock)
    running = asyncio.create_task(clock.run())
    try:
        office.clock.now = NOON + DAY
        async with asyncio.timeout(10):
            claim = await office.queue.next_claim("worker-1")
        assert claim.job.op == "remove_from_projects"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_it_ends_when_cancelled_and_can_begin_again(office: Office) -> None:
    """No scan is left behind in the loop."""
    for _ in range(2):
        calls: list[None] = []

        async def hook(calls: list[None] = calls) -> None:
            calls.append(None)

        clock = AgentClock(settings(session_s=0.02), office.queue, Hooks(keep_sessions_fresh=hook), clock=office.clock)
        running = asyncio.create_task(clock.run())
        await until(lambda calls=calls: len(calls) >= 2)  # type: ignore[misc]  # bound now, called now
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        assert [task for task in asyncio.all_tasks() if "apscheduler" in repr(task)] == []


async def test_the_nightly_probe_is_asked_for_by_the_clock(office: Office) -> None:
    """At once after the start, too: what was missed while the agent was down is found then."""
    asked = asyncio.Event()

    async def hook() -> None:
        asked.set()

    clock = AgentClock(settings(), office.queue, Hooks(probe=hook), clock=office.clock)
    running = asyncio.create_task(clock.run())
    await asyncio.wait_for(asked.wait(), 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("error", [Failed("queue-unwritable", "The disk is full."), ValueError("a mistake")])
async def test_a_scan_that_fails_comes_again_and_does_not_stop_the_others(office: Office, error: Exception) -> None:
    """Trouble of one is seen by readiness after three turns and a minute, and is over with its next success."""
    broken = [True]
    calls: list[None] = []

    async def hook() -> None:
        calls.append(None)
        if broken[0]:
            raise error

    steps = Steps()
    clock = AgentClock(
        settings(session_s=1), office.queue, Hooks(keep_sessions_fresh=hook), clock=office.clock, monotonic=steps
    )
    await clock.look("sessions")
    assert clock.troubles() == ()
    steps.now += 64
    for name in ("revoke", "overstaying", "late"):
        await clock.look(name)
    (trouble,) = clock.troubles()
    assert trouble.startswith("the scan 'sessions' has not worked for 64 s (")
    broken[0] = False
    await clock.look("sessions")
    assert clock.troubles() == ()
    assert len(calls) == 2


async def test_a_scan_that_never_comes_is_seen_by_readiness(office: Office) -> None:
    """The heartbeat is that of the scans, not of the process."""
    steps = Steps()
    clock = AgentClock(settings(scan_s=30), office.queue, clock=office.clock, monotonic=steps)
    steps.now += 149
    assert clock.troubles() == ()
    steps.now += 2
    assert len(clock.troubles()) == 3  # revoke, overstaying, late; those of an hour are not overdue yet


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 10 * 365 * DAY])
def test_a_jump_of_the_clock_is_noticed_once(clock: SetClock, jump: float) -> None:
    """Setting the time, or sleeping, in either direction; ordinary time passing is none."""
    steps = Steps()
    agent_clock = AgentClock(settings(), object(), clock=clock, monotonic=steps)  # type: ignore[arg-type]  # not used
    clock.now, steps.now = clock.now + 1, steps.now + 1
    assert not agent_clock.has_jumped()
    clock.now += jump
    assert agent_clock.has_jumped()
    assert not agent_clock.has_jumped()


async def test_after_a_jump_every_scan_runs_at_once(office: Office) -> None:
    """Also the hourly ones: the time is a different one."""
    calls: list[None] = []

    async def hook() -> None:
        calls.append(None)

    clock = AgentClock(settings(scan_s=3600), office.queue, Hooks(tidy_evidence=hook), clock=office.clock)
    running = asyncio.create_task(clock.run())
    await until(lambda: len(calls) == 1)
    office.clock.now -= 400 * DAY
    await until(lambda: len(calls) == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_the_trigger_counts_from_now() -> None:
    """Ten years of missed minutes are one firing, and a clock that went back does not wait ten years."""
    every = Every(60)
    planned = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert every.get_next_fire_time(None, planned) == planned
    for now in (planned + timedelta(days=3650), planned - timedelta(days=3650)):
        assert every.get_next_fire_time(planned, now) == now + timedelta(seconds=60)


async def test_the_queue_is_tidied(office: Office) -> None:
    """Ended jobs go after the retention time, and the scan is one of the clock's own."""
    await office.queue.submit([new("read", "a")])
    await office.work_off()
    office.clock.now = NOON + 91 * DAY
    clock = AgentClock(settings(), office.queue, clock=office.clock)
    await clock.look("forget")
    with pytest.raises(Exception, match="There is no job 1"):
        await office.queue.job(1)

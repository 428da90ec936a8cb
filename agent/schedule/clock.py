"""The agent's clock: starts each scan in its turn, for as long as the agent runs.

APScheduler keeps the time; every scan asks the queue what is due *now* and enqueues or tells it under a key. So nothing
has to be remembered between ticks: a restart, a week of downtime, two hosts with the same clock, or a clock that is set
forward or back, cost at most a scan too many. A jump is noticed by comparing with a clock that cannot jump; all scans
then run at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # it has no types

from agent.errors import AgentError
from agent.queue.interface import Queue
from agent.schedule.overstaying import look_after
from agent.schedule.revoking import revoke_due
from agent.schedule.trigger import Every
from agent.schedule.watching import remind, tell_late
from agent.settings import Settings

JUMP_S = 5.0  #: by so much the two clocks may part between two looks
LOOK_S = 1.0
RARELY_S = 3600.0  #: for what is never urgent
PROBE_LOOK_S = 60.0  #: how often it is looked whether a nightly probe is due
DAY_S = 86_400.0

Act = Callable[[], Awaitable[object]]

_log = structlog.get_logger()


@dataclass(frozen=True)
class Hooks:
    """What other parts want to be reminded of; each is called again and again and does what is due."""

    keep_sessions_fresh: Act | None = None
    tidy_evidence: Act | None = None
    keep_chronicle: Act | None = None
    complete_evidence: Act | None = None
    probe: Act | None = None


@dataclass
class Beat:
    """When a scan last came to its end, by the clock that cannot jump."""

    every_s: float
    at: float
    trouble: str = ""  # why its last run failed


@dataclass(frozen=True)
class _Scan:
    name: str
    every_s: float
    act: Act
    beat: Beat = field(compare=False)


class AgentClock:
    """The long-lived part of the agent that looks after time. ``clock`` and ``monotonic`` count seconds."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        hooks: Hooks | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._clock = clock
        self._monotonic = monotonic
        self._scans = self._all_scans(hooks or Hooks())
        self._offset = clock() - monotonic()

    async def run(self) -> None:
        """Run the scans until cancelled. A scan that fails is logged and comes again in its turn."""
        scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for scan in self._scans:
            scan.beat.at = self._monotonic()
            scheduler.add_job(self.look, Every(scan.every_s), args=[scan.name], id=scan.name)
        scheduler.start()
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                if self.has_jumped():
                    for job in scheduler.get_jobs():
                        job.modify(next_run_time=datetime.now(UTC))
        finally:
            scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # the scheduler takes itself down in the loop's next turn

    def has_jumped(self) -> bool:
        """Whether the time of day was set, or the host slept, since the last call."""
        offset = self._clock() - self._monotonic()
        jumped, self._offset = abs(offset - self._offset) > JUMP_S, offset
        if jumped:
            _log.warning("clock-jumped", now=datetime.fromtimestamp(self._clock(), tz=UTC).isoformat())
        return jumped

    async def look(self, name: str) -> None:
        """Run one scan now."""
        scan = next(scan for scan in self._scans if scan.name == name)
        try:
            await scan.act()
        except AgentError as error:
            scan.beat.trouble = f"{error.code}: {error.message}"
            _log.error("scan-failed", scan=name, code=error.code, reason=error.message)
        except Exception as error:
            scan.beat.trouble = type(error).__name__
            _log.exception("scan-failed", scan=name)
        else:
            scan.beat.trouble = ""
            scan.beat.at = self._monotonic()

    def troubles(self) -> tuple[str, ...]:
        """Scans that have not come to their end for three of their turns (and a minute), in words; for readiness."""
        now = self._monotonic()
        return tuple(
            f"the scan '{scan.name}' has not worked for {now - scan.beat.at:.0f} s"
            + (f" ({scan.beat.trouble})" if scan.beat.trouble else "")
            for scan in self._scans
            if now - scan.beat.at > 3 * scan.every_s + 60
        )

    def _all_scans(self, hooks: Hooks) -> tuple[_Scan, ...]:
        clock, queue = self._settings.clock, self._settings.queue

        async def revoke() -> None:
            await revoke_due(self._queue, self._clock(), queue.max_attempts)

        async def overstaying() -> None:
            late_s, every_s = clock.late_leaver_minutes * 60, clock.remind_hours * 3600
            await look_after(self._queue, self._clock(), queue.max_attempts, late_s, every_s)

        async def late() -> None:
            await tell_late(self._queue, self._clock(), clock.late_leaver_minutes * 60)

        async def reminders() -> None:
            await remind(self._queue, self._clock(), clock.remind_hours * 3600)

        async def forget() -> None:
            await self._queue.maintain(queue.keep_days * DAY_S)

        acts: list[tuple[str, float, Act | None]] = [
            ("revoke", clock.scan_s, revoke),
            ("overstaying", clock.scan_s, overstaying),
            ("late", clock.scan_s, late),
            ("remind", min(RARELY_S, clock.remind_hours * 3600), reminders),
            ("forget", RARELY_S, forget),
            ("sessions", clock.session_s, hooks.keep_sessions_fresh),
            ("evidence", RARELY_S, hooks.tidy_evidence),
            ("chronicle", clock.scan_s, hooks.keep_chronicle),
            ("probe", PROBE_LOOK_S, hooks.probe),
            ("unfinished-evidence", RARELY_S, hooks.complete_evidence),
        ]
        now = self._monotonic()
        return tuple(_Scan(name, every, act, Beat(every, now)) for name, every, act in acts if act is not None)

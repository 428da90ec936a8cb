"""A trigger that survives clocks which jump."""

from __future__ import annotations

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]  # it has no types


class Every(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """Fires at once, then so many seconds after each firing.

    APScheduler's own interval trigger counts from the last planned time. After a jump forward it walks through every
    missed time one by one (ten years of seconds stop the process), after a jump back it waits until the old time has
    come again. This one counts from now.
    """

    def __init__(self, seconds: float) -> None:
        self._pause = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The next time, from the present one."""
        return now if previous_fire_time is None else now + self._pause

    def __str__(self) -> str:
        return f"every {self._pause.total_seconds():g} s"

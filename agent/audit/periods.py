"""The periods that a ledger closes one after the other, so that also nothing is something it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

PeriodKind = Literal["hour", "day"]

#: A period is closed so long after its end, so that what was begun in its last moment is in the ledger.
GRACE = timedelta(minutes=1)


def due_periods(begin: datetime, now: datetime, kind: PeriodKind) -> list[tuple[datetime, datetime]]:
    """Every period from ``begin`` on that is over by ``now``, oldest first, without a gap between them (UTC).

    The first one begins in the middle of an hour or day, where ``begin`` does.
    """
    found = []
    start = begin
    while (end := _next_boundary(start, kind)) + GRACE <= now:
        found.append((start, end))
        start = end
    return found


def _next_boundary(after: datetime, kind: PeriodKind) -> datetime:
    if kind == "hour":
        return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return after.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

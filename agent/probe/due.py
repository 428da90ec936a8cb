"""When a tenant's nightly probe is due, on the wall clock of the tenant; pure.

Nothing is remembered but when the last probe began: an agent that was down at night finds in the morning that one is
due, and does it then, once.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_due(now: datetime, at: str, zone: ZoneInfo, jitter_minutes: float, tenant: str, since: datetime) -> bool:
    """Whether a probe should begin. ``since``: when the last one began, or was first thought of. Times are aware."""
    return since < last_due(now, at, zone, jitter_minutes, tenant)


def last_due(now: datetime, at: str, zone: ZoneInfo, jitter_minutes: float, tenant: str) -> datetime:
    """The latest moment, not after ``now``, at which a probe was to begin (UTC)."""
    today = now.astimezone(zone).date()
    times = (_begin(day, at, zone, jitter_minutes, tenant) for day in (today + timedelta(days=1), today))
    return next(
        (begin for begin in times if begin <= now), _begin(today - timedelta(days=1), at, zone, jitter_minutes, tenant)
    )


def _begin(day: date, at: str, zone: ZoneInfo, jitter_minutes: float, tenant: str) -> datetime:
    """An hour that the clocks leave out is taken as the one after it, one that exists twice as the first."""
    local = datetime.combine(day, time.fromisoformat(at), zone)
    return local.astimezone(UTC) + timedelta(minutes=jitter_minutes * _share(tenant))


def _share(tenant: str) -> float:
    """A number from 0 to 1 that stays the same for a tenant: its place in the night."""
    return int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:4], "big") / 2**32

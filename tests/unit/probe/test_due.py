"""When the nightly probe is due, on the tenant's wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from agent.probe.due import is_due, last_due

BERLIN, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")


def utc(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(now: str, since: str, zone: ZoneInfo = BERLIN, jitter: float = 0) -> bool:
    """Whether the probe of 02:30 is due."""
    return is_due(utc(now), "02:30", zone, jitter, "northwind", utc(since))


def test_it_is_due_at_its_hour_on_the_tenants_clock_and_once() -> None:
    """02:30 in Berlin is 01:30 UTC in winter."""
    assert not due("2026-11-22 01:29", since="2026-11-21 01:30")
    assert due("2026-11-22 01:30", since="2026-11-21 01:30")
    assert not due("2026-11-22 01:31", since="2026-11-22 01:30")
    assert not due("2026-11-22 23:59", since="2026-11-22 01:30")


@pytest.mark.parametrize("back", ["2026-11-22 09:00", "2026-11-22 23:00", "2026-11-29 12:00"])
def test_a_night_that_was_missed_is_made_up_for_once(back: str) -> None:
    """However long the agent was down: one probe, not one for each night."""
    assert due(back, since="2026-11-20 01:30")
    assert not due(back, since=back)


def test_a_tenant_ahead_of_the_date_line_has_its_own_night() -> None:
    """02:30 in Auckland is 13:30 UTC of the day before."""
    assert not due("2026-11-22 13:29", since="2026-11-21 13:31", zone=AUCKLAND)
    assert due("2026-11-22 13:30", since="2026-11-21 13:31", zone=AUCKLAND)


def test_no_night_is_left_out_or_doubled_when_the_clocks_change() -> None:
    """The hour that does not exist (29 March 2026) and the one that exists twice (25 October)."""
    for change in ("2026-03-29", "2026-10-25"):
        noon = utc(f"{change} 12:00")
        begins = {last_due(noon + timedelta(days=day), "02:30", BERLIN, 0, "northwind") for day in (-1, 0, 1)}
        assert len(begins) == 3
        assert all(timedelta(hours=22) <= b - a <= timedelta(hours=26) for a, b in pairwise(sorted(begins)))


def test_each_tenant_has_its_own_place_within_the_jitter() -> None:
    """The same every night, another for another tenant, never before the hour and never after the jitter."""
    now, names = utc("2026-11-22 12:00"), [f"tenant-{number}" for number in range(40)]
    offsets = [last_due(now, "02:30", BERLIN, 30, name) - utc("2026-11-22 01:30") for name in names]

    assert all(timedelta() <= offset <= timedelta(minutes=30) for offset in offsets)
    assert len(set(offsets)) == 40
    assert offsets == [
        last_due(now + timedelta(days=1), "02:30", BERLIN, 30, name) - utc("2026-11-23 01:30") for name in names
    ]


def test_a_clock_that_went_back_makes_nothing_due() -> None:
    """The last probe stands in the future: the next night will do."""
    assert not due("2026-11-20 12:00", since="2026-11-22 01:30")

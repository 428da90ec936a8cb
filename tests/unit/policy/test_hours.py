"""Write windows: what can be written, what is open when, also on the two days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.hours import is_open, parse_window, parse_zone

BERLIN = ZoneInfo("Europe/Berlin")
DENVER = ZoneInfo("America/Denver")


def opened(windows: list[str], local: str, zone: ZoneInfo = BERLIN) -> bool:
    """Whether the windows are open at this local time, fold 0."""
    moment = datetime.fromisoformat(local).replace(tzinfo=zone)
    return is_open(map(parse_window, windows), zone, moment)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-23T05:59:59", False),  # Monday
        ("2026-11-23T06:00:00", True),
        ("2026-11-23T19:59:59", True),
        ("2026-11-23T20:00:00", False),
        ("2026-11-27T12:00:00", True),  # Friday
        ("2026-11-28T12:00:00", False),  # Saturday
    ],
)
def test_a_window_holds_from_its_begin_to_just_before_its_end(local: str, expected: bool) -> None:
    """Days and minutes are those of the tenant's wall clock."""
    assert opened(["Mon-Fri 06:00-20:00"], local) is expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-11-28T21:59:00", False),  # Saturday
        ("2026-11-28T22:00:00", True),
        ("2026-11-29T03:59:00", True),  # Sunday, still Saturday's window
        ("2026-11-29T04:00:00", False),
        ("2026-11-28T03:00:00", False),  # Saturday early: Friday has no window
        ("2026-11-29T22:30:00", False),  # Sunday evening has none either
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(local: str, expected: bool) -> None:
    """`Sat 22:00-04:00` is six hours, from Saturday night into Sunday morning."""
    assert opened(["Sat 22:00-04:00"], local) is expected


def test_days_are_lists_ranges_over_the_weekend_and_daily() -> None:
    """All three ways of writing days mean what they say; capitals do not matter."""
    assert parse_window("Sat-Mon 06:00-07:00").days == {5, 6, 0}
    assert parse_window("tue,THU-Fri 06:00-07:00").days == {1, 3, 4}
    assert parse_window("daily 00:00-24:00").days == set(range(7))
    assert opened(["daily 00:00-24:00"], "2026-11-28T23:59:59")


def test_without_windows_it_is_always_open() -> None:
    """Nobody who sets no window is kept waiting."""
    assert opened([], "2026-11-28T03:00:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mon-Fri",
        "06:00-20:00",
        "Mon-Fri 6:00-20:00",
        "Mon-Fri 06:00 - 20:00",
        "Mon-Fri 06:00-20:60",
        "Mon-Fri 06:00-24:01",
        "Mon-Fri 24:00-06:00",
        "Mon-Fri 06:00-06:00",
        "Monday 06:00-20:00",
        "Mon- 06:00-20:00",
        "Mon, 06:00-20:00",
        "Mo-Fr 06:00-20:00",
    ],
)
def test_what_cannot_be_read_is_refused_with_what_was_expected(text: str) -> None:
    """A window that is nearly right is an error at the start, not one that never opens."""
    with pytest.raises(ValueError, match="Mon-Fri 06:00-20:00"):
        parse_window(text)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe", "a" * 400])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    """Whatever way it is unknown in, it is the same sentence."""
    with pytest.raises(ValueError, match="time zone such as"):
        parse_zone(name)


def test_the_hour_that_exists_twice_is_inside_both_times() -> None:
    """25 October 2026, Berlin: 02:30 comes twice, and a window 02:00-03:00 lasts two hours."""
    window = [parse_window("Sun 02:00-03:00")]
    inside = [
        datetime(2026, 10, 25, hour, minute, tzinfo=UTC) for hour, minute in ((0, 0), (0, 30), (1, 0), (1, 30), (1, 59))
    ]
    outside = [datetime(2026, 10, 24, 23, 59, tzinfo=UTC), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)]
    assert [is_open(window, BERLIN, moment) for moment in inside] == [True] * 5
    assert [is_open(window, BERLIN, moment) for moment in outside] == [False, False]


def test_the_hour_that_does_not_exist_is_skipped() -> None:
    """29 March 2026, Berlin: after 01:59 comes 03:00. A window in the gap does not open, one around it is shorter."""
    moments = [datetime(2026, 3, 29, 0, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]
    gap, around = [parse_window("Sun 02:00-03:00")], [parse_window("Sun 01:30-03:30")]
    assert [is_open(gap, BERLIN, moment) for moment in moments] == [False, False]
    assert [is_open(around, BERLIN, moment) for moment in moments] == [True, True]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 3, 8, 5, 0, tzinfo=UTC), True),  # Sat 22:00 in Denver
        (datetime(2026, 3, 8, 9, 59, tzinfo=UTC), True),  # Sun 03:59 MDT: the night was an hour shorter
        (datetime(2026, 3, 8, 10, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 1, 10, 59, tzinfo=UTC), True),  # Sun 03:59 MST: an hour longer
        (datetime(2026, 11, 1, 11, 0, tzinfo=UTC), False),
    ],
)
def test_a_night_in_which_clocks_change_ends_by_the_wall_clock(moment: datetime, expected: bool) -> None:
    """`Sat 22:00-04:00` ends at 04:00 of the wall clock in both nights of change, west of Greenwich too."""
    assert is_open([parse_window("Sat 22:00-04:00")], DENVER, moment) is expected


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1)),  # noqa: DTZ001 - made aware below
    st.integers(0, 6),
    st.integers(0, 23),
    st.integers(0, 23),
)
def test_a_window_and_its_rest_of_the_week_are_never_both_open(
    moment: datetime, day: int, begin: int, end: int
) -> None:
    """Splitting a day at two hours gives windows of which exactly one is open at any moment of that day."""
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    first, last = sorted((begin, end))
    if first == last:
        return
    inner = [f"daily {first:02}:00-{last:02}:00"]
    outer = [f"daily {last:02}:00-{first:02}:00"] if first else [f"daily {last:02}:00-24:00"]
    aware = moment.replace(tzinfo=UTC)
    assert is_open(map(parse_window, inner), BERLIN, aware) != is_open(map(parse_window, outer), BERLIN, aware)
    only = [f"{names[day]} 00:00-24:00"]
    assert is_open(map(parse_window, only), BERLIN, aware) is (aware.astimezone(BERLIN).weekday() == day)

"""Write windows as operators write them: ``Mon-Fri 06:00-20:00``, ``Sat 22:00-04:00``; pure.

A window is read on the wall clock of the tenant's time zone. One whose end is not after its begin runs over midnight
and belongs to the day on which it begins. When the clocks go back, an hour exists twice and both are inside; when they
go forward, the hour that does not exist is simply skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FORM = "days and times such as 'Mon-Fri 06:00-20:00', 'Sat,Sun 22:00-04:00' or 'daily 00:00-24:00'"
MIDNIGHT = 24 * 60  #: the end of a day, in minutes

_WINDOW = re.compile(r"(?P<days>\S+)\s+(?P<begin>\d{2}:\d{2})-(?P<end>\d{2}:\d{2})")
_BY_NAME = {name.lower(): number for number, name in enumerate(DAYS)}


@dataclass(frozen=True)
class Window:
    """Days (0 is Monday) and minutes of the day, from ``begin`` to just before ``end``."""

    days: frozenset[int]
    begin: int
    end: int

    @property
    def over_midnight(self) -> bool:
        """Whether it ends on the day after the one on which it begins."""
        return self.end <= self.begin

    def holds(self, local: datetime) -> bool:
        """Whether this moment of the tenant's wall clock is inside."""
        minute = local.hour * 60 + local.minute
        today, yesterday = local.weekday(), (local.weekday() - 1) % 7
        if not self.over_midnight:
            return today in self.days and self.begin <= minute < self.end
        return (today in self.days and minute >= self.begin) or (yesterday in self.days and minute < self.end)


def parse_window(text: str) -> Window:
    """The window that a text means; ValueError says what was expected."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{FORM}, not {text!r}")
    begin, end = _minutes(found["begin"], text), _minutes(found["end"], text)
    if begin == MIDNIGHT:
        raise ValueError(f"{FORM}; a window begins before 24:00, not {text!r}")
    if begin == end:
        raise ValueError(f"{FORM}; begin and end are the same in {text!r} (a whole day is 00:00-24:00)")
    return Window(days=_days(found["days"], text), begin=begin, end=end)


def parse_zone(name: str) -> ZoneInfo:
    """The time zone of that name; ValueError when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # not found; not a name; a folder of names
        words = "the name of a time zone such as Europe/Berlin or America/Denver that this machine knows"
        raise ValueError(f"{words}, not {name!r}") from error


def is_open(windows: Iterable[Window], zone: ZoneInfo, now: datetime) -> bool:
    """Whether ``now`` is inside one of the windows; without any window it always is."""
    listed = tuple(windows)
    local = now.astimezone(zone)
    return not listed or any(window.holds(local) for window in listed)


def _minutes(text: str, whole: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if minutes > 59 or hours * 60 + minutes > MIDNIGHT:
        raise ValueError(f"{FORM}; {text} is no time of day in {whole!r}")
    return hours * 60 + minutes


def _days(text: str, whole: str) -> frozenset[int]:
    if text.lower() == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.lower().partition("-")
        if first not in _BY_NAME or (dash and last not in _BY_NAME):
            raise ValueError(f"{FORM}; days are {', '.join(DAYS)} or daily, not {part!r} in {whole!r}")
        begin, end = _BY_NAME[first], _BY_NAME[last if dash else first]
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(days)

"""Times as people say them: ``5 min ago``, ``in 2 h``; and times as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from agent.errors import Mender, Refused

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """A length of time in its largest unit, cut off rather than rounded up."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def ago(at: datetime, now: datetime) -> str:
    """When something was, or will be, seen from now."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 2:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def clock_time(at: datetime) -> str:
    """A time by the clock on the wall of whoever reads."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def typed_time(text: str) -> datetime:
    """A time that somebody typed; without an offset it is this machine's local time. Raises Refused("bad-usage")."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            "bad-usage",
            f"{text!r} is not a time.",
            expected="a time such as 2026-12-01T06:00:00+01:00, or 2026-12-01T06:00 (local)",
            mender=Mender.REQUESTER,
        ) from None
    return at.astimezone(UTC)


def typed_day(text: str, *, last: bool = False) -> str:
    """A day (UTC) that somebody typed, as the moment of its beginning; ``last``: of its end. Refused("bad-usage")."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(
            "bad-usage", f"{text!r} is not a day.", expected="a day such as 2026-12-01", mender=Mender.REQUESTER
        ) from None
    return f"{(day + timedelta(days=1) if last else day).isoformat()}T00:00:00.000Z"

"""Is this host alive in the eyes of the others? Heartbeats, measured by clocks that nobody sets.

``CLOCK_BOOTTIME`` goes on while the machine is suspended, unlike ``CLOCK_MONOTONIC``, and is not set by anybody, unlike
the time of day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS has no BOOTTIME; its MONOTONIC sleeps as well
_JUMP_S = 5.0  # the server's clock and ours may drift apart by this much between two heartbeats


def since_boot() -> float:
    """Seconds since the machine was started, time asleep included."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True)
class Times:
    """The times that several hosts live by, in seconds; shipped as they stand here, shorter only in tests."""

    beat_s: float = 10  #: a host says so often that it is alive
    fence_s: float = 20  #: with an older heartbeat it begins no write
    stale_s: float = 30  #: with an older heartbeat others take its jobs over
    rescue_s: float = 10  #: a host looks so often for those that are gone, and for jobs that have become due
    poll_s: float = 5  #: and asks so often for a lane when no notification comes

    def __post_init__(self) -> None:
        """The order without which two hosts could work on one person."""
        assert self.beat_s < self.fence_s < self.stale_s


class Pulse:
    """This host's accepted heartbeats."""

    def __init__(self, times: Times, clock: Callable[[], float] = since_boot) -> None:
        self._times = times
        self._clock = clock
        self._last: float | None = None  # when the last accepted one was sent
        self._steady_since: float | None = None  # the first of an unbroken row
        self._server_last = 0.0  # the server's time at the last one

    def now(self) -> float:
        """The time to take down before a heartbeat is sent."""
        return self._clock()

    def accepted(self, sent: float, server_time: float) -> None:
        """The server has taken a heartbeat that was sent then, at that time of its own."""
        broken = (
            self._last is None
            or sent - self._last > self._times.fence_s
            or abs((server_time - self._server_last) - (sent - self._last)) > _JUMP_S
        )
        if broken or self._steady_since is None:
            self._steady_since = sent
        self._last, self._server_last = sent, server_time

    def missed(self) -> None:
        """A heartbeat failed: this host knows nothing of the others for now."""
        self._steady_since = None

    def is_fresh(self) -> bool:
        """Whether nobody can have taken our jobs over: the time for a write to begin."""
        return self._last is not None and self._clock() - self._last <= self._times.fence_s

    def may_rescue(self, server_time: float) -> bool:
        """Whether this host may declare others dead.

        Only after a full stale time of its own good heartbeats: when the server was away, or its clock was set, all
        hosts look dead at first, and each needs the time to say that it is not.
        """
        if self._steady_since is None or self._last is None:
            return False
        now = self._clock()
        kept_time = abs((server_time - self._server_last) - (now - self._last)) <= _JUMP_S
        return self.is_fresh() and kept_time and now - self._steady_since >= self._times.stale_s

"""Waiting for pages: quick at first, rarer later, never for ever."""

from __future__ import annotations

import pytest

from flows.page import patience as module
from flows.page.patience import DRAWING_SECONDS, Patience


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In the place of the real one."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "asyncio", clock)
    return clock


async def test_looks_come_quickly_at_first_and_rarer_later(clock: Clock) -> None:
    """What takes ten milliseconds costs little more; what takes seconds is not looked at a thousand times."""
    patience = Patience(2.0)
    while not patience.is_over:
        await patience.pause()
    assert clock.slept[:3] == [0.004, 0.008, 0.016]
    assert max(clock.slept) == 0.05
    assert 2.0 < sum(clock.slept) <= 2.05


async def test_as_long_as_it_goes_on_it_is_waited_for(clock: Clock) -> None:
    """Renewed, the whole time counts again, and looks come quickly again."""
    patience = Patience(0.1)
    for _ in range(4):
        await patience.pause()
    patience.renew()
    await patience.pause()
    assert not patience.is_over
    assert clock.slept[-1] == clock.slept[0]


async def test_a_list_that_is_scrolled_gets_the_time_to_draw_its_rows(clock: Clock) -> None:
    """No look comes before the rows of the last one can have been drawn."""
    patience = Patience(0.5, shortest=DRAWING_SECONDS)
    while not patience.is_over:
        await patience.pause()
    assert min(clock.slept) == DRAWING_SECONDS

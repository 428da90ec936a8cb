"""One browser for several jobs: replaced when worn, restarted once for all when it dies, closed when nobody uses it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.browser import shared
from agent.browser.launch import LaunchOptions
from agent.browser.shared import SharedBrowser, Wear

OPTIONS = LaunchOptions(Path("/bin/true"), (), Path("/nowhere"))


class FakeBrowser:
    """Stands in for WarmBrowser."""

    made: list[FakeBrowser] = []  # noqa: RUF012  # emptied by the fixture

    def __init__(self, options: LaunchOptions) -> None:
        self.is_running = False
        self.hangs = False
        self.closed = False
        self.mib = 100
        self.pid, self.version = 1, "156"
        self.made.append(self)

    async def ready(self) -> Any:
        await asyncio.sleep(0)
        self.is_running = True
        return self

    async def answers(self) -> bool:
        return self.is_running and not self.hangs

    async def close(self) -> None:
        self.is_running, self.closed = False, True

    def memory_mib(self) -> int:
        return self.mib


class Now:
    """A clock that is set by hand."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[FakeBrowser]:
    """Every browser that was made, in order."""
    FakeBrowser.made = []
    monkeypatch.setattr(shared, "WarmBrowser", FakeBrowser)
    return FakeBrowser.made


def browsers(**wear: Any) -> tuple[SharedBrowser, list[str], Now]:
    """A shared browser, why each was started, and its clock."""
    why: list[str] = []
    now = Now()
    limits: dict[str, Any] = {"max_age_s": 3600, "max_jobs": 10, "max_mib": 1000, **wear}
    return SharedBrowser(OPTIONS, Wear(**limits), why.append, now), why, now


async def test_jobs_that_begin_together_share_one_start(made: list[FakeBrowser]) -> None:
    """Three takes, one browser."""
    shop, why, _ = browsers()
    taken = await asyncio.gather(*(shop.take() for _ in range(3)))
    assert len(set(map(id, taken))) == len(made) == 1
    assert why == ["first"]


@pytest.mark.parametrize("reason", ["age", "jobs", "memory"])
async def test_a_worn_browser_serves_out_its_jobs_beside_its_successor(made: list[FakeBrowser], reason: str) -> None:
    """New jobs get a fresh one at once; the old one is closed by its last job."""
    shop, why, now = browsers(**({"max_jobs": 2} if reason == "jobs" else {}))
    first, still = await shop.take(), await shop.take()
    if reason == "age":
        now.seconds += 3600
    if reason == "memory":
        made[0].mib = 2000
    await shop.give_back(first)
    other = await shop.take()
    assert other is not still
    assert not made[0].closed, "a job still uses it"
    await shop.give_back(still)
    await asyncio.sleep(0)
    assert made[0].closed
    assert why == ["first", reason]
    assert not made[1].closed


async def test_a_browser_that_died_is_restarted_once_for_all_that_it_hit(made: list[FakeBrowser]) -> None:
    """Two jobs notice; the second one finds the new browser that the first one started."""
    shop, why, _ = browsers()
    one, two = await shop.take(), await shop.take()
    made[0].is_running = False
    again = await asyncio.gather(shop.replace(one), shop.replace(two))
    assert again[0] is again[1]
    assert len(made) == 2
    assert why == ["first", "lost"]


async def test_a_hanging_browser_is_ended_and_an_answering_one_is_kept(made: list[FakeBrowser]) -> None:
    """Trouble of a page alone costs nobody else the browser."""
    shop, why, _ = browsers()
    warm = await shop.take()
    assert await shop.replace(warm) is warm
    made[0].hangs = True
    assert await shop.replace(warm) is not warm
    assert made[0].closed
    assert why == ["first", "hung"]


async def test_trouble_on_a_retired_browser_leaves_its_successor_alone(made: list[FakeBrowser]) -> None:
    """Only those it hit move over."""
    shop, why, _ = browsers(max_jobs=2)
    one, two = await shop.take(), await shop.take()
    await shop.give_back(one)
    new = await shop.take()
    made[0].is_running = False
    assert await shop.replace(two) is new
    assert len(made) == 2
    assert why == ["first", "jobs"]
    assert not made[1].closed


async def test_closing_ends_every_browser(made: list[FakeBrowser]) -> None:
    """Those that serve out their jobs, too."""
    shop, _, _ = browsers(max_jobs=2)
    one = await shop.take()
    await shop.take()
    await shop.give_back(one)
    await shop.take()
    await shop.close()
    assert [browser.closed for browser in made] == [True, True]
    assert shop.status is None

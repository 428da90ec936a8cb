"""One walled-in browser for all replays, and copies of recorded jobs and of the catalogue to tamper with."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser

from agent.recording.serving import frozen_browser
from agent.replay.findings import Replay
from agent.replay.run import Wish, replay_job
from fixtures.record_traces import TRACES
from fixtures.running import browser_path
from flows import Catalogue

RECORDED = TRACES / "sandbox" / "recorded"
Changed = Callable[[str, str], Catalogue]


@pytest.fixture(scope="session")
async def walled() -> AsyncIterator[Browser]:
    """A browser that reaches nobody."""
    async with frozen_browser(Path(browser_path())) as running:
        yield running


@pytest.fixture
def changed() -> Changed:
    """Makes today's catalogue with one text in it replaced."""

    def change(old: str, new: str) -> Catalogue:
        text = Catalogue.load().source
        assert old in text
        return Catalogue.parse(text.replace(old, new))

    return change


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a copy of a story's evidence."""

    def copy(story: str) -> Path:
        shutil.copytree(TRACES / "sandbox", tmp_path / "sandbox")
        return tmp_path / "sandbox" / "recorded" / story

    return copy


async def replayed(folder: Path, browser: Browser, wish: Wish | None = None) -> Replay:
    """A job gone through again."""
    async with replay_job(folder, browser, wish or Wish()) as (replay, _):
        return replay

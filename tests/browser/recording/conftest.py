"""A frozen browser for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from agent.recording.serving import frozen_browser
from fixtures.running import browser_path
from tests.browser.jobs.conftest import desk, warm_browser
from tests.browser.recording.torture import Served, serving

__all__ = ["desk", "warm_browser"]  # fixtures of the jobs, used here, too


@pytest.fixture(scope="session")
async def frozen() -> AsyncIterator[Browser]:
    """A browser that can reach nobody."""
    async with frozen_browser(Path(browser_path())) as browser:
        yield browser


@pytest.fixture(scope="session")
def site() -> Iterator[Served]:
    """The torture page."""
    with serving() as served:
        yield served

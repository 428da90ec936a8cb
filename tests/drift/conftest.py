"""One sandbox and one browser for the tests of the harness; each test has a world of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from agent.browser.launch import WarmBrowser
from fixtures.running import RunningSandbox
from tests.drift.arena import PEOPLE, Arena
from tests.drift.lane import SEED
from tests.drift.row import warm_browser


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The sandbox."""
    errors = tmp_path_factory.mktemp("sandbox") / "errors"
    with RunningSandbox(PEOPLE, SEED, "--no-delays", stderr=errors) as sandbox:
        yield Arena(sandbox)


@pytest.fixture(scope="session")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WarmBrowser]:
    """The browser."""
    async with warm_browser(tmp_path_factory.mktemp("browser")) as warm:
        yield warm

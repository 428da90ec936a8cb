"""One browser for all evidence tests; a context, a job and its secrets for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

from agent.credentials.known import KnownSecrets, SecretKind
from agent.credentials.secret import Secret
from tests.unit.evidence import stand_in

CHROMIUM = "/usr/bin/chromium-headless-shell"


@pytest.fixture(scope="session")
def traces_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the browser keeps raw recordings."""
    return tmp_path_factory.mktemp("traces", numbered=True)


@pytest.fixture(scope="session")
async def evidence_browser(traces_dir: Path) -> AsyncIterator[Browser]:
    """A warm browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, traces_dir=traces_dir)
        yield browser
        await browser.close()


@pytest.fixture
async def context(evidence_browser: Browser) -> AsyncIterator[BrowserContext]:
    """A fresh context."""
    context = await evidence_browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    await context.close()


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the stand-in's pages."""
    with stand_in.serving() as address:
        yield address


@pytest.fixture
def known() -> KnownSecrets:
    """What the sign-in of these tests uses."""
    secrets = KnownSecrets()
    secrets.add("password of admin@example.com", Secret(stand_in.PASSWORD))
    secrets.add("TOTP seed of admin@example.com", Secret(stand_in.SEED), SecretKind.SEED)
    secrets.add("sign-in code of admin@example.com", Secret(stand_in.CODE), SecretKind.ONE_TIME_CODE)
    return secrets

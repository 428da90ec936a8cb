"""Shared by all tests that drive a real browser: one browser, one sandbox process, a fresh context and world per test.

Run with ``-p no:playwright``: the pytest plugin is sync and keeps a loop of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

from fixtures.running import RunningSandbox, browser_path


class Sandbox:
    """The sandbox tenant as a test sees it: the two origins, and the control plane."""

    def __init__(self, running: RunningSandbox) -> None:
        self.sign_in_url = running.sign_in.rstrip("/")
        self.app_url = running.app.rstrip("/")
        self.control_url = running.control.rstrip("/")
        self._client = httpx.Client(base_url=self.control_url, timeout=60)

    def get(self, path: str, **query: str) -> Any:
        """What the control plane says."""
        answer = self._client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, content: Any = None) -> Any:
        """Tell the control plane something."""
        answer = self._client.post(path, json={} if content is None else content)
        assert answer.status_code < 400, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._client.delete("/requests").raise_for_status()

    def forget_faults(self) -> None:
        """No trouble any more; posting an empty list would only add none."""
        self._client.delete("/faults").raise_for_status()

    def close(self) -> None:
        """Let go of the control plane."""
        self._client.close()


@pytest.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """The driver."""
    async with async_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """One warm browser for all tests."""
    running = await playwright.chromium.launch(executable_path=browser_path(), args=["--disable-http2"])
    yield running
    await running.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """An isolated session."""
    fresh = await browser.new_context(locale="en-US")
    yield fresh
    await fresh.close()


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return await context.new_page()


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the whole run, on free ports, without artificial delays."""
    errors = tmp_path_factory.mktemp("sandbox") / "errors"
    with RunningSandbox(120, 7, "--no-delays", stderr=errors) as running:
        sandbox = Sandbox(running)
        yield sandbox
        sandbox.close()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox with its world as seeded and no faults planned."""
    sandbox_process.post("/reset")
    sandbox_process.forget_requests()
    return sandbox_process

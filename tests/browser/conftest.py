"""Shared by all tests that drive a real browser: one browser, one sandbox process, a fresh context and world per test.

Run with ``-p no:playwright``: the pytest plugin is sync and keeps a loop of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

ROOT = Path(__file__).resolve().parents[2]


class Sandbox:
    """The sandbox tenant as a test sees it: the two origins, and the control plane."""

    def __init__(self, ready: dict[str, str], process: subprocess.Popen[bytes]) -> None:
        self.sign_in_url = ready["sign_in"].rstrip("/")
        self.app_url = ready["app"].rstrip("/")
        self.control_url = ready["control"].rstrip("/")
        self.process = process
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

    def close(self) -> None:
        """Let go of the control plane."""
        self._client.close()


def browser_path() -> str:
    """The browser that the tests drive."""
    found = os.environ.get("AGENT_BROWSER") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if found is None:
        pytest.fail("no Chromium found: install chromium-headless-shell or set AGENT_BROWSER")
    return found


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
    folder = tmp_path_factory.mktemp("sandbox")
    ready_file = folder / "ready.json"
    command = [sys.executable, "-m", "fixtures.sandbox", "--port", "0", "--control-port", "0", "--people", "120"]
    command += ["--seed", "7", "--no-delays", "--ready-file", str(ready_file)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            ready = _wait_until_ready(process, ready_file, folder / "output")
            sandbox = Sandbox(ready, process)
            yield sandbox
            sandbox.close()
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(process: subprocess.Popen[bytes], ready_file: Path, output: Path) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the sandbox ended with {process.returncode}: {output.read_text()[-3000:]}")
        if ready_file.exists() and ready_file.read_text().strip():
            ready: dict[str, str] = json.loads(ready_file.read_text())
            return ready
        time.sleep(0.05)
    pytest.fail(f"the sandbox was not ready in time: {output.read_text()[-3000:]}")


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox with its world as seeded and no faults planned."""
    sandbox_process.post("/reset")
    sandbox_process.forget_requests()
    return sandbox_process

"""One sandbox process for all tests of the pages, reset before each, and a browser that signs in by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from fixtures.running import RunningSandbox, browser_path
from tests.pages.office import Control, Office

PEOPLE = 120
QUICK = {"select_delay": 0.0, "dialog_linger": 1.0, "assignment_delay": 0.0, "bulk_invite_delay": 0.0}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The machine's own browser; Playwright's is not installed."""
    return {**browser_type_launch_args, "executable_path": browser_path()}


@pytest.fixture(scope="session")
def base_url() -> None:
    """No base address; pytest-base-url's own fixture warns under this pytest, and warnings are errors."""


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[dict[str, str]]:
    """The addresses of a running sandbox: `sign_in`, `app`, `control`."""
    with RunningSandbox(60, 7) as running:
        yield {"sign_in": running.sign_in, "app": running.app, "control": running.control}


@pytest.fixture
def control(sandbox_process: dict[str, str]) -> Iterator[Control]:
    """The control plane of a freshly reset sandbox."""
    with httpx.Client(base_url=sandbox_process["control"], timeout=30) as client:
        plane = Control(client)
        plane.post("/reset", {"seed": 7, "people": PEOPLE, "options": QUICK})
        yield plane


@pytest.fixture
def office(page: Page, control: Control, sandbox_process: dict[str, str]) -> Iterator[Office]:
    """A browser at the sandbox, not signed in yet; a script error on any page fails the test."""
    errors: list[str] = []
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Office(page, control, sandbox_process)
    assert errors == []


@pytest.fixture
def directory(office: Office) -> Office:
    """The same, signed in as the Company Directory Admin, at the Users list."""
    office.sign_in()
    office.open_list("users")
    return office

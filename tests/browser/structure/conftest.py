"""The sandbox, recorded once in each generation of its pages, by the recorder as the command uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from agent.browser.session import SignIn
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.settings import Settings
from agent.structure.recorder import Recorded, record_tenant
from agent.worker.equipment import sign_in_of
from tests.browser.conftest import Sandbox
from tests.browser.jobs.conftest import ACCOUNT, MemoryKeyring, settings_for

GENERATIONS = ("legacy", "mfe")
PLANTED_PERSON = {
    "email_address": "odalys.thornquist@example.com",
    "first_name": "Odalys",
    "last_name": "Thornquist",
    "job_title": "Gullwing Estimator",
    "mobile_phone": "(555) 010-4477",
    "address": "17 Cobblestone Alley",
    "city": "Quarryville",
    "notes": "allergic to gneiss",
}


@dataclass(frozen=True)
class Visit:
    """One recording, and what the sandbox saw of it."""

    generation: str
    recorded: Recorded
    requests: list[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]
    events: tuple[int, int]
    secrets: tuple[str, ...]


Record = Callable[..., Awaitable[Recorded]]


def sign_in(sandbox: Sandbox, folder: Path) -> SignIn:
    """All that is needed to get in, with a keyring in memory."""
    known = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)
    store = CredentialStore(MemoryKeyring())
    store.set("sandbox", ServiceAccount(ACCOUNT, Secret(known["password"]), Secret(known["totp_secret"])))
    settings = Settings(**settings_for(sandbox, folder))
    return sign_in_of(settings, "sandbox", store, KnownSecrets())


async def recorded(browser: Browser, sandbox: Sandbox, folder: Path, *places: str) -> Recorded:
    """A recording of these places, or of all."""
    return await record_tenant(browser, sign_in(sandbox, folder), places, date(2026, 11, 22), lambda place, taken: None)


@pytest.fixture
async def record(browser: Browser, sandbox: Sandbox, tmp_path: Path) -> Record:
    """Records places of the sandbox as it is now; nobody is asked for a code."""
    sandbox.post("/options", {"mfa": "off"})

    async def run(*places: str) -> Recorded:
        return await recorded(browser, sandbox, tmp_path, *places)

    return run


@pytest.fixture(scope="session", params=GENERATIONS)
async def visit(
    request: pytest.FixtureRequest,
    browser: Browser,
    sandbox_process: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Visit]:
    """The whole sandbox, recorded once for all tests of a generation; one person in it is ours."""
    sandbox = sandbox_process
    sandbox.post("/reset")
    options = sandbox.get("/options")
    generation = request.param
    sandbox.post(
        "/options", {"mfa": "off", "company_directory": generation, "project_directory": generation, "mfe_delay": 0.1}
    )
    try:
        values = {name: value for name, value in PLANTED_PERSON.items() if name != "email_address"}
        member = {"memberships": {"24-001": None}}
        sandbox.post("/people", [{"email_address": PLANTED_PERSON["email_address"], "values": values, **member}])
        known = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)
        sandbox.forget_requests()
        before, events = sandbox.get("/state"), len(sandbox.get("/events"))
        made = await recorded(browser, sandbox, tmp_path_factory.mktemp("recorded"))
        after = sandbox.get("/state")
        yield Visit(
            generation,
            made,
            sandbox.get("/requests"),
            before,
            after,
            (events, len(sandbox.get("/events"))),
            (known["password"], known["totp_secret"]),
        )
    finally:
        names = ("mfa", "company_directory", "project_directory", "mfe_delay")
        sandbox.post("/options", {name: options[name] for name in names})

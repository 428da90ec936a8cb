"""Whole jobs against the sandbox, through the same workplace that the command line uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend

from agent.commands.workplace import Workplace
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.domain.person import Person
from agent.execute.events import Event, Observed, Observer
from agent.execute.outcome import Outcome
from agent.execute.run import run_job
from agent.jobs.model import ANY_JOB, Job
from agent.settings import Settings
from tests.browser.conftest import Sandbox

ACCOUNT = "svc.provisioning@example.com"
COMPANY = "562949953421312"
ENGINEER = "Project Engineer - Internal"
FOREMAN = "Foreman / Superintendent - Internal"
ANA = "ana.lindqvist@example.com"


class MemoryKeyring(KeyringBackend):
    """Keeps secrets for the time of a test."""

    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        self.kept.pop((service, username), None)


class Listener:
    """Remembers every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def notify(self, event: Event) -> None:
        self.events.append(event)

    @property
    def person(self) -> Person | None:
        seen = [event.person for event in self.events if isinstance(event, Observed)]
        return seen[-1] if seen else None


@dataclass
class Ran:
    """A job that was run."""

    outcome: Outcome
    events: list[Event]
    evidence: Path


@dataclass
class Desk:
    """Where a test runs jobs, and looks at the truth afterwards."""

    sandbox: Sandbox
    place: Workplace
    settings: Settings
    secrets: dict[str, str]
    ran: list[Ran] = field(default_factory=list)

    async def run(self, job: Job, *watching: Observer, dry_run: bool = False, approved: bool = False) -> Ran:
        """Run one job with its evidence."""
        seat = self.place.seat("sandbox")
        recorder = self.place.recorder(seat)
        orders = self.place.orders(seat.tenant, recorder, dry_run=dry_run, approved=approved)
        listener = Listener()
        outcome = await run_job(job, seat.session, seat.relay, [recorder, listener, *watching], orders)
        assert recorder.folder is not None
        self.ran.append(Ran(outcome, listener.events, recorder.folder))
        return self.ran[-1]

    def person(self, email: str) -> dict[str, Any] | None:
        """The truth about somebody, from the sandbox's own world."""
        company = next(item for item in self.sandbox.get("/state")["companies"] if str(item["company_id"]) == COMPANY)
        users = [user for user in company["users"] if user["email_address"] == email]
        assert len(users) <= 1, "an address exists twice"
        return users[0] if users else None

    def put(self, email: str, **start: Any) -> None:
        """Somebody as the test's starting state."""
        self.sandbox.post("/people", [{"email_address": email, **start}])

    def fault(self, operation: str, effect: str, **more: Any) -> None:
        """Plan trouble; the test fails when it never comes."""
        self.sandbox.post("/faults", [{"operation": operation, "effect": effect, **more}])

    def mails(self, email: str) -> int:
        """How many invitations went to this address."""
        return sum(mail.get("to") == email for mail in self.sandbox.get("/outbox"))

    def writes(self) -> list[str]:
        """Requests to the app host that were not reading ones, in order."""
        return [
            f"{item['method']} {item['operation']}"
            for item in self.sandbox.get("/requests")
            if item["host"] == "app" and item["method"] not in ("GET", "HEAD")
        ]

    def sign_ins(self) -> int:
        """How often a password was sent."""
        return sum(
            item["operation"] == "sign_in_password" and item["method"] == "POST"
            for item in self.sandbox.get("/requests")
        )

    def never_fired(self) -> Any:
        """Planned faults that never came: then the test proved nothing."""
        return self.sandbox.get("/faults")["never_fired"]


@pytest.fixture
async def desk(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Desk]:
    """A workplace of one tenant; no second factor, so that a new sign-in need not wait for a new code."""
    before = sandbox.get("/options")
    sandbox.post("/options", {"mfa": "off", "assignment_delay": 0.2})
    try:
        async with _opened(sandbox, tmp_path) as opened:
            yield opened
        assert opened.never_fired() == []
    finally:
        sandbox.post("/options", before)


@pytest.fixture
async def desk_with_codes(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Desk]:
    """The same with the account's authenticator in use."""
    async with _opened(sandbox, tmp_path) as opened:
        yield opened


def _opened(sandbox: Sandbox, folder: Path) -> Any:
    return _Opening(sandbox, folder)


class _Opening:
    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._place: Workplace | None = None

    async def __aenter__(self) -> Desk:
        known = next(item for item in self._sandbox.get("/credentials") if item["email"] == ACCOUNT)
        store = CredentialStore(MemoryKeyring())
        store.set("sandbox", ServiceAccount(ACCOUNT, Secret(known["password"]), Secret(known["totp_secret"])))
        settings = Settings(**settings_for(self._sandbox, self._folder))
        self._place = Workplace(settings, ("sandbox",), store=store)
        await self._place.__aenter__()
        secrets = {"password": known["password"], "totp_secret": known["totp_secret"]}
        return Desk(self._sandbox, self._place, settings, secrets)

    async def __aexit__(self, *exc: Any) -> None:
        if self._place is not None:
            await self._place.__aexit__(None, None, None)


def settings_for(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """Settings for this sandbox, with short deadlines."""
    return {
        "paths": {"evidence": folder / "evidence", "state": folder / "state"},
        "tenants": {
            "sandbox": {
                "sign_in_url": sandbox.sign_in_url + "/",
                "app_url": sandbox.app_url + "/",
                "company_id": COMPANY,
                "policy": {"admin_templates": ["Company Admin"]},
                "timeouts": {"page_s": 20, "answer_s": 4, "settle_s": 8, "verify_s": 12, "projects_s": 20},
            }
        },
    }


def job(action: str, **fields: Any) -> Job:
    """A job with the ordinary trimmings."""
    base = {
        "action": action,
        "reason": {"ticket": "HR-417", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
        "idempotency_key": f"test-{action}",
    }
    return ANY_JOB.validate_python({**base, **fields}, strict=False)


def provision(email: str = ANA, **fields: Any) -> Job:
    """The main job: Ana, in two projects, invited."""
    wanted: dict[str, Any] = {
        "person": {
            "email": email,
            "attributes": {"first_name": "Ana", "last_name": "Lindqvist", "job_title": "Site Engineer"},
        },
        "company_access": {"template": "Field Staff"},
        "default_project_template": ENGINEER,
        "projects": [{"project": "24-001", "template": FOREMAN}, {"project": "24-002", "template": ENGINEER}],
        "invitation": True,
    }
    return job("provision", **{**wanted, **fields})

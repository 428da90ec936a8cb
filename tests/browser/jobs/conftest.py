"""Whole jobs against the sandbox, through the same workplace that the command line uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend

from agent.browser.launch import LaunchOptions, WarmBrowser
from agent.commands.workplace import Workplace
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.domain.person import Person
from agent.execute.events import Event, Observed, Observer
from agent.execute.outcome import Outcome
from agent.execute.run import run_job
from agent.jobs.model import ANY_JOB, Job
from agent.settings import Settings
from fixtures.running import browser_path
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

    def change(self, part: str, **settings: Any) -> None:
        """Other settings in this part (``policy``, ``timeouts``) of the tenant; to be called before its first job."""
        tenant = self.place.settings.tenants["sandbox"]
        changed = tenant.model_copy(update={part: getattr(tenant, part).model_copy(update=settings)})
        self.place.settings = self.place.settings.model_copy(update={"tenants": {"sandbox": changed}})

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


class _SharedBrowser(Workplace):
    """A workplace whose browser is everybody's: starting one costs as much as a short job. Each has its own sign-in."""

    shared: WarmBrowser

    @property
    def _traces(self) -> Path:
        return self.shared.options.traces_dir

    @property
    def browser(self) -> WarmBrowser:
        return self.shared


@pytest.fixture(scope="session")
async def warm_browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WarmBrowser]:
    """The agent's own browser, for all desks of the run; one that a test has killed is started again by the next."""
    traces = tmp_path_factory.mktemp("traces")
    async with WarmBrowser(LaunchOptions(Path(browser_path()), (), traces)) as warm:
        yield warm


@pytest.fixture
async def desk(sandbox: Sandbox, tmp_path: Path, warm_browser: WarmBrowser) -> AsyncIterator[Desk]:
    """A workplace of one tenant; no second factor, so that a new sign-in need not wait for a new code."""
    before = sandbox.get("/options")
    sandbox.post("/options", {"mfa": "off", "assignment_delay": 0.2})
    sharing = type("Sharing", (_SharedBrowser,), {"shared": warm_browser})
    try:
        async with _opened(sandbox, tmp_path, sharing) as opened:
            yield opened
        assert opened.never_fired() == []
    finally:
        sandbox.post("/options", before)


@pytest.fixture
async def desk_with_codes(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Desk]:
    """The same with the account's authenticator in use, and a browser of its own."""
    async with _opened(sandbox, tmp_path, Workplace) as opened:
        yield opened


@asynccontextmanager
async def _opened(sandbox: Sandbox, folder: Path, kind: type[Workplace]) -> AsyncIterator[Desk]:
    known = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)
    store = CredentialStore(MemoryKeyring())
    store.set("sandbox", ServiceAccount(ACCOUNT, Secret(known["password"]), Secret(known["totp_secret"])))
    settings = Settings(**settings_for(sandbox, folder))
    secrets = {"password": known["password"], "totp_secret": known["totp_secret"]}
    async with kind(settings, ("sandbox",), store=store) as place:
        yield Desk(sandbox, place, settings, secrets)


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
                "timeouts": {"page_s": 20, "answer_s": 10, "settle_s": 8, "verify_s": 12, "projects_s": 20},
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


def reactivation(email: str, **fields: Any) -> Job:
    """Back without any access, and unnoticed, but for what is named."""
    wanted: dict[str, Any] = {
        "person": {"email": email},
        "company_access": "none",
        "default_project_template": "none",
        "projects": [],
        "add_to_new_projects": False,
        "invitation": False,
    }
    return job("reactivate", **{**wanted, **fields})

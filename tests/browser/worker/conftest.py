"""The worker on the sandbox: with the embedded queue in this process, or as ``agent run`` in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.browser.processes import MARK
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.jobs.model import ANY_JOB, Job
from agent.queue.admission import admit
from agent.queue.embedded import EmbeddedQueue
from agent.queue.interface import Queue
from agent.queue.opening import limits_of, open_queue
from agent.queue.record import JobRecord, JobState
from agent.settings import Settings, load_settings
from agent.worker.telemetry import NoTelemetry
from agent.worker.worker import Worker
from tests.browser.conftest import Sandbox
from tests.browser.jobs.conftest import ACCOUNT, COMPANY, ENGINEER, MemoryKeyring, provision

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120


class Counts(NoTelemetry):
    """Remembers what the worker told."""

    def __init__(self) -> None:
        self.browsers: list[str] = []
        self.sessions: list[tuple[str, bool]] = []

    def browser_started(self, why: str) -> None:
        self.browsers.append(why)

    def session_opened(self, tenant: str, typed_password: bool) -> None:
        self.sessions.append((tenant, typed_password))


def someone(number: int) -> str:
    """The address of the nth test person; no two have a name in common, which would be a near hit."""
    return f"worker.{_letters(number)}@example.com"


def provisioning(number: int, **fields: Any) -> Job:
    """A new person in one project, invited."""
    return provision(
        someone(number),
        idempotency_key=f"worker-{number}",
        person={
            "email": someone(number),
            "attributes": {"first_name": "Wilma", "last_name": f"Orker{_letters(number)}", "job_title": "Engineer"},
        },
        projects=[{"project": "24-001", "template": ENGINEER}],
        **fields,
    )


def about(number: int, action: str, **fields: Any) -> Job:
    """A job about the nth test person; without fields it says nothing but whom it is about."""
    wish = {
        "action": action,
        "idempotency_key": f"{action}-{number}",
        "reason": {"ticket": "HR-1", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
        "person": {"email": someone(number)},
    }
    return ANY_JOB.validate_json(json.dumps(wish | fields))


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:03}")


def settings_for(sandbox: Sandbox, folder: Path, **worker: Any) -> dict[str, Any]:
    """Settings for this sandbox, patient enough for a busy machine."""
    tenant = {
        "sign_in_url": sandbox.sign_in_url + "/",
        "app_url": sandbox.app_url + "/",
        "company_id": COMPANY,
        "max_running": 3,
        "timeouts": {"page_s": 30, "answer_s": 10, "settle_s": 20, "verify_s": 30, "projects_s": 40},
    }
    return {
        "paths": {"evidence": str(folder / "evidence"), "state": str(folder / "state")},
        "queue": {"file": str(folder / "queue" / "queue.db"), "first_retry_s": 1, "longest_retry_s": 2},
        "worker": {"stop_limit_s": 40, **worker},
        "tenants": {"sandbox": tenant},
    }


@dataclass
class Hall:
    """Where a worker works, and what it leaves behind."""

    sandbox: Sandbox
    settings: Settings
    store: CredentialStore
    queue: Queue
    counts: Counts = field(default_factory=Counts)
    worker: Worker | None = None

    async def submit(self, *jobs: Job, tenant: str = "sandbox") -> list[int]:
        """Put jobs into the queue; their numbers."""
        accepted = await self.queue.submit([admit(job, tenant, "hr") for job in jobs])
        return [receipt.id for receipt in accepted]

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Worker]:
        """A worker at work while inside; drained at the end."""
        self.worker = worker = Worker(self.settings, self.queue, self.counts, store=self.store)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            await worker.drain()
            await asyncio.wait_for(task, PATIENCE_S)

    async def until(self, good: Callable[[list[JobRecord]], bool], *numbers: int) -> list[JobRecord]:
        """The jobs, as soon as they are as wanted."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                records = [await self.queue.job(number) for number in numbers]
                if good(records):
                    return records
                await asyncio.sleep(0.1)

    async def until_over(self, *numbers: int) -> list[JobRecord]:
        """The jobs, once none of them is live or all that are wait for a person."""
        return await self.until(
            lambda records: all(not item.state.is_live or item.hold is not None for item in records), *numbers
        )

    async def held(self, **query: str) -> list[dict[str, Any]]:
        """The sandbox's requests that stand still, as soon as there is one."""
        found: list[dict[str, Any]] = await asyncio.to_thread(self.sandbox.get, "/held", wait="60", **query)
        return found

    def person(self, email: str) -> dict[str, Any] | None:
        """The truth about somebody."""
        user: dict[str, Any] | None = self.sandbox.get("/state", person=email)["user"]
        return user

    def creations(self, email: str) -> int:
        """How often somebody was created."""
        rows = self.sandbox.get("/events", person=email)
        return sum(row.get("field") == "Created" for row in rows)

    def mails(self, email: str) -> int:
        """How many invitations went to this address."""
        return sum(mail.get("to") == email for mail in self.sandbox.get("/outbox"))

    def passwords_typed(self, login: str | None = None) -> int:
        """How often a password was sent."""
        rows = [
            item
            for item in self.sandbox.get("/requests")
            if item["operation"] == "sign_in_password" and item["method"] == "POST"
        ]
        return len(rows)


def all_done(records: list[JobRecord]) -> bool:
    """Every job is done."""
    return all(record.state is JobState.DONE for record in records)


@pytest.fixture
def calm_sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox without a second factor, so that a new sign-in need not wait for a new code."""
    before = sandbox.get("/options")
    sandbox.post("/options", {"mfa": "off", "assignment_delay": 0.2})
    sandbox.forget_faults()
    try:
        yield sandbox
    finally:
        sandbox.post("/held/release")
        sandbox.forget_faults()
        sandbox.post("/options", before)


@pytest.fixture
async def hall(calm_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Hall]:
    """An open queue and everything for a worker."""
    known = next(item for item in calm_sandbox.get("/credentials") if item["email"] == ACCOUNT)
    store = CredentialStore(MemoryKeyring())
    store.set("sandbox", ServiceAccount(ACCOUNT, Secret(known["password"])))
    settings = Settings(**settings_for(calm_sandbox, tmp_path))
    queue = open_queue(settings)
    await queue.open(limits_of(settings))
    try:
        yield Hall(calm_sandbox, settings, store, queue)
    finally:
        await queue.close()


# --- agent run as a process ---


@dataclass
class AgentProcess:
    """``agent run`` with a sealed keyring and settings of its own."""

    sandbox: Sandbox
    folder: Path
    process: subprocess.Popen[str] | None = None

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder / "agent.toml", {})

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AGENT_KEYRING_FILE": str(self.folder / "keyring.sealed"),
            "AGENT_KEYRING_KEY_FILE": str(self.folder / "keyring.key"),
            "PYTHON_KEYRING_BACKEND": "agent.credentials.sealed_file.SealedFileKeyring",
        }

    async def submit(self, *jobs: Job) -> list[int]:
        """Put jobs into the queue while no agent has it."""
        queue = open_queue(self.settings)
        await queue.open(limits_of(self.settings))
        try:
            return [receipt.id for receipt in await queue.submit([admit(job, "sandbox", "hr") for job in jobs])]
        finally:
            await queue.close()

    async def jobs(self, *numbers: int) -> list[JobRecord]:
        """The jobs on record, while no agent has the queue."""
        queue = EmbeddedQueue(self.settings.queue.file)
        await queue.open(limits_of(self.settings))
        try:
            return [await queue.job(number) for number in numbers]
        finally:
            await queue.close()

    def start(self, *words: str) -> None:
        """Start it; its log goes to ``log``."""
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agent", "run", "--settings", str(self.folder / "agent.toml"), *words],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                text=True,
            )

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def browsers(self) -> list[psutil.Process]:
        """Browsers that belong to this agent's folder of state, whoever started them."""
        from agent.browser.orphans import mark

        owner = mark(self.folder / "state").split(".")[0]
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(word.startswith(f"{MARK}={owner}.") for word in process.cmdline()):
                    found.append(process)
        return found


@pytest.fixture
def agent_process(calm_sandbox: Sandbox, tmp_path: Path) -> Iterator[AgentProcess]:
    """The agent, not yet started."""
    key = tmp_path / "keyring.key"
    key.write_text("a key for tests only " * 3)
    key.chmod(0o400)
    settings = settings_for(calm_sandbox, tmp_path)
    sections = {name: table for name, table in settings.items() if name != "tenants"}
    sections["api"] = {"socket": str(tmp_path / "agent.sock")}
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        for name, table in sections.items()
    )
    tenant = dict(settings["tenants"]["sandbox"])
    timeouts = tenant.pop("timeouts")
    text += "[tenants.sandbox]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in tenant.items())
    text += "[tenants.sandbox.timeouts]\n" + "".join(f"{key} = {value}\n" for key, value in timeouts.items())
    (tmp_path / "agent.toml").write_text(text, encoding="utf-8")
    (tmp_path / "log").touch()
    agent = AgentProcess(calm_sandbox, tmp_path)
    known = next(item for item in calm_sandbox.get("/credentials") if item["email"] == ACCOUNT)
    account = json.dumps({"email": ACCOUNT, "password": known["password"]})
    subprocess.run(
        [sys.executable, "-c", _STORE, account],
        cwd=ROOT,
        env=agent.environment,
        check=True,
        timeout=60,
    )
    try:
        yield agent
    finally:
        if agent.process is not None and agent.process.poll() is None:
            agent.process.kill()
            agent.process.wait(20)
        for browser in agent.browsers():
            with contextlib.suppress(psutil.Error):
                browser.kill()


_STORE = """
import json, sys
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
account = json.loads(sys.argv[1])
CredentialStore().set("sandbox", ServiceAccount(account["email"], Secret(account["password"])))
"""

"""A real ``agent run`` in a folder of its own, which can be started, killed at any instant, and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from agent.credentials.sealed_file import SealedFileKeyring
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from fixtures.running import ROOT, RunningSandbox, browser_path
from tests.signals import has_ended
from tests.torture import unix_http
from tests.torture.unix_http import Gone, Reply

ACCOUNT = "svc.provisioning@example.com"
TENANT = "sandbox"
START_S = 60.0
POLL_S = 0.02


class AgentProcess:
    """One agent's folder (settings, queue, evidence, state, keyring), and the process that works in it now, if any."""

    def __init__(self, folder: Path, sandbox: RunningSandbox, **settings: Any) -> None:
        """Write settings and credentials; ``settings`` are further keys by table, ``worker={"jobs_at_once": 1}``."""
        self.folder = folder
        folder.mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self.family: list[psutil.Process] = []  # what the last process had started, as of its end
        self._settings = folder / "agent.toml"
        self._write_settings(sandbox, settings)
        self.environment = self._make_environment()
        self._store_account(sandbox)

    # --- where things are ---

    @property
    def queue_file(self) -> Path:
        """The ledger."""
        return self.folder / "queue" / "queue.db"

    @property
    def evidence(self) -> Path:
        """The evidence folders."""
        return self.folder / "evidence"

    @property
    def plan_file(self) -> Path:
        """What the launcher is to do at which queue call."""
        return self.folder / "plan.json"

    @property
    def clock_file(self) -> Path:
        """By how many seconds the agent's clock is ahead."""
        return self.folder / "clock"

    @property
    def store(self) -> CredentialStore:
        """Its keyring."""
        keyring = SealedFileKeyring()
        keyring.file, keyring.key_file = str(self.folder / "keyring.sealed"), str(self.folder / "key")
        return CredentialStore(keyring)

    @property
    def log(self) -> str:
        """What the agent has said so far, in all its lives."""
        return (self.folder / "agent.log").read_text(errors="replace")

    # --- life ---

    def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it answers (or not). AssertionError with its log when it ends instead."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        command = [sys.executable, "-m", "tests.torture.launcher", "run", "--settings", str(self._settings)]
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Until it answers on its socket."""
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self.is_running, f"the agent ended ({self.code}): {self.log[-3000:]}"
            assert time.monotonic() < deadline, f"the agent does not get ready: {self.log[-3000:]}"
            time.sleep(POLL_S)

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        return None if self.process is None else self.process.poll()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def descendants(self) -> list[psutil.Process]:
        """Driver, browser and whatever else it has started."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """``kill -9`` of the agent alone; its driver and browser are left to themselves (``family``)."""
        self.family = self.descendants()
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self, patience: float = 90.0) -> int:
        """SIGTERM, and wait; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)

    def wait_dead(self, patience: float = 60.0) -> int:
        """Until it has ended by itself, or by the launcher's plan."""
        assert self.process is not None
        return self.process.wait(patience)

    def end_everything(self) -> None:
        """For the end of a test: nothing of it is left running."""
        members = [*self.family, *(self.descendants() if self.is_running else [])]
        if self.is_running:
            assert self.process is not None
            self.process.kill()
            self.process.wait(20)
        for member in members:
            if member.is_running() and not has_ended(member.pid):
                member.kill()

    # --- what it is asked ---

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A request to its API over the socket; Gone when it is not there, AssertionError for a refusal."""
        reply = unix_http.ask(self._socket, method, path, body, query)
        assert reply.status < 400, f"{method} {path}: {reply.status} {reply.text}"
        return reply.json()

    def try_ask(self, method: str, path: str, body: Any = None) -> Reply | None:
        """The same for whoever wants to see refusals; None when the agent is gone."""
        try:
            return unix_http.ask(self._socket, method, path, body)
        except Gone:
            return None

    def submit(self, jobs: Sequence[Mapping[str, Any]], **query: Any) -> list[int]:
        """Hand jobs in; their numbers, which are promises."""
        receipts = self.ask("POST", "/v1/jobs", list(jobs), **query)
        return [receipt["id"] for receipt in receipts["jobs"]]

    def job(self, job_id: int) -> dict[str, Any]:
        """One job as the API shows it."""
        told: dict[str, Any] = self.ask("GET", f"/v1/jobs/{job_id}")
        return told

    def quiet(self) -> bool:
        """Whether nothing is running or due; held jobs wait for a person."""
        live = self.ask("GET", "/v1/jobs", state=["queued", "running"], held=False, limit=1)
        return not live["jobs"]

    def wait_quiet(self, patience: float = 120.0) -> None:
        """Until nothing is to be done any more. AssertionError with the log when that takes too long."""
        deadline = time.monotonic() + patience
        while not self.quiet():
            assert time.monotonic() < deadline, f"still at work after {patience:.0f} s: {self.log[-3000:]}"
            time.sleep(0.1)

    def plan(self, *deaths: Mapping[str, Any]) -> None:
        """At which queue calls of which jobs the launcher ends the process (launcher.py); without any: at none."""
        fresh = self.plan_file.with_suffix(".new")
        fresh.write_text(json.dumps(deaths))
        fresh.replace(self.plan_file)

    def calls_of(self, job_id: int) -> int:
        """How many queue calls the launcher has seen for this job in its last run."""
        lines = self.plan_file.with_name(self.plan_file.name + ".calls").read_text().splitlines()
        return max((entry["call"] for line in lines if (entry := json.loads(line))["job"] == job_id), default=0)

    # --- making it ---

    @property
    def _socket(self) -> Path:
        return self.folder / "agent.sock"

    def _answers(self) -> bool:
        reply = self.try_ask("GET", "/readyz")
        return reply is not None and reply.status == 200

    def _write_settings(self, sandbox: RunningSandbox, more: Mapping[str, Any]) -> None:
        company = sandbox.get("/state")["companies"][0]["company_id"]
        tables: dict[str, dict[str, Any]] = {
            "paths": {"evidence": "evidence", "state": "state"},
            "evidence": {"keep_free_mib": 0},  # the small disks of some scenes would never do
            "queue": {"file": "queue/queue.db", "first_retry_s": 0.2, "longest_retry_s": 2},
            "worker": {"jobs_at_once": 3, "pause_s": 2},
            "api": {"socket": "agent.sock"},
            "tenants.sandbox": {
                "sign_in_url": sandbox.sign_in + "/",
                "app_url": sandbox.app + "/",
                "company_id": str(company),
                "max_running": 3,
            },
            "tenants.sandbox.policy": {
                "admin_templates": ["Company Admin"],
                "max_deactivations_per_hour": 100_000,
                "max_deactivated_share": 1.0,
                "max_people_per_job": 100,
            },
            "tenants.sandbox.timeouts": {"page_s": 20, "answer_s": 4, "settle_s": 3, "verify_s": 12, "projects_s": 20},
        }
        for name, table in more.items():
            tables.setdefault(name, {}).update(table)
        lines = [
            f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
            for name, table in tables.items()
        ]
        self._settings.write_text("\n".join(lines))

    def _make_environment(self) -> dict[str, str]:
        key = self.folder / "key"
        key.write_text("torture " * 6)
        key.chmod(0o400)
        temporary = self.folder / "tmp"
        temporary.mkdir()
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AGENT_")},
            "AGENT_BROWSER": browser_path(),
            "AGENT_KEYRING_FILE": str(self.folder / "keyring.sealed"),
            "AGENT_KEYRING_KEY_FILE": str(key),
            "PYTHON_KEYRING_BACKEND": "agent.credentials.sealed_file.SealedFileKeyring",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(temporary),
            "TORTURE_PLAN": str(self.plan_file),
            "TORTURE_CLOCK": str(self.clock_file),
        }

    def _store_account(self, sandbox: RunningSandbox) -> None:
        known = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)
        account = ServiceAccount(ACCOUNT, Secret(known["password"]), Secret(known["totp_secret"]))
        self.store.set(TENANT, account)

    def forget(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

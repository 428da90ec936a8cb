"""The command line on a tenant in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agent.commands import run_job
from agent.commands.app import app
from agent.commands.workplace import Workplace
from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.errors import AgentError
from agent.evidence.budget import EvidenceRoom
from agent.execute.events import Event, JobEnded, JobStarted
from agent.execute.gate import GateRelay
from agent.execute.pace import Limits
from agent.settings import Settings, Tenant
from tests.unit.execute.fake import FakeSession
from tests.unit.execute.fake_tenant import FakeTenant

PASSWORD = 'Qu1et [bold]&"Harbor" %+42/ä'
SETTINGS = """
[tenants.sandbox]
sign_in_url = "http://login.sandbox.localhost:8600/"
app_url = "http://us02.sandbox.localhost:8600/"
company_id = "562949953421312"
"""


class Folder:
    """Stands in for the recorder: makes the folder and the report."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder: Path | None = None

    async def notify(self, event: Event) -> None:
        if isinstance(event, JobStarted):
            self.folder = self._root / event.job.idempotency_key
            self.folder.mkdir(parents=True)
        if isinstance(event, JobEnded) and self.folder is not None:
            (self.folder / "report.html").write_text("report", encoding="utf-8")


class FakeSeat:
    """A tenant's place with a session in memory."""

    account = "svc.agent@example.com"

    def __init__(self, truth: FakeTenant, tenant: Tenant) -> None:
        self.tenant = tenant
        self.relay = GateRelay()
        self.session = _Closable(truth, self.relay)


class _Closable(FakeSession):
    async def close(self) -> None:
        self._opened = None


class FakePlace:
    """Stands in for :class:`agent.commands.workplace.Workplace`."""

    completed: tuple[str, ...] = ()
    truth: FakeTenant
    trouble: AgentError | None

    def __init__(self, settings: Settings, tenants: tuple[str, ...], **flags: Any) -> None:
        self.settings = settings
        self.room = EvidenceRoom.of(settings.paths.evidence, settings.evidence)
        self.flags = flags
        self.known = KnownSecrets()
        self.known.add("password of svc.agent@example.com", Secret(PASSWORD))
        self._seats: dict[str, FakeSeat] = {}

    async def __aenter__(self) -> FakePlace:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def rest(self) -> None:
        """Nothing wears out in memory."""

    def seat(self, name: str) -> FakeSeat:
        if self.trouble is not None:
            raise self.trouble
        return self._seats.setdefault(name, FakeSeat(self.truth, self.settings.tenants[name]))

    def recorder(self, seat: FakeSeat) -> Folder:
        return Folder(self.settings.paths.evidence)

    orders = Workplace.orders


class CommandLine:
    """Runs ``agent`` in a folder of its own."""

    def __init__(self, folder: Path, truth: FakeTenant) -> None:
        self.folder = folder
        self.truth = truth

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        """One command; asserts that no traceback reaches the user."""
        result = CliRunner().invoke(app, list(words), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    def job_file(self, content: Any) -> str:
        """A file with this job, or these."""
        file = self.folder / "job.json"
        dump = [_plain(item) for item in content] if isinstance(content, list) else _plain(content)
        file.write_text(json.dumps(dump), encoding="utf-8")
        return str(file)


def _plain(job: Any) -> Any:
    return job.model_dump(mode="json", exclude_unset=True) if hasattr(job, "model_dump") else job


@pytest.fixture
def truth() -> FakeTenant:
    """The tenant."""
    return FakeTenant()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, truth: FakeTenant) -> CommandLine:
    """The command line, with settings in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("AGENT_SETTINGS", "AGENT_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "agent.toml").write_text(SETTINGS, encoding="utf-8")
    place: Callable[..., Any] = type("Place", (FakePlace,), {"truth": truth, "trouble": None})
    monkeypatch.setattr(run_job, "Workplace", place)
    monkeypatch.setattr("agent.commands.workplace.Limits", lambda **given: Limits(20, 20, 60))
    monkeypatch.setattr("agent.execute.run.RealClock", lambda: truth.clock)
    return CommandLine(tmp_path, truth)


@pytest.fixture
def no_seat(monkeypatch: pytest.MonkeyPatch) -> Callable[[AgentError], None]:
    """Make every tenant's place fail to open."""

    def fail(error: AgentError) -> None:
        monkeypatch.setattr("agent.commands.run_job.Workplace.trouble", error)

    return fail

"""A served interface on a real unix socket and a loopback port, with the embedded queue behind it."""

from __future__ import annotations

import asyncio
import io
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import structlog

from agent.credentials.known import KnownSecrets
from agent.evidence import log
from agent.evidence.masking import Masker
from agent.intake.inbox import Inbox
from agent.queue.interface import Queue
from agent.queue.opening import limits_of, open_queue
from agent.service.api import create_app, health_app
from agent.service.metrics import Metrics
from agent.service.operators import Operators
from agent.service.server import ApiServer
from agent.settings import Settings, load_settings
from tests.unit.settings.test_settings import TENANT

T = TypeVar("T")


@dataclass
class FakeStatus:
    """What a worker says of itself."""

    draining: bool = False
    running: list[dict[str, Any]] = field(default_factory=list)
    browser: dict[str, Any] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)


class FakeWorker:
    """Stands in for the worker: says how it is, does nothing."""

    def __init__(self) -> None:
        self.says = FakeStatus()

    def status(self) -> FakeStatus:
        """As it is now."""
        return self.says


class Served:
    """An agent's interface, served in a thread of its own; usable from anywhere."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.operators = Operators(settings.paths.state)
        self.worker = FakeWorker()
        self.metrics = Metrics()
        self.known = KnownSecrets()
        self.queue: Queue = open_queue(settings)
        self.inbox = Inbox(settings, self.queue)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="served", daemon=True)
        self.addresses: tuple[str, ...] = ()
        self.clock_trouble = ""

    def __enter__(self) -> Served:
        self._thread.start()
        self.does(self._open())
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.does(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
        self._loop.close()

    def does(self, what: Coroutine[Any, Any, T]) -> T:
        """Run this in the agent's loop."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    async def _open(self) -> None:
        await self.queue.open(limits_of(self.settings))
        app = create_app(
            self.settings,
            self.queue,
            self.worker,
            self.operators,
            self.metrics,
            inbox_trouble=lambda: self.inbox.trouble,
            clock_trouble=lambda: self.clock_trouble,
            mask=Masker(self.known),
        )
        server = ApiServer(self.settings.api, app, health_app(app))
        server.open()
        self.addresses = server.addresses
        self._serving = asyncio.create_task(server.run())

    async def _close(self) -> None:
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        await self.queue.close()

    def token(self, name: str) -> str:
        """A new operator's token."""
        return self.operators.add(name, datetime.now(UTC)).reveal()

    def on_socket(self, token: str | None = None) -> httpx.Client:
        """A connection by the unix socket."""
        transport = httpx.HTTPTransport(uds=str(self.settings.api.socket))
        return httpx.Client(transport=transport, base_url="http://localhost", headers=_bearer(token), timeout=60)

    def on_port(self, token: str | None = None, *, metrics: bool = False) -> httpx.Client:
        """A connection by the loopback port, or by that of the metrics."""
        address = self.addresses[2 if metrics else 1]
        return httpx.Client(base_url=f"http://{address}", headers=_bearer(token), timeout=60, trust_env=False)


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.fixture(autouse=True)
def logged() -> Iterator[io.StringIO]:
    """What the agent logs, as in production: one JSON line each, tracebacks without local variables."""
    stream = io.StringIO()
    log.configure("json", stream=stream)
    yield stream
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with every address; the socket in a folder with a short name."""
    with tempfile.TemporaryDirectory(prefix="agent-") as short:
        (tmp_path / "agent.toml").write_text(
            f'[api]\nsocket = "{short}/s"\nlisten = "127.0.0.1:0"\nmetrics_listen = "127.0.0.1:0"\n'
            f'[inbox]\nfolder = "inbox"\n{TENANT}',
            encoding="utf-8",
        )
        yield load_settings(tmp_path / "agent.toml")


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    """The interface, served."""
    with Served(settings) as running:
        yield running


def job(key: str = "k-1", email: str = "ana@example.com", action: str = "read", **more: Any) -> dict[str, Any]:
    """A job as JSON."""
    reason = {"ticket": "T", "requested_by": "hr@example.com", "approved_by": "it@example.com"}
    return {"action": action, "idempotency_key": key, "reason": reason, "person": {"email": email}, **more}

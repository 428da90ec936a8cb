"""The whole agent: which part dies, what is told, and that the queue is let go in any case."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from agent.audit.ledgers import Ledgers
from agent.errors import Failed
from agent.queue.interface import QueueOwned
from agent.service import running
from agent.service.running import PartDied, Wishes, run_agent
from agent.settings import Settings
from agent.worker.status import WorkerStatus


class FakeWorker:
    """Runs until drained, or until told to break."""

    breaks: BaseException | None = None
    hangs = False
    seen: list[str] = []  # noqa: RUF012  # emptied by the fixture

    def __init__(self, settings: Settings, *given: Any, once: bool = False, **more: Any) -> None:
        self.name = "test:1"
        self.ledgers = Ledgers(settings.paths.evidence, None)
        self._once = once
        self._stop = asyncio.Event()

    async def run(self) -> None:
        self.seen.append("run")
        if self.breaks is not None:
            raise self.breaks
        if not self._once:
            await self._stop.wait()

    async def drain(self) -> None:
        self.seen.append("drain")
        if self.hangs:
            await asyncio.Event().wait()
        self._stop.set()

    async def leave(self, seal_s: float = 0.0) -> None:
        self.seen.append("leave")
        self._stop.set()

    async def probe(self) -> None:
        """No night."""

    async def keep_sessions(self) -> None:
        """Nothing to keep."""

    async def complete_evidence(self) -> None:
        """Nothing to complete."""

    async def tidy_evidence(self) -> None:
        """Nothing to tidy."""

    def status(self) -> WorkerStatus:
        return WorkerStatus("test:1", 3, False, (), None, (), 0)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> type[FakeWorker]:
    """In place of the worker."""
    kind = type("Fake", (FakeWorker,), {"seen": []})
    monkeypatch.setattr(running, "Worker", kind)
    return kind


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An agent without tenants, on a socket of its own."""
    return Settings.model_validate(
        {
            "paths": {"evidence": tmp_path / "evidence", "state": tmp_path / "state"},
            "queue": {"file": tmp_path / "queue.db"},
            "api": {"socket": tmp_path / "agent.sock"},
        }
    )


async def until_it_serves(settings: Settings) -> None:
    """The last part that begins listens on its socket."""
    async with asyncio.timeout(20):
        while True:
            if settings.api.socket is not None and settings.api.socket.exists():
                return
            await asyncio.sleep(0.01)


async def test_a_signal_stops_it_in_order(worker: type[FakeWorker], settings: Settings) -> None:
    """Drained, the socket gone, the queue free for the next one."""
    wishes = Wishes()
    task = asyncio.create_task(run_agent(settings, wishes))
    await until_it_serves(settings)
    wishes.signal()
    await asyncio.wait_for(task, 20)
    assert worker.seen == ["run", "drain"]
    assert not (settings.api.socket or Path()).exists()
    await run_agent(settings, wishes)


async def test_a_second_signal_leaves_at_once(worker: type[FakeWorker], settings: Settings) -> None:
    """Whatever the draining waits for."""
    worker.hangs = True
    wishes = Wishes()
    task = asyncio.create_task(run_agent(settings, wishes))
    await asyncio.sleep(0)
    wishes.signal()
    wishes.signal()
    await asyncio.wait_for(task, 20)
    assert worker.seen[-1] == "leave"


async def test_once_ends_when_the_worker_has_nothing_to_do(worker: type[FakeWorker], settings: Settings) -> None:
    """No signal is needed."""
    await asyncio.wait_for(run_agent(settings, Wishes(), once=True), 20)
    assert worker.seen == ["run"]


async def test_a_dead_worker_takes_the_agent_down_and_says_why(worker: type[FakeWorker], settings: Settings) -> None:
    """The code of the cause; the queue is free again."""
    worker.breaks = Failed("evidence-unwritable", "The evidence folder cannot be written.")
    with pytest.raises(PartDied, match="worker ended: The evidence folder") as caught:
        await asyncio.wait_for(run_agent(settings, Wishes()), 20)
    assert caught.value.code == "evidence-unwritable"
    worker.breaks = None
    await asyncio.wait_for(run_agent(settings, Wishes(), once=True), 20)


async def test_a_part_that_cannot_begin_takes_the_agent_down(worker: type[FakeWorker], settings: Settings) -> None:
    """An address that is taken: jobs are given back, and the reason is told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        busy = settings.model_copy(update={"api": settings.api.model_copy(update={"listen": address})})
        with pytest.raises(PartDied) as caught:
            await asyncio.wait_for(run_agent(busy, Wishes()), 20)
    assert caught.value.code == "api-unavailable"
    assert "drain" in worker.seen


async def test_a_second_agent_on_the_same_queue_is_refused(worker: type[FakeWorker], settings: Settings) -> None:
    """Before anything else is begun."""
    wishes = Wishes()
    task = asyncio.create_task(run_agent(settings, wishes))
    await until_it_serves(settings)
    with pytest.raises(QueueOwned):
        await run_agent(settings, Wishes())
    wishes.signal()
    await asyncio.wait_for(task, 20)
    assert worker.seen == ["run", "drain"]

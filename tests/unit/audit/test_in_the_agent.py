"""The ledger in its places: the running agent, its metrics, and what the doctor says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.audit.keys import KeyringSigner
from agent.audit.ledger import ledger_folder
from agent.audit.ledgers import Ledgers
from agent.audit.reading import ENTRIES, read_entries
from agent.commands.checked import State
from agent.commands.doctor_ledger import ledger_lines
from agent.credentials.store import CredentialStore
from agent.queue.embedded import EmbeddedQueue
from agent.queue.interface import JobFilter
from agent.service import running
from agent.service.metrics import Metrics
from agent.service.running import Wishes, run_agent
from agent.settings import Settings
from tests.unit.audit.books import MemoryKeyring, report
from tests.unit.schedule.conftest import new
from tests.unit.worker.test_running import FakeWorker


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "paths": {"evidence": tmp_path / "evidence", "state": tmp_path / "state"},
            "queue": {"file": tmp_path / "queue.db"},
            "api": {"socket": tmp_path / "agent.sock"},
            "clock": {"scan_s": 0.05},
            "tenants": {
                "acme": {
                    "sign_in_url": "https://login.example.com/",
                    "app_url": "https://app.example.com/",
                    "company_id": "1",
                }
            },
        }
    )


def kinds(settings: Settings) -> list[str]:
    folder = ledger_folder(settings.paths.evidence, "acme")
    if not (folder / ENTRIES).exists():
        return []
    return [entry.kind.value for entry in read_entries(folder)]


async def test_the_running_agent_keeps_the_ledger(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It enters what was accepted by itself, and, before it lets go of the queue, what ended last."""
    queues: list[Any] = []

    class Idle(FakeWorker):
        def __init__(self, settings: Settings, queue: Any, *given: Any, **more: Any) -> None:
            super().__init__(settings, queue, *given, **more)
            queues.append(queue)

    monkeypatch.setattr(running, "Worker", Idle)
    queue = EmbeddedQueue(settings.queue.file)
    await queue.open({"acme": 1})
    await queue.submit([new("read", "a")])
    await queue.close()
    wishes = Wishes()
    agent = asyncio.create_task(run_agent(settings, wishes, store=CredentialStore(MemoryKeyring())))
    async with asyncio.timeout(30):
        while "accepted" not in kinds(settings):
            assert not agent.done()
            await asyncio.sleep(0.02)
    (job,) = await queues[0].jobs(JobFilter())
    await queues[0].cancel(job.id, "ann")
    wishes.signal()
    async with asyncio.timeout(30):
        await agent
    assert kinds(settings) == ["opened", "accepted", "ended"]


def test_metrics_show_the_ledger(settings: Settings) -> None:
    """Size, what is unsigned, what others added, and when the last period ended."""
    ledgers = Ledgers(settings.paths.evidence, None)
    report(ledgers.of("acme"))
    metrics = Metrics()
    report(Ledgers(settings.paths.evidence, None).of("acme"))
    metrics.ledger_seen("acme", ledgers.of("acme").head())
    assert metrics.registry.get_sample_value("agent_ledger_entries", {"tenant": "acme"}) == 3
    assert metrics.registry.get_sample_value("agent_ledger_unsigned_entries", {"tenant": "acme"}) == 3
    assert metrics.registry.get_sample_value("agent_ledger_elsewhere_entries", {"tenant": "acme"}) == 1
    assert metrics.registry.get_sample_value("agent_ledger_last_period_end_seconds", {"tenant": "acme"}) == 0


def test_the_doctor_looks_at_the_ledger(settings: Settings) -> None:
    """None yet; whole and signed; the key lost; the end cut: each in words, and nothing is made by looking."""
    keyring = MemoryKeyring()
    store = CredentialStore(keyring)
    (line,) = ledger_lines(settings, "acme", store)
    assert (line.state, line.detail[:8]) == (State.GOOD, "none yet")
    assert not settings.paths.evidence.exists()
    ledger = Ledgers(settings.paths.evidence, KeyringSigner(store)).of("acme")
    report(ledger)
    ledger.sign()
    whole, key = ledger_lines(settings, "acme", store)
    assert (whole.state, whole.detail) == (State.GOOD, "2 entries, 0 of them unsigned")
    assert (key.state, key.detail) == (State.GOOD, "+".join(ledger.head().keys[0].split("+")[:2]))
    _, lost = ledger_lines(settings, "acme", CredentialStore(MemoryKeyring()))
    assert lost.state is State.BAD
    assert "new key" in lost.next_step
    keyring.is_locked = True
    _, locked = ledger_lines(settings, "acme", store)
    assert locked.state is State.BAD
    entries = ledger.folder / ENTRIES
    entries.write_bytes(entries.read_bytes()[:-400])
    (broken,) = ledger_lines(settings, "acme", store)
    assert broken.state is State.BAD
    assert "agent evidence verify" in broken.next_step

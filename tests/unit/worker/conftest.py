"""Claimed jobs on a tenant in memory, with the embedded queue on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from agent.audit.ledgers import Ledgers
from agent.browser.shared import SharedBrowser
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.domain.person import TenantFacts
from agent.errors import AgentError
from agent.evidence.recorder import EvidenceRecorder
from agent.execute.events import Event
from agent.execute.gate import GateRelay
from agent.jobs.model import Job
from agent.queue.admission import admit
from agent.queue.interface import Queue
from agent.queue.opening import limits_of, open_queue
from agent.queue.record import JobRecord
from agent.settings import Settings
from agent.worker.claimed import ClaimedJob
from agent.worker.shop import Shop
from agent.worker.telemetry import NoTelemetry
from tests.unit.execute.fake import FakeSession
from tests.unit.execute.fake_tenant import FakeTenant


class Closable(FakeSession):
    """A session that tells how it was closed."""

    in_order: bool | None = None

    def names(self) -> TenantFacts | None:
        return self._truth.facts if self._opened is not None else None

    async def close(self, *, in_order: bool) -> None:
        self.in_order = in_order
        self._opened = None


class Silent:
    """Stands in for the recorder."""

    def __init__(self, folder: Path, told: list[Event]) -> None:
        self.folder = folder
        self._told = told

    async def notify(self, event: Event) -> None:
        """Nothing is kept on disk."""
        self._told.append(event)


@dataclass
class FakeShop(Shop):
    """A shop without a browser; ``trouble`` keeps every session from being opened."""

    truth: FakeTenant = field(default_factory=FakeTenant)
    trouble: AgentError | None = None
    sessions: list[Closable] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def session(self, tenant: str, gate: Any) -> tuple[Any, str]:
        if self.trouble is not None:
            raise self.trouble
        self.sessions.append(Closable(self.truth, cast(GateRelay, gate)))
        return self.sessions[-1], "svc.agent@example.com"

    def recorder(self, account: str, record: JobRecord) -> EvidenceRecorder:
        return cast(EvidenceRecorder, Silent(self.settings.paths.evidence / f"run-{len(self.sessions)}", self.told))


@dataclass
class Bench:
    """A queue, a shop, and jobs run by hand, one after the other."""

    queue: Queue
    shop: FakeShop

    @property
    def truth(self) -> FakeTenant:
        return self.shop.truth

    async def submit(self, *jobs: Job) -> list[int]:
        """Put them into the queue."""
        return [receipt.id for receipt in await self.queue.submit([admit(job, "sandbox", "hr") for job in jobs])]

    async def run_next(self) -> JobRecord:
        """Claim the next job and run it to the record of its end."""
        claim = await self.queue.next_claim("test")
        await ClaimedJob(self.shop, claim).run()
        return await self.queue.job(claim.job.id)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """An open queue and a tenant in memory, whose clock passes only when somebody waits."""
    settings = Settings.model_validate(
        {
            "paths": {"evidence": tmp_path / "evidence", "state": tmp_path / "state"},
            "queue": {"file": tmp_path / "queue.db"},
            "notify": {"webhooks": {"desk": {"url": "https://hooks.example.com/agent"}}},
            "tenants": {
                "sandbox": {
                    "sign_in_url": "http://login.sandbox.localhost:8600/",
                    "app_url": "http://us02.sandbox.localhost:8600/",
                    "company_id": "562949953421312",
                    "timeouts": {"settle_s": 20, "verify_s": 20, "answer_s": 10},
                }
            },
        }
    )
    queue = open_queue(settings)
    await queue.open(limits_of(settings))
    shop = FakeShop(
        settings=settings,
        queue=queue,
        browsers=cast(SharedBrowser, None),
        store=CredentialStore(),
        known=KnownSecrets(),
        telemetry=NoTelemetry(),
        ledgers=Ledgers(settings.paths.evidence, None),
        chance=lambda: 0.0,
    )
    monkeypatch.setattr("agent.execute.run.RealClock", lambda: shop.truth.clock)
    try:
        yield Bench(queue, shop)
    finally:
        await queue.close()

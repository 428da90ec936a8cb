"""A row's jobs by the agent: its own session, flows, plan, policy and verification; only the evidence is left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.browser.launch import WarmBrowser
from agent.commands.workplace import Seat, Workplace
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.execute.outcome import Outcome, Verdict
from agent.execute.run import Orders, run_job
from agent.jobs.model import ANY_JOB, Job
from agent.settings import Settings
from tests.browser.jobs.conftest import MemoryKeyring
from tests.drift.arena import Arena
from tests.drift.bare_side import Told
from tests.drift.cases import COMPANY, Case
from tests.drift.judge import Claim

TENANT = "sandbox"
TIMEOUTS = {"page_s": 15, "answer_s": 8, "settle_s": 4, "verify_s": 6, "projects_s": 15}
"""Shorter than in life: a job that is going to stop should not keep the table waiting."""
UNCHANGED = (Verdict.REFUSED, Verdict.FAILED, Verdict.WAITING)
"""Verdicts that promise that nothing was changed."""


class AgentSide:
    """The agent, signed in to one tenant."""

    name = "agent"

    def __init__(self, place: Workplace, seat: Seat) -> None:
        self._place = place
        self._seat = seat

    async def run(self, case: Case) -> Told:
        """Run the case's job; never raises for what the pages do."""
        job: Job = ANY_JOB.validate_python(case.job, strict=False)
        orders = self._orders()
        outcome = await run_job(job, self._seat.session, self._seat.relay, [], orders)
        return Told(claim_of(outcome), (outcome.error or {}).get("code", ""), outcome.summary)

    def _orders(self) -> Orders:
        recorder = self._place.recorder(self._seat)
        orders = self._place.orders(self._seat.tenant, recorder, dry_run=False, approved=True)
        return replace(orders, results=lambda: None)


class _Borrowed(Workplace):
    """A workplace whose browser is the row's, and outlives it."""

    warm: WarmBrowser

    @property
    def browser(self) -> WarmBrowser:
        return self.warm


def claim_of(outcome: Outcome) -> Claim:
    """What an outcome claims about the tenant."""
    if outcome.verdict is Verdict.DONE:
        return Claim.DONE
    return Claim.UNCHANGED if outcome.verdict in UNCHANGED else Claim.UNSURE


@asynccontextmanager
async def agent_side(arena: Arena, browser: WarmBrowser, folder: Path) -> AsyncIterator[AgentSide]:
    """A workplace of one tenant in this folder. Nobody is signed in before the first job."""
    account = arena.account
    store = CredentialStore(MemoryKeyring())
    store.set(TENANT, ServiceAccount(account["email"], Secret(account["password"]), None))
    borrowed = type("Borrowed", (_Borrowed,), {"warm": browser})
    async with borrowed(Settings(**settings_for(arena, folder)), (TENANT,), store=store) as place:
        yield AgentSide(place, place.seat(TENANT))


def settings_for(arena: Arena, folder: Path) -> Mapping[str, Any]:
    """The agent's settings for this sandbox."""
    return {
        "paths": {"evidence": folder / "evidence", "state": folder / "state"},
        "tenants": {
            TENANT: {
                "sign_in_url": arena.sandbox.sign_in,
                "app_url": arena.sandbox.app,
                "company_id": COMPANY,
                "policy": {"admin_templates": ["Company Admin"]},
                "timeouts": TIMEOUTS,
            }
        },
    }

"""The oracles of the other tests can fail: each planted violation is caught."""

from __future__ import annotations

from typing import Any

import pytest

from agent.execute import attempt, verify
from agent.execute import run as run_module
from agent.execute.gate import JobGate
from agent.execute.lost_answer import Settled
from agent.execute.outcome import Verdict, Witness
from agent.execute.perform import perform
from agent.execute.work import Seen, Work
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake import run, sent_twice
from tests.unit.execute.fake_tenant import FakeTenant

UPDATE = job("update", person={"email": "ana.lindqvist@example.com", "attributes": {"job_title": "Engineer"}})


async def test_a_runner_that_repeats_a_lost_write_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a careless retry in place of looking, the same write leaves twice and the oracle says so."""

    async def careless(*given: Any) -> str | None:
        try:
            return await perform(*given)
        except Exception:
            return await perform(*given)

    monkeypatch.setattr(attempt, "perform", careless)
    tenant = FakeTenant()
    tenant.fault("invite", "lose the answer")
    await run(provision(), tenant)
    assert sent_twice(tenant) != []
    assert len(tenant.outbox) == 2


async def test_a_runner_that_forgets_what_it_saved_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guard against repeating, a lagging page makes it send a saved step again."""
    monkeypatch.setattr(attempt, "repeats", lambda plan, kept: [])
    tenant = FakeTenant()
    tenant.put(person(company_access={"template": "Field Staff"}, default_project_template="x"))
    tenant.fault("save_user", "long lag")
    tenant.fault("inactivate", "sign out")
    await run(job("offboard", person={"email": "ana.lindqvist@example.com"}), tenant)
    assert sent_twice(tenant) != []


async def test_a_verification_that_says_yes_to_a_difference_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page witness that always agrees ends as done although the page differs: the truth shows it."""
    monkeypatch.setattr(verify, "page_witness", lambda left: Witness(name="page", agrees=True))
    tenant = FakeTenant()
    tenant.put(person())

    def undo(what: str) -> None:
        if what == "read_person" and tenant.sent:
            tenant.people["7123456"] = person()

    tenant.on_read = undo
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.people["7123456"].attributes.get("job_title") != "Engineer"


async def test_a_history_that_is_not_asked_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history witness that always agrees ends as done although no row stands there."""
    monkeypatch.setattr(verify, "history_witness", lambda work, kept, records: Witness(name="history", agrees=True))
    tenant = FakeTenant()
    tenant.put(person())
    tenant.on_read = lambda what: tenant.records.clear() if what == "history" else None
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.records == []


async def test_a_gate_that_lets_a_dry_run_write_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without gate and without the stop after planning, a dry run would write: the list of sent writes shows it."""

    async def open_gate(self: JobGate, page: Any, intent: str, target: Any = None) -> None:
        self.sent += 1

    async def go_on(self: Any) -> Any:
        object.__setattr__(self._orders, "dry_run", False)
        return await real(self)

    real = run_module._JobRun.go
    monkeypatch.setattr(JobGate, "before", open_gate)
    monkeypatch.setattr(run_module._JobRun, "go", go_on)
    tenant = FakeTenant()
    await run(provision(), tenant, dry_run=True)
    assert tenant.sent != []


async def test_the_gate_alone_stops_a_dry_run_that_forgets_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first lock holds by itself: failed, nothing sent."""

    async def go_on(self: Any) -> Any:
        object.__setattr__(self._orders, "dry_run", False)
        return await real(self)

    real = run_module._JobRun.go
    monkeypatch.setattr(run_module._JobRun, "go", go_on)
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, dry_run=True)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["code"] == "dry-run-write"
    assert tenant.sent == []


async def test_a_settlement_that_believes_without_looking_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking every lost answer for saved: verification disagrees, so the job does not end as done."""

    async def believe(work: Work, step: Any, seen: Seen, user_id: str | None, *, patient: bool) -> Settled:
        return Settled(True, seen, user_id, "nowhere")

    monkeypatch.setattr(attempt, "look_for_effect", believe)
    tenant = FakeTenant()
    tenant.put(person())
    tenant.fault("save_user", "lose before applying")
    outcome = await run(UPDATE, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN

"""What a run makes of requests that were held back in the network, before any write had been let through."""

from __future__ import annotations

import pytest

from agent.execute.events import Note
from agent.execute.outcome import Verdict
from tests.unit.execute.cases import provision
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import FakeTenant


@pytest.mark.parametrize("effect", ["acts at once", "acts and asks"])
async def test_a_control_that_acts_at_once_stops_the_job_and_quarantines_the_flow(effect: str) -> None:
    """Whether its window still comes or not: nothing is sent, nothing has changed, and the request is named."""
    tenant, listener = FakeTenant(), Listener()
    tenant.fault("create_user", effect)
    outcome = await run(provision(), tenant, listener=listener)
    assert (outcome.verdict, tenant.sent) == (Verdict.FAILED, [])
    assert outcome.error is not None
    assert outcome.error["code"] == "write-before-gate"
    assert "POST app.procore.test/create_user" in outcome.error["seen"]
    assert [(use.flow, use.state, use.code) for use in outcome.flows] == [
        ("add_user", "quarantined", "write-before-gate")
    ]
    assert outcome.steps[0].state == "not sent"
    held = [note.data for note in listener.of(Note) if "Held back" in note.text]
    assert held == [{"request": "POST app.procore.test/create_user"}]


async def test_what_was_done_before_stays_told() -> None:
    """The second write of a plan is stopped: the first one is kept, and the outcome says so."""
    tenant = FakeTenant()
    tenant.fault("invite", "acts at once")
    outcome = await run(provision(), tenant)
    assert (outcome.verdict, outcome.error["cause"] if outcome.error else "") == (
        Verdict.UNCERTAIN,
        "write-before-gate",
    )
    assert tenant.outbox == []


async def test_a_page_that_reports_home_is_told_and_stops_nothing() -> None:
    """A held request to another host than the pages come from is a note in the evidence, once."""
    tenant, listener = FakeTenant(), Listener()
    tenant.fault("create_user", "reports home")
    tenant.fault("invite", "reports home")
    outcome = await run(provision(), tenant, listener=listener)
    assert outcome.verdict is Verdict.DONE
    held = [note.data for note in listener.of(Note) if "Held back" in note.text]
    assert held == [{"request": "POST api.procore.test/n"}]

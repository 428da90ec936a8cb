"""A leaver's job goes on past a part of the pages that is out of use; nothing that gives access ever does."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.access import CompanyAccess
from agent.execute.events import Note
from agent.execute.outcome import Outcome, Verdict
from tests.unit.execute.cases import job, member, person
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import CLINIC, ENGINEER, HARBOR, FakeTenant
from tests.unit.execute.test_flows import quarantined

ANA = "ana.lindqvist@example.com"
OFFBOARD = job("offboard", person={"email": ANA})
STEPS = {"remove_from_all_projects": "change_projects", "save_user": "edit_user", "inactivate": "inactivate"}


def leaver(**more: Any) -> FakeTenant:
    """Somebody with projects, a template and access: three steps to take it all."""
    tenant = FakeTenant()
    held: dict[str, Any] = {
        "company_access": CompanyAccess(template="Field Staff"),
        "default_project_template": ENGINEER,
        "memberships": (member(HARBOR), member(CLINIC)),
    }
    tenant.put(person(**{**held, **more}))
    return tenant


def code(outcome: Outcome) -> str:
    error = outcome.error or {}
    return error.get("cause") or error.get("code", "")


@pytest.mark.parametrize("operation", STEPS)
async def test_a_leaver_loses_what_can_be_taken_safely(operation: str) -> None:
    """One part of the pages has changed: the two other revocations are made, the page opened afresh in between, and the
    job ends as a person's for the rest, with the flow that it met."""
    tenant, listener = leaver(), Listener()
    tenant.fault(operation, "swapped labels")
    outcome = await run(OFFBOARD, tenant, listener=listener)
    assert (outcome.verdict, code(outcome)) == (Verdict.UNCERTAIN, "shape-changed"), outcome
    states = [step.state for step in sorted(outcome.steps, key=lambda step: step.number)]
    assert states == ["not sent" if kind == operation else "saved" for kind in STEPS]
    ana = tenant.by_email(ANA)
    assert ana is not None
    left = (bool(ana.memberships), not ana.company_access.is_none, ana.active)
    assert left == tuple(kind == operation for kind in STEPS)
    assert [use.state for use in outcome.flows if use.flow == STEPS[operation]] == ["quarantined"]
    assert "Not done: " in outcome.summary
    told = [note.text for note in listener.of(Note) if note.text.startswith("Left out: ")]
    assert len(told) == (0 if operation == "inactivate" else 1)  # after the last one nothing is left to go on with


@pytest.mark.parametrize("flow", STEPS.values())
async def test_a_quarantined_flow_keeps_no_leaver_s_other_access(flow: str) -> None:
    """Known before the first write: the same, and the run says for want of which flow it is a person's."""
    tenant = leaver()
    outcome = await run(OFFBOARD, tenant, **quarantined(flow))
    assert (outcome.verdict, code(outcome), outcome.blocked_by) == (Verdict.UNCERTAIN, "flow-quarantined", (flow,))
    assert len(tenant.sent) == 2
    again = await run(OFFBOARD, tenant)
    assert again.verdict is Verdict.DONE, "released, the same job does the rest"


async def test_where_every_flow_is_quarantined_nothing_is_sent() -> None:
    """Then it is a person's from the beginning, as any other job."""
    tenant = leaver()
    outcome = await run(OFFBOARD, tenant, **quarantined(*STEPS.values()))
    assert (outcome.verdict, code(outcome), tenant.sent) == (Verdict.WAITING, "flow-quarantined", [])


async def test_a_dry_run_promises_nothing_in_part() -> None:
    """It tells which flow is missing."""
    outcome = await run(OFFBOARD, leaver(), dry_run=True, **quarantined("edit_user"))
    assert (outcome.verdict, outcome.blocked_by) == (Verdict.WAITING, ("edit_user",))


async def test_nobody_is_brought_back_past_a_step_that_was_left_out() -> None:
    """A returner whose dormant access cannot be taken stays inactive: reactivation would bring it back."""
    tenant = leaver(active=False)
    tenant.fault("remove_from_all_projects", "swapped labels")
    wish = job(
        "reactivate",
        person={"email": ANA},
        company_access={"template": "Field Staff"},
        default_project_template="none",
        add_to_new_projects=False,
        projects=[],
        invitation=False,
    )
    outcome = await run(wish, tenant)
    assert (code(outcome), tenant.sent) == ("shape-changed", [])
    ana = tenant.by_email(ANA)
    assert ana is not None
    assert not ana.active


@pytest.mark.parametrize("trouble", ["refuse", "lose before applying", "unknown page", "odd value"])
async def test_other_trouble_stops_a_leaver_s_job_as_before(trouble: str) -> None:
    """What Procore refuses, what nobody can say, and a page that is unknown as a whole: nothing follows."""
    tenant = leaver()
    tenant.fault("remove_from_all_projects", trouble)
    outcome = await run(OFFBOARD, tenant)
    assert outcome.verdict is not Verdict.DONE
    assert all("remove" in words for words in tenant.sent)


async def test_the_page_that_cannot_be_opened_afresh_stops_it() -> None:
    """What the step has opened may still be there."""
    tenant = leaver()
    tenant.fault("remove_from_all_projects", "swapped labels")
    tenant.fault("read:read_person", "unknown page", nth=2)
    outcome = await run(OFFBOARD, tenant)
    assert (code(outcome), tenant.sent) == ("shape-changed", [])

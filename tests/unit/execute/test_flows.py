"""What a run finds of the flows it writes through, and where it stops because one is quarantined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from agent.errors import SignedOut, UnknownPage
from agent.execute.events import Planned, ShapeExamined
from agent.execute.flow_log import FlowLog
from agent.execute.needed_flows import flow_of, needed_flows
from agent.execute.outcome import FlowUse, Outcome, Verdict
from agent.plan.step import StepBase
from agent.plan.steps import Step
from flows.names import Flow
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import FakeTenant

ANA = "ana.lindqvist@example.com"
WHY = "Two labels are swapped."


def quarantined(*flows: str) -> dict[str, Any]:
    """Orders under which these flows are quarantined."""

    async def ask() -> Mapping[str, str]:
        return dict.fromkeys(flows, WHY)

    return {"quarantined": ask}


def states(outcome: Outcome) -> dict[str, str]:
    return {use.flow: use.state for use in outcome.flows}


def step_kinds() -> list[str]:
    """Every kind of step that a plan may have."""
    found: list[str] = []
    for member in get_args(get_args(Step)[0]):
        assert issubclass(member, StepBase)
        found.append(member.model_fields["kind"].default)
    return found


def test_every_step_has_its_flow_in_both_generations() -> None:
    """A step without one could not be kept from a quarantined page; none is taken for reading."""
    kinds = step_kinds()
    assert len(kinds) > 15
    for kind in kinds:
        step = _OfKind(kind)
        for generation in ("legacy", "mfe"):
            assert flow_of(step, generation).writes  # type: ignore[arg-type]  # its kind is all that is looked at


class _OfKind:
    def __init__(self, kind: str) -> None:
        self.kind = kind


def test_a_flow_is_needed_once_however_many_steps_go_through_it() -> None:
    """In the order of the steps; on new pages the project's own Directory does what the Edit page did."""
    steps = [_OfKind("add_to_project"), _OfKind("save_user"), _OfKind("remove_from_project")]
    assert needed_flows(steps, "legacy") == (Flow.CHANGE_PROJECTS, Flow.EDIT_USER)  # type: ignore[arg-type]  # as above
    assert needed_flows(steps, "mfe") == (Flow.MEMBER_ADD, Flow.EDIT_USER, Flow.MEMBER_REMOVE)  # type: ignore[arg-type]  # as above


async def test_what_went_well_is_said_of_each_flow_that_wrote() -> None:
    """With the generation of the pages; nothing is said of a flow that was not used."""
    outcome = await run(provision(), FakeTenant())
    assert outcome.verdict is Verdict.DONE
    assert states(outcome) == {
        "add_user": "healthy",
        "change_projects": "healthy",
        "invite": "healthy",
    }
    assert {(use.wrote, use.generation) for use in outcome.flows} == {(True, "legacy")}
    assert (await run(provision(), FakeTenant(), dry_run=True)).flows == ()


async def test_a_changed_shape_stops_the_job_and_names_its_flow() -> None:
    """Nothing is sent; region and findings are there for whoever looks."""
    tenant = FakeTenant()
    tenant.fault("create_user", "swapped labels")
    listener = Listener()
    outcome = await run(provision(), tenant, listener=listener)
    assert (outcome.verdict, tenant.sent) == (Verdict.FAILED, [])
    assert outcome.error is not None
    assert (outcome.error["code"], outcome.error["flow"]) == ("shape-changed", "add_user")
    (use,) = outcome.flows
    assert (use.state, use.code, use.region, use.wrote) == ("quarantined", "shape-changed", "add_user.form", False)
    assert use.findings == ("swapped: first_name, last_name",)
    assert listener.count(ShapeExamined) == 1


async def test_an_unknown_page_in_the_middle_of_a_step_is_that_steps_flow() -> None:
    """What was done before stays done and is told; the rest is not sent."""
    tenant = FakeTenant()
    tenant.fault("invite", "unknown page")
    outcome = await run(provision(), tenant)
    assert (outcome.verdict, outcome.error["cause"] if outcome.error else "") == (Verdict.UNCERTAIN, "unknown-page")
    assert states(outcome)["invite"] == "quarantined"
    assert states(outcome)["add_user"] == "healthy"
    assert tenant.outbox == []


async def test_a_harmless_change_is_told_and_the_job_is_done() -> None:
    """Degraded, with a write that was kept."""
    tenant = FakeTenant()
    tenant.fault("create_user", "renamed label")
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    (use,) = [use for use in outcome.flows if use.flow == "add_user"]
    assert (use.state, use.wrote, use.findings) == ("degraded", True, ("renamed: fax_number",))


async def test_an_odd_value_is_only_a_suspicion_of_the_flow() -> None:
    """One person's telephone number must not take everybody's joiners out of use."""
    tenant = FakeTenant()
    tenant.fault("create_user", "odd value")
    outcome = await run(provision(), tenant)
    (use,) = outcome.flows
    assert (use.state, use.suspicion, use.wrote) == ("degraded", True, False)


async def test_a_write_that_arrived_though_its_answer_was_strange_is_only_a_suspicion() -> None:
    """Its form was as known when it was sent, and its effect was seen."""
    tenant = FakeTenant()
    tenant.fault("create_user", "unknown answer")
    outcome = await run(provision(), tenant)
    assert outcome.verdict is Verdict.DONE
    (use,) = [use for use in outcome.flows if use.flow == "add_user"]
    assert (use.state, use.suspicion, use.wrote, use.code) == ("degraded", True, True, "unknown-dialog")


async def test_a_page_that_is_only_read_is_nobodys_flow() -> None:
    """Lists and pages are the tenant's: it is paused, as before."""
    tenant = FakeTenant()
    tenant.fault("read:find", "unknown page")
    outcome = await run(provision(), tenant)
    assert (outcome.error or {})["code"] == "unknown-page"
    assert outcome.flows == ()


@pytest.mark.parametrize(
    "error", [SignedOut(), UnknownPage("unknown-language", "German."), UnknownPage("no-server-time", "x")]
)
def test_what_every_page_shows_is_no_flows_fault(error: UnknownPage | SignedOut) -> None:
    """The language, the clock, the end of a session."""
    log = FlowLog()
    log.stopped(Flow.INVITE, error)
    assert log.uses() == ()


async def test_a_plan_that_needs_a_quarantined_flow_is_a_persons_before_the_first_write() -> None:
    """It is planned, so that the person knows what to do; nothing at all is sent."""
    tenant, listener = FakeTenant(), Listener()
    outcome = await run(provision(), tenant, listener=listener, **quarantined("invite"))
    assert (outcome.verdict, outcome.blocked_by, tenant.sent) == (Verdict.WAITING, ("invite",), [])
    error = outcome.error or {}
    assert (error["code"], error["flow"]) == ("flow-quarantined", "invite")
    assert WHY in error["seen"]
    assert "by hand" in outcome.next_step
    assert listener.count(Planned) == 1


async def test_a_dry_run_says_so_too() -> None:
    """What would not be done must not be promised."""
    outcome = await run(provision(), FakeTenant(), dry_run=True, **quarantined("invite"))
    assert (outcome.verdict, outcome.blocked_by) == (Verdict.WAITING, ("invite",))


async def test_what_needs_no_quarantined_flow_goes_on() -> None:
    """Another flow, a report, and a job that finds nothing to do."""
    tenant = FakeTenant()
    everything = quarantined(*(flow.value for flow in Flow if flow is not Flow.INACTIVATE))
    only_inactivate = person(ANA).model_copy(
        update={"company_access": person(ANA).company_access, "memberships": (), "default_project_template": None}
    )
    tenant.put(only_inactivate)
    outcome = await run(job("offboard", person={"email": ANA}), tenant, **everything)
    assert outcome.verdict is Verdict.DONE, outcome.summary
    again = await run(job("offboard", person={"email": ANA}), tenant, **quarantined("inactivate"))
    assert (again.verdict, again.nothing_to_do) == (Verdict.DONE, True)
    read = await run(job("read", person={"email": ANA}), tenant, **quarantined("inactivate"))
    assert read.verdict is Verdict.DONE


async def test_a_flow_that_another_job_quarantines_meanwhile_is_not_used_any_more() -> None:
    """Asked again before each step: what is done is told, the rest waits for a person."""
    tenant = FakeTenant()
    found: dict[str, str] = {}
    tenant.on_write = lambda operation: found.update({"invite": WHY})

    async def ask() -> Mapping[str, str]:
        return found

    outcome = await run(provision(), tenant, quarantined=ask)
    assert (outcome.verdict, outcome.blocked_by) == (Verdict.UNCERTAIN, ("invite",))
    assert (outcome.error or {})["cause"] == "flow-quarantined"
    assert tenant.outbox == []
    assert [step.state for step in outcome.steps][-1] == "not sent"


async def test_a_run_that_does_not_ask_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted violation: the question is taken out, and the mail leaves."""
    monkeypatch.setattr("agent.execute.work.refuse_quarantined", _never)
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, **quarantined("invite"))
    with pytest.raises(AssertionError):
        assert (outcome.verdict, tenant.sent) == (Verdict.WAITING, [])


async def _never(*_: object) -> None:
    """Refuses nothing."""


async def test_a_run_that_forgets_what_it_met_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted violation: the trouble is not noted, so that the next job would try the same."""
    monkeypatch.setattr(FlowLog, "stopped", lambda *_: None)
    tenant = FakeTenant()
    tenant.fault("create_user", "swapped labels")
    outcome = await run(provision(), tenant)
    with pytest.raises(AssertionError):
        assert states(outcome) == {"add_user": "quarantined"}


def test_the_worst_of_a_flow_is_kept() -> None:
    """A later good word of the same run does not hide it."""
    log = FlowLog()
    log.stopped(Flow.INVITE, UnknownPage("unknown-dialog", "x"))
    log.stopped(Flow.INVITE, UnknownPage("control-mismatch", "y"))
    log.wrote(Flow.INVITE)
    assert log.uses() == (FlowUse(flow="invite", state="quarantined", code="unknown-dialog", why="x", wrote=True),)

"""Approvals: who may give one, and what it covers when the plan is made again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import Refused
from agent.plan.steps import BlastRadius, Plan
from agent.policy.approval import approval_of, asked, covers, refuse_approver
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from tests.unit.plan.wishes import job
from tests.unit.policy.test_budget import LEAVER, claim

RULES = PolicyRules()
MANY = ApprovalNeeded(code="too-many-projects", message="Many.")
ADMIN = ApprovalNeeded(code="admin-grant", message="Admin.")
ANNA = {"ticket": "T", "requested_by": "Anna.Berg@example.com", "approved_by": "boss@example.com"}


def sized(people: int = 1, projects: int = 0) -> Plan:
    return LEAVER.model_copy(update={"blast": BlastRadius(people=people, projects=projects)})


@pytest.mark.parametrize("by", ["anna.berg", "local:Anna.Berg", "ANNA.BERG@example.com", "hr-feed", "local:hr-feed"])
def test_neither_who_asked_nor_who_submitted_approves(by: str) -> None:
    """By whichever of their names; a refusal says whom to look for."""
    record = replace(claim(7).job, created_by="hr-feed")
    with pytest.raises(Refused, match="somebody else has to approve") as refused:
        refuse_approver(record, job("offboard", reason=ANNA), by, RULES)
    assert refused.value.code == "four-eyes"


@pytest.mark.parametrize("by", ["anna.berg", "local:anna_berg", "anna-berg@example.com"])
def test_a_name_as_people_write_it_is_the_same_name(by: str) -> None:
    """Tickets name people, tokens name accounts."""
    asked_by = {**ANNA, "requested_by": "Anna Berg"}
    with pytest.raises(Refused, match="somebody else has to approve"):
        refuse_approver(claim(7).job, job("offboard", reason=asked_by), by, RULES)


def test_somebody_else_approves() -> None:
    """A third person, also one whose name only begins alike."""
    for by in ("maria", "anna.bergman", "berg"):
        refuse_approver(claim(7).job, job("offboard", reason=ANNA), by, RULES)


def test_a_tenant_may_do_without_four_eyes() -> None:
    """A one-person IT department can say so."""
    refuse_approver(claim(7).job, job("offboard", reason=ANNA), "hr", RULES.model_copy(update={"four_eyes": False}))


def test_what_was_approved_is_enough_for_the_same_plan() -> None:
    """From what waits to what was approved and back, through the record."""
    approval = approval_of(asked([MANY], sized(1, 30)))
    assert covers(approval, [MANY], sized(1, 30))
    assert covers(approval, [MANY], sized(1, 12))
    assert covers(approval, [], sized(1, 12))


@pytest.mark.parametrize(
    ("needed", "plan"),
    [([MANY], sized(1, 31)), ([MANY], sized(2, 30)), ([MANY, ADMIN], sized(1, 30)), ([ADMIN], sized())],
)
def test_a_plan_that_has_grown_asks_again(needed: list[ApprovalNeeded], plan: Plan) -> None:
    """More projects, more people, or a reason that nobody was asked about."""
    assert not covers(approval_of(asked([MANY], sized(1, 30))), needed, plan)


def test_no_approval_covers_only_what_needs_none() -> None:
    """An empty record approves nothing."""
    assert covers({}, [], sized())
    assert not covers({}, [MANY], sized())
    assert not covers(approval_of({}), [MANY], sized())


def test_the_approver_sees_reasons_steps_and_sizes() -> None:
    """What waits holds all that a person needs to decide, as plain JSON."""
    waiting = asked([MANY], LEAVER)
    assert waiting["codes"] == ["too-many-projects"]
    assert waiting["reasons"] == ["Many."]
    assert waiting["steps"] == ["Inactivate ana.lindqvist@example.com"]
    assert (waiting["people"], waiting["projects"]) == (1, 0)

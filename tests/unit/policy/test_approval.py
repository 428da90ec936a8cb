"""Approvals: who may give one, and what it covers when the plan is made again."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from agent.errors import Refused
from agent.plan.steps import BlastRadius, Plan
from agent.policy.approval import Asker, approval_of, asked, askers_of, covers, refuse_approver
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from agent.queue.record import JobEvent, JobRecord, JobState
from tests.unit.plan.wishes import EMAIL, job
from tests.unit.policy.test_budget import LEAVER

RULES = PolicyRules()
MANY = ApprovalNeeded(code="too-many-projects", message="Many.")
ADMIN = ApprovalNeeded(code="admin-grant", message="Admin.")
ANNA = {"ticket": "T", "requested_by": "Anna.Berg@example.com", "approved_by": "boss@example.com"}


def sized(people: int = 1, projects: int = 0) -> Plan:
    return LEAVER.model_copy(update={"blast": BlastRadius(people=people, projects=projects)})


def wanted(reason: dict[str, str] = ANNA, created_by: str = "hr", joined: tuple[JobEvent, ...] = ()) -> Iterable[Asker]:
    """Who wants an offboard."""
    record = JobRecord(
        id=7, tenant="acme", person=EMAIL, op="offboard", args={}, args_version=1, line=EMAIL, priority=10,
        state=JobState.QUEUED, created_by=created_by, created_at=0.0,
    )  # fmt: skip
    return askers_of(record, job("offboard", reason=reason), joined)


@pytest.mark.parametrize("by", ["anna.berg", "local:Anna.Berg", "ANNA.BERG@example.com", "hr-feed", "local:hr-feed"])
@pytest.mark.parametrize("created_by", ["hr-feed", "inbox:hr-feed", "local:hr-feed"])
def test_neither_who_asked_nor_who_submitted_approves(by: str, created_by: str) -> None:
    """By whichever of their names and ways in; a refusal says whom to look for."""
    with pytest.raises(Refused, match="somebody else has to approve") as refused:
        refuse_approver(wanted(created_by=created_by), by, RULES)
    assert refused.value.code == "four-eyes"


@pytest.mark.parametrize("by", ["joe", "desk2", "anna.berg"])
def test_nobody_whose_wish_has_joined_approves(by: str) -> None:
    """The same wish came twice and is one job: both who asked want it."""
    reason = {**ANNA, "requested_by": "joe@example.com"}
    joined = JobEvent(7, 0.0, "joined", 0, {"by": "desk2", "reason": reason})
    with pytest.raises(Refused, match="somebody else has to approve"):
        refuse_approver(wanted(joined=(joined,)), by, RULES)


@pytest.mark.parametrize("by", ["anna.berg", "local:anna_berg", "anna-berg@example.com"])
def test_a_name_as_people_write_it_is_the_same_name(by: str) -> None:
    """Tickets name people, tokens name accounts."""
    asked_by = {**ANNA, "requested_by": "Anna Berg"}
    with pytest.raises(Refused, match="somebody else has to approve"):
        refuse_approver(wanted(asked_by), by, RULES)


def test_somebody_else_approves() -> None:
    """A third person, also one whose name only begins alike."""
    for by in ("maria", "anna.bergman", "berg"):
        refuse_approver(wanted(), by, RULES)


def test_a_tenant_may_do_without_four_eyes() -> None:
    """A one-person IT department can say so."""
    refuse_approver(wanted(), "hr", RULES.model_copy(update={"four_eyes": False}))


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

"""What a plan may not do, and what waits for an approval."""

from __future__ import annotations

import pytest

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project
from agent.domain.person import NewUser, Person, TenantFacts, UserChange
from agent.errors import Refused
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    BlastRadius,
    ChangeProjectTemplate,
    CreateUser,
    Inactivate,
    Plan,
    SaveUser,
    Step,
)
from agent.policy import Decision, PolicyRules, check
from tests.unit.plan.wishes import EMAIL, job

FACTS = TenantFacts(own_login="Svc.Provisioning@example.com")
CLINIC = Project(id="1", name="Clinic")
BY_LEVEL = CompanyAccess(levels={"Directory": AccessLevel.ADMIN})
BY_TEMPLATE = CompanyAccess(template="Company Admin")
RULES = PolicyRules(
    protected_people=("Owner@example.com",),
    forbidden_templates=("Owner/Client - External",),
    admin_templates=("Company Admin",),
    max_projects_per_job=2,
)


def person(access: CompanyAccess = CompanyAccess(), active: bool = True) -> Person:  # noqa: B008 - a frozen value
    return Person(user_id="7", email=EMAIL, active=active, company_access=access)


def plan_of(*steps: Step, projects: int = 0) -> Plan:
    return Plan(steps=steps, blast=BlastRadius(people=1, projects=projects))


def access_change(before: CompanyAccess, after: CompanyAccess) -> Step:
    return SaveUser(change=UserChange(company_access=after), before=UserChange(company_access=before))


INACTIVATE = Inactivate(email=EMAIL)


def test_an_ordinary_plan_is_done_at_once() -> None:
    """Nothing protected, nothing forbidden, within the budget."""
    assert check(plan_of(INACTIVATE), job("offboard"), person(), FACTS, RULES) == Decision()


def test_a_plan_without_steps_is_always_allowed() -> None:
    """Reading a protected person and finding nothing to do harms nobody."""
    wish = job("offboard", person={"email": "owner@example.com"})
    assert not check(Plan(), wish, person(), FACTS, RULES).must_wait


@pytest.mark.parametrize(
    ("address", "code"), [("svc.provisioning@EXAMPLE.com", "own-account"), ("OWNER@example.com", "protected-person")]
)
def test_protected_people_and_the_own_account_are_never_changed(address: str, code: str) -> None:
    """Whether the job names them, the page shows them, or the change of address leads to them."""
    for wish, present in [
        (job("offboard", person={"email": address}), person()),
        (job("offboard"), person().model_copy(update={"email": address})),
        (job("change_email", new_email=address), person()),
    ]:
        with pytest.raises(Refused) as refused:
            check(plan_of(INACTIVATE), wish, present, FACTS, RULES)
        assert refused.value.code == code


FORBIDDEN = "owner / client - external"


@pytest.mark.parametrize(
    "step",
    [
        CreateUser(new=NewUser(email=EMAIL, company_template=FORBIDDEN)),
        CreateUser(new=NewUser(email=EMAIL, default_project_template=FORBIDDEN)),
        access_change(CompanyAccess(), CompanyAccess(template=FORBIDDEN)),
        SaveUser(change=UserChange(default_project_template=FORBIDDEN), before=UserChange()),
        AddToProject(project=CLINIC, template=FORBIDDEN),
        ChangeProjectTemplate(project=CLINIC, template=FORBIDDEN, before=None),
        AssignProjects(add=(CLINIC,), template=FORBIDDEN),
    ],
    ids=lambda step: step.kind,
)
def test_a_forbidden_template_is_never_given(step: Step) -> None:
    """By whichever step, and however it is spelled."""
    present = None if isinstance(step, CreateUser) else person()
    with pytest.raises(Refused) as refused:
        check(plan_of(step), job("provision"), present, FACTS, RULES)
    assert refused.value.code == "forbidden-template"
    assert FORBIDDEN in refused.value.message


def test_a_forbidden_template_may_be_taken_away() -> None:
    """What somebody holds already is no reason to keep it."""
    remove = AssignProjects(remove=(Membership(project=CLINIC, template=FORBIDDEN),))
    change = ChangeProjectTemplate(project=CLINIC, template="Viewer", before=FORBIDDEN)
    held = person().model_copy(update={"memberships": (Membership(project=CLINIC, template=FORBIDDEN),)})
    for step in (remove, change):
        assert not check(plan_of(step), job("offboard"), held, FACTS, RULES).must_wait


@pytest.mark.parametrize("admin", [BY_LEVEL, BY_TEMPLATE], ids=["by level", "by template"])
@pytest.mark.parametrize("known", [None, 0])
def test_the_last_company_admin_stays(admin: CompanyAccess, known: int | None) -> None:
    """Neither inactivated nor demoted, unless another one is known; not counted is not known."""
    steps: list[Step] = [INACTIVATE, access_change(admin, CompanyAccess())]
    for step in steps:
        with pytest.raises(Refused) as refused:
            check(plan_of(step), job("offboard"), person(admin), FACTS, RULES, known)
        assert refused.value.code == "last-admin"
        assert not check(plan_of(step), job("offboard"), person(admin), FACTS, RULES, 1).must_wait


def test_an_admin_who_stays_admin_or_is_inactive_is_no_last_admin() -> None:
    """Changing an admin's project, or moving from levels to an admin template, takes nothing away."""
    for present, step in [
        (person(BY_LEVEL), AddToProject(project=CLINIC, template="Viewer")),
        (person(BY_LEVEL), access_change(BY_LEVEL, BY_TEMPLATE)),
        (person(BY_LEVEL, active=False), access_change(BY_LEVEL, CompanyAccess())),
    ]:
        assert not check(plan_of(step), job("offboard"), present, FACTS, RULES).must_wait


def test_more_than_the_budget_waits() -> None:
    """Exactly the budget is done at once; one more waits and says why."""
    assert not check(plan_of(INACTIVATE, projects=2), job("offboard"), person(), FACTS, RULES).must_wait
    decision = check(plan_of(INACTIVATE, projects=3), job("offboard"), person(), FACTS, RULES)
    assert [item.code for item in decision.approvals] == ["too-many-projects"]
    assert decision.reasons == "The plan changes 3 projects; 2 need no approval."
    nobody = PolicyRules(max_people_per_job=0)
    assert check(plan_of(INACTIVATE), job("offboard"), person(), FACTS, nobody).approvals[0].code == "too-many-people"


@pytest.mark.parametrize("admin", [BY_LEVEL, BY_TEMPLATE], ids=["by level", "by template"])
def test_making_a_company_admin_waits(admin: CompanyAccess) -> None:
    """For somebody present, new or returning; a tenant may switch it off."""
    grant = access_change(CompanyAccess(), admin)
    decision = check(plan_of(grant), job("provision"), person(), FACTS, RULES)
    assert [item.code for item in decision.approvals] == ["admin-grant"]
    relaxed = RULES.model_copy(update={"approve_admin_grants": False})
    assert not check(plan_of(grant), job("provision"), person(), FACTS, relaxed).must_wait


def test_an_approval_does_not_lift_a_refusal() -> None:
    """A plan that is over budget and forbidden is refused, not put up for approval."""
    step = AddToProject(project=CLINIC, template=FORBIDDEN)
    with pytest.raises(Refused, match="settings forbid"):
        check(plan_of(step, projects=99), job("provision"), person(), FACTS, RULES)

"""What holds for every plan, whatever the person and the wish; and that each property can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import Phase, find, given, settings

from agent.domain.access import AccessLevel, CompanyAccess
from agent.domain.person import Person, TenantFacts, UserChange
from agent.plan.effects import holds
from agent.plan.planner import plan_job
from agent.plan.simulate import allowed_access, apply, apply_all, effective_access
from agent.plan.step import Direction
from agent.plan.steps import (
    AssignProjects,
    CreateUser,
    Inactivate,
    Invite,
    PersonStep,
    Plan,
    Reactivate,
    RemoveFromAllProjects,
    SaveUser,
    Step,
)
from agent.plan.wanted import Wanted, unsatisfied
from tests.unit.plan.states import FACTS, cases

Planner = Callable[[Person | None, Wanted, TenantFacts], Plan]
Case = tuple[Person | None, Wanted]


def levels(access: CompanyAccess) -> tuple[str | None, dict[str, AccessLevel]]:
    given = {tool: level for tool, level in access.levels.items() if level}
    return access.template, {"Directory": AccessLevel.ADMIN} if given.get("Directory") == AccessLevel.ADMIN else given


def assert_as_wanted(person: Person | None, wanted: Wanted) -> None:
    """An own reading of the wish, which shares nothing with the planner's comparison."""
    assert person is not None
    assert wanted.active is None or person.active == wanted.active
    assert person.email == (wanted.new_email or wanted.email)
    assert {name: person.attributes.get(name, "") for name in wanted.attributes} == dict(wanted.attributes)
    if wanted.company is not None:
        assert (person.company.id if person.company else "") == wanted.company.id
    if wanted.company_access is not None:
        assert levels(person.company_access) == levels(wanted.company_access)
    if wanted.default_project_template is not None:
        assert (person.default_project_template or "") == wanted.default_project_template
    if wanted.add_to_new_projects is not None:
        assert person.add_to_new_projects == wanted.add_to_new_projects
    held = {item.project.id: item.template for item in person.memberships}
    expected = {item.project.id: item.template for item in wanted.memberships}
    assert {project: held.get(project, "absent") for project in expected} == expected
    assert not {project.id for project in wanted.absent} & set(held)
    if wanted.only_these:
        assert held == expected
    assert person.invited is True or not wanted.invited


def satisfies(planner: Planner, case: Case) -> None:
    """apply(plan(p, w), p) satisfies w, by an own reading and by the one that verification uses."""
    present, wanted = case
    result = apply_all(planner(present, wanted, FACTS).steps, present)
    assert_as_wanted(result, wanted)
    assert unsatisfied(wanted, result) == ()


def nothing_twice(planner: Planner, case: Case) -> None:
    """The plan of a satisfied state is empty: running a job twice is the same as once."""
    present, wanted = case
    result = apply_all(plan_job(present, wanted, FACTS).steps, present)
    again = planner(result, wanted, FACTS)
    assert again.is_empty
    assert again.differences == ()


def never_more(planner: Planner, case: Case) -> None:
    """No prefix of the steps ever grants more than before ∪ wanted."""
    present, wanted = case
    allowed = allowed_access(present, wanted)
    person = present
    for step in planner(present, wanted, FACTS).steps:
        person = apply(step, person)
        assert effective_access(person) <= allowed


def reduces_first(planner: Planner, case: Case) -> None:
    """No step that only takes comes after one that only gives, and an invitation is the last step."""
    steps = planner(*case, FACTS).steps
    granted = False
    for step in steps:
        assert not (granted and step.direction is Direction.REDUCE)
        granted = granted or step.direction is Direction.GRANT
    assert all(not isinstance(step, Invite) for step in steps[:-1])


def each_step_shows(planner: Planner, case: Case) -> None:
    """Each step changes something, and its effect is visible in the person after it, and not in the one before."""
    person = case[0]
    for step in planner(*case, FACTS).steps:
        assert not holds(step, person)
        person = apply(step, person)
        assert holds(step, person)


def leaves_nothing_to_come_back(planner: Planner, case: Case) -> None:
    """Whoever is inactivated holds nothing at that moment: a reactivation would bring it back."""
    person = case[0]
    for step in planner(*case, FACTS).steps:
        if isinstance(step, Inactivate):
            assert person is not None
            assert effective_access(person) == {("active",)}
            assert person.default_project_template is None
        person = apply(step, person)


PROPERTIES = [leaves_nothing_to_come_back, satisfies, nothing_twice, never_more, reduces_first, each_step_shows]


@pytest.mark.parametrize("holds_for", PROPERTIES, ids=lambda item: item.__name__)
def test_every_plan(holds_for: Callable[[Planner, Case], None]) -> None:
    """Each property holds for the planner, for all cases."""

    @settings(max_examples=500, deadline=None)
    @given(cases())
    def holds_for_all(case: Case) -> None:
        holds_for(plan_job, case)

    holds_for_all()


@pytest.mark.parametrize("kind", get_args(PersonStep), ids=lambda item: item.__name__)
def test_the_cases_reach_every_step(kind: type[Step]) -> None:
    """A property over cases that never need a step would say nothing about it."""
    search = settings(max_examples=1000, deadline=None, database=None, phases=[Phase.generate])
    find(
        cases(),
        lambda case: any(isinstance(step, kind) for step in plan_job(case[0], case[1], FACTS).steps),
        settings=search,
    )


def with_steps(plan: Plan, *steps: Step) -> Plan:
    return plan.model_copy(update={"steps": steps})


def forgets_the_last_step(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    plan = plan_job(present, wanted, facts)
    return with_steps(plan, *plan.steps[:-1])


def saves_always(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    plan = plan_job(present, wanted, facts)
    if present is None or any(isinstance(step, SaveUser) for step in plan.steps):
        return plan
    return with_steps(plan, SaveUser(change=UserChange(), before=UserChange()), *plan.steps)


def reactivates_first(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    plan = plan_job(present, wanted, facts)
    return with_steps(plan, *sorted(plan.steps, key=lambda step: not isinstance(step, Reactivate)))


def gives_before_it_takes(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    plan = plan_job(present, wanted, facts)
    later = (Direction.REDUCE, Direction.NEUTRAL)
    created = [step for step in plan.steps if isinstance(step, CreateUser)]
    others = [step for step in plan.steps if not isinstance(step, CreateUser)]
    return with_steps(plan, *created, *sorted(others, key=lambda step: step.direction in later))


def trusts_the_projects_tab(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    """Adds by the Projects tab whatever the default template is."""
    plan = plan_job(present, wanted, facts)
    steps: list[Step] = []
    for step in plan.steps:
        if step.kind == "add_to_project":
            steps.append(AssignProjects(add=(step.project,), template=step.template))
        else:
            steps.append(step)
    return with_steps(plan, *steps)


def removes_all_always(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    """Strips people who are as wanted already."""
    plan = plan_job(present, wanted, facts)
    if present is None or not present.memberships:
        return plan
    return with_steps(plan, RemoveFromAllProjects(before=present.memberships), *plan.steps)


def inactivates_first(present: Person | None, wanted: Wanted, facts: TenantFacts) -> Plan:
    plan = plan_job(present, wanted, facts)
    return with_steps(plan, *sorted(plan.steps, key=lambda step: not isinstance(step, Inactivate)))


@pytest.mark.parametrize(
    ("broken", "caught_by"),
    [
        (forgets_the_last_step, satisfies),
        (saves_always, nothing_twice),
        (saves_always, each_step_shows),
        (removes_all_always, satisfies),
        (reactivates_first, never_more),
        (inactivates_first, leaves_nothing_to_come_back),
        (gives_before_it_takes, reduces_first),
        (trusts_the_projects_tab, never_more),
        (trusts_the_projects_tab, satisfies),
    ],
    ids=lambda item: item.__name__,
)
def test_a_broken_planner_is_caught(broken: Planner, caught_by: Callable[[Planner, Case], None]) -> None:
    """Planted violations: each property fails for a planner that breaks it."""

    @settings(max_examples=1000, deadline=None, database=None, phases=[Phase.generate], report_multiple_bugs=False)
    @given(cases())
    def holds_for_all(case: Case) -> None:
        caught_by(broken, case)

    with pytest.raises((AssertionError, ValueError)):
        holds_for_all()

"""How steps are worded, undone, and looked for in a person and in the Change History."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.person import ChangeRecord, NewUser, Person, UserChange
from agent.plan.effects import failed_assignments, history_expectations, holds, unmet
from agent.plan.step import Direction
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    ChangeProjectTemplate,
    CreateUser,
    Inactivate,
    Invite,
    Plan,
    Reactivate,
    RemoveFromAllProjects,
    RemoveFromProject,
    SaveUser,
    Step,
)

CLINIC = Project(id="1", name="Riverside Clinic", number="24-017")
TOWER = Project(id="2", name="Harbour Tower")
PERSON = Person(
    user_id="7", email="ana@example.com", active=True, memberships=(Membership(project=CLINIC, template="A"),)
)


def record(field: str, before: str = "", after: str = "") -> ChangeRecord:
    return ChangeRecord(
        at=datetime(2026, 11, 22, tzinfo=UTC),
        actor_name="Service",
        actor_login="svc@example.com",
        field=field,
        before=before,
        after=after,
    )


ONE_OF_EACH: list[tuple[Step, Direction, str, str]] = [
    (
        CreateUser(new=NewUser(email="ana@example.com", attributes={"first_name": "Ana", "last_name": "Berg"})),
        Direction.GRANT,
        "Create the user Ana Berg <ana@example.com> with company template none and default project template none",
        "cannot be undone",
    ),
    (
        SaveUser(
            change=UserChange(attributes={"job_title": ""}, company=Vendor(id="", name="")),
            before=UserChange(attributes={"job_title": "Mason"}, company=Vendor(id="9", name="Hillside")),
        ),
        Direction.NEUTRAL,
        "Save: Job Title empty; Company none",
        "set Job Title back to 'Mason'; Company back to 'Hillside' (id 9) and Save",
    ),
    (
        SaveUser(
            change=UserChange(attributes={"email_notification_setting": "not_at_all", "is_employee": "yes"}),
            before=UserChange(attributes={"email_notification_setting": "via_email", "is_employee": ""}),
        ),
        Direction.NEUTRAL,
        "Save: Send This User Messages 'Not at All'; Is Employee Yes",
        "set Send This User Messages back to 'Via Email'; Is Employee back to No and Save",
    ),
    (
        AddToProject(project=CLINIC, template=None),
        Direction.GRANT,
        "Add to project 24-017 - Riverside Clinic with template none",
        "remove the person from project 24-017 - Riverside Clinic",
    ),
    (
        ChangeProjectTemplate(project=TOWER, template="B", before="A"),
        Direction.NEUTRAL,
        "Change the template in project Harbour Tower from 'A' to 'B'",
        "back to 'A'",
    ),
    (
        RemoveFromProject(project=TOWER, before="A"),
        Direction.REDUCE,
        "Remove from project Harbour Tower",
        "add the person to project Harbour Tower with template 'A'",
    ),
    (
        RemoveFromAllProjects(before=(Membership(project=TOWER), Membership(project=CLINIC, template="A"))),
        Direction.REDUCE,
        "Remove from all projects (2)",
        "Harbour Tower (none), 24-017 - Riverside Clinic ('A')",
    ),
    (
        AssignProjects(add=(CLINIC, TOWER), template="A"),
        Direction.GRANT,
        "Add to 2 projects with the default template 'A': 24-017 - Riverside Clinic, Harbour Tower",
        "remove the person from 24-017 - Riverside Clinic, Harbour Tower",
    ),
    (
        AssignProjects(remove=(Membership(project=TOWER, template="A"),)),
        Direction.REDUCE,
        "Remove from 1 projects: Harbour Tower",
        "add the person again to Harbour Tower ('A')",
    ),
    (Inactivate(email="a@example.com"), Direction.REDUCE, "Inactivate a@example.com", "`reactivate` job"),
    (Reactivate(email="a@example.com"), Direction.GRANT, "Reactivate a@example.com", "`offboard` job"),
    (Invite(email="a@example.com"), Direction.GRANT, "Send the invitation e-mail to a@example.com", "cannot be undone"),
]


@pytest.mark.parametrize(("step", "direction", "title", "inverse"), ONE_OF_EACH, ids=lambda item: str(item)[:24])
def test_a_step_is_told_in_words(step: Step, direction: Direction, title: str, inverse: str) -> None:
    """Each step says what it does and how to undo it, and evidence gets these words with the values."""
    assert step.title == title
    assert inverse in step.inverse
    assert step.direction is direction
    dumped = Plan(steps=(step,)).model_dump(mode="json")["steps"][0]
    assert (dumped["kind"], dumped["title"], dumped["direction"]) == (step.kind, title, direction.value)
    assert dumped["inverse"] == step.inverse


def saves(before: UserChange, change: UserChange) -> Direction:
    return SaveUser(change=change, before=before).direction


def test_a_save_knows_whether_it_takes_or_gives() -> None:
    """Lower levels take, higher ones give, another template may do both, fields do neither."""
    low = CompanyAccess(levels={"Documents": AccessLevel.READ_ONLY})
    high = CompanyAccess(levels={"Documents": AccessLevel.ADMIN})
    office, field = CompanyAccess(template="Office"), CompanyAccess(template="Field")
    assert saves(UserChange(company_access=high), UserChange(company_access=low)) is Direction.REDUCE
    assert saves(UserChange(company_access=low), UserChange(company_access=high)) is Direction.GRANT
    assert saves(UserChange(company_access=office), UserChange(company_access=field)) is Direction.NEUTRAL
    assert saves(UserChange(company_access=office), UserChange(company_access=CompanyAccess())) is Direction.REDUCE
    assert saves(UserChange(company_access=CompanyAccess()), UserChange(company_access=office)) is Direction.GRANT
    assert saves(UserChange(add_to_new_projects=True), UserChange(add_to_new_projects=False)) is Direction.REDUCE
    assert saves(UserChange(default_project_template="A"), UserChange(default_project_template="")) is Direction.REDUCE
    assert saves(UserChange(default_project_template=""), UserChange(default_project_template="A")) is Direction.GRANT
    assert saves(UserChange(attributes={"city": "A"}), UserChange(attributes={"city": "B"})) is Direction.NEUTRAL


def test_what_is_not_there_does_not_hold() -> None:
    """No step's effect is visible where there is no person, and a wrong template is not the effect."""
    assert not any(holds(step, None) for step, *_ in ONE_OF_EACH)
    assert not holds(AddToProject(project=CLINIC, template="B"), PERSON)
    assert holds(AddToProject(project=CLINIC, template="A"), PERSON)
    assert not holds(AssignProjects(add=(CLINIC,), template=None), PERSON)


def test_an_invitation_sent_again_never_shows_in_the_person() -> None:
    """The row says Re-Invite before and after, so only the Change History can tell."""
    invited = PERSON.model_copy(update={"invited": True})
    assert holds(Invite(email="ana@example.com"), invited)
    assert not holds(Invite(email="ana@example.com", again=True), invited)


HISTORY: list[tuple[Step, list[ChangeRecord]]] = [
    (ONE_OF_EACH[0][0], [record("Created")]),
    (ONE_OF_EACH[1][0], [record("Job Title", "Mason"), record("Company Name", "Hillside")]),
    (AddToProject(project=CLINIC, template="A"), [record("Project Assignment", "", "24-017 - Riverside Clinic")]),
    (
        ChangeProjectTemplate(project=CLINIC, template=None, before="A"),
        [record("Project Permissions Template: 24-017 - Riverside Clinic", "A", "")],
    ),
    (
        RemoveFromAllProjects(before=(Membership(project=TOWER), Membership(project=CLINIC))),
        [
            record("Project Assignment", "Harbour Tower"),
            record("Project Assignment", "24-017 - Riverside Clinic"),
        ],
    ),
    (Inactivate(email="a@example.com"), [record("Status", "Active", "Inactive")]),
    (Reactivate(email="a@example.com"), [record("Status", "Inactive", "Active")]),
    (Invite(email="a@example.com"), [record("Welcome Email Sent", "", "A@example.com")]),
    (
        SaveUser(
            change=UserChange(attributes={"is_employee": "yes", "country_code": "US"}, add_to_new_projects=True),
            before=UserChange(attributes={"is_employee": "no", "country_code": ""}, add_to_new_projects=False),
        ),
        [
            record("Is Employee Of Northwind?", "No", "Yes"),
            record("Country", "", "United States"),
            record("Add to All New Projects", "No", "Yes"),
        ],
    ),
    (
        SaveUser(
            change=UserChange(company_access=CompanyAccess(levels={"Documents": AccessLevel.STANDARD})),
            before=UserChange(company_access=CompanyAccess(levels={"Reports": AccessLevel.ADMIN})),
        ),
        [record("Documents Permission", "None", "Standard"), record("Reports Permission", "Admin", "None")],
    ),
    (
        SaveUser(
            change=UserChange(company_access=CompanyAccess(), default_project_template=""),
            before=UserChange(company_access=CompanyAccess(template="Office"), default_project_template="A"),
        ),
        [record("Company Permissions Template", "Office", ""), record("Default Permission Template", "A", "")],
    ),
]


@pytest.mark.parametrize(("step", "records"), HISTORY, ids=lambda item: str(item)[:24])
def test_the_history_confirms_a_step_and_only_that(step: Step, records: list[ChangeRecord]) -> None:
    """The rows that Procore writes meet the expectations; with any one row missing, one expectation stays unmet."""
    expectations = history_expectations(step)
    assert unmet(expectations, records) == []
    for gone in records:
        assert len(unmet(expectations, [item for item in records if item is not gone])) == 1


def test_one_row_answers_for_one_expectation() -> None:
    """Two removals are not confirmed by one row that happens to fit both."""
    twice = history_expectations(RemoveFromProject(project=TOWER, before=None)) * 2
    assert len(unmet(twice, [record("Project Assignment", "Harbour Tower")])) == 1


def test_a_failed_assignment_is_named() -> None:
    """The Change History's "Project Assignment Failed" is matched to the step's project."""
    step = AssignProjects(add=(CLINIC, TOWER))
    assert failed_assignments(step, [record("Project Assignment Failed", "", "Harbour Tower")]) == (TOWER,)
    assert failed_assignments(Inactivate(email="a@example.com"), [record("Project Assignment Failed")]) == ()

"""Instructions for a person: complete, in order, with exact values, from a plan or from the wish alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.person import NewUser, UserChange
from agent.domain.project import GroupChange, GroupMember, Member, NewMember
from agent.errors import Mender
from agent.handover.by_step import click_of
from agent.handover.instructions import Instructions, instructions
from agent.jobs.model import ACTIONS
from agent.plan.bulk.steps import (
    AddMember,
    BulkAddToProject,
    BulkRemoveFromProject,
    ChangeGroup,
    ChangeMemberTemplate,
    CreateGroup,
    DeleteGroup,
)
from agent.plan.correlate import NeedsPerson
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
from agent.settings import Tenant
from tests.unit.plan.wishes import EMAIL, job

TENANT = Tenant(sign_in_url="https://login.example.com/", app_url="https://us02.example.com/", company_id="42")
CLINIC = Project(id="1", name="Clinic", number="24-018")
LIBRARY = Project(id="9", name="Library", number="24-017")
HELD = (Membership(project=CLINIC, template="Viewer"), Membership(project=LIBRARY))

FIELDS: dict[str, dict[str, Any]] = {
    "update": {"person": {"email": EMAIL, "attributes": {"job_title": "Site Engineer", "city": None}}},
    "change_email": {"new_email": "ana.berg@example.com"},
    "offboard": {"hand_over": [{"what": "Open RFIs of 24-017", "to": "jonas.berg@example.com"}]},
    "provision": {
        "company": {"name": "Summit Electric", "id": "7"},
        "company_access": {"levels": {"Directory": "Read Only"}},
        "default_project_template": "Viewer",
        "projects": [{"project": "24-017", "template": "Foreman"}, {"project": "24-018", "template": "none"}],
        "invitation": True,
    },
    "reactivate": {"company_access": {"template": "Office Staff"}},
    "add_to_projects": {"projects": [{"project": {"id": "9"}, "template": "Foreman"}]},
    "remove_from_projects": {"projects": ["24-017", {"id": "1"}]},
    "distribution_group": {
        "description": "Weekly letter",
        "members": {"at_least": [{"email": EMAIL}], "remove": [{"email": "bo@example.com"}]},
    },
}
VALUES = {  # what a person must find in the text, besides the address
    "update": ["Job Title", "Site Engineer", "City", "(empty)"],
    "change_email": ["ana.berg@example.com"],
    "offboard": ["Remove All", "Inactivate", "Do Not Apply a Permission Template", "Open RFIs of 24-017", "jonas.berg"],
    "provision": ["Lindqvist", "Summit Electric (id 7)", "Read Only", "24-017", "Foreman", "24-018", "Invite"],
    "reactivate": ["Inactive Users", "Reactivate", "Office Staff", "red X"],
    "add_to_projects": ["id 9", "Foreman"],
    "remove_from_projects": ["24-017", "id 1", "red X"],
    "invite": ["Invite"],
    "bulk_add_to_project": ["Bulk Add from Co. Directory", "24-017", "Viewer", "Add to Project"],
    "bulk_remove_from_project": ["Remove from Project", "24-017", "exactly these"],
    "distribution_group": ["Distribution Groups", "Site safety", "Weekly letter", "bo@example.com"],
}


def given(action: str, plan: Plan | None = None, error: dict[str, str] | None = None) -> Instructions:
    fields = FIELDS.get(action, {})
    if action == "snapshot":
        fields = {"person": ...}
    return instructions(job(action, **fields), plan, error, TENANT, 12)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_can_be_done_by_hand_from_the_wish_alone(action: str) -> None:
    """Where to sign in, whom to look for, every value of the job, and the way back."""
    told = given(action)
    text = told.text()
    for value in ["https://us02.example.com/", "42", *VALUES.get(action, [])]:
        assert value in text, value
    assert (EMAIL in text) == (action != "snapshot")
    assert "agent jobs resolve 12" in told.closing
    assert bool(told.checks) == (action not in {"read", "snapshot"})
    assert "IT-1" in told.title


def test_a_leaver_is_stripped_before_being_inactivated() -> None:
    """By hand, too: reactivation brings everything back."""
    text = given("offboard").text()
    places = [text.index(words) for words in ("every tool", '"Remove All"', '"Inactivate"', "Hand over")]
    assert places == sorted(places)


def test_an_invitation_comes_last() -> None:
    """It cannot be undone."""
    assert "Invite" in given("provision").steps[-1].do


STEPS: list[tuple[Step, list[str]]] = [
    (
        CreateUser(
            new=NewUser(
                email=EMAIL, attributes={"last_name": "Lindqvist"}, company=Vendor(id="7", name="Summit"),
                company_template="Office Staff",
            )
        ),
        ["Add User", EMAIL, "Lindqvist", "'Summit' (id 7)", "Office Staff", "Apply Permission Template Later"],
    ),
    (
        SaveUser(
            change=UserChange(
                attributes={"job_title": "", "is_employee": "yes"}, email="new@example.com",
                company_access=CompanyAccess(levels={"Directory": AccessLevel.STANDARD}),
                default_project_template="", add_to_new_projects=False, company=Vendor(id="", name=""),
            ),
            before=UserChange(),
        ),
        ["Save", "Job Title", "(empty)", "Is Employee", "Yes", "new@example.com", "Standard", "none", "off"],
    ),
    (AddToProject(project=CLINIC, template=None), ["Add", "24-018 - Clinic", "Apply Permission Template Later"]),
    (ChangeProjectTemplate(project=CLINIC, template="A", before="B"), ["Change Template", "24-018 - Clinic", "A", "B"]),
    (RemoveFromProject(project=CLINIC, before="B"), ["red X", "24-018 - Clinic", "B"]),
    (RemoveFromAllProjects(before=HELD), ["Remove All", "24-018 - Clinic", "Viewer", "24-017 - Library"]),
    (AssignProjects(add=(CLINIC, LIBRARY), template="Viewer"), ["Projects", "24-018 - Clinic", "24-017 - Library"]),
    (AssignProjects(remove=HELD), ["Projects", "remove", "24-018 - Clinic", "24-017 - Library"]),
    (Inactivate(email=EMAIL), ["Bulk Actions", "Inactivate", "exactly this", EMAIL]),
    (Reactivate(email=EMAIL), ["Inactive Users", "Reactivate", EMAIL]),
    (Invite(email=EMAIL), ['"Invite"', EMAIL]),
    (Invite(email=EMAIL, again=True), ['"Re-Invite"', EMAIL]),
    (
        BulkAddToProject(
            project=CLINIC,
            people=(
                NewMember(user_id="7", email=EMAIL, template="Viewer", role="Architect", notify=True),
                NewMember(user_id="8", email="bo@example.com"),
            ),
        ),
        ["24-018 - Clinic", EMAIL, "Viewer, Project Role Architect, Notify? on", "bo@example.com", "Later"],
    ),
    (AddMember(project=CLINIC, person=NewMember(user_id="7", email=EMAIL, template="Viewer")), [EMAIL, "Viewer"]),
    (
        BulkRemoveFromProject(
            project=CLINIC, people=(Member(user_id="7", person_id=None, name="Ana", email=EMAIL, template="Viewer"),)
        ),
        ["Remove from Project", "24-018 - Clinic", EMAIL, "Viewer"],
    ),
    (
        ChangeMemberTemplate(project=CLINIC, user_id="7", email=EMAIL, template="A", before=None),
        ["24-018 - Clinic", EMAIL, "A", "Do Not Apply a Template"],
    ),
    (
        CreateGroup(
            name="Safety", change=GroupChange(description="Letter", add=(GroupMember(user_id="7", email=EMAIL),))
        ),
        ["of the company", "Safety", "Letter", EMAIL],
    ),
    (
        ChangeGroup(
            group_id="3", name="Safety", project=CLINIC,
            change=GroupChange(
                description="", add=(GroupMember(user_id="7", email=EMAIL),),
                remove=(GroupMember(user_id="8", email="bo@example.com"),),
            ),
        ),
        ["project 24-018 - Clinic", "Safety", "(empty)", "Put in 1", EMAIL, "Take out 1", "bo@example.com"],
    ),
    (DeleteGroup(group_id="3", name="Safety"), ["Delete", "Safety", "cannot be undone"]),
]  # fmt: skip


@pytest.mark.parametrize(("step", "values"), STEPS, ids=lambda part: getattr(part, "kind", ""))
def test_every_step_of_a_plan_is_one_instruction(step: Step, values: list[str]) -> None:
    """With what to click, and every value that the step holds."""
    click = click_of(step)
    shown = click.do + " ".join(f"{label} {value}" for label, value in click.values.items())
    for value in values:
        assert value in shown, value


def test_with_a_plan_the_steps_are_the_plans() -> None:
    """In its order, after finding the person; what is to be checked is the whole wish."""
    plan = Plan(steps=(RemoveFromAllProjects(before=HELD), Inactivate(email=EMAIL)))
    told = given("offboard", plan)
    assert [step.do for step in told.steps[1:3]] == [click_of(step).do for step in plan.steps]
    assert f"{EMAIL} is inactive" in told.checks


def test_what_has_to_be_decided_comes_first() -> None:
    """Where two people have the address, the decision stands before any click."""
    error = NeedsPerson(
        "ambiguous-person", "Two entries.", instructions="Decide which one it is.", seen="Users: A; Users: B"
    )
    told = given("update", None, error.diagnostics())
    assert told.why == "Two entries."
    assert (told.steps[1].do, told.steps[1].values) == ("Decide which one it is.", {"Found": "Users: A; Users: B"})
    assert error.mender is Mender.ADMINISTRATOR


def test_markdown_shows_names_as_they_are() -> None:
    """A project or company may be called anything; a ticket shows it, and makes no link or picture of it."""
    evil = Project(id="3", name="<img src=x> [a](http://x) *b* |", number="")
    told = given("offboard", Plan(steps=(RemoveFromProject(project=evil, before="_T_"),)))
    markdown = told.markdown()
    assert not re.search(r"(?<!\\)[<\[|]", markdown)
    assert r"**\_T\_**" in markdown
    assert markdown.count("\n1. ") == 1


def test_instructions_go_through_json() -> None:
    """They are kept in the queue's record and shown from there."""
    told = given("provision")
    assert Instructions.model_validate_json(told.model_dump_json()) == told

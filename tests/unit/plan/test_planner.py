"""The planner by example: the order people expect, the fewest writes, and what the table shows."""

from __future__ import annotations

from agent.domain.access import AccessLevel, CompanyAccess, Membership, Project, Vendor
from agent.domain.person import NewUser, Person, TenantFacts, UserChange
from agent.plan.difference import Difference
from agent.plan.planner import plan_job
from agent.plan.routes import IntoProjects, way_into_projects
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    BlastRadius,
    ChangeProjectTemplate,
    CreateUser,
    Inactivate,
    Invite,
    Reactivate,
    RemoveFromAllProjects,
    RemoveFromProject,
    SaveUser,
)
from agent.plan.wanted import NO_VENDOR, Wanted

EMAIL = "ana@example.com"
P = tuple(Project(id=str(number), name=f"Project {number}") for number in range(9))
FACTS = TenantFacts(own_login="svc@example.com", add_user_fields=frozenset({"job_title"}))
OFFICE = CompanyAccess(template="Office")
ACTIVE = Person(
    user_id="7",
    email=EMAIL,
    active=True,
    company_access=OFFICE,
    default_project_template="Viewer",
    add_to_new_projects=True,
    memberships=(Membership(project=P[0], template="Viewer"), Membership(project=P[1], template="Foreman")),
    invited=True,
)
INACTIVE = ACTIVE.model_copy(update={"active": False, "invited": None})
OFFBOARD = Wanted(
    email=EMAIL,
    active=False,
    company_access=CompanyAccess(),
    default_project_template="",
    add_to_new_projects=False,
    only_these=True,
)
NOTHING = UserChange(company_access=CompanyAccess(), default_project_template="", add_to_new_projects=False)
AS_ACTIVE = UserChange(company_access=OFFICE, default_project_template="Viewer", add_to_new_projects=True)


def members(*projects: Project, template: str | None = "Viewer") -> tuple[Membership, ...]:
    return tuple(Membership(project=project, template=template) for project in projects)


def test_a_new_person_is_created_completed_assigned_and_invited() -> None:
    """The form takes what it shows; one Save adds the rest; the invitation comes last."""
    wanted = Wanted(
        email=EMAIL,
        active=True,
        attributes={"last_name": "Berg", "job_title": "Mason", "city": "Dover", "zip": ""},
        company=Vendor(id="9", name="Hillside"),
        company_access=CompanyAccess(levels={"Documents": AccessLevel.STANDARD}),
        default_project_template="Viewer",
        add_to_new_projects=True,
        memberships=members(P[0], template="Foreman"),
        invited=True,
    )
    plan = plan_job(None, wanted, FACTS)
    assert plan.steps == (
        CreateUser(
            new=NewUser(
                email=EMAIL,
                attributes={"last_name": "Berg", "job_title": "Mason"},
                company=Vendor(id="9", name="Hillside"),
                default_project_template="Viewer",
            )
        ),
        SaveUser(
            change=UserChange(
                attributes={"city": "Dover"}, company_access=wanted.company_access, add_to_new_projects=True
            ),
            before=UserChange(attributes={"city": ""}, company_access=CompanyAccess(), add_to_new_projects=False),
        ),
        AddToProject(project=P[0], template="Foreman"),
        Invite(email=EMAIL),
    )
    assert plan.blast == BlastRadius(people=1, projects=1)
    assert Difference(what="User", before="does not exist", after=f"exists as {EMAIL}") in plan.differences
    assert "The person is added to every project that is created from now on." in plan.notes


def test_a_company_template_goes_into_the_form() -> None:
    """No Save is needed for somebody whose whole access fits the Add User form."""
    wanted = Wanted(email=EMAIL, active=True, company=NO_VENDOR, company_access=OFFICE, default_project_template="")
    (create,) = plan_job(None, wanted, FACTS).steps
    assert create == CreateUser(new=NewUser(email=EMAIL, company_template="Office"))


def test_a_leaver_loses_projects_then_access_then_the_account() -> None:
    """Remove All, one Save that clears everything, Inactivate."""
    plan = plan_job(ACTIVE, OFFBOARD, FACTS)
    assert plan.steps == (
        RemoveFromAllProjects(before=ACTIVE.memberships),
        SaveUser(change=NOTHING, before=AS_ACTIVE),
        Inactivate(email=EMAIL),
    )
    assert plan.blast == BlastRadius(people=1, projects=2)


def test_a_leaver_who_is_inactive_already_is_stripped_all_the_same() -> None:
    """Dormant access would come back with a reactivation, so it goes; the person stays inactive throughout."""
    plan = plan_job(INACTIVE, OFFBOARD, FACTS)
    assert plan.steps == plan_job(ACTIVE, OFFBOARD, FACTS).steps[:-1]
    assert "inactive already and still holds access" in plan.notes[0]
    clean = Person(user_id="7", email=EMAIL, active=False)
    assert plan_job(clean, OFFBOARD, FACTS).is_empty
    assert "holds nothing that comes back" in plan_job(clean, OFFBOARD, FACTS).notes[0]


def test_a_returner_is_stripped_while_inactive_and_given_access_afterwards() -> None:
    """What is wanted and dormant stays; the rest goes before the reactivation; new access comes after it."""
    wanted = Wanted(
        email=EMAIL,
        active=True,
        attributes={"job_title": "Mason"},
        company=Vendor(id="9", name="Hillside"),
        company_access=CompanyAccess(template="Field"),
        default_project_template="Viewer",
        add_to_new_projects=False,
        memberships=(*members(P[0]), *members(P[1], P[2], template="Owner")),
        only_these=True,
        invited=True,
    )
    assert plan_job(INACTIVE, wanted, FACTS).steps == (
        RemoveFromProject(project=P[1], before="Foreman"),
        SaveUser(
            change=UserChange(company=wanted.company, company_access=CompanyAccess(), add_to_new_projects=False),
            before=UserChange(company=NO_VENDOR, company_access=OFFICE, add_to_new_projects=True),
        ),
        Reactivate(email=EMAIL),
        SaveUser(
            change=UserChange(attributes={"job_title": "Mason"}, company_access=wanted.company_access),
            before=UserChange(attributes={"job_title": ""}, company_access=CompanyAccess()),
        ),
        AddToProject(project=P[1], template="Owner"),
        AddToProject(project=P[2], template="Owner"),
        Invite(email=EMAIL),
    )


def test_a_move_takes_before_it_replaces_before_it_gives() -> None:
    """Removal, one Save, changed template, addition: in this order, each once."""
    wanted = Wanted(
        email=EMAIL,
        attributes={"city": "Dover"},
        company_access=CompanyAccess(template="Field"),
        memberships=(Membership(project=P[1], template="Owner"), Membership(project=P[2], template=None)),
        absent=(P[0],),
    )
    assert [step.kind for step in plan_job(ACTIVE, wanted, FACTS).steps] == [
        "remove_from_project",
        "save_user",
        "change_project_template",
        "add_to_project",
    ]


def test_many_projects_with_the_default_template_go_through_the_projects_tab() -> None:
    """From so many on that it costs less, one save; those with another template are added one by one."""
    together = next(number for number in range(1, 9) if way_into_projects(number) is IntoProjects.PROJECTS_TAB)
    many = P[2 : 2 + together]
    wanted = Wanted(email=EMAIL, memberships=(*members(*many), *members(P[8], template="Owner")))
    assert plan_job(ACTIVE, wanted, FACTS).steps == (
        AddToProject(project=P[8], template="Owner"),
        AssignProjects(add=many, template="Viewer"),
    )
    fewer = Wanted(email=EMAIL, memberships=members(*many[1:]))
    assert {step.kind for step in plan_job(ACTIVE, fewer, FACTS).steps} == {"add_to_project"}


def test_the_projects_tab_waits_for_the_new_default_template() -> None:
    """The default template that counts is the one after the Save."""
    wanted = Wanted(email=EMAIL, default_project_template="Owner", memberships=members(*P[2:6], template="Owner"))
    assert [step.kind for step in plan_job(ACTIVE, wanted, FACTS).steps] == ["save_user", "assign_projects"]


def test_many_removals_are_one_save() -> None:
    """Four of five memberships go through the Projects tab; all five through Remove All."""
    five = ACTIVE.model_copy(update={"memberships": members(*P[:5])})
    assert plan_job(five, Wanted(email=EMAIL, absent=P[:4]), FACTS).steps == (AssignProjects(remove=members(*P[:4])),)
    assert plan_job(five, Wanted(email=EMAIL, only_these=True), FACTS).steps == (
        RemoveFromAllProjects(before=members(*P[:5])),
    )


def test_a_membership_without_a_template_gets_one() -> None:
    """A member without a template is a member: the template is changed, nobody is added twice."""
    bare = ACTIVE.model_copy(update={"memberships": members(P[0], template=None)})
    assert plan_job(bare, Wanted(email=EMAIL, memberships=members(P[0])), FACTS).steps == (
        ChangeProjectTemplate(project=P[0], template="Viewer", before=None),
    )


def test_an_invitation_is_sent_once_unless_asked_to_resend() -> None:
    """Invited people get no second mail; a resend is shown in the table though it changes no state."""
    once = Wanted(email=EMAIL, invited=True)
    assert plan_job(ACTIVE, once, FACTS).is_empty
    never = ACTIVE.model_copy(update={"invited": False})
    assert plan_job(never, once, FACTS).steps == (Invite(email=EMAIL),)
    again = plan_job(ACTIVE, once.model_copy(update={"resend": True}), FACTS)
    assert again.steps == (Invite(email=EMAIL, again=True),)
    assert again.differences == (Difference(what="Invitation", before="sent", after="sent again"),)


def test_a_company_admin_by_levels_is_compared_by_directory_alone() -> None:
    """Admin on Directory greys the other tools, so what they say is no difference."""
    admin = CompanyAccess(levels={"Directory": AccessLevel.ADMIN})
    shown = CompanyAccess(levels={"Directory": AccessLevel.ADMIN, "Documents": AccessLevel.ADMIN})
    person = ACTIVE.model_copy(update={"company_access": shown})
    assert plan_job(person, Wanted(email=EMAIL, company_access=admin), FACTS).is_empty


def test_pages_may_fold_spaces_and_compose_characters() -> None:
    """Such differences are none; a different letter is one."""
    person = ACTIVE.model_copy(update={"attributes": {"first_name": "Zoe\u0308  Anne"}})
    assert plan_job(person, Wanted(email=EMAIL, attributes={"first_name": "Zoë Anne"}), FACTS).is_empty
    assert not plan_job(person, Wanted(email=EMAIL, attributes={"first_name": "Zoe Anne"}), FACTS).is_empty


def test_what_stays_is_said() -> None:
    """A job with at_least tells how many other memberships stay."""
    plan = plan_job(ACTIVE, Wanted(email=EMAIL, memberships=members(P[5])), FACTS)
    assert plan.notes == ("2 other project memberships stay as they are.",)

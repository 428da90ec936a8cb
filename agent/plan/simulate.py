"""What a step would make of a person, and what access a person effectively has; pure.

A small model of Procore's behaviour, used by the planner (to plan on from a step's result) and by the property tests.
It knows the traps: the Projects tab gives the default template [I], reactivation brings dormant access back [D], an
inactive person has no access at all [D].
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.domain.access import AccessLevel, CompanyAccess, Membership
from agent.domain.names import normal_name
from agent.domain.person import NewUser, Person, UserChange
from agent.plan.bulk.steps import BulkStep
from agent.plan.difference import is_company_admin
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    ChangeProjectTemplate,
    CreateUser,
    Inactivate,
    Invite,
    Reactivate,
    RemoveFromAllProjects,
    RemoveFromProject,
    SaveUser,
    Step,
)
from agent.plan.wanted import Wanted, nobody

Grant = tuple[str, ...]  #: one thing a person may do, e.g. ("project template", project id, template)


def apply(step: Step, person: Person | None) -> Person:
    """The person after the step. Raises ValueError for a step that Procore would not offer for this person."""
    if isinstance(step, BulkStep):
        raise ValueError("a step about many people changes no one person")
    if isinstance(step, CreateUser):
        if person is not None:
            raise ValueError("the user exists already")
        return _created(step.new)
    if person is None:
        raise ValueError("there is no user yet")
    match step:
        case SaveUser():
            return _saved(step.change, person)
        case AddToProject():
            if not person.active:
                raise ValueError("an inactive user is not added to projects")
            return _with(person, Membership(project=step.project, template=step.template))
        case ChangeProjectTemplate():
            if person.membership(step.project.id) is None:
                raise ValueError(f"no member of {step.project.label}")
            return _with(person, Membership(project=step.project, template=step.template))
        case RemoveFromProject():
            if person.membership(step.project.id) is None:
                raise ValueError(f"no member of {step.project.label}")
            return _without(person, {step.project.id})
        case RemoveFromAllProjects():
            return person.model_copy(update={"memberships": ()})
        case AssignProjects():
            result = _without(person, {item.project.id for item in step.remove})
            for project in step.add:
                result = _with(result, Membership(project=project, template=person.default_project_template))
            return result
        case Inactivate():
            return person.model_copy(update={"active": False})
        case Reactivate():
            return person.model_copy(update={"active": True})
        case Invite():
            if not person.active:
                raise ValueError("an inactive user is not invited")
            return person.model_copy(update={"invited": True})


def apply_all(steps: Iterable[Step], person: Person | None) -> Person | None:
    """The person after all steps in order."""
    for step in steps:
        person = apply(step, person)
    return person


def effective_access(person: Person | None) -> frozenset[Grant]:
    """Everything the person may do now. A template is opaque: another template is another grant, never a lower one."""
    if person is None or not person.active:
        return frozenset()
    template = person.default_project_template if person.add_to_new_projects else None
    return frozenset({("active",)}) | _grants(
        person.company_access, person.memberships, person.add_to_new_projects, template
    )


def allowed_access(present: Person | None, wanted: Wanted) -> frozenset[Grant]:
    """What the person may have at any moment of a plan: what was there before, and what is wanted."""
    before = effective_access(present)
    if wanted.active is False or (wanted.active is None and (present is None or not present.active)):
        return before
    start = present or nobody(wanted)
    new_projects = start.add_to_new_projects if wanted.add_to_new_projects is None else wanted.add_to_new_projects
    default = wanted.default_project_template
    template = start.default_project_template if default is None else default or None
    return (
        before
        | {("active",)}
        | _grants(
            wanted.company_access or CompanyAccess(),
            wanted.memberships,
            new_projects,
            template if new_projects else None,
        )
    )


def _grants(
    access: CompanyAccess, memberships: Iterable[Membership], new_projects: bool, new_template: str | None
) -> frozenset[Grant]:
    grants: set[Grant] = set()
    if access.template is not None:
        grants.add(("company template", access.template))
    if is_company_admin(access):
        grants.add(("company admin",))  # Admin everywhere: what the greyed rows hold adds nothing [D]
    for tool, level in () if is_company_admin(access) else access.levels.items():
        grants.update(("company tool", normal_name(tool), step.label) for step in AccessLevel if 0 < step <= level)
    for item in memberships:
        grants.add(("project", item.project.id))
        if item.template is not None:
            grants.add(("project template", item.project.id, item.template))
    if new_projects:
        grants.add(("new projects",))
        if new_template is not None:
            grants.add(("new projects template", new_template))
    return frozenset(grants)


def _created(new: NewUser) -> Person:
    return Person(
        user_id="new",
        email=new.email,
        active=True,
        attributes=dict(new.attributes),
        company=new.company,
        company_access=CompanyAccess(template=new.company_template),
        default_project_template=new.default_project_template,
        invited=False,
    )


def _saved(change: UserChange, person: Person) -> Person:
    update: dict[str, object] = {"attributes": {**person.attributes, **change.attributes}}
    if change.email is not None:
        update["email"] = change.email
    if change.company is not None:
        update["company"] = change.company if change.company.id else None
    if change.company_access is not None:
        update["company_access"] = change.company_access
    if change.default_project_template is not None:
        update["default_project_template"] = change.default_project_template or None
    if change.add_to_new_projects is not None:
        update["add_to_new_projects"] = change.add_to_new_projects
    return person.model_copy(update=update)


def _with(person: Person, membership: Membership) -> Person:
    others = _without(person, {membership.project.id}).memberships
    return person.model_copy(update={"memberships": (*others, membership)})


def _without(person: Person, project_ids: set[str]) -> Person:
    kept = tuple(item for item in person.memberships if item.project.id not in project_ids)
    return person.model_copy(update={"memberships": kept})

"""From how a person is and how the person shall be to the fewest writes, in a safe order; pure.

The rules, in the order of their weight:

1. No moment of the plan gives the person more than they had before or shall have (:func:`~.simulate.allowed_access`).
2. No step that only takes access comes after one that only gives it; replacements stand between.
3. An inactive person is stripped *while inactive* of everything dormant that is not wanted, since reactivation brings
   all of it back [D]; then reactivated, then given what is missing. A leaver is stripped first, then inactivated.
4. An invitation comes last: it cannot be undone, and it invites into what is then there.
5. Within that, the way that costs least (:mod:`agent.plan.routes`): one Save of the Edit page holds every change of its
   fields, one save of the Projects tab many projects (asynchronous, polled, each project may fail on its own).
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.access import CompanyAccess, Membership, Project
from agent.domain.person import NewUser, Person, TenantFacts, UserChange
from agent.plan.difference import Difference, same_access
from agent.plan.matching import same_vendor
from agent.plan.routes import IntoProjects, way_into_projects
from agent.plan.simulate import apply, apply_all
from agent.plan.step import Direction
from agent.plan.steps import (
    AddToProject,
    AssignProjects,
    BlastRadius,
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
from agent.plan.wanted import Wanted, before_of, needed_change, unsatisfied

ALWAYS_ON_THE_FORM = frozenset({"first_name", "last_name"})
"""Fields that every tenant's Add User form shows [D]."""

_ORDER = {Direction.REDUCE: 0, Direction.NEUTRAL: 1, Direction.GRANT: 2}


def plan_job(present: Person | None, wanted: Wanted, facts: TenantFacts, *, new_pages: bool = False) -> Plan:
    """The steps from ``present`` to ``wanted``; no steps when everything is as wanted.

    ``present`` None means that nobody has the address and ``wanted`` shall be created. ``new_pages``: people's pages
    are of the new generation, where other ways cost less.
    """
    if present is None:
        steps = _create(wanted, facts, new_pages)
    elif wanted.active is True and not present.active:
        steps = _bring_back(present, wanted, new_pages)
    else:
        steps = _changes(present, wanted, new_pages)
        if wanted.active is False and present.active:
            steps.append(Inactivate(email=present.email))
    if wanted.invited and _to_invite(present, wanted):
        again = present is not None and present.invited is True
        steps.append(Invite(email=wanted.new_email or wanted.email, again=again))
    return Plan(
        steps=tuple(steps),
        differences=unsatisfied(wanted, present) + _sent_again(steps),
        blast=BlastRadius(people=1 if steps else 0, projects=len(_projects_of(steps))),
        notes=_notes(present, wanted, steps),
    )


def _sent_again(steps: Sequence[Step]) -> tuple[Difference, ...]:
    """A mail sent once more changes no state, but people want to see it in the table."""
    again = any(isinstance(step, Invite) and step.again for step in steps)
    return (Difference(what="Invitation", before="sent", after="sent again"),) if again else ()


def _to_invite(present: Person | None, wanted: Wanted) -> bool:
    """Once, unless asked to resend. Not known (None) counts as not invited for who is new or was inactive."""
    return wanted.resend or present is None or present.invited is not True


def _create(wanted: Wanted, facts: TenantFacts, new_pages: bool) -> list[Step]:
    on_form = facts.add_user_fields | ALWAYS_ON_THE_FORM
    access = wanted.company_access or CompanyAccess()
    company = wanted.company if wanted.company is not None and wanted.company.id else None
    new = CreateUser(
        new=NewUser(
            email=wanted.email,
            attributes={name: text for name, text in wanted.attributes.items() if text and name in on_form},
            company=company,
            default_project_template=wanted.default_project_template or None,
            company_template=access.template,
        )
    )
    return [new, *_changes(apply(new, None), wanted, new_pages)]


def _bring_back(present: Person, wanted: Wanted, new_pages: bool) -> list[Step]:
    strip = _strip(present, wanted, new_pages)
    reactivate = Reactivate(email=present.email)
    stripped = apply_all([*strip, reactivate], present)
    if stripped is None:
        raise AssertionError("stripping and reactivating keeps the person")
    return [*strip, reactivate, *_changes(stripped, wanted, new_pages)]


def _strip(present: Person, wanted: Wanted, new_pages: bool) -> list[Step]:
    """While the person is inactive: whatever is dormant and not exactly as wanted goes, so that it does not come back.

    The company is set here too: an inactive company blocks reactivation [D].
    """
    stays = {item.project.id for item in present.memberships if item == _wanted_like(item, wanted)}
    unwelcome = tuple(item for item in present.memberships if item.project.id not in stays)
    access = wanted.company_access or CompanyAccess()
    default = wanted.default_project_template or ""
    change = UserChange(
        company=wanted.company if wanted.company and not same_vendor(present.company, wanted.company) else None,
        company_access=None if same_access(present.company_access, access) else _nothing_of(present.company_access),
        default_project_template="" if (present.default_project_template or "") not in {default, ""} else None,
        add_to_new_projects=False if present.add_to_new_projects and not wanted.add_to_new_projects else None,
    )
    return [*_removals(unwelcome, len(present.memberships), new_pages), *_save(before_of(present, change), change)]


def _wanted_like(item: Membership, wanted: Wanted) -> Membership | None:
    """The wanted membership of the same project with the same template, as the present item writes it."""
    same = wanted.membership(item.project.id)
    return item if same is not None and same.template == item.template else None


def _nothing_of(access: CompanyAccess) -> CompanyAccess | None:
    return None if access.is_none else CompanyAccess()


def _save(before: UserChange, change: UserChange) -> list[Step]:
    return [] if change == UserChange() else [SaveUser(change=change, before=before)]


def _changes(present: Person, wanted: Wanted, new_pages: bool) -> list[Step]:
    """Everything but status and invitation, ordered: take, replace, give."""
    before, change = needed_change(present, wanted)
    steps: list[Step] = [
        *_removals(wanted.unwelcome(present), len(present.memberships), new_pages),
        *_save(before, change),
        *_template_changes(present, wanted),
        *_additions(present, wanted, new_pages),
    ]
    return sorted(steps, key=lambda step: _ORDER[step.direction])


def _removals(unwelcome: Sequence[Membership], held: int, new_pages: bool) -> list[Step]:
    if len(unwelcome) > 1 and len(unwelcome) == held:
        return [RemoveFromAllProjects(before=tuple(unwelcome))]
    if way_into_projects(len(unwelcome), new_pages=new_pages) is IntoProjects.PROJECTS_TAB:
        return [AssignProjects(remove=tuple(unwelcome))]
    return [RemoveFromProject(project=item.project, before=item.template) for item in unwelcome]


def _template_changes(present: Person, wanted: Wanted) -> list[Step]:
    pairs = ((item, present.membership(item.project.id)) for item in wanted.memberships)
    return [
        ChangeProjectTemplate(project=item.project, template=item.template, before=now.template)
        for item, now in pairs
        if now is not None and now.template != item.template
    ]


def _additions(present: Person, wanted: Wanted, new_pages: bool) -> list[Step]:
    """New memberships. The Projects tab gives the default template of that moment, i.e. after the Save."""
    missing = [item for item in wanted.memberships if present.membership(item.project.id) is None]
    default = present.default_project_template
    if wanted.default_project_template is not None:
        default = wanted.default_project_template or None
    alike = [item for item in missing if item.template == default]
    if way_into_projects(len(alike), new_pages=new_pages) is IntoProjects.SINGLY:
        alike = []
    together: list[Step] = []
    if alike:
        together.append(AssignProjects(add=tuple(item.project for item in alike), template=default))
    singly = [item for item in missing if item not in alike]
    return [*(AddToProject(project=item.project, template=item.template) for item in singly), *together]


def _projects_of(steps: Sequence[Step]) -> dict[str, Project]:
    projects: list[Project] = []
    for step in steps:
        match step:
            case AddToProject() | ChangeProjectTemplate() | RemoveFromProject():
                projects.append(step.project)
            case RemoveFromAllProjects():
                projects.extend(item.project for item in step.before)
            case AssignProjects():
                projects.extend(step.add)
                projects.extend(item.project for item in step.remove)
            case _:
                pass
    return {project.id: project for project in projects}


def _notes(present: Person | None, wanted: Wanted, steps: Sequence[Step]) -> tuple[str, ...]:
    notes = []
    if present is not None and wanted.active is False and not present.active:
        found = "still holds access that would come back: it is stripped" if steps else "holds nothing that comes back"
        notes.append(f"{present.email} is inactive already and {found}.")
    if present is not None and wanted.memberships and not wanted.only_these:
        others = [item for item in present.memberships if wanted.membership(item.project.id) is None]
        if others:
            notes.append(f"{len(others)} other project membership{'s' if len(others) > 1 else ''} stay as they are.")
    if wanted.add_to_new_projects and any(isinstance(step, SaveUser) for step in steps):
        notes.append("The person is added to every project that is created from now on.")
    return tuple(notes)

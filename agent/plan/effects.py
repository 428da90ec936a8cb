"""How a step about one person shows: in the person read afresh, and in the Change History."""

from __future__ import annotations

from collections.abc import Iterable

from agent.domain.access import CompanyAccess, Frozen, Project
from agent.domain.attributes import BY_NAME
from agent.domain.names import normal_email, normal_name, same_name
from agent.domain.person import ChangeRecord, Person, UserChange
from agent.plan.bulk.steps import BulkStep
from agent.plan.difference import level_of, same_access, tools_of, yes_no
from agent.plan.matching import same_text, same_vendor
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


def holds(step: Step, person: Person | None) -> bool:
    """Whether the step's effect is visible in the person.

    For ``CreateUser``: the person exists and is active (what the form set is a matter of the next difference). For an
    invitation sent *again* always False, since the person looks the same before and after: ask the Change History.
    """
    if isinstance(step, BulkStep):
        raise ValueError("a step about many people: see agent.plan.bulk.effects")
    if person is None:
        return False
    match step:
        case CreateUser():
            return normal_email(person.email) == normal_email(step.new.email) and person.active
        case SaveUser():
            return change_holds(step.change, person)
        case AddToProject() | ChangeProjectTemplate():
            membership = person.membership(step.project.id)
            return membership is not None and membership.template == step.template
        case RemoveFromProject():
            return person.membership(step.project.id) is None
        case RemoveFromAllProjects():
            return not person.memberships
        case AssignProjects():
            added = (person.membership(project.id) for project in step.add)
            return all(item is not None and item.template == step.template for item in added) and not any(
                person.membership(item.project.id) for item in step.remove
            )
        case Inactivate():
            return not person.active
        case Reactivate():
            return person.active
        case Invite():
            return not step.again and person.invited is True


def change_holds(change: UserChange, person: Person) -> bool:
    """Whether everything that a Save named is so."""
    return (
        all(same_text(person.attributes.get(name, ""), text) for name, text in change.attributes.items())
        and (change.email is None or normal_email(person.email) == normal_email(change.email))
        and (change.company is None or same_vendor(person.company, change.company))
        and (change.company_access is None or same_access(person.company_access, change.company_access))
        and (
            change.default_project_template is None
            or (person.default_project_template or "") == change.default_project_template
        )
        and (change.add_to_new_projects is None or person.add_to_new_projects == change.add_to_new_projects)
    )


class HistoryExpectation(Frozen):
    """A row the Change History should have [I]. ``before``/``after`` None: whatever it says.

    ``fields`` are the labels under which the row may stand: Procore names some fields differently on two pages.
    """

    fields: tuple[str, ...]
    before: str | None = None
    after: str | None = None
    begins: bool = False  # the label may go on, as in "Is Employee Of {Company}?" [D]

    def met_by(self, record: ChangeRecord) -> bool:
        """Whether this row is the expected one (who made it, and when, is for the caller to ask)."""
        return (
            any(self._called(field, record.field) for field in self.fields)
            and (self.before is None or same_name(self.before, record.before))
            and (self.after is None or same_name(self.after, record.after))
        )

    def _called(self, field: str, label: str) -> bool:
        return same_name(field, label) or (self.begins and normal_name(label).startswith(normal_name(field)))

    @property
    def words(self) -> str:
        """The expectation for a finding, e.g. ``Status: Active -> Inactive``."""
        if self.before is None and self.after is None:
            return self.fields[0]
        shown = [("anything" if text is None else text or "(empty)") for text in (self.before, self.after)]
        return f"{self.fields[0]}: {shown[0]} -> {shown[1]}"


def unmet(expectations: Iterable[HistoryExpectation], records: Iterable[ChangeRecord]) -> list[HistoryExpectation]:
    """The expectations that no record meets; each record answers for one expectation only."""
    left = list(records)
    missing = []
    for expectation in expectations:
        found = next((record for record in left if expectation.met_by(record)), None)
        if found is None:
            missing.append(expectation)
        else:
            left.remove(found)
    return missing


def history_expectations(step: Step) -> tuple[HistoryExpectation, ...]:
    """What the Change History should show once the step is saved (and, for the Projects tab, applied) [I]."""
    if isinstance(step, BulkStep):
        raise ValueError("a step about many people: see agent.plan.bulk.effects")
    match step:
        case CreateUser():
            return (HistoryExpectation(fields=("Created",)),)
        case SaveUser():
            return _save_expectations(step.before, step.change)
        case AddToProject():
            return (assigned(step.project),)
        case ChangeProjectTemplate():
            return (template_changed(step.project, step.before, step.template),)
        case RemoveFromProject():
            return (unassigned(step.project),)
        case RemoveFromAllProjects():
            return tuple(unassigned(item.project) for item in step.before)
        case AssignProjects():
            added = tuple(assigned(project) for project in step.add)
            return added + tuple(unassigned(item.project) for item in step.remove)
        case Inactivate():
            return (HistoryExpectation(fields=("Status",), before="Active", after="Inactive"),)
        case Reactivate():
            return (HistoryExpectation(fields=("Status",), before="Inactive", after="Active"),)
        case Invite():
            return (HistoryExpectation(fields=("Welcome Email Sent",), after=step.email),)


def failed_assignments(step: Step, records: Iterable[ChangeRecord]) -> tuple[Project, ...]:
    """The projects of a Projects-tab save which the Change History says have failed [I]."""
    if isinstance(step, AssignProjects):
        projects = (*step.add, *(item.project for item in step.remove))
    elif isinstance(step, RemoveFromAllProjects):
        projects = tuple(item.project for item in step.before)
    else:
        return ()
    named = [record.after for record in records if same_name(record.field, "Project Assignment Failed")]
    return tuple(project for project in projects if any(same_name(project.label, label) for label in named))


def assigned(project: Project) -> HistoryExpectation:
    """The row that an addition to a project leaves."""
    return HistoryExpectation(fields=("Project Assignment",), before="", after=project.label)


def unassigned(project: Project) -> HistoryExpectation:
    """The row that a removal from a project leaves."""
    return HistoryExpectation(fields=("Project Assignment",), before=project.label, after="")


def template_changed(project: Project, before: str | None, after: str | None) -> HistoryExpectation:
    """The row that another template on a project leaves."""
    field = f"Project Permissions Template: {project.label}"
    return HistoryExpectation(fields=(field,), before=before or "", after=after or "")


def _save_expectations(before: UserChange, change: UserChange) -> tuple[HistoryExpectation, ...]:
    rows = [_attribute_row(name, before.attributes.get(name, ""), text) for name, text in change.attributes.items()]
    if change.email is not None:
        rows.append(HistoryExpectation(fields=("Email Address",), before=before.email, after=change.email))
    if change.company is not None:
        old = before.company.name if before.company else ""
        rows.append(HistoryExpectation(fields=("Company", "Company Name"), before=old, after=change.company.name))
    if change.company_access is not None:
        rows.extend(_access_rows(before.company_access or CompanyAccess(), change.company_access))
    if change.default_project_template is not None:
        rows.append(
            HistoryExpectation(
                fields=("Default Permission Template",),
                before=before.default_project_template or "",
                after=change.default_project_template,
            )
        )
    if change.add_to_new_projects is not None:
        rows.append(
            HistoryExpectation(
                fields=("Add to All New Projects",),
                before=yes_no(bool(before.add_to_new_projects)),
                after=yes_no(change.add_to_new_projects),
            )
        )
    return tuple(rows)


def _attribute_row(name: str, before: str, after: str) -> HistoryExpectation:
    attribute = BY_NAME[name]
    if attribute.kind == "text":
        return HistoryExpectation(fields=(attribute.label,), before=before, after=after)
    # Choices and yes/no are kept as codes here, and shown as labels there: the person witness compares the value.
    return HistoryExpectation(fields=(attribute.label,), begins=attribute.kind == "yes_no")


def _access_rows(before: CompanyAccess, after: CompanyAccess) -> list[HistoryExpectation]:
    if before.template is not None or after.template is not None:
        # What a template contains is not shown [I], so rows of single tools cannot be foretold; how the history words
        # "Do Not Apply a Permission Template" is not known either.
        return [
            HistoryExpectation(fields=("Company Permissions Template",), before=before.template, after=after.template)
        ]
    return [
        HistoryExpectation(
            fields=(f"{tool} Permission",), before=level_of(before, tool).label, after=level_of(after, tool).label
        )
        for tool in tools_of(before, after)
        if level_of(before, tool) != level_of(after, tool)
    ]

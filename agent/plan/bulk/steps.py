"""The writes of a plan about many people.

Each is one write of :class:`flows.interface.ProjectDirectory` or :class:`flows.interface.Groups` (a change of a group
is several where the pages save each part at once). Unlike steps about one person they carry user ids: everybody in
them exists already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from agent.domain.access import Project
from agent.domain.names import normal_email
from agent.domain.project import GroupChange, GroupMember, Member, NewMember
from agent.plan.difference import sentence_list, template_words, text_words
from agent.plan.step import Direction, StepBase, direction_of_template

_NAMED = 5  # addresses in a title; all of them stand in the step itself


class BulkAddToProject(StepBase):
    """Bulk Add from Co. Directory [D]: all of them or nobody; each with an own template."""

    kind: Literal["bulk_add_to_project"] = "bulk_add_to_project"
    project: Project
    people: tuple[NewMember, ...]

    @property
    def title(self) -> str:
        return (
            f"Add {_count(self.people)} to project {self.project.label} {_templates(self.people)}: {_some(self.people)}"
        )

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return f"remove from project {self.project.label}: {_all(self.people)}"

    @property
    def notified(self) -> tuple[str, ...]:
        """The addresses that get a mail by it."""
        return tuple(person.email for person in self.people if person.notify)


class AddMember(StepBase):
    """Add User in the project, with one person whom the company has [D]."""

    kind: Literal["add_member"] = "add_member"
    project: Project
    person: NewMember

    @property
    def title(self) -> str:
        template = template_words(self.person.template)
        return f"Add {self.person.email} to project {self.project.label} with template {template}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return f"remove {self.person.email} from project {self.project.label}"


class BulkRemoveFromProject(StepBase):
    """Bulk Actions > Remove from Project with exactly these people [D]."""

    kind: Literal["bulk_remove_from_project"] = "bulk_remove_from_project"
    project: Project
    people: tuple[Member, ...]

    @property
    def title(self) -> str:
        return f"Remove {_count(self.people)} from project {self.project.label}: {_some(self.people)}"

    @property
    def direction(self) -> Direction:
        return Direction.REDUCE

    @property
    def inverse(self) -> str:
        members = ", ".join(f"{member.email} ({template_words(member.template)})" for member in self.people)
        return f"add to project {self.project.label} again: {members}"


class ChangeMemberTemplate(StepBase):
    """Save of a member's page in the project, with another template [D]."""

    kind: Literal["change_member_template"] = "change_member_template"
    project: Project
    user_id: str
    email: str
    template: str | None
    before: str | None

    @property
    def title(self) -> str:
        change = f"from {template_words(self.before)} to {template_words(self.template)}"
        return f"Change the template of {self.email} in project {self.project.label} {change}"

    @property
    def direction(self) -> Direction:
        return direction_of_template(self.before, self.template)

    @property
    def inverse(self) -> str:
        before = template_words(self.before)
        return f"change the template of {self.email} in project {self.project.label} back to {before}"


class CreateGroup(StepBase):
    """Add Distribution Group [D]. Where the pages save the rest apart, only the name is written at first."""

    kind: Literal["group_create"] = "group_create"
    name: str
    project: Project | None = None  # None: a group of the company
    change: GroupChange = GroupChange()

    @property
    def title(self) -> str:
        members = f" with {_count(self.change.add)}: {_some(self.change.add)}" if self.change.add else ""
        return f"Create the distribution group {self.name!r} of {place_words(self.project)}{members}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return f"delete the distribution group {self.name!r} of {place_words(self.project)}"


class ChangeGroup(StepBase):
    """Change a distribution group's description and members [D]; ``before`` is its description as it was."""

    kind: Literal["group_change"] = "group_change"
    group_id: str
    name: str
    project: Project | None = None
    change: GroupChange
    before: str = ""

    @property
    def title(self) -> str:
        parts = []
        if self.change.description is not None:
            parts.append(f"Description {text_words(self.change.description)}")
        if self.change.remove:
            parts.append(f"take out {_some(self.change.remove)}")
        if self.change.add:
            parts.append(f"put in {_some(self.change.add)}")
        return f"Change the distribution group {self.name!r} of {place_words(self.project)}: {'; '.join(parts)}"

    @property
    def direction(self) -> Direction:
        add, remove = bool(self.change.add), bool(self.change.remove)
        if add == remove:
            return Direction.NEUTRAL
        return Direction.GRANT if add else Direction.REDUCE

    @property
    def inverse(self) -> str:
        parts = []
        if self.change.description is not None:
            parts.append(f"set the Description back to {text_words(self.before)}")
        parts += [f"put in again {_all(self.change.remove)}"] if self.change.remove else []
        parts += [f"take out again {_all(self.change.add)}"] if self.change.add else []
        return f"in the distribution group {self.name!r} {sentence_list(parts)}"


class DeleteGroup(StepBase):
    """Delete a distribution group [D]; ``before`` holds who was in it."""

    kind: Literal["group_delete"] = "group_delete"
    group_id: str
    name: str
    project: Project | None = None
    before: tuple[GroupMember, ...] = ()

    @property
    def title(self) -> str:
        return f"Delete the distribution group {self.name!r} of {place_words(self.project)} ({_count(self.before)})"

    @property
    def direction(self) -> Direction:
        return Direction.REDUCE

    @property
    def inverse(self) -> str:
        members = f" with {_all(self.before)}" if self.before else ""
        return f"cannot be undone: create a new group {self.name!r}{members}; what named the old one does not name it"


MemberStep = BulkAddToProject | AddMember | BulkRemoveFromProject | ChangeMemberTemplate  #: about a project's members
GroupStep = CreateGroup | ChangeGroup | DeleteGroup  #: about a distribution group
BulkStep = MemberStep | GroupStep


def people_in(step: BulkStep) -> tuple[str, ...]:
    """The normalised addresses of the people whom the step changes something for."""
    match step:
        case BulkAddToProject() | BulkRemoveFromProject():
            addresses = [person.email for person in step.people]
        case AddMember():
            addresses = [step.person.email]
        case ChangeMemberTemplate():
            addresses = [step.email]
        case CreateGroup() | ChangeGroup():
            addresses = [person.email for person in (*step.change.add, *step.change.remove)]
        case DeleteGroup():
            addresses = [person.email for person in step.before]
    return tuple(map(normal_email, addresses))


def place_words(project: Project | None) -> str:
    """Where a group belongs, in words."""
    return f"project {project.label}" if project is not None else "the company"


def _count(people: Sequence[object]) -> str:
    return f"{len(people):,} {'person' if len(people) == 1 else 'people'}"


def _some(people: Sequence[NewMember | Member | GroupMember]) -> str:
    named = [person.email for person in people[:_NAMED]]
    return sentence_list([*named, f"{len(people) - _NAMED:,} more"] if len(people) > _NAMED else named)


def _all(people: Iterable[NewMember | Member | GroupMember]) -> str:
    return ", ".join(person.email for person in people)


def _templates(people: Iterable[NewMember]) -> str:
    templates = {person.template for person in people}
    return f"with template {template_words(templates.pop())}" if len(templates) == 1 else "with a template for each"

"""The writes a plan is made of, and the plan.

Each step is exactly one write of :class:`flows.interface.Directory`, with what it replaces, so that it can be worded,
undone and looked for in the Change History. Steps do not carry the user's id: at planning time a new person has none.
Steps about many people are in :mod:`agent.plan.bulk.steps`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.domain.access import Frozen, Membership, Project
from agent.domain.person import NewUser, UserChange
from agent.plan.bulk.steps import BulkStep
from agent.plan.difference import Difference, change_grants, change_reduces, change_rows, template_words
from agent.plan.step import Direction, StepBase, direction_of_template


class CreateUser(StepBase):
    """Add User [D]. Does not invite."""

    kind: Literal["create_user"] = "create_user"
    new: NewUser

    @property
    def title(self) -> str:
        name = " ".join(self.new.attributes.get(part, "") for part in ("first_name", "last_name")).strip()
        given = (
            f"company template {template_words(self.new.company_template)} and default project template "
            f"{template_words(self.new.default_project_template)}"
        )
        return f"Create the user {name} <{self.new.email}> with {given}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return "cannot be undone: Procore deletes no users; offboard the person instead, which inactivates them"


class SaveUser(StepBase):
    """One Save of the Edit page [D]; ``before`` holds the same parts as they were."""

    kind: Literal["save_user"] = "save_user"
    change: UserChange
    before: UserChange

    @property
    def title(self) -> str:
        return "Save: " + "; ".join(f"{row.what} {row.after}" for row in change_rows(self.before, self.change))

    @property
    def direction(self) -> Direction:
        reduces, grants = change_reduces(self.before, self.change), change_grants(self.before, self.change)
        if reduces == grants:
            return Direction.NEUTRAL
        return Direction.REDUCE if reduces else Direction.GRANT

    @property
    def inverse(self) -> str:
        rows = change_rows(self.before, self.change)
        return "on the Edit page set " + "; ".join(f"{row.what} back to {row.before}" for row in rows) + " and Save"


class AddToProject(StepBase):
    """Add one project with an explicit template [D]; None is "Apply a Permission Template Later"."""

    kind: Literal["add_to_project"] = "add_to_project"
    project: Project
    template: str | None

    @property
    def title(self) -> str:
        return f"Add to project {self.project.label} with template {template_words(self.template)}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return f"remove the person from project {self.project.label}"


class ChangeProjectTemplate(StepBase):
    """Change the template of one membership [D]."""

    kind: Literal["change_project_template"] = "change_project_template"
    project: Project
    template: str | None
    before: str | None

    @property
    def title(self) -> str:
        change = f"from {template_words(self.before)} to {template_words(self.template)}"
        return f"Change the template in project {self.project.label} {change}"

    @property
    def direction(self) -> Direction:
        return direction_of_template(self.before, self.template)

    @property
    def inverse(self) -> str:
        return f"change the template in project {self.project.label} back to {template_words(self.before)}"


class RemoveFromProject(StepBase):
    """Remove one membership [D]; ``before`` is the template it had."""

    kind: Literal["remove_from_project"] = "remove_from_project"
    project: Project
    before: str | None

    @property
    def title(self) -> str:
        return f"Remove from project {self.project.label}"

    @property
    def direction(self) -> Direction:
        return Direction.REDUCE

    @property
    def inverse(self) -> str:
        return f"add the person to project {self.project.label} with template {template_words(self.before)}"


class RemoveFromAllProjects(StepBase):
    """Remove All [D]; ``before`` lists what that removes."""

    kind: Literal["remove_from_all_projects"] = "remove_from_all_projects"
    before: tuple[Membership, ...]

    @property
    def title(self) -> str:
        return f"Remove from all projects ({len(self.before)})"

    @property
    def direction(self) -> Direction:
        return Direction.REDUCE

    @property
    def inverse(self) -> str:
        return "add the person again to " + memberships_words(self.before)


class AssignProjects(StepBase):
    """Projects tab: one asynchronous save, either of additions or of removals [D].

    Added ones get the person's default template ``template`` [I]. Never both in one step: each project is applied on
    its own, so an addition could come before a removal.
    """

    kind: Literal["assign_projects"] = "assign_projects"
    add: tuple[Project, ...] = ()
    template: str | None = None
    remove: tuple[Membership, ...] = ()

    @property
    def title(self) -> str:
        if self.add:
            names = ", ".join(project.label for project in self.add)
            with_template = f"with the default template {template_words(self.template)}"
            return f"Add to {len(self.add)} projects {with_template}: {names}"
        names = ", ".join(item.project.label for item in self.remove)
        return f"Remove from {len(self.remove)} projects: {names}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT if self.add else Direction.REDUCE

    @property
    def inverse(self) -> str:
        if self.add:
            return "remove the person from " + ", ".join(project.label for project in self.add)
        return "add the person again to " + memberships_words(self.remove)


class Inactivate(StepBase):
    """Bulk Actions > Inactivate with exactly this person [D]."""

    kind: Literal["inactivate"] = "inactivate"
    email: str

    @property
    def title(self) -> str:
        return f"Inactivate {self.email}"

    @property
    def direction(self) -> Direction:
        return Direction.REDUCE

    @property
    def inverse(self) -> str:
        return "reactivate the person with a `reactivate` job, which says which access comes back"


class Reactivate(StepBase):
    """Reactivate from the Inactive Users list [D]. Brings back whatever is dormant at that moment [D]."""

    kind: Literal["reactivate"] = "reactivate"
    email: str

    @property
    def title(self) -> str:
        return f"Reactivate {self.email}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return "inactivate the person again with an `offboard` job"


class Invite(StepBase):
    """Invite or Re-Invite [D]: one e-mail."""

    kind: Literal["invite"] = "invite"
    email: str
    again: bool = False

    @property
    def title(self) -> str:
        return f"Send the invitation e-mail {'again ' if self.again else ''}to {self.email}"

    @property
    def direction(self) -> Direction:
        return Direction.GRANT

    @property
    def inverse(self) -> str:
        return "cannot be undone: an e-mail that was sent stays sent"


PersonStep = (
    CreateUser
    | SaveUser
    | AddToProject
    | ChangeProjectTemplate
    | RemoveFromProject
    | RemoveFromAllProjects
    | AssignProjects
    | Inactivate
    | Reactivate
    | Invite
)  #: a write about one person

Step = Annotated[PersonStep | BulkStep, Field(discriminator="kind")]


class BlastRadius(Frozen):
    """How much a plan changes: people, and projects in which something changes."""

    people: int
    projects: int


class Plan(Frozen):
    """Ordered steps from how a person is to how the person shall be."""

    steps: tuple[Step, ...] = ()
    differences: tuple[Difference, ...] = ()
    blast: BlastRadius = BlastRadius(people=0, projects=0)
    notes: tuple[str, ...] = ()  # sentences for people: what was found already as wanted, what stays

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps


def memberships_words(memberships: tuple[Membership, ...]) -> str:
    """Memberships as a list in words, templates included."""
    return ", ".join(f"{item.project.label} ({template_words(item.template)})" for item in memberships)

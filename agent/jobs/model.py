"""What the agent can be asked to do: one frozen model per action.

A job says how a person should *be*; the planner finds out what has to be done. Three conventions hold everywhere:

* a field left out (or ``null``, outside ``attributes``) is left alone; in ``attributes`` ``null`` empties the field;
* ``"none"`` is a decision: no template, no access, no company;
* names are Procore's own; they are compared without case and without spaces around punctuation, never guessed.

Write a job back with ``model_dump_json(exclude_unset=True)``: what was left out must stay left out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agent.domain.names import normal_email, normal_name
from agent.jobs.base import MAX_PROJECTS, JobBase, Perishable, each_project_once
from agent.jobs.bulk import (
    BulkAddToProject,
    BulkJob,
    BulkRemoveFromProject,
    DistributionGroup,
    addresses_of,
)
from agent.jobs.parts import (
    NONE,
    CompanyAccessDecision,
    CompanyReference,
    Email,
    End,
    HandOver,
    ProjectAccess,
    ProjectId,
    ProjectReferences,
    Text,
    project_words,
)
from agent.jobs.person import NewPerson, PersonByEmail, PersonWithFields


class Provision(Perishable):
    """The person should exist, be active, and have these fields and this access."""

    action: Literal["provision"] = Field(description="What to do.")
    person: NewPerson = Field(description="Whom, and the person's fields.")
    attributes_mode: Literal["at_least", "exactly"] = Field(
        default="at_least",
        description=(
            "at_least: fields not named are left alone. exactly: text fields not named are emptied (Is Employee and "
            "Send This User Messages have no empty state and are left alone)."
        ),
        examples=["at_least"],
    )
    company: CompanyReference | None = Field(
        default=None,
        description='The company the person belongs to: name, {"name", "id"} where a name is double, or "none".',
        examples=["Hillside Concrete", {"name": "Hillside Concrete", "id": "562949953421400"}],
    )
    company_access: CompanyAccessDecision = Field(
        description='Access to the company\'s tools: {"template": name}, {"levels": {tool: level}} or "none".',
        examples=[{"template": "Office Staff"}, {"levels": {"Directory": "Read Only"}}, NONE],
    )
    default_project_template: Text = Field(
        description='The project template that new projects give this person, or "none".',
        examples=["Project Engineer - Internal", NONE],
    )
    projects: tuple[ProjectAccess, ...] = Field(
        default=(),
        max_length=MAX_PROJECTS,
        description="The projects the person shall be in, each with its template.",
        examples=[[{"project": "24-017", "template": "Project Engineer - Internal"}]],
    )
    projects_mode: Literal["at_least", "exactly"] = Field(
        default="at_least",
        description=(
            "at_least: other memberships stay. exactly: other memberships are removed. For a person who is inactive it "
            "is always exactly: access is planned from zero."
        ),
        examples=["exactly"],
    )
    add_to_new_projects: bool | None = Field(
        default=None,
        description=(
            "Add to All New Projects: on or off; null leaves it alone (a new or inactive person then has it off)."
        ),
        examples=[False],
    )
    invitation: bool = Field(
        description="Whether Procore's welcome e-mail is sent, once, to a person who never had one.", examples=[True]
    )
    ends_at: End | None = Field(
        default=None,
        description=(
            "When the agent offboards the person again; a time with its offset. A later job replaces it, "
            '"none" takes it away. Left out: an end that was set before stays.'
        ),
        examples=["2027-03-31T18:00:00+00:00", NONE],
    )

    @field_validator("projects")
    @classmethod
    def _once(cls, projects: tuple[ProjectAccess, ...]) -> tuple[ProjectAccess, ...]:
        each_project_once(item.project for item in projects)
        return projects


class Update(Perishable):
    """An existing, active person should have these fields; nothing that is not named is touched."""

    action: Literal["update"] = Field(description="What to do.")
    person: PersonWithFields = Field(description="Whom, and the fields to set.")
    company: CompanyReference | None = Field(
        default=None,
        description='The company the person belongs to: name, {"name", "id"} where a name is double, or "none".',
        examples=["Hillside Concrete"],
    )
    company_access: CompanyAccessDecision | None = Field(
        default=None,
        description='Access to the company\'s tools: {"template": name}, {"levels": {tool: level}} or "none".',
        examples=[{"template": "Office Staff"}],
    )
    default_project_template: Text | None = Field(
        default=None,
        description='The project template that new projects give this person, or "none".',
        examples=["Project Engineer - Internal"],
    )
    add_to_new_projects: bool | None = Field(
        default=None, description="Add to All New Projects: on or off.", examples=[False]
    )

    @model_validator(mode="after")
    def _says_something(self) -> Update:
        parts = (self.company, self.company_access, self.default_project_template, self.add_to_new_projects)
        if not self.person.attributes.model_fields_set and all(part is None for part in parts):
            raise PydanticCustomError(
                "nothing_to_update",
                "changes nothing",
                {
                    "expected": (
                        "at least one of person.attributes, company, company_access, default_project_template, "
                        "add_to_new_projects"
                    )
                },
            )
        return self


class ChangeEmail(Perishable):
    """The person known under one address should be known under another. Only a company Directory Admin may [D]."""

    action: Literal["change_email"] = Field(description="What to do.")
    person: PersonByEmail = Field(description="Whom, by the address of today.")
    new_email: Email = Field(description="The address of tomorrow.", examples=["ana.berg@example.com"])

    @model_validator(mode="after")
    def _another(self) -> ChangeEmail:
        if normal_email(self.new_email) == normal_email(self.person.email):
            raise PydanticCustomError(
                "same_email", "has the same address twice", {"expected": "a new_email other than person.email"}
            )
        return self


class Offboard(JobBase):
    """The person should be inactive, with no projects, no templates and no company access left to come back."""

    action: Literal["offboard"] = Field(description="What to do.")
    person: PersonByEmail = Field(description="Whom.")
    hand_over: tuple[HandOver, ...] = Field(
        default=(),
        max_length=200,
        description="What people still have to hand over; recorded and shown in the outcome, not done by the agent.",
        examples=[[{"what": "Open RFIs of 24-017", "to": "jonas.berg@example.com"}]],
    )


class Reactivate(Perishable):
    """An inactive person should be active again, with exactly this access: what was dormant is stripped first."""

    action: Literal["reactivate"] = Field(description="What to do.")
    person: PersonWithFields = Field(description="Whom, and fields to set.")
    company: CompanyReference | None = Field(
        default=None,
        description='The company the person belongs to: name, {"name", "id"} where a name is double, or "none".',
        examples=["Hillside Concrete"],
    )
    company_access: CompanyAccessDecision = Field(
        description='Access to the company\'s tools: {"template": name}, {"levels": {tool: level}} or "none".',
        examples=[NONE],
    )
    default_project_template: Text = Field(
        description='The project template that new projects give this person, or "none".', examples=[NONE]
    )
    projects: tuple[ProjectAccess, ...] = Field(
        max_length=MAX_PROJECTS,
        description="Exactly the projects the person shall be in; may be empty, but must be said.",
        examples=[[{"project": "24-017", "template": "Project Engineer - Internal"}]],
    )
    add_to_new_projects: bool = Field(description="Add to All New Projects: on or off.", examples=[False])
    invitation: bool = Field(
        description="Whether Procore's welcome e-mail is sent; no page shows who had one while inactive.",
        examples=[False],
    )
    ends_at: End | None = Field(
        default=None,
        description=(
            "When the agent offboards the person again; a time with its offset. A later job replaces it, "
            '"none" takes it away. Left out: an end that was set before stays.'
        ),
        examples=["2027-03-31T18:00:00+00:00", NONE],
    )

    @field_validator("projects")
    @classmethod
    def _once(cls, projects: tuple[ProjectAccess, ...]) -> tuple[ProjectAccess, ...]:
        each_project_once(item.project for item in projects)
        return projects


class AddToProjects(Perishable):
    """An active person should be in these projects with these templates; a present member's template is changed."""

    action: Literal["add_to_projects"] = Field(description="What to do.")
    person: PersonByEmail = Field(description="Whom.")
    projects: tuple[ProjectAccess, ...] = Field(
        min_length=1,
        max_length=MAX_PROJECTS,
        description="The projects, each with its template.",
        examples=[[{"project": "24-017", "template": "Project Engineer - Internal"}]],
    )

    @field_validator("projects")
    @classmethod
    def _once(cls, projects: tuple[ProjectAccess, ...]) -> tuple[ProjectAccess, ...]:
        each_project_once(item.project for item in projects)
        return projects


class RemoveFromProjects(JobBase):
    """The person should not be in these projects."""

    action: Literal["remove_from_projects"] = Field(description="What to do.")
    person: PersonByEmail = Field(description="Whom.")
    projects: ProjectReferences = Field(
        description='The projects, by number, name or {"id": ...}; or "all".',
        examples=[["24-017", "Riverside Clinic"], "all"],
    )

    @field_validator("projects")
    @classmethod
    def _once(
        cls, projects: tuple[str | ProjectId, ...] | Literal["all"]
    ) -> tuple[str | ProjectId, ...] | Literal["all"]:
        if projects != "all":
            if not 1 <= len(projects) <= MAX_PROJECTS:
                raise PydanticCustomError(
                    "project_count",
                    "names {count} projects",
                    {"count": len(projects), "expected": f'1 to {MAX_PROJECTS} projects, or "all"'},
                )
            each_project_once(projects)
        return projects


class Invite(Perishable):
    """The person should have had Procore's welcome e-mail."""

    action: Literal["invite"] = Field(description="What to do.")
    person: PersonByEmail = Field(description="Whom.")
    resend: bool = Field(
        default=False,
        description=(
            "true sends the e-mail again to a person who has had one. This is the one wish that is not a state: "
            "only the idempotency key keeps it from being done twice."
        ),
        examples=[False],
    )


class Read(Perishable):
    """Report how the person is; change nothing."""

    action: Literal["read"] = Field(description="What to do.")
    person: PersonByEmail = Field(description="Whom.")


class Snapshot(Perishable):
    """Write the whole Directory, inactive people and contacts included, as JSON and CSV; change nothing."""

    action: Literal["snapshot"] = Field(description="What to do.")


Job = (
    Provision
    | Update
    | ChangeEmail
    | Offboard
    | Reactivate
    | AddToProjects
    | RemoveFromProjects
    | Invite
    | Read
    | Snapshot
    | BulkAddToProject
    | BulkRemoveFromProject
    | DistributionGroup
)

PersonJob = (
    Provision | Update | ChangeEmail | Offboard | Reactivate | AddToProjects | RemoveFromProjects | Invite | Read
)  #: a job about one person

ACTIONS: dict[str, type[JobBase]] = {
    "provision": Provision,
    "update": Update,
    "change_email": ChangeEmail,
    "offboard": Offboard,
    "reactivate": Reactivate,
    "add_to_projects": AddToProjects,
    "remove_from_projects": RemoveFromProjects,
    "invite": Invite,
    "read": Read,
    "snapshot": Snapshot,
    "bulk_add_to_project": BulkAddToProject,
    "bulk_remove_from_project": BulkRemoveFromProject,
    "distribution_group": DistributionGroup,
}

ANY_JOB: TypeAdapter[Job] = TypeAdapter(Annotated[Job, Field(discriminator="action")])


def given_up_at(job: Job) -> datetime | None:
    """When the job is not wanted any more, if it says so."""
    return job.not_after if isinstance(job, Perishable) else None


def email_of(job: Job) -> str | None:
    """The address of the person the job is about; None for a snapshot and for jobs about many people."""
    return None if isinstance(job, Snapshot | BulkJob) else job.person.email


def people_of(job: Job) -> tuple[str, ...]:
    """The normalised addresses of whom the job is about: two for a change of address, none for a snapshot."""
    if isinstance(job, Snapshot):
        return ()
    if isinstance(job, BulkJob):
        return tuple(normal_email(address) for address in addresses_of(job))
    addresses = (job.person.email, job.new_email) if isinstance(job, ChangeEmail) else (job.person.email,)
    return tuple(normal_email(address) for address in addresses)


def thing_of(job: BulkJob) -> str:
    """What a job about many people is about, as a key that no address can be: ``project:24-017``."""
    project = normal_name(project_words(job.project)) if job.project is not None else ""
    if isinstance(job, DistributionGroup):
        return f"group:{project and project + '/'}{normal_name(job.name)}"
    return f"project:{project}"


def whom(job: Job) -> str:
    """Whom or what the job is about, for people."""
    match job:
        case Snapshot():
            return "the whole Directory"
        case BulkAddToProject() | BulkRemoveFromProject():
            number = len(job.people)
            return f"{number} {'person' if number == 1 else 'people'} in project {project_words(job.project)}"
        case DistributionGroup():
            where = f"of project {project_words(job.project)}" if job.project is not None else "of the company"
            return f"the distribution group {job.name!r} {where}"
        case _:
            return job.person.email

"""Jobs about many people at once: the members of a project, and distribution groups.

The conventions of :mod:`agent.jobs.model` hold. One such job is one wish: where one person's part of it cannot be done,
nothing of it is begun.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from agent.jobs.base import MAX_PEOPLE, JobBase, Perishable, each_person_once
from agent.jobs.parts import NONE, JobPart, ProjectReference, Text, visible
from agent.jobs.person import PersonByEmail

Description = Annotated[str, StringConstraints(max_length=255), AfterValidator(visible)]
People = Annotated[tuple[PersonByEmail, ...], Field(max_length=MAX_PEOPLE)]


class PersonForProject(PersonByEmail):
    """Somebody who shall be in a project, and how."""

    template: Text = Field(
        description=(
            'The project permissions template (global, or specific to this project), or "none" for a member without '
            "any template. A decision is always needed."
        ),
        examples=["Foreman / Superintendent - Internal", NONE],
    )
    role: Text | None = Field(
        default=None,
        description="The project role that a person who is added gets; who is a member already keeps the present one.",
        examples=["Site Engineer"],
    )
    notify: bool = Field(
        default=False,
        description="Whether Procore tells a person who is added by e-mail; nobody is told who is a member already.",
        examples=[False],
    )


class BulkAddToProject(Perishable):
    """These people, whom the company has, should be in the project."""

    action: Literal["bulk_add_to_project"] = Field(description="What to do.")
    project: ProjectReference = Field(
        description='The project\'s number or name, or {"id": ...} where both exist twice.',
        examples=["24-017", "Riverside Clinic"],
    )
    people: tuple[PersonForProject, ...] = Field(
        min_length=1,
        max_length=MAX_PEOPLE,
        description="Whom, each with a template.",
        examples=[[{"email": "ana.lindqvist@example.com", "template": "Project Engineer - Internal"}]],
    )
    change_templates: bool = Field(
        default=False,
        description=(
            "Whether somebody who is a member already gets the template of this job. false: members keep theirs, as "
            "Procore's own Bulk Add lets them."
        ),
        examples=[False],
    )

    @field_validator("people")
    @classmethod
    def _once(cls, people: tuple[PersonForProject, ...]) -> tuple[PersonForProject, ...]:
        each_person_once(person.email for person in people)
        return people


class BulkRemoveFromProject(JobBase):
    """These people should not be in the project."""

    action: Literal["bulk_remove_from_project"] = Field(description="What to do.")
    project: ProjectReference = Field(
        description='The project\'s number or name, or {"id": ...} where both exist twice.',
        examples=["24-017", "Riverside Clinic"],
    )
    people: tuple[PersonByEmail, ...] = Field(
        min_length=1,
        max_length=MAX_PEOPLE,
        description="Whom.",
        examples=[[{"email": "ana.lindqvist@example.com"}]],
    )

    @field_validator("people")
    @classmethod
    def _once(cls, people: tuple[PersonByEmail, ...]) -> tuple[PersonByEmail, ...]:
        each_person_once(person.email for person in people)
        return people


class GroupMembers(JobPart):
    """Who shall be in a distribution group: exactly these, or at least these and none of those."""

    exactly: People | None = Field(
        default=None,
        description="These and nobody else; an empty list empties the group.",
        examples=[[{"email": "ana.lindqvist@example.com"}]],
    )
    at_least: People | None = Field(
        default=None,
        description="These; other members stay.",
        examples=[[{"email": "ana.lindqvist@example.com"}]],
    )
    remove: People | None = Field(
        default=None,
        description="Not these; other members stay.",
        examples=[[{"email": "nils.aalto@example.com"}]],
    )

    @model_validator(mode="after")
    def _one_way(self) -> GroupMembers:
        some = self.at_least is not None or self.remove is not None
        if (self.exactly is not None) == some:
            raise PydanticCustomError(
                "members_one_way",
                "needs either exactly, or at_least and remove",
                {"expected": '{"exactly": [...]}, {"at_least": [...]}, {"remove": [...]} or the last two together'},
            )
        each_person_once(person.email for person in self.people)
        return self

    @property
    def people(self) -> tuple[PersonByEmail, ...]:
        """Everybody who is named."""
        return (*(self.exactly or ()), *(self.at_least or ()), *(self.remove or ()))


class DistributionGroup(Perishable):
    """The distribution group of this name should be so, or should not be there."""

    action: Literal["distribution_group"] = Field(description="What to do.")
    name: Text = Field(
        description="The group's name; it is made where there is none of this name.", examples=["Site safety"]
    )
    project: ProjectReference | None = Field(
        default=None,
        description="The project whose group it is; left out: a group of the company.",
        examples=["24-017", "Riverside Clinic"],
    )
    description: Description | None = Field(
        default=None,
        description='What the group is for. "" empties the field; left out or null: left alone.',
        examples=["Weekly safety letter"],
    )
    members: GroupMembers | None = Field(
        default=None,
        description="Who shall be in it; left out or null: left alone.",
        examples=[{"at_least": [{"email": "ana.lindqvist@example.com"}]}],
    )
    absent: bool = Field(
        default=False,
        description="true: the group should not be there. Deleting one asks for an approval and cannot be undone.",
        examples=[False],
    )

    @model_validator(mode="after")
    def _either_there_or_not(self) -> DistributionGroup:
        if self.absent and (self.description is not None or self.members is not None):
            raise PydanticCustomError(
                "absent_with_more",
                "should not be there and yet be changed",
                {"expected": "absent alone, or description and members"},
            )
        return self


BulkJob = BulkAddToProject | BulkRemoveFromProject | DistributionGroup


def addresses_of(job: BulkJob) -> tuple[str, ...]:
    """The addresses of the people that the job names, as it writes them and in its order."""
    people = job.people if not isinstance(job, DistributionGroup) else job.members.people if job.members else ()
    return tuple(person.email for person in people)

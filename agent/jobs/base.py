"""What every job carries, and what keeps lists in jobs free of doubles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from agent.domain.names import normal_email, normal_name
from agent.jobs.parts import KEY_FORM, TENANT_FORM, JobPart, ProjectId, Reason, project_words

MAX_PROJECTS = 500  #: in one job
MAX_PEOPLE = 500  #: in one job


def each_project_once(references: Iterable[str | ProjectId]) -> None:
    """Refuse a project that is named twice, as a validator does."""
    seen: set[str] = set()
    for reference in references:
        key = normal_name(project_words(reference))
        if key in seen:
            raise PydanticCustomError(
                "project_twice",
                "names the project {project} twice",
                {"project": repr(project_words(reference)), "expected": "each project once"},
            )
        seen.add(key)


def each_person_once(addresses: Iterable[str]) -> None:
    """Refuse a person who is named twice, as a validator does; addresses are compared without case."""
    seen: set[str] = set()
    for address in addresses:
        if normal_email(address) in seen:
            raise PydanticCustomError(
                "person_twice", "names {person} twice", {"person": address, "expected": "each person once"}
            )
        seen.add(normal_email(address))


class JobBase(JobPart):
    """What every job carries."""

    reason: Reason = Field(description="Why this is done: ticket, who asked, who approved.")
    idempotency_key: Annotated[str, StringConstraints(pattern=KEY_FORM)] = Field(
        description=(
            "A key that the sender makes up once per wish and repeats when sending it again; unique in a file. "
            "Letters, digits and . _ : - (at most 120)."
        ),
        examples=["hr-2026-00417-provision"],
    )
    needed_by: AwareDatetime | None = Field(
        default=None,
        description="When it must be done at the latest; a time with its offset.",
        examples=["2026-12-01T06:00:00+00:00"],
    )
    tenant: Annotated[str, StringConstraints(pattern=TENANT_FORM)] | None = Field(
        default=None,
        description="The tenant as agent.toml calls it; needed only where there are several.",
        examples=["northwind"],
    )


class Perishable(JobBase):
    """A job that may lose its sense by waiting. Removals have no such date: access never stays because it got late."""

    not_after: AwareDatetime | None = Field(
        default=None,
        description=(
            "When it is not wanted any more: a job that has written nothing by then is given up; a time with its "
            "offset, not before needed_by."
        ),
        examples=["2026-12-05T18:00:00+00:00"],
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.not_after is not None and self.needed_by is not None and self.not_after < self.needed_by:
            raise PydanticCustomError(
                "dates_out_of_order",
                "is given up before the time at which it is needed",
                {"expected": "a not_after that is not before needed_by"},
            )
        return self

"""Whom a job is about, and the fields of a person that a job may set."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from agent.jobs.parts import COUNTRY_FORM, EXTENSION_FORM, STATE_FORM, Email, JobPart, Text, visible

Clearable = Annotated[str, StringConstraints(max_length=255), AfterValidator(visible)] | None


def _no_default(schema: dict[str, Any]) -> None:
    """A field left out is left alone: a default in the published schema would claim otherwise."""
    schema.pop("default", None)


def _clearable(description: str, *examples: str) -> Any:
    return Field(
        default=None,
        description=f"{description} null empties the field.",
        examples=list(examples),
        json_schema_extra=_no_default,
    )


class Attributes(JobPart):
    """Fields of a person, in Procore's words. Left out: left alone. ``null``: emptied. Texts up to 255 characters."""

    first_name: Clearable = _clearable("First Name.", "Ana")
    last_name: Text = Field(
        default="", description="Last Name; cannot be emptied.", examples=["Lindqvist"], json_schema_extra=_no_default
    )
    initials: Clearable = _clearable("Initials.", "AL")
    job_title: Clearable = _clearable("Job Title.", "Site Engineer")
    address: Clearable = _clearable("Address (street and number).", "12 Quay Street")
    city: Clearable = _clearable("City.", "Portsmouth")
    state_code: Annotated[str, StringConstraints(pattern=STATE_FORM)] | None = _clearable(
        "State, as the code of its subdivision.", "NH"
    )
    country_code: Annotated[str, StringConstraints(pattern=COUNTRY_FORM)] | None = _clearable(
        "Country, as ISO 3166-1 alpha-2 code.", "US"
    )
    zip: Clearable = _clearable("ZIP.", "03801")
    business_phone: Clearable = _clearable("Business Phone.", "+1 603 555 0142")
    business_phone_extension: Annotated[str, StringConstraints(pattern=EXTENSION_FORM)] | None = _clearable(
        "Business Phone Extension, digits only.", "17"
    )
    mobile_phone: Clearable = _clearable("Cell Phone.", "+1 603 555 0143")
    fax_number: Clearable = _clearable("Business Fax.", "+1 603 555 0144")
    notes: Clearable = _clearable("Tags/Keywords.", "tower crane, first aid")
    employee_id: Clearable = _clearable("Employee ID.", "E-20417")
    is_employee: bool = Field(
        default=False,
        description="Is Employee: whether the person is employed by the company that owns the account.",
        examples=[True],
        json_schema_extra=_no_default,
    )
    email_notification_setting: Literal["via_email", "not_at_all"] = Field(
        default="via_email",
        description="Send This User Messages: via_email or not_at_all.",
        examples=["via_email"],
        json_schema_extra=_no_default,
    )

    def as_texts(self) -> dict[str, str]:
        """Those fields that the job names, as a page holds them: "" for emptied, "yes"/"no" for Is Employee."""
        texts: dict[str, str] = {}
        for name in type(self).model_fields:
            if name in self.model_fields_set:
                value = getattr(self, name)
                texts[name] = ("yes" if value else "no") if isinstance(value, bool) else value or ""
        return texts


class PersonByEmail(JobPart):
    """Whom the job is about: the one address that identifies a person in the Directory."""

    email: Email = Field(
        description="The person's e-mail address in the Directory; compared without case.",
        examples=["ana.lindqvist@example.com"],
    )


class PersonWithFields(PersonByEmail):
    """Whom the job is about, and how the person's fields shall be."""

    attributes: Attributes = Field(
        default=Attributes(),
        description="The person's fields that this job sets.",
        examples=[{"job_title": "Site Engineer"}],
    )


class NewPerson(PersonByEmail):
    """A person who may have to be created: the last name is needed, since Procore requires it."""

    attributes: Attributes = Field(
        description="The person's fields that this job sets; last_name is required.",
        examples=[{"first_name": "Ana", "last_name": "Lindqvist"}],
    )

    @model_validator(mode="after")
    def _has_last_name(self) -> NewPerson:
        if "last_name" not in self.attributes.model_fields_set:
            raise PydanticCustomError(
                "last_name_missing",
                "needs attributes.last_name",
                {"expected": "a last name, since Procore creates nobody without one"},
            )
        return self

    @property
    def full_name(self) -> str:
        """First and last name as lists show them."""
        return " ".join(part for part in (self.attributes.first_name, self.attributes.last_name) if part)

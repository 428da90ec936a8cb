"""The pieces that jobs are made of: texts, addresses, references, decisions about access.

Everything is strict: an unknown key, a number where text belongs or an invisible character is an error, not a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from agent.domain.access import AccessLevel
from agent.domain.names import normal_name

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")

# Format characters that change how a name looks without being seen. ZWJ and ZWNJ stay: some scripts need them.
_INVISIBLE = frozenset("\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")

ID_FORM = r"^[0-9]{1,20}$"
KEY_FORM = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,119}$"
TENANT_FORM = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
STATE_FORM = r"^[A-Z0-9-]{1,6}$"
COUNTRY_FORM = r"^[A-Z]{2}$"
EXTENSION_FORM = r"^[0-9]{1,10}$"

FORMS = {  #: what a text of each form looks like, in words
    ID_FORM: "digits, as text",
    KEY_FORM: "1 to 120 letters, digits and . _ : -, beginning with a letter or digit",
    TENANT_FORM: "a tenant's name: 1 to 63 letters, digits and . _ -, beginning with a letter or digit",
    STATE_FORM: "a state's code such as NH or US-NH",
    COUNTRY_FORM: "a country's code of two capital letters such as US",
    EXTENSION_FORM: "1 to 10 digits, as text",
}

NONE = "none"  #: the word by which a job says that there shall be no template, no company, no access


class JobPart(BaseModel):
    """A piece of a job: immutable, strict about types and about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)


def visible(text: str) -> str:
    """The text, if each of its characters can be seen; a validator."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Zl", "Zp"} or character in _INVISIBLE:
            raise PydanticCustomError(
                "invisible_character",
                "holds the invisible character {code}",
                {"code": f"U+{ord(character):04X}", "expected": "one line of visible text"},
            )
    return text


def _address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    good = (
        bool(at)
        and text.isascii()
        and len(text) <= 254
        and len(local) <= 64
        and _LOCAL.fullmatch(local) is not None
        and len(labels) >= 2
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )
    if not good:
        raise PydanticCustomError(
            "email_address",
            "is not an e-mail address",
            {"expected": "an address such as name@example.com (ASCII, at most 254 characters)"},
        )
    return text


def _is_object(value: Any) -> str:
    return "<object>" if isinstance(value, Mapping | BaseModel) else "<text>"


Text = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(visible)]
Email = Annotated[str, StringConstraints(min_length=1), AfterValidator(_address)]
LevelName = Literal["None", "Read Only", "Standard", "Admin"]


class Reason(JobPart):
    """Why this job is done, for the evidence: an auditor asks for these three."""

    ticket: Text = Field(description="The ticket, request or case this job answers.", examples=["IT-4711"])
    requested_by: Text = Field(
        description="Who asked for it: a name, an e-mail address or a system.", examples=["hr-system@example.com"]
    )
    approved_by: Text = Field(
        description="Who approved it: a name, an e-mail address or a rule.", examples=["maria.keller@example.com"]
    )


class NamedCompany(JobPart):
    """A company of the Directory by name and id, for names that exist twice."""

    name: Text = Field(description="The company's name as the Directory has it.", examples=["Hillside Concrete"])
    id: Annotated[str, StringConstraints(pattern=ID_FORM)] = Field(
        description="The company's id (digits, as text), taken from its page's address.",
        examples=["562949953421400"],
    )


def _is_list(value: Any) -> str:
    return "<text>" if isinstance(value, str) else "<list>"


def _is_none_word(value: Any) -> str:
    return "<none>" if value == NONE else "<time>"


CompanyReference = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[NamedCompany, Tag("<object>")], Discriminator(_is_object)
]


class ProjectId(JobPart):
    """A project by its id, for names and numbers that exist twice."""

    id: Annotated[str, StringConstraints(pattern=ID_FORM)] = Field(
        description="The project's id (digits, as text), taken from its page's address.",
        examples=["562949953500001"],
    )


ProjectReference = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[ProjectId, Tag("<object>")], Discriminator(_is_object)
]


ProjectReferences = Annotated[
    Annotated[tuple[ProjectReference, ...], Tag("<list>")] | Annotated[Literal["all"], Tag("<text>")],
    Discriminator(_is_list),
]


def project_words(reference: str | ProjectId) -> str:
    """The reference as people read it."""
    return reference if isinstance(reference, str) else f"id {reference.id}"


End = Annotated[
    Annotated[Literal["none"], Tag("<none>")] | Annotated[AwareDatetime, Tag("<time>")], Discriminator(_is_none_word)
]


class ProjectAccess(JobPart):
    """One project the person shall be in, and with which template."""

    project: ProjectReference = Field(
        description='The project\'s number or name, or {"id": ...} where both exist twice.',
        examples=["24-017", "Riverside Clinic"],
    )
    template: Text = Field(
        description=(
            'The project permissions template (global, or specific to this project), or "none" for a member without '
            "any template. A decision is always needed."
        ),
        examples=["Foreman / Superintendent - Internal", NONE],
    )
    ends_at: End | None = Field(
        default=None,
        description=(
            "When the agent removes the person from this project again; a time with its offset. A later job replaces "
            'it, "none" takes it away. Left out: an end that was set before stays.'
        ),
        examples=["2027-03-31T18:00:00+00:00", NONE],
    )


class CompanyAccessWays(JobPart):
    """Access to the company's tools by a template *or* tool by tool."""

    template: Text | None = Field(
        default=None, description="The company permissions template.", examples=["Office Staff"]
    )
    levels: Mapping[Text, LevelName] | None = Field(
        default=None,
        description=(
            "A level for each company tool by its label: None, Read Only, Standard or Admin. Tools left out are None."
        ),
        examples=[{"Directory": "Read Only", "Documents": "Standard"}],
    )

    @field_validator("levels")
    @classmethod
    def _tools_once(cls, levels: Mapping[str, str] | None) -> Mapping[str, str] | None:
        seen: dict[str, str] = {}
        for tool in levels or {}:
            if normal_name(tool) in seen:
                raise PydanticCustomError(
                    "tool_twice", "names the tool {tool} twice", {"tool": repr(tool), "expected": "each tool once"}
                )
            seen[normal_name(tool)] = tool
        return levels

    @model_validator(mode="after")
    def _one_way(self) -> CompanyAccessWays:
        if (self.template is None) == (self.levels is None):
            raise PydanticCustomError(
                "one_way",
                "needs either a template or levels, not {both}",
                {
                    "both": "neither" if self.template is None else "both",
                    "expected": '"none", {"template": name} or {"levels": {tool: level}}',
                },
            )
        return self

    def levels_by_tool(self) -> dict[str, AccessLevel]:
        """The levels as values; empty when access is by template."""
        return {tool: AccessLevel.from_label(level) for tool, level in (self.levels or {}).items()}


CompanyAccessDecision = Annotated[
    Annotated[Literal["none"], Tag("<text>")] | Annotated[CompanyAccessWays, Tag("<object>")],
    Discriminator(_is_object),
]


class HandOver(JobPart):
    """Something the leaver held that a person has to pass on; recorded and shown, not done by the agent."""

    what: Text = Field(description="What is to be handed over.", examples=["Open RFIs of 24-017"])
    to: Text = Field(description="Who takes it.", examples=["jonas.berg@example.com"])

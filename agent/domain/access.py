"""What a person may do: levels, company access, project memberships.

Source: Procore's permission model [D]; a page shows a template's name only, never what it contains [I].
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """A value: immutable, strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccessLevel(IntEnum):
    """Level of one tool, ordered: None < Read Only < Standard < Admin [D]."""

    NONE = 0
    READ_ONLY = 1
    STANDARD = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """The level in Procore's words."""
        return {0: "None", 1: "Read Only", 2: "Standard", 3: "Admin"}[self.value]

    @classmethod
    def from_label(cls, label: str) -> AccessLevel:
        """The level that a page or a job calls by this name; ValueError names the four that exist."""
        for level in cls:
            if level.label.casefold() == label.strip().casefold():
                return level
        raise ValueError(f"no access level {label!r}: expected None, Read Only, Standard or Admin")


class CompanyAccess(Frozen):
    """Access to the company's tools: by a template, or tool by tool, never both.

    ``template=None`` with empty ``levels`` means None on every company tool.
    """

    template: str | None = None
    levels: Mapping[str, AccessLevel] = Field(default_factory=dict)  # tool label -> level; tools left out are None

    @model_validator(mode="after")
    def _one_way(self) -> CompanyAccess:
        if self.template is not None and self.levels:
            raise ValueError("a company template and per-tool levels exclude each other")
        return self

    @property
    def is_none(self) -> bool:
        """Whether this gives no access at all."""
        return self.template is None and not any(self.levels.values())


class Project(Frozen):
    """A project, as lists show it. ``id`` is text: ids exceed 2^49 in newer zones [C]."""

    id: str
    name: str
    number: str = ""

    @property
    def label(self) -> str:
        """``number - name``, as the Change History writes it [I]."""
        return f"{self.number} - {self.name}" if self.number else self.name


class Membership(Frozen):
    """One person in one project; ``template=None`` is a member without a permission template (no access)."""

    project: Project
    template: str | None = None


class Vendor(Frozen):
    """A company in the Directory. Names are not unique [D]; ``hint`` is what a page adds to tell two apart."""

    id: str
    name: str
    hint: str = ""

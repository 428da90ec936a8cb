"""Known shapes: what the pack says of the regions that flows write from (docs/reference/selectors.md, "Shapes").

A region is a form, a window, a menu or a row. Its entry names each control by what lasts, lists every word that is
known for it in each language, and says what may be chosen before the flow has touched anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NAME = "{}"  # in words and questions: a person, a project, a company, a group


class Kind(StrEnum):
    """What a control is to the person at the screen, whatever it is made of."""

    TEXT = "text"
    CHECKBOX = "checkbox"
    RADIO = "radio"
    SELECT = "select"  #: of the browser
    PICKER = "picker"  #: of the design system: a button with a menu, and a hidden input that is sent
    HIDDEN = "hidden"
    FILE = "file"
    BUTTON = "button"
    LINK = "link"
    ENTRY = "entry"  #: of a menu
    ROW = "row"  #: of a table of levels: which tool the row is about


class KnownControl(BaseModel):
    """One control of a region, and everything that is known of it.

    It is found by ``name`` (``*`` stands for one part) with ``value`` where several share it, or by ``hook``
    (``attribute=value``), or as the button that ``sends`` the form, or, where nothing of this lasts, by its words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    name: str = ""
    value: str = ""
    hook: str = ""
    sends: bool = False
    words: tuple[str, ...] = ()  # en-US
    en_gb: tuple[str, ...] = ()  # what en-GB says otherwise
    required: bool = False  # it may be required where the flow leaves it empty
    optional: bool = False  # tenants, rights and versions without it are known
    preset: Literal["", "never", "may"] = ""  # "": as the region's ``fresh`` says

    @property
    def all_words(self) -> tuple[str, ...]:
        """In every language."""
        return self.words + self.en_gb

    def is_named(self, name: str) -> bool:
        """Whether a control of this name may be this one."""
        return bool(self.name) and re.fullmatch(re.escape(self.name).replace(r"\*", r"[^\[\]]+"), name) is not None

    def says(self, words: str) -> bool:
        """Whether these words are known for it; a name in them may be anything of at most a line."""
        return any(fits(pattern, words) for pattern in self.all_words)


class KnownShape(BaseModel):
    """One region: where it is, what must stand in it, and its controls by the names that flows call them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mark: Literal["D", "C", "I"]
    note: str = Field(min_length=1)
    hook: str  # key of the catalogue
    kind: Literal["form", "window", "menu", "row"]
    fresh: bool = False  # nothing is chosen or typed before the flow has done it
    action: str = ""  # where the form goes, {name} filled in by the flow; "" where it is not compared
    headings: tuple[str, ...] = ()
    headings_gb: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()  # each block of text that a window may show
    questions_gb: tuple[str, ...] = ()
    controls: Mapping[str, KnownControl]

    @field_validator("controls")
    @classmethod
    def _something(cls, value: Mapping[str, KnownControl]) -> Mapping[str, KnownControl]:
        if not value:
            raise ValueError("a region without controls")
        return value

    @model_validator(mode="after")
    def _findable(self) -> KnownShape:
        lost = [
            key
            for key, control in self.controls.items()
            if not (control.name or control.hook or control.sends or control.words)
        ]
        if lost:
            raise ValueError(f"neither name, hook nor words: {', '.join(lost)}")
        return self


def fits(pattern: str, words: str) -> bool:
    """Whether words are those of a pattern, in which ``{}`` stands for a name of at most a hundred characters."""
    if NAME not in pattern:
        return pattern == words
    parts = [re.escape(part) for part in pattern.split(NAME)]
    return re.fullmatch(r"(?:\{\}|.{1,100})".join(parts), words) is not None

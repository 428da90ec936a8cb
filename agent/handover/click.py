"""One thing that a person does in Procore."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agent.domain.access import Frozen


class Click(Frozen):
    """One instruction: what to do and, by the names that Procore shows, which values."""

    do: str  # a sentence in the imperative
    values: Mapping[str, str] = Field(default_factory=dict)  # label -> value, in the order of the page


LATER = "Apply Permission Template Later"
NO_TEMPLATE = "Do Not Apply a Permission Template"


def template_choice(template: str | None, *, none: str = NO_TEMPLATE) -> str:
    """What to choose in a list of templates."""
    return template or none

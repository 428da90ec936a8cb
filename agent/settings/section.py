"""What all sections of the settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of ``agent.toml``: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

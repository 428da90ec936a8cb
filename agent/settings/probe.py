"""Settings of the canary: when every flow is walked up to the step before its write, and on whom."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from agent.settings.section import Section

NEVER = "never"


class ProbeSettings(Section):
    """The nightly look at every flow; it writes nothing."""

    at: str = Field(
        "02:30", description="When, each night, on the tenant's clock (its policy.time_zone); or never by itself."
    )
    jitter_minutes: float = Field(
        30,
        ge=0,
        le=360,
        description="So much later at most, another time for each tenant, so that not all begin at once.",
    )
    quarantine: bool = Field(
        True, description="Whether a flow that a probe finds dangerous is taken out of use before a job meets it."
    )
    page_loads: int = Field(150, ge=10, le=2000, description="A probe opens so many pages at most.")

    @field_validator("at")
    @classmethod
    def _time(cls, value: str) -> str:
        if value != NEVER and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise ValueError("a time of day such as 02:30, or never")
        return value


class TenantProbe(Section):
    """Whom and what a probe looks at in this tenant; nothing is done to them."""

    person: str | None = Field(
        None,
        description="Address of an active user, best one who is there for this alone; null: the agent's own account.",
        examples=["probe@example.com"],
    )
    inactive_person: str | None = Field(
        None,
        description="Address of an inactive user, for the flow that reactivates.",
        examples=["old.probe@example.com"],
    )
    project: str | None = Field(
        None, description="Number or name of a project; null: the first one that fits.", examples=["24-001"]
    )

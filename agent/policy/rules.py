"""What the operator of the agent has decided for a tenant; read from ``agent.toml``."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from agent.domain.names import normal_email, normal_name
from agent.policy.hours import is_open, parse_window, parse_zone


class PolicyRules(BaseModel):
    """The limits within which jobs are done without asking, and the things that are never done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protected_people: tuple[str, ...] = Field(
        default=(), description="E-mail addresses of people whom the agent never changes, besides its own account."
    )
    forbidden_templates: tuple[str, ...] = Field(
        default=(), description="Names of company or project permissions templates which the agent never gives."
    )
    admin_templates: tuple[str, ...] = Field(
        default=(),
        description="Company permissions templates that make a Company Admin; a template's page name does not show it.",
    )
    max_people_per_job: int = Field(
        default=1, ge=0, description="More people than this in one plan wait for an approval."
    )
    max_projects_per_job: int = Field(
        default=25, ge=0, description="More projects than this in one plan wait for an approval."
    )
    approve_admin_grants: bool = Field(
        default=True, description="Whether making somebody a Company Admin waits for an approval."
    )
    max_deactivations_per_hour: int = Field(
        default=10, ge=0, description="More people than this inactivated within an hour wait for an approval."
    )
    max_deactivated_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="A larger share of the tenant's people inactivated within a day waits for an approval.",
    )
    four_eyes: bool = Field(
        default=True, description="Whether whoever asked for or submitted a job may not approve it."
    )
    refuse_self_approved: bool = Field(
        default=False, description="Whether a job whose reason names the same requester and approver is refused."
    )
    write_windows: tuple[str, ...] = Field(
        default=(),
        description="When the long-running agent writes; none: at any time.",
        examples=[["Mon-Fri 06:00-20:00", "Sat 22:00-04:00"]],
    )
    time_zone: str = Field(default="UTC", description="The time zone of write_windows.", examples=["Europe/Berlin"])
    removals_any_time: bool = Field(
        default=True, description="Whether offboard and remove_from_projects run outside the windows, too."
    )

    @field_validator("write_windows")
    @classmethod
    def _windows(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_window(text)
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        parse_zone(value)
        return value

    def writes_now(self, now: datetime) -> bool:
        """Whether this moment is inside a write window."""
        return is_open(map(parse_window, self.write_windows), parse_zone(self.time_zone), now)

    def protects(self, email: str) -> bool:
        """Whether this person is on the list."""
        return normal_email(email) in {normal_email(address) for address in self.protected_people}

    def forbids(self, template: str) -> bool:
        """Whether this template is on the list."""
        return normal_name(template) in {normal_name(name) for name in self.forbidden_templates}

    def makes_admin(self, template: str) -> bool:
        """Whether this company template is known to make a Company Admin."""
        return normal_name(template) in {normal_name(name) for name in self.admin_templates}

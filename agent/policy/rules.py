"""What the operator of the agent has decided for a tenant; read from ``agent.toml``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from agent.domain.names import normal_email, normal_name


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

    def protects(self, email: str) -> bool:
        """Whether this person is on the list."""
        return normal_email(email) in {normal_email(address) for address in self.protected_people}

    def forbids(self, template: str) -> bool:
        """Whether this template is on the list."""
        return normal_name(template) in {normal_name(name) for name in self.forbidden_templates}

    def makes_admin(self, template: str) -> bool:
        """Whether this company template is known to make a Company Admin."""
        return normal_name(template) in {normal_name(name) for name in self.admin_templates}

"""Settings of the audit trail: signing, periods, witnesses."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from agent.settings.section import Section


class AuditSettings(Section):
    """The ledger of each tenant: what is signed, how often, and who else witnesses it."""

    sign: bool = Field(
        True, description="Sign checkpoints of the ledger with a key in the keyring, made when first needed."
    )
    period: Literal["hour", "day"] = Field(
        "day", description="After each such time (UTC) the running agent writes a signed entry, also when nothing was."
    )
    overlap_days: float = Field(
        30, ge=0, le=3650, description="After a rotation the old key signs beside the new one for so long."
    )
    heads: Path | None = Field(
        None,
        description="Folder that gets TENANT.checkpoint after each signing; best where the agent's host can only add.",
        examples=["/mnt/witness/heads"],
    )
    tsa_url: str | None = Field(
        None,
        description="RFC 3161 time stamp authority, asked for each period's checkpoint; null for none.",
        examples=["https://tsa.example.com/"],
    )
    tsa_roots: Path | None = Field(
        None,
        description="PEM file with the roots its certificates lead to; needed beside tsa_url.",
        examples=["/etc/agent/tsa-roots.pem"],
    )

    @field_validator("tsa_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("https", "http") or not parts.hostname:
                raise ValueError("an address such as https://tsa.example.com/")
            if parts.username or parts.password:
                raise ValueError("an address without a user name or password in it")
        return value

    @model_validator(mode="after")
    def _roots_where_needed(self) -> AuditSettings:
        if self.tsa_url is not None and self.tsa_roots is None:
            raise ValueError("audit.tsa_roots beside audit.tsa_url: without them nobody can tell whose stamp it is")
        return self

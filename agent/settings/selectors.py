"""Settings of the selector pack: whose signature it must bear."""

from __future__ import annotations

from pydantic import Field, field_validator

from agent.audit.note import KeyMalformed, PublicKey
from agent.settings.section import Section


class SelectorsSettings(Section):
    """Who may say where things are on Procore's pages."""

    public_key: str | None = Field(
        None,
        description="Public key (name+id+base64) that must have signed the pack; null takes any pack.",
        examples=["selectors-acme+1f2e3d4c+ASwf..."],
    )

    @field_validator("public_key")
    @classmethod
    def _key(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                PublicKey.parse(value)
            except KeyMalformed as error:
                raise ValueError(str(error)) from error
        return value

"""Settings of the evidence: whom it shows, how long it is kept, how much disk it may take."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agent.settings.section import Section

People = Literal["all", "subject"]


class EvidenceSettings(Section):
    """What is kept of a job, and for how long."""

    people: People = Field(
        "all",
        description="all: pages as they were. subject: all but the job's person and the service account are masked.",
    )
    records_years: float = Field(
        7, gt=0, le=100, description="Records (JSON, log, report, manifest) are kept so long, in years."
    )
    heavy_days: float = Field(
        90, gt=0, le=36_500, description="Recordings, pictures, readings and snapshots are kept so long, in days."
    )
    quarantine_days: float = Field(
        14,
        ge=0,
        le=365,
        description="What a secret was found in is kept so long for whoever has to mend it, in days; 0 for not at all.",
    )
    max_gib: float | None = Field(
        None, gt=0, description="The evidence folder may grow to this size, in GiB; null for no bound."
    )
    keep_free_mib: int = Field(
        500, ge=0, description="No job starts while less than this is free on the disk of the evidence, in MiB."
    )

    @model_validator(mode="after")
    def _records_outlive_the_rest(self) -> EvidenceSettings:
        if self.records_years * 365 < self.heavy_days:
            raise ValueError(
                "evidence.records_years of no less than evidence.heavy_days: records name what was removed"
            )
        return self

"""The published JSON Schema of a job file: for editors and for systems that write jobs.

The schema is as strict as types can be; rules between fields (either template or levels, each project once, a last name
for ``provision``) are told by :func:`agent.jobs.parse.read_jobs` only.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from agent.jobs.model import Job
from agent.jobs.parse import MAX_JOBS

_ID = "https://json-schema.org/draft/2020-12/schema"


def job_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a job file: one job, or a list of jobs."""
    one = Annotated[Job, Field(discriminator="action")]
    many = Annotated[list[one], Field(min_length=1, max_length=MAX_JOBS)]
    adapter: TypeAdapter[Any] = TypeAdapter(one | many)
    schema = adapter.json_schema()
    return {
        "$schema": _ID,
        "title": "Job file of the provisioning agent for Procore's Directory",
        "description": "One job, or a list of jobs with different idempotency keys.",
        **schema,
    }

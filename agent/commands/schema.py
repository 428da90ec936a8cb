"""``agent schema``: the JSON Schema of job files."""

from __future__ import annotations

from agent.commands.screen import Screen
from agent.jobs.schema import job_schema


def schema() -> None:
    """Print the JSON Schema of a job file, for editors and for systems that write jobs."""
    Screen(as_json=True).document(job_schema())

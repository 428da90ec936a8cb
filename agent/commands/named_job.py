"""The job that a person names on the command line, for commands that look back at one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.recording.kept import KeptJob, find_job
from agent.settings import load_settings

NamedJob = Annotated[
    str, typer.Argument(help="Id of the evidence, number in the queue, folder, bundle or trace.zip.", metavar="JOB")
]


def kept_job(called: str, settings_file: Path | None, workroom: Path) -> KeptJob:
    """Where that job's evidence is. Settings are needed only for a job that is not named by a path.

    Raises Refused "no-such-job" or "several-jobs", RecordingNotUnderstood, SettingsRefused. A bundle is unpacked into
    ``workroom``, which the caller takes away.
    """
    if Path(called).exists():
        return find_job(called, workroom, workroom)
    return find_job(called, load_settings(settings_file).paths.evidence, workroom)

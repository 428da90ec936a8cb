"""``agent debug``: what an engineer needs to know of a job that did not go well."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.debug_view import show
from agent.commands.exit_codes import ExitCode
from agent.commands.named_job import NamedJob, kept_job
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.debugging.diagnosis import Diagnosis, browser_for, diagnose
from agent.debugging.output import FILES, write
from agent.errors import AgentError
from agent.settings import load_settings
from flows import Catalogue


def debug(
    job: NamedJob,
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it all to this folder, with the page and its picture.")
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Say where a job got stuck, and why: the step, the page, the nearest elements, errors, how to see it again.

    Reads the job's evidence and changes nothing; no page is opened but the recorded ones, without a network.
    """
    screen = Screen(as_json=as_json)
    try:
        with tempfile.TemporaryDirectory(prefix="agent-debug-") as workroom:
            kept = kept_job(job, settings_file, Path(workroom))
            selectors, executable = _settings(job, settings_file)
            into = output or Path(f"debug-{kept.job_id}")
            made = diagnose(kept, Catalogue.load(selectors), browser_for(executable), into=str(into / FILES))
            diagnosis = asyncio.run(made)
            files = write(diagnosis, output) if output is not None else ()
    except AgentError as error:
        stop(screen, error)
    _tell(screen, diagnosis, files, into)
    raise typer.Exit(ExitCode.DONE)


def _settings(job: str, settings_file: Path | None) -> tuple[Path | None, str | None]:
    """The catalogue and the browser of the settings; for evidence named by a path, settings need not be there."""
    try:
        settings = load_settings(settings_file)
    except AgentError:
        if settings_file is not None or not Path(job).exists():
            raise
        return None, None
    return settings.paths.selectors, settings.browser.executable


def _tell(screen: Screen, diagnosis: Diagnosis, files: tuple[Path, ...], into: Path) -> None:
    if screen.as_json:
        screen.document({**diagnosis.document(), "files": [str(file) for file in files]})
        return
    show(screen, diagnosis)
    if files:
        screen.say()
        screen.path("Open", files[0])
    else:
        again = " and the files to see it again" if diagnosis.reproduction.possible else ""
        screen.say(f"\n[quiet]With -o {into} the page, its picture{again} are written there.[/]")

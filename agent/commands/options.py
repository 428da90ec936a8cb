"""Options that many commands have, and what an error means for the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.errors import AgentError, Refused, Uncertain
from agent.settings import SettingsRefused

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="Settings file; else agent.toml here.")]

#: Nothing could be started: what was typed, the file or the settings have to be corrected.
_USAGE = {"bad-job-file", "bad-usage", "bad-request", "token-unreadable"}


def stop(screen: Screen, error: AgentError) -> NoReturn:
    """Show an error and end with the exit code of its kind."""
    if isinstance(error, SettingsRefused):
        screen.stop(error, ExitCode.USAGE, error.problems)
    if error.code in _USAGE:
        screen.stop(error, ExitCode.USAGE)
    if isinstance(error, Refused):
        screen.stop(error, ExitCode.REFUSED)
    screen.stop(error, ExitCode.UNCERTAIN if isinstance(error, Uncertain) else ExitCode.FAILED)

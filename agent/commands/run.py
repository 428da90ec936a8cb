"""``agent run``: works the queue off, day and night, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.credentials.known import KnownSecrets
from agent.errors import Failed, Refused
from agent.evidence import log
from agent.evidence.masking import Masker
from agent.service.running import Wishes, run_agent
from agent.settings import Settings, SettingsRefused, load_settings


def run(
    once: Annotated[bool, typer.Option("--once", help="End when no job is due any more.")] = False,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file; else agent.toml here.")
    ] = None,
) -> None:
    """Run the agent: take jobs from the queue, the inbox and the API, and work through them.

    Logs one line per job run on standard output: JSON, or pretty on a terminal. SIGTERM or Ctrl-C stops in order:
    running jobs stop at their next step and go on after the next start; a second signal stops at once.

    Exit codes: 0 stopped in order, or nothing due (--once); 2 unusable settings; 3 another agent has the queue;
    4 it cannot start, or a part of it died.
    """
    screen = Screen()
    try:
        settings = load_settings(settings_file)
    except SettingsRefused as error:
        screen.stop(error, ExitCode.USAGE, error.problems)
    known = KnownSecrets()
    log.configure("pretty" if sys.stdout.isatty() else "json", Masker(known), sys.stdout)
    try:
        asyncio.run(_run(settings, known, once=once))
    except Refused as error:
        screen.stop(error, ExitCode.REFUSED)
    except Failed as error:
        screen.stop(error, ExitCode.FAILED)


async def _run(settings: Settings, known: KnownSecrets, *, once: bool) -> None:
    wishes = Wishes()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, wishes.signal)
    try:
        await run_agent(settings, wishes, known=known, once=once)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

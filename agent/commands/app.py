"""The command ``agent`` and its subcommands.

Only the command that is typed is imported: a health check every half minute must not load a browser's driver.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import typer

from agent.commands.usage import JsonGroup

#: Where each command is; the order is that of ``agent --help``.
COMMANDS: Mapping[str, str] = {
    "run": "agent.commands.run:run",
    "run-job": "agent.commands.run_job:run_job",
    "submit": "agent.commands.submit:submit",
    "jobs": "agent.commands.jobs:app",
    "status": "agent.commands.status:status",
    "pause": "agent.commands.pause:pause",
    "resume": "agent.commands.pause:resume",
    "flows": "agent.commands.flows:app",
    "operators": "agent.commands.operators:app",
    "queue": "agent.commands.queue:app",
    "evidence": "agent.commands.evidence:app",
    "trace": "agent.commands.trace:app",
    "record": "agent.commands.record:record",
    "selectors": "agent.commands.selectors:app",
    "replay": "agent.commands.replay:replay",
    "debug": "agent.commands.debug:debug",
    "health": "agent.commands.health:health",
    "schema": "agent.commands.schema:schema",
    "init": "agent.commands.init:init",
    "credentials": "agent.commands.credentials:app",
    "doctor": "agent.commands.doctor:doctor",
    "probe": "agent.commands.probe:probe",
    "sandbox": "agent.commands.sandbox:sandbox",
    "version": "agent.commands.version:version",
}
#: The sandbox has options of its own, --help among them.
_SETTINGS: Mapping[str, dict[str, Any]] = {
    "sandbox": {
        "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
        "add_help_option": False,
    }
}


def app_with(names: Iterable[str]) -> typer.Typer:
    """The command line with these commands."""
    made = typer.Typer(
        cls=JsonGroup,
        name="agent",
        help="Provisions people in Procore's web Directory like a careful administrator: "
        "plans, asks, writes once, reads back, keeps the evidence.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # they show local variables
        rich_markup_mode="rich",
    )
    made.callback()(_root)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name)
        else:
            made.command(name, **_SETTINGS.get(name, {}))(found)
    return made


def _root() -> None:
    """Makes a group of the command line, even of a single command."""


@functools.cache
def _whole() -> typer.Typer:
    return app_with(COMMANDS)


def __getattr__(name: str) -> typer.Typer:
    """``app``, the whole command line, made when it is asked for."""
    if name == "app":
        return _whole()
    raise AttributeError(name)


def main() -> None:
    """The entry point of the console script."""
    typed = sys.argv[1] if len(sys.argv) > 1 else ""
    app_with([typed] if typed in COMMANDS else COMMANDS)(prog_name="agent")

"""``agent version``."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed
from typing import Annotated

import typer

import agent
from agent.commands.screen import Screen


def version(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show the versions of the agent and of what it stands on."""
    screen = Screen(as_json=as_json)
    versions = {"agent": agent.__version__, "python": platform.python_version(), "playwright": installed("playwright")}
    if as_json:
        screen.document(versions)
    else:
        screen.say("  ".join(f"{name} [name]{number}[/]" for name, number in versions.items()))

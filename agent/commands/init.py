"""``agent init``: writes a commented settings file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.errors import Mender, Refused
from agent.settings import SETTINGS_FILE


def example() -> str:
    """The commented settings file that is shipped."""
    return files("agent").joinpath("agent.example.toml").read_text(encoding="utf-8")


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path(SETTINGS_FILE),
) -> None:
    """Write a commented settings file to start from; an existing file is never touched."""
    screen = Screen()
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(example())
    except FileExistsError:
        screen.stop(
            Refused("settings-exist", f"{file} exists already and was left as it is.", mender=Mender.OPERATOR),
            ExitCode.REFUSED,
        )
    except OSError as error:
        screen.stop(Refused("settings-unwritable", f"{file} cannot be written: {error.strerror}"), ExitCode.USAGE)
    screen.say(f"[good]Wrote[/] {escape(str(file))}")
    screen.line("1", "Put in your tenant's addresses and company id.", indent=2)
    screen.line("2", "[name]agent credentials set TENANT[/]  stores the service account in the keyring.", indent=2)
    screen.line("3", "[name]agent doctor[/]  says what is still missing.", indent=2)

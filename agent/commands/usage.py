"""Command lines that cannot be understood: with ``--json`` they, too, give one document on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from agent.commands.exit_codes import ExitCode
from agent.commands.screen import Screen
from agent.errors import Mender, Refused


class JsonGroup(TyperGroup):
    """The root of the commands; Typer's own message for people, one JSON document where ``--json`` asks for it."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command; exits with 2 when the command line cannot be used."""
        words = list(sys.argv[1:] if args is None else args)
        if "--json" not in words or not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode, windows_expand_args, **extra)
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            sys.exit(ExitCode.FAILED)
        except Exception as error:
            say = getattr(error, "format_message", None)  # what the errors of a command line have, and no other ones
            if say is None:
                raise
            refused = Refused(
                "bad-usage", say(), expected="a command line as `agent --help` shows", mender=Mender.REQUESTER
            )
            Screen(as_json=True).error(refused)
            sys.exit(ExitCode.USAGE)
        sys.exit(code if isinstance(code, int) else ExitCode.DONE)

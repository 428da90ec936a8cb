"""What people see in the terminal: colours, and where text goes.

With ``--json`` standard output holds one JSON document and nothing else; all that people read goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from agent.commands.exit_codes import ExitCode
from agent.errors import AgentError

THEME = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "unsure": "bold yellow",
        "quiet": "dim",
        "before": "red",
        "after": "green",
        "name": "bold cyan",
    }
)


class Screen:
    """Where a command writes: to people, and, with ``as_json``, one document to machines."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.people = Console(theme=THEME, stderr=as_json, highlight=False)

    def say(self, text: str = "") -> None:
        """A line with Rich markup; escape what comes from outside with :func:`rich.markup.escape`."""
        self.people.print(text)

    def line(self, sign: str, body: str, *, right: str = "", indent: int = 0) -> None:
        """A line with a sign before it, whose long text hangs under its own beginning. All three are Rich markup."""
        grid = Table.grid(padding=(0, 1, 0, 0), expand=bool(right))
        grid.add_column(no_wrap=True, width=indent + 1, justify="right")
        grid.add_column(ratio=1 if right else None, overflow="fold")
        if right:
            grid.add_column(no_wrap=True, justify="right")
            grid.add_row(sign, body, right)
        else:
            grid.add_row(sign, body)
        self.people.print(grid)

    def path(self, label: str, path: Path) -> None:
        """A path on a line of its own that no terminal breaks, so that it can be clicked and copied."""
        shown = path
        with contextlib.suppress(ValueError):
            shown = path.relative_to(Path.cwd())
        self.people.print(f"  [bold]{label}[/]  [cyan]{escape(str(shown))}[/]", soft_wrap=True)

    def document(self, data: Any) -> None:
        """The one JSON document on standard output."""
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()

    def error(self, error: AgentError, lines: tuple[str, ...] = ()) -> None:
        """An error in words: the sentence, further lines, what was expected; as JSON where that was asked for."""
        if self.as_json:
            self.document({"error": error.diagnostics(), "problems": list(lines)})
        body = Text(error.message)
        for line in lines:
            body.append(f"\n • {line}")
        if error.expected and not lines:
            body.append(f"\nexpected  {error.expected}", style="dim")
            if error.seen:
                body.append(f"\nseen      {error.seen}", style="dim")
        self.people.print(Panel(body, title=f"[bad]{escape(error.code)}[/]", title_align="left", border_style="red"))

    def stop(self, error: AgentError, code: ExitCode, lines: tuple[str, ...] = ()) -> NoReturn:
        """Show the error and end the command with this code."""
        self.error(error, lines)
        raise typer.Exit(code)

"""What people see in the terminal: colours, and where text goes.

With ``--json`` standard output holds one JSON document and nothing else; all that people read goes to standard error.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.segment import Segment
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


#: What a terminal obeys or turns round in place of showing it: file names and evidence may hold it.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with a picture in the place of each control character but line feed and tab."""
    return _OBEYED.sub(lambda found: chr(0x2400 + ord(found[0])) if found[0] < " " else "\ufffd", text)


class _SafeConsole(Console):
    """Masks every text before it is laid out: one that was broken over two lines would not be found any more.

    Only Rich itself moves the cursor, clears the screen or gives colours: such characters in a text are made visible.
    """

    mask: Callable[[str], str] | None = None

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Rich does it; tables, panels and spinners hand each of their texts to this, too."""
        if self.mask is not None and isinstance(renderable, str):
            renderable = self.render_str(renderable)
        if self.mask is not None and isinstance(renderable, Text):
            renderable = _masked_text(renderable, self.mask)
        for segment in super().render(renderable, options):
            if segment.control or _OBEYED.search(segment.text) is None:
                yield segment
            else:
                yield Segment(harmless(segment.text), segment.style)


def _masked_text(text: Text, mask: Callable[[str], str]) -> Text:
    """The text itself when it holds no secret; else without the colours of its parts."""
    plain = mask(text.plain)
    if plain == text.plain:
        return text
    return Text(plain, text.style, justify=text.justify, overflow=text.overflow, no_wrap=text.no_wrap, end=text.end)


class Screen:
    """Where a command writes: to people, and, with ``as_json``, one document to machines."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.people = _SafeConsole(theme=THEME, stderr=as_json, highlight=False)

    def keep_out(self, mask: Callable[[str], str]) -> None:
        """From now on whatever is written goes through ``mask``, usually :class:`agent.evidence.masking.Masker`."""
        self.people.mask = mask

    def masked(self, text: str) -> str:
        """A text without secrets; needed only before it is shortened, since a part of a secret is not found."""
        return self.people.mask(text) if self.people.mask is not None else text

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
        text = self.masked(json.dumps(data, indent=2, ensure_ascii=False, default=str))
        # in JSON such characters stand within texts only: line feeds between the members are none of them
        sys.stdout.write(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
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

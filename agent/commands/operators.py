"""``agent operators``: who may use the agent's interface by token."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from agent.commands.exit_codes import ExitCode
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError, Mender, Refused
from agent.service.operators import Operators
from agent.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="People and systems with a token of their own.")

Name = Annotated[str, typer.Argument(help="The operator's name: small letters, digits and . _ @ -")]


@app.command()
def add(name: Name, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Make a token for an operator and show it, once: only its digest is kept."""
    screen = Screen(as_json=as_json)
    try:
        token = Operators(load_settings(settings_file).paths.state).add(name, datetime.now(UTC))
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"name": name, "token": token.reveal()})
        return
    screen.people.print(f"[good]Added[/] [name]{escape(name)}[/]. This token is shown only now:", soft_wrap=True)
    sys.stdout.write(token.reveal() + "\n")
    screen.say("[quiet]Keep it in a file that only they can read: AGENT_TOKEN_FILE=... agent status[/]")


@app.command("list")
def list_operators(as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """List operators. Tokens cannot be shown: they are not kept."""
    screen = Screen(as_json=as_json)
    try:
        found = Operators(load_settings(settings_file).paths.state).all()
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"operators": [{"name": item.name, "added_at": item.added_at} for item in found]})
        return
    if not found:
        screen.say("[quiet]None yet:[/] agent operators add NAME")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="quiet", show_edge=False)
    table.add_column("Operator", style="name")
    table.add_column("Added")
    for item in found:
        table.add_row(escape(item.name), item.added_at)
    screen.people.print(table)


@app.command()
def remove(name: Name, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Take an operator's token away; a running agent refuses it from the next request on."""
    screen = Screen(as_json=as_json)
    try:
        if not Operators(load_settings(settings_file).paths.state).remove(name):
            raise Refused(
                "no-such-operator",
                f"There is no operator {name}.",
                expected="a name that `agent operators list` shows",
                mender=Mender.OPERATOR,
            )
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"name": name, "removed": True})
    else:
        screen.say(f"[good]Removed[/] [name]{escape(name)}[/].")


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Begin anew when the list was lost or damaged: no token is known any more.

    Approvals need none then until one is made. Exit code 6 when nobody could be asked and --yes was not given.
    """
    screen = Screen(as_json=as_json)
    try:
        operators = Operators(load_settings(settings_file).paths.state)
        if not yes and not _is_wanted(screen):
            raise typer.Exit(ExitCode.WAITING)
        operators.reset()
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document({"reset": True})
    else:
        screen.say("[good]Reset.[/] Nobody is an operator: [name]agent operators add NAME[/]")


def _is_wanted(screen: Screen) -> bool:
    if not screen.as_json and sys.stdin.isatty():
        return typer.confirm("Make every token worthless?")
    screen.say("Nothing was reset. Run it again with [name]--yes[/].")
    return False

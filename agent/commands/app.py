"""The command ``agent`` and its subcommands."""

from __future__ import annotations

import typer

from agent.commands import credentials
from agent.commands.doctor import doctor
from agent.commands.init import init
from agent.commands.run_job import run_job
from agent.commands.sandbox import sandbox
from agent.commands.schema import schema
from agent.commands.usage import JsonGroup
from agent.commands.version import version

app = typer.Typer(
    cls=JsonGroup,
    name="agent",
    help="Provisions people in Procore's web Directory like a careful administrator: "
    "plans, asks, writes once, reads back, keeps the evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables
    rich_markup_mode="rich",
)
app.command("run-job")(run_job)
app.command()(schema)
app.command()(init)
app.add_typer(credentials.app, name="credentials")
app.command()(doctor)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)(sandbox)
app.command()(version)


def main() -> None:
    """The entry point of the console script."""
    app(prog_name="agent")

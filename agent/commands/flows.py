"""``agent flows``: how each way of writing is in each tenant; take one out of use, and release it after a look."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from agent.commands.at_desk import at_desk
from agent.commands.exit_codes import ExitCode
from agent.commands.flow_views import flow_panel, flows_table, waiting_words
from agent.commands.options import AsJson, SettingsFile
from agent.commands.screen import Screen
from agent.errors import AgentError
from agent.queue.record import FlowHealth
from agent.service.desk import Desk
from agent.service.flow_views import FlowHistory, FlowList, FlowReleased
from agent.service.views import FlowView
from agent.settings import Settings


class _ListsByDefault(TyperGroup):
    """``agent flows`` and ``agent flows northwind`` are ``agent flows list [TENANT]``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where its name was left out."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_ListsByDefault, help="How each way of writing is in each tenant: look, release, quarantine.")

TenantName = Annotated[str, typer.Argument(help="Tenant, as agent.toml calls it.")]
FlowName = Annotated[str, typer.Argument(help="The flow, as `agent flows` calls it.")]
Why = Annotated[str, typer.Option("--why", help="Why; kept on record.", prompt="Why?")]


@app.command("list")
def list_flows(
    tenant: Annotated[str | None, typer.Argument(help="Only this tenant's.")] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """List flows: healthy, degraded (with the reason) or quarantined, since when, and when each last wrote."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> FlowList:
        return await desk.flows(tenant)

    found = at_desk(screen, settings_file, ask)
    if as_json:
        screen.document(found.model_dump(mode="json"))
        return
    screen.people.print(flows_table(found.flows, datetime.now(UTC)))
    out_of_use = [flow for flow in found.flows if flow.state is FlowHealth.QUARANTINED]
    if out_of_use:
        first = out_of_use[0]
        screen.say(f"\n[unsure]Look:[/] agent flows show {escape(first.tenant)} {escape(first.flow)}")


@app.command()
def show(tenant: TenantName, flow: FlowName, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Show what was found of a flow, its history, and the jobs that wait for a person because of it."""
    screen = Screen(as_json=as_json)
    found = _history(screen, settings_file, tenant, flow)
    if as_json:
        screen.document(found.model_dump(mode="json"))
        return
    screen.people.print(flow_panel(found, datetime.now(UTC)))


@app.command()
def quarantine(
    tenant: TenantName, flow: FlowName, why: Why, as_json: AsJson = False, settings_file: SettingsFile = None
) -> None:
    """Take a flow out of use: jobs that need it become tasks for a person, all others go on."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> FlowView:
        return await desk.quarantine_flow(tenant, flow, why)

    found = at_desk(screen, settings_file, ask)
    if as_json:
        screen.document(found.model_dump(mode="json"))
    else:
        screen.say(f"[unsure]Quarantined[/] [name]{escape(flow)}[/] of [name]{escape(tenant)}[/].")


@app.command()
def release(
    tenant: TenantName,
    flow: FlowName,
    why: Why,
    retry_jobs: Annotated[
        bool, typer.Option("--retry-jobs", help="Also let the agent run the jobs that wait because of it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Use a flow again, after a look at what was found. Who and why are kept.

    Exit code 6 when nobody could be asked and --yes was not given.
    """
    screen = Screen(as_json=as_json)
    before = _history(screen, settings_file, tenant, flow)
    if before.flow.state is FlowHealth.QUARANTINED and not yes:
        _ask(screen, before)

    async def ask(desk: Desk, settings: Settings) -> tuple[FlowReleased, tuple[int, ...]]:
        released = await desk.release_flow(tenant, flow, why)
        return released, await _run_again(desk, released.waiting_jobs) if retry_jobs else ()

    released, again = at_desk(screen, settings_file, ask)
    left = tuple(number for number in released.waiting_jobs if number not in again)
    if as_json:
        screen.document({**released.model_dump(mode="json"), "waiting_jobs": list(left), "run_again": list(again)})
        return
    screen.say(f"[good]Released[/] [name]{escape(flow)}[/] of [name]{escape(tenant)}[/].")
    if again:
        screen.say(f"Run again: {', '.join(map(str, again))}.")
    if left:
        screen.say(waiting_words(left))


def _ask(screen: Screen, before: FlowHistory) -> None:
    """Show what was found, and let somebody say that it is all right."""
    if not screen.as_json:
        screen.people.print(flow_panel(before, datetime.now(UTC)))
    if not screen.as_json and sys.stdin.isatty() and typer.confirm("Have you looked at this, and is it all right?"):
        return
    screen.say("Nothing was released. Look at what was found, then run it again with [name]--yes[/].")
    raise typer.Exit(ExitCode.WAITING)


def _history(screen: Screen, settings_file: Path | None, tenant: str, flow: str) -> FlowHistory:
    async def ask(desk: Desk, settings: Settings) -> FlowHistory:
        return await desk.flow_history(tenant, flow)

    return at_desk(screen, settings_file, ask)


async def _run_again(desk: Desk, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Those of the jobs that could be put back; one that was settled meanwhile stays as it is."""
    again = []
    for number in numbers:
        try:
            await desk.retry(number)
        except AgentError:
            continue
        again.append(number)
    return tuple(again)

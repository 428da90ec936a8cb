"""``agent pause`` and ``agent resume``: stop starting jobs of a tenant, and start them again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from agent.commands.at_desk import at_desk
from agent.commands.moments import ago, clock_time, typed_time
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError
from agent.service.desk import Desk
from agent.service.views import TenantView
from agent.settings import Settings

TenantName = Annotated[str, typer.Argument(help="Tenant, as agent.toml calls it.")]


def pause(
    tenant: TenantName,
    reason: Annotated[str, typer.Option(help="Why; others read it.", prompt="Why?")],
    until: Annotated[str | None, typer.Option(help="Ends by itself then; else somebody resumes.")] = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Start no more jobs of a tenant; what runs is finished. Jobs are still accepted."""
    screen = Screen(as_json=as_json)
    try:
        end = typed_time(until) if until else None
    except AgentError as error:
        stop(screen, error)

    async def ask(desk: Desk, settings: Settings) -> TenantView:
        return await desk.pause(tenant, reason, end)

    found = at_desk(screen, settings_file, ask)
    if as_json:
        screen.document(found.model_dump(mode="json"))
        return
    ends = f"until {clock_time(end)} ({ago(end, datetime.now(UTC))})" if end else f"until agent resume {tenant}"
    screen.say(f"[unsure]Paused[/] [name]{escape(tenant)}[/] {escape(ends)}.")


def resume(tenant: TenantName, as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Start a tenant's jobs again, also after the agent paused it by itself: mend the cause first."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> TenantView:
        return await desk.resume(tenant)

    found = at_desk(screen, settings_file, ask)
    if as_json:
        screen.document(found.model_dump(mode="json"))
    else:
        screen.say(f"[good]Resumed[/] [name]{escape(tenant)}[/].")

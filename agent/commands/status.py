"""``agent status``: the agent at a glance."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.commands.at_desk import at_desk
from agent.commands.options import AsJson, SettingsFile
from agent.commands.screen import Screen
from agent.commands.status_view import status_view
from agent.service.desk import Desk
from agent.service.views import Status
from agent.settings import Settings


def status(as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """Show tenants with their pauses, how many jobs wait and for whom, what runs, the browser."""
    screen = Screen(as_json=as_json)

    async def ask(desk: Desk, settings: Settings) -> Status:
        return await desk.status()

    found = at_desk(screen, settings_file, ask)
    if as_json:
        screen.document(found.model_dump(mode="json"))
    else:
        screen.people.print(status_view(found, datetime.now(UTC)))

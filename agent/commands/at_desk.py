"""What all commands at the desk share: the way there and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import typer

from agent.commands.exit_codes import ExitCode
from agent.commands.options import stop
from agent.commands.screen import Screen
from agent.errors import AgentError
from agent.service.client import token_of
from agent.service.desk import Desk
from agent.service.reach import desk_at_hand
from agent.settings import Settings, load_settings

T = TypeVar("T")


def at_desk(
    screen: Screen,
    settings_file: Path | None,
    ask: Callable[[Desk, Settings], Awaitable[T]],
    *,
    agent_needed: str = "",
) -> T:
    """Go to the desk, ask, and come back with the answer; an error ends the command with its code."""

    async def go(settings: Settings) -> T:
        async with desk_at_hand(settings, token_of(), agent_needed=agent_needed) as desk:
            return await ask(desk, settings)

    try:
        return asyncio.run(go(load_settings(settings_file)))
    except AgentError as error:
        stop(screen, error)
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.DONE) from None  # looking on was ended; nothing was asked for that is not done

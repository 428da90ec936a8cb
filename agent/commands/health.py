"""``agent health``: for a supervisor, such as a container's HEALTHCHECK; asks the agent of this machine."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx
import typer
from rich.markup import escape

from agent.commands.exit_codes import ExitCode
from agent.commands.options import AsJson, SettingsFile, stop
from agent.commands.screen import Screen
from agent.errors import AgentError
from agent.service.client import transport_of, unreachable
from agent.settings import ApiSettings, load_settings

ANSWER_S = 5


def health(
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether it takes jobs, too.")] = False,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """Say whether the agent lives (0) or not (4). Never asks for a token."""
    screen = Screen(as_json=as_json)
    try:
        good, answer = asyncio.run(_ask(load_settings(settings_file).api, "/readyz" if ready else "/healthz"))
    except AgentError as error:
        stop(screen, error)
    if as_json:
        screen.document(answer)
    else:
        words = ", ".join(f"{name} {value}" for name, value in (answer.get("checks") or answer).items())
        screen.say(f"{'[good]✓[/]' if good else '[bad]✗[/]'} {escape(words)}")
    raise typer.Exit(ExitCode.DONE if good else ExitCode.FAILED)


async def _ask(settings: ApiSettings, path: str) -> tuple[bool, dict[str, Any]]:
    """Whether all is well, and the answer. Raises Failed("api-unreachable")."""
    transport, base = transport_of(settings)
    if settings.socket is None and settings.listen is None:
        transport, base = httpx.AsyncHTTPTransport(), f"http://{settings.metrics_listen}"
    try:
        async with httpx.AsyncClient(transport=transport, base_url=base, timeout=ANSWER_S, trust_env=False) as http:
            answer = await http.get(path)
            found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise unreachable(str(error) or type(error).__name__) from error
    return answer.status_code == 200, found

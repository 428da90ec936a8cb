"""Finds the desk: that of the running agent, else the queue itself, opened for a moment."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.credentials.secret import Secret
from agent.errors import Mender, Refused
from agent.queue.interface import QueueOwned
from agent.queue.opening import limits_of, open_queue
from agent.service.account import local_name
from agent.service.client import connected, unreachable
from agent.service.desk import Desk, QueueDesk
from agent.service.operators import Operators
from agent.settings import ApiSettings, Settings

LONGEST_PATH = 107  #: bytes, of a unix socket's path on Linux


def agent_answers(settings: ApiSettings) -> bool:
    """Whether something listens where the agent would. Raises Failed("api-unreachable") for a socket that is shut."""
    if settings.socket is not None:
        if len(os.fsencode(settings.socket)) > LONGEST_PATH:
            return False  # nobody can listen there
        address: str | tuple[str, int] = str(settings.socket)
        family = socket.AF_UNIX
    elif settings.listen is not None:
        host, _, port = settings.listen.rpartition(":")
        address, family = (host.strip("[]"), int(port)), socket.AF_INET6 if "[" in host else socket.AF_INET
    else:
        return False
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except OSError as error:
            raise unreachable(error.strerror or str(error)) from error
    return True


@asynccontextmanager
async def desk_at_hand(settings: Settings, token: Secret | None, *, agent_needed: str = "") -> AsyncIterator[Desk]:
    """The desk, for one command. ``agent_needed`` says why only a running agent will do.

    Raises Refused("agent-needed"), Failed("api-unreachable"), and what opening a queue raises.
    """
    if agent_answers(settings.api):
        async with connected(settings.api, token) as client:
            yield client
        return
    if agent_needed:
        raise Refused(
            "agent-needed",
            agent_needed,
            expected="`agent run` at work, then this command again",
            mender=Mender.OPERATOR,
        )
    operators = Operators(settings.paths.state)
    by = _name(operators, token)
    queue = open_queue(settings)
    try:
        await queue.open(limits_of(settings))
    except QueueOwned as error:
        # It is starting or stopping at this moment, or has no interface.
        raise unreachable(f"another process owns the queue ({error.seen}) and does not listen") from error
    try:
        yield QueueDesk(settings, queue, by, operators)
    finally:
        await queue.close()


def _name(operators: Operators, token: Secret | None) -> str:
    """Who stands at the desk here: the token's owner, else this machine's user."""
    if token is None:
        return local_name(os.getuid())
    name = operators.name_of(token.reveal())
    if name is None:
        raise Refused(
            "token-unknown",
            "The token belongs to nobody.",
            expected="a token of `agent operators add NAME`",
            mender=Mender.OPERATOR,
        )
    return name

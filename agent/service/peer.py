"""Who is at the other end of a connection: the kernel tells it of a unix socket, nobody does of TCP.

The account of the caller's process (``SO_PEERCRED``) cannot be forged; the socket's mode decides who may connect.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from agent.service.account import local_name

PEER = "agent.peer"  #: in a request's scope: ``local:NAME`` on a unix socket, absent on TCP
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid

Scope = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]


class PeerProtocol(H11Protocol):
    """HTTP/1.1 that tells the application who has connected."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Ask the kernel once; every request of the connection is told."""
        super().connection_made(transport)
        peer = peer_of(transport.get_extra_info("socket"))
        if peer is not None:
            self.app = functools.partial(_with_peer, self.app, peer)


def peer_of(connection: Any) -> str | None:
    """``local:NAME`` for the process at the other end of a unix socket; None for anything else."""
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(packed)
    return local_name(uid)


async def _with_peer(app: App, peer: str, scope: Scope, receive: Any, send: Any) -> None:
    scope[PEER] = peer
    await app(scope, receive, send)

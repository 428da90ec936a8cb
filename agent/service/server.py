"""Serves the interface: on a unix socket, on a loopback port if asked for, and metrics on an address of theirs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from agent.errors import Failed, Mender
from agent.service.peer import PeerProtocol
from agent.settings import ApiSettings

_KEEP_ALIVE_S = 30
_STOP_S = 3  #: what is under way has so long when the agent stops
_MOST_CONNECTIONS = 64


class ApiServer:
    """Listens as soon as it is opened, serves while :meth:`run` runs. Signals are the agent's, not its."""

    def __init__(self, settings: ApiSettings, app: ASGIApp, health: ASGIApp) -> None:
        self._settings = settings
        self._app = app
        self._health = health
        self._sockets: list[socket.socket] = []
        self._health_sockets: list[socket.socket] = []

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, for the log."""
        return tuple(_words(bound) for bound in (*self._sockets, *self._health_sockets))

    def open(self) -> None:
        """Take the addresses. Raises Failed("api-unavailable") when one of them cannot be had."""
        settings = self._settings
        try:
            if settings.socket is not None:
                self._sockets.append(_unix(settings.socket))
            if settings.listen is not None:
                self._sockets.append(_tcp(settings.listen))
            if settings.metrics_listen is not None:
                self._health_sockets.append(_tcp(settings.metrics_listen))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the addresses go; the socket's file is removed."""
        for bound in (*self._sockets, *self._health_sockets):
            bound.close()
        if self._sockets and self._settings.socket is not None:
            self._settings.socket.unlink(missing_ok=True)
        self._sockets, self._health_sockets = [], []

    async def run(self) -> None:
        """Serve until cancelled; then finish what is under way within a few seconds."""
        if not self._sockets and not self._health_sockets:
            self.open()
        logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
        logging.getLogger("uvicorn.error").propagate = False  # its lines would be neither JSON nor masked
        servers = [
            (_QuietServer(_config(app)), sockets)
            for app, sockets in ((self._app, self._sockets), (self._health, self._health_sockets))
            if sockets
        ]
        serving = [asyncio.create_task(server.serve(sockets=sockets)) for server, sockets in servers]
        try:
            # Not gather: it would cancel them, and a server that is cancelled leaves its connections open.
            await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for server, _ in servers:
                server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(serving, timeout=_STOP_S + 2)
            for task in serving:
                task.cancel()
            self.close()
        for task in serving:
            if not task.cancelled():
                task.result()  # one that died by itself says why


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: stopping is the agent's business."""
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PeerProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody may say on whose behalf they come
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
    )


def _unix(path: Path) -> socket.socket:
    """A bound unix socket, for its owner alone, or for the group that may enter its folder."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(path)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as error:
        raise _unavailable(str(path), error) from error
    group_enters = bool(path.parent.stat().st_mode & stat.S_IXGRP) and not path.parent.stat().st_mode & stat.S_IXOTH
    before = os.umask(0o177)  # the file must never be there with a wider mode, however shortly
    try:
        bound.bind(str(path))
        if group_enters:
            path.chmod(0o660)
        bound.listen(_MOST_CONNECTIONS)
    except OSError as error:
        bound.close()
        raise _unavailable(str(path), error) from error
    finally:
        os.umask(before)
    bound.setblocking(False)
    return bound


def _clear(path: Path) -> None:
    """Remove the socket of a dead agent; one that answers belongs to a living one."""
    if not path.is_socket():
        if path.exists():
            raise OSError(None, "there is a file of this name that is no socket")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
        else:
            raise OSError(None, "another agent answers there")


def _tcp(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, int(port)))
        bound.listen(_MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        bound.close()
        raise _unavailable(address, error) from error
    bound.setblocking(False)
    return bound


def _words(bound: socket.socket) -> str:
    name = bound.getsockname()
    return str(name) if bound.family == socket.AF_UNIX else f"{name[0]}:{name[1]}"


def _unavailable(address: str, error: Exception) -> Failed:
    seen = getattr(error, "strerror", None) or str(error)
    return Failed(
        "api-unavailable",
        f"The agent cannot listen at {address}.",
        expected="an address that is free and that the agent may use (settings: api)",
        seen=seen,
        mender=Mender.OPERATOR,
    )

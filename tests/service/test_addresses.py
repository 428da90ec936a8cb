"""Where the interface listens: whose socket it is, and what is not taken from others."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from agent.errors import Failed
from agent.service.server import ApiServer
from agent.settings import ApiSettings, Settings
from tests.service.conftest import Served


def test_a_second_agent_does_not_take_the_socket_of_a_living_one(served: Served) -> None:
    """Of a dead one it does."""
    path = served.settings.api.socket
    assert path is not None
    with pytest.raises(Failed) as refused:
        ApiServer(ApiSettings(socket=path), _nothing, _nothing).open()
    assert refused.value.code == "api-unavailable"
    assert "another agent" in refused.value.seen


def test_the_socket_of_a_dead_agent_is_cleared_away_and_a_file_is_not(settings: Settings) -> None:
    """Nobody's file is removed because of its name."""
    path = settings.api.socket
    assert path is not None
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = ApiServer(ApiSettings(socket=path), _nothing, _nothing)
    server.open()
    server.close()
    assert not path.exists()
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(Failed, match="cannot listen"):
        server.open()
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_folder_of_a_group_gives_the_socket_to_the_group(settings: Settings, tmp_path: Path) -> None:
    """As in compose files, where another container of the same group submits; never to everybody."""
    assert settings.api.socket is not None
    folder = settings.api.socket.parent
    for mode, expected in ((0o710, 0o660), (0o755, 0o600), (0o700, 0o600)):
        folder.chmod(mode)
        server = ApiServer(ApiSettings(socket=settings.api.socket), _nothing, _nothing)
        server.open()
        assert stat.S_IMODE(settings.api.socket.stat().st_mode) == expected
        server.close()


def test_a_port_that_is_taken_is_told(settings: Settings) -> None:
    """And nothing half-open stays behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = ApiServer(ApiSettings(socket=settings.api.socket, listen=address), _nothing, _nothing)
        with pytest.raises(Failed, match="cannot listen"):
            server.open()
    assert settings.api.socket is not None
    assert not settings.api.socket.exists()


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing is asked")

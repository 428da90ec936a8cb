"""HTTP over a unix socket whose other end may die at any moment.

Not with httpx: its transport leaves the socket open when the connection fails, and a warning is an error in our tests.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode


class Gone(Exception):
    """Nobody listens there, or whoever did has died before the answer."""


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    text: str

    def json(self) -> Any:
        """The body as parsed JSON."""
        return json.loads(self.text)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """To the socket; it is closed when that fails."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.close()
            raise


def ask(socket_path: Path, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Reply:
    """One request on a connection of its own. Raises Gone."""
    address = f"{path}?{urlencode(_words(query), doseq=True)}" if query else path
    connection = _Connection(socket_path, timeout=30)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, address, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read().decode())
    except (OSError, http.client.HTTPException) as error:
        raise Gone(f"{method} {path}: {error!r}") from error
    finally:
        connection.close()


def _words(query: Mapping[str, Any]) -> dict[str, Any]:
    """Truth values as JSON has them."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}

"""Who may come in: no browser, nobody from another host, and nobody without a name.

A page that somebody visits could send requests to a loopback port (and, with a DNS name that it points here, read the
answers). So a request with an ``Origin`` is refused, and on TCP one whose ``Host`` is not this machine's.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.errors import AgentError, Mender, Refused
from agent.service.office import office_of
from agent.service.peer import PEER
from agent.service.problem import MEDIA_TYPE, document_of
from agent.settings import is_loopback

_bearer = HTTPBearer(auto_error=False, description="The token that `agent operators add NAME` printed.")


def refusal(error: AgentError) -> Response:
    """The error as an HTTP answer."""
    document = document_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if document.status == 401 else {}
    return Response(document.model_dump_json(), document.status, headers, MEDIA_TYPE)


class Entry:
    """ASGI middleware: turns away browsers, names that are not this machine's, and bodies that are too large."""

    def __init__(self, app: ASGIApp, *, any_host: bool = False, most_bytes: int = 0) -> None:
        """``any_host`` is for metrics, which are asked for from elsewhere and tell nothing of persons."""
        self._app = app
        self._any_host = any_host
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 403."""
        if scope["type"] == "http":
            error = self._stranger(scope) or self._too_large(scope)
            if error is not None:
                await refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _stranger(self, scope: Scope) -> Refused | None:
        wrong = self._wrong(scope)
        if wrong is None:
            return None
        message = "This interface is for programs of this machine."
        return Refused("not-your-host", message, seen=wrong, mender=Mender.OPERATOR)

    def _too_large(self, scope: Scope) -> Refused | None:
        """What says its size beforehand; FastAPI counts what does not."""
        said = Headers(scope=scope).get("content-length", "0")
        if said.isdecimal() and int(said) <= self._most_bytes:
            return None
        return Refused("body-too-large", "The body is too large.", expected=f"at most {self._most_bytes:,} bytes")

    def _wrong(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            return "a request from a web page"
        if self._any_host or PEER in scope:
            return None
        hosts = headers.getlist("host")
        name = (urlsplit(f"//{hosts[0]}").hostname or "") if len(hosts) == 1 else ""
        return None if is_loopback(name) else "a Host header that does not name this machine"


def who(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """The caller's name: by token, else by the account at the other end of the unix socket.

    Raises Refused("token-unknown", "token-needed"). Not async: the list of operators is a file.
    """
    if given is not None:
        name = office_of(request).operators.name_of(given.credentials)
        if name is None:
            raise _turned_away("token-unknown", "This token belongs to nobody.")
        return name
    if "authorization" in request.headers:
        raise _turned_away("token-unknown", "The Authorization header holds no bearer token.")
    peer = request.scope.get(PEER)
    if peer is None:
        raise _turned_away("token-needed", "A token is needed here.")
    return str(peer)


def _turned_away(code: str, message: str) -> Refused:
    return Refused(
        code, message, expected="a token of `agent operators add NAME` as Authorization: Bearer", mender=Mender.OPERATOR
    )

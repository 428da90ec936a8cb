"""How errors leave an application: as problem documents, and none with what came in, since that may hold anything."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.errors import AgentError, Failed, Mender, Refused
from agent.jobs.parse import MAX_BYTES
from agent.service.entry import refusal

AS_DESCRIBED = "a request as /openapi.json describes it"
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,  # whatever FASTAPI_OTEL_AUTO_CONFIGURE says
}
_log = structlog.get_logger()


def answer_errors(app: FastAPI) -> None:
    """Every error leaves as a problem document, and none with what came in: it may hold anything."""

    @app.exception_handler(AgentError)
    async def ours(request: Request, error: AgentError) -> Response:
        return refusal(error)

    @app.exception_handler(RequestValidationError)
    async def unusable(request: Request, error: RequestValidationError) -> Response:
        seen = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        return refusal(bad_request(AS_DESCRIBED, seen))

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        codes = {404: "no-such-path", 405: "wrong-method", 413: "body-too-large"}
        code = codes.get(error.status_code, "bad-request")
        expected = (
            f"at most {MAX_BYTES} bytes" if error.status_code == 413 else "a request as /openapi.json describes it"
        )
        return refusal(Refused(code, f"{error.detail}.", expected=expected))


class Mistakes:
    """ASGI middleware: a mistake of ours becomes an answer without particulars, and the connection goes on.

    An exception handler would not do: Starlette raises the exception again behind it, and the server hangs up.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            _log.error("mistake-in-the-interface", path=scope.get("path"), exc_info=error)
            if started:
                raise
            message = "A mistake in the agent; its log has the particulars."
            await refusal(Failed("unexpected", message, mender=Mender.DEVELOPER))(scope, receive, send)


def bad_request(expected: str, seen: str) -> Refused:
    """The error for a request that cannot be used; ``seen`` names places, not values."""
    return Refused("bad-request", "The request cannot be used.", expected=expected, seen=seen, mender=Mender.REQUESTER)

"""What the interface answers, without the secrets that the agent has handled: a job may repeat one that was typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Masking:
    """ASGI middleware: masks every text in an answer of JSON; numbers, names of members and all else stay."""

    def __init__(self, app: ASGIApp, mask: Callable[[str], str]) -> None:
        """``mask``: :class:`agent.evidence.masking.Masker`, on the secrets of the running agent."""
        self._app = app
        self._mask = mask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and what is answered back when it is whole."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def sending(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_json(message):
                held = message
            elif held is None or message["type"] != "http.response.body":
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    masked = self._masked(bytes(body))
                    MutableHeaders(scope=held)["content-length"] = str(len(masked))
                    await send(held)
                    await send({"type": "http.response.body", "body": masked})

        await self._app(scope, receive, sending)

    def _masked(self, body: bytes) -> bytes:
        text = body.decode()
        if self._mask(text) == text:  # as good as always
            return body
        return json.dumps(self._value(json.loads(text)), ensure_ascii=False, separators=(",", ":")).encode()

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self._mask(value)
            case list():
                return [self._value(item) for item in value]
            case dict():
                return {name: self._value(item) for name, item in value.items()}
            case _:
                return value


def _is_json(start: Message) -> bool:
    kind = MutableHeaders(scope=start).get("content-type", "").partition(";")[0]
    return kind == "application/json" or kind.endswith("+json")

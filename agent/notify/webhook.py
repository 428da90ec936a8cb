"""Notices to an HTTP receiver, signed by the Standard Webhooks convention (https://www.standardwebhooks.com/).

The signature is HMAC-SHA256 over ``id.timestamp.body``, as ``v1,`` and base64. A redirect is an error: the body goes
where the settings say and nowhere else.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime

import httpx

from agent.credentials.secret import Secret
from agent.notify.delivery import Delivered, Delivery, NotDelivered, data_for, message_id
from agent.queue.record import Notice
from agent.settings.service import Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105 - the convention's mark, not a secret
SHORTEST_SECRET = 24  #: bytes, by the convention
LIMIT_S = 15.0  #: for the whole exchange; receivers answer first and work then

_GONE = 410
_LATER = frozenset({408, 425, 429})


def key_of(secret: Secret) -> bytes:
    """The signing key that a secret means: ``whsec_`` and base64. ValueError says what is wrong, never the secret."""
    text = secret.reveal().strip()
    if not text.startswith(SECRET_PREFIX):
        raise ValueError(f"a signing secret begins with {SECRET_PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"what follows {SECRET_PREFIX} is not base64") from None
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"a signing secret has at least {SHORTEST_SECRET} bytes")
    return key


def signature(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def body_of(notice: Notice, *, people: bool) -> bytes:
    """The JSON that is posted."""
    document = {
        "type": f"agent.{notice.kind}",
        "timestamp": datetime.fromtimestamp(notice.at, tz=UTC).isoformat(),
        "data": {"tenant": notice.tenant, "subject": notice.subject, **data_for(notice, people=people)},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


async def post(client: httpx.AsyncClient, webhook: Webhook, key: bytes, notice: Notice, now: float) -> Delivery:
    """Post one notice; what the receiver does with it is told by the first digit of its answer."""
    body = body_of(notice, people=webhook.people)
    identity, timestamp = message_id(notice), int(now)
    headers = {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(key, identity, timestamp, body),
    }
    try:
        # Only the status counts: an answer without end is not read.
        async with (
            asyncio.timeout(LIMIT_S),
            client.stream("POST", webhook.url, content=body, headers=headers) as answer,
        ):
            return _judged(answer)
    except (httpx.HTTPError, TimeoutError) as error:
        return NotDelivered(f"{type(error).__name__}: no usable answer")


def new_client() -> httpx.AsyncClient:
    """A client that follows no redirect; a proxy, where the environment names one, is used."""
    return httpx.AsyncClient(timeout=LIMIT_S, follow_redirects=False, headers={"user-agent": "procore-directory-agent"})


def _judged(answer: httpx.Response) -> Delivery:
    status = answer.status_code
    if 200 <= status < 300:
        return Delivered()
    error = f"the receiver answered {status}"
    wait = answer.headers.get("retry-after", "")
    wait_s = float(wait) if wait.isascii() and wait.isdigit() else 0.0
    refused = 300 <= status < 500 and status not in _LATER
    return NotDelivered(error, refused=refused, gone=status == _GONE, wait_s=wait_s)

"""Webhooks: what is posted, how it is signed, and what the answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from agent.credentials.secret import Secret
from agent.notify import webhook
from agent.notify.delivery import Delivered, Delivery, NotDelivered
from agent.settings.service import Webhook
from tests.unit.notify.conftest import KEY, SIGNING_SECRET, Receiver, notice

NOW = 1_800_000_060.4


async def post(receiver: Receiver, *, people: bool = False, number: int = 1) -> Delivery:
    async with webhook.new_client() as client:
        return await webhook.post(client, Webhook(url=receiver.url, people=people), KEY, notice(number), NOW)


async def test_a_receiver_can_verify_id_time_and_body(receiver: Receiver) -> None:
    """The signature is made here once more, from what arrived, as the convention says."""
    assert await post(receiver) == Delivered()
    (posted,) = receiver.posted
    signed = b".".join([posted.head["webhook-id"].encode(), posted.head["webhook-timestamp"].encode(), posted.body])
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert posted.head["webhook-signature"] == expected
    assert posted.head["webhook-timestamp"] == "1800000060"
    assert posted.head["content-type"] == "application/json"


def test_the_signature_is_that_of_the_convention() -> None:
    """The published test vector of Standard Webhooks."""
    key = webhook.key_of(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    body = b'{"test": 2432232314}'
    assert webhook.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


async def test_people_are_named_only_to_who_shall_know(receiver: Receiver) -> None:
    """Without `people` neither the address nor a sentence that may hold it leaves the agent."""
    await post(receiver)
    await post(receiver, people=True)
    quiet, open_ = (json.loads(posted.body) for posted in receiver.posted)
    assert b"lindqvist" not in receiver.posted[0].body
    assert quiet["data"] == {"tenant": "acme", "subject": notice().subject, "job": 7, "code": "denied"}
    assert open_["data"]["person"] == "ana.lindqvist@example.com"
    assert (quiet["type"], quiet["timestamp"]) == ("agent.dead", "2027-01-15T08:00:00+00:00")


async def test_every_attempt_has_the_same_id_and_every_notice_its_own(receiver: Receiver) -> None:
    """A receiver that saw the first copy drops the second."""
    for number in (1, 1, 2):
        await post(receiver, number=number)
    first, again, other = (posted.head["webhook-id"] for posted in receiver.posted)
    assert first == again != other


@pytest.mark.parametrize(
    ("answer", "refused", "gone", "wait_s"),
    [
        ("500 Oh", False, False, 0),
        ("503 Later\r\nretry-after: 120", False, False, 120),
        ("429 Slow\r\nretry-after: Wed, 21 Oct 2026 07:28:00 GMT", False, False, 0),
        ("408 Timeout", False, False, 0),
        ("401 Who", True, False, 0),
        ("404 Where", True, False, 0),
        ("410 Gone", True, True, 0),
    ],
)
async def test_what_an_answer_means(receiver: Receiver, answer: str, refused: bool, gone: bool, wait_s: float) -> None:
    """No is no, busy is later, gone is never."""
    receiver.answers = [answer]
    seen = await post(receiver)
    assert isinstance(seen, NotDelivered)
    assert (seen.refused, seen.gone, seen.wait_s) == (refused, gone, wait_s)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """The body goes where the settings say, and nowhere else."""
    receiver.answers = [f"307 There\r\nlocation: {receiver.url}/elsewhere"]
    seen = await post(receiver)
    assert seen == NotDelivered("the receiver answered 307", refused=True)
    assert len(receiver.posted) == 1


async def test_no_answer_is_tried_again(receiver: Receiver) -> None:
    """The connection ends without an answer, or nobody listens: the words do not hold the address."""
    receiver.silent = True
    assert await post(receiver) == NotDelivered("RemoteProtocolError: no usable answer")
    nobody = Receiver(url="http://127.0.0.1:9/hook-with-token")
    seen = await post(nobody)
    assert isinstance(seen, NotDelivered)
    assert not seen.refused
    assert "token" not in seen.error


@pytest.mark.parametrize("text", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%", SIGNING_SECRET[6:]])
def test_a_secret_of_another_form_is_refused_without_being_shown(text: str) -> None:
    """A short or mangled secret is found when it is stored, not by a receiver that rejects everything."""
    with pytest.raises(ValueError, match=r"whsec_|24 bytes") as refused:
        webhook.key_of(Secret(text))
    assert "c2hvcnQ" not in str(refused.value)

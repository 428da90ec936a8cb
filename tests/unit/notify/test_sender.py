"""The way from the outbox to the receivers: once per notice and channel, through failures and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.errors import Failed
from agent.notify import webhook
from agent.notify.channels import channels
from agent.notify.delivery import ATTEMPTS_IF_REFUSED, BACK_OFF_S, NEVER, NotDelivered, again_at
from agent.notify.sender import Sender
from agent.queue.embedded import EmbeddedQueue
from agent.queue.record import NewNotice
from agent.settings import NotifySettings, Settings
from tests.unit.credentials.test_store import LockedKeyring, MemoryKeyring
from tests.unit.notify.conftest import SIGNING_SECRET, Receiver
from tests.unit.schedule.conftest import DAY, NOON, SetClock

TOLD = NewNotice(kind="dead", tenant="acme", subject="It is dead", data={"job": 1}, key="dead:1:1")


class Desk:
    """An outbox and its sender, with one webhook; can be stopped and started again."""

    def __init__(self, file: Path, receiver: Receiver) -> None:
        self.clock = SetClock()
        self.settings = Settings(notify=NotifySettings.model_validate({"webhooks": {"desk": {"url": receiver.url}}}))
        self.store = CredentialStore(MemoryKeyring())
        self.store.set_secret("webhook:desk", Secret(SIGNING_SECRET))
        self.file = file
        self.queue = self._queue()

    def _queue(self) -> EmbeddedQueue:
        return EmbeddedQueue(self.file, channels(self.settings.notify), clock=self.clock)

    async def restart(self) -> None:
        await self.queue.close()
        self.queue = self._queue()
        await self.queue.open({"acme": 1})

    def sender(self) -> Sender:
        return Sender(self.settings, self.queue, self.store, clock=self.clock, poll_s=0.01)

    async def send(self) -> int:
        async with webhook.new_client() as client:
            return await self.sender().send_due(client)


@pytest.fixture
async def desk(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Desk]:
    place = Desk(tmp_path / "queue.db", receiver)
    await place.queue.open({"acme": 1})
    yield place
    await place.queue.close()


async def test_a_notice_arrives_once(desk: Desk, receiver: Receiver) -> None:
    """Told twice under its key, looked for twice, and over a restart: one request."""
    await desk.queue.tell(TOLD)
    await desk.queue.tell(TOLD)
    assert [await desk.send(), await desk.send()] == [1, 0]
    await desk.restart()
    assert await desk.send() == 0
    assert len(receiver.posted) == 1


async def test_a_death_before_it_is_crossed_off_repeats_it_under_its_id(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent, but the process died: the second copy has the id of the first, so the receiver can drop it."""

    async def die(notice_id: int) -> None:
        raise Failed("queue-unwritable", "The process dies here.")

    await desk.queue.tell(TOLD)
    monkeypatch.setattr(desk.queue, "notice_sent", die)
    with pytest.raises(ExceptionGroup):
        await desk.send()
    await desk.restart()
    await desk.send()
    first, second = (posted.head["webhook-id"] for posted in receiver.posted)
    assert first == second


async def test_a_notice_that_cannot_be_sent_at_all_ends_neither_the_sender_nor_the_others(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that chokes on a setting (a password it cannot encode) is that notice's trouble, to be tried again."""
    post = webhook.post

    async def choke(client: Any, receiver: Any, key: bytes, notice: Any, now: float) -> Any:
        if notice.subject == "It chokes":
            "pässword".encode("ascii")
        return await post(client, receiver, key, notice, now)

    monkeypatch.setattr(webhook, "post", choke)
    await desk.queue.tell(NewNotice(kind="dead", tenant="acme", subject="It chokes", data={}, key="dead:2:1"))
    await desk.queue.tell(TOLD)
    assert await desk.send() == 2
    assert len(receiver.posted) == 1
    desk.clock.now += BACK_OFF_S[0]
    (left,) = await desk.queue.notices_due()
    assert (left.subject, left.attempts) == ("It chokes", 1)


async def test_an_outage_of_days_loses_nothing(desk: Desk, receiver: Receiver) -> None:
    """No attempt before its time, each later than the one before, and it arrives when the receiver is back."""
    receiver.answers = ["503 Later"]
    await desk.queue.tell(TOLD)
    tried = 0
    while desk.clock.now < NOON + 3 * DAY:
        tried += await desk.send()
        desk.clock.now += DAY / 4
    assert 8 <= tried <= len(BACK_OFF_S)
    receiver.answers = ["200 OK"]
    desk.clock.now += DAY
    assert await desk.send() == 1
    assert await desk.send() == 0


async def test_a_receiver_that_says_no_is_given_up_sooner(desk: Desk, receiver: Receiver) -> None:
    """A wrong address or secret is tried a few times, in case somebody is mending it."""
    receiver.answers = ["401 Who"]
    await desk.queue.tell(TOLD)
    tried = 0
    for _ in range(40):
        tried += await desk.send()
        desk.clock.now += DAY
    assert tried == ATTEMPTS_IF_REFUSED + 1


@pytest.mark.parametrize("store", [CredentialStore(MemoryKeyring()), CredentialStore(LockedKeyring())])
async def test_nothing_is_sent_unsigned(desk: Desk, receiver: Receiver, store: CredentialStore) -> None:
    """Without a secret, or with a locked keyring, it waits until there is one."""
    stored, desk.store = desk.store, store
    await desk.queue.tell(TOLD)
    assert await desk.send() == 1
    assert receiver.posted == []
    desk.store = stored
    desk.clock.now += BACK_OFF_S[0]
    await desk.send()
    assert len(receiver.posted) == 1


async def test_the_sender_goes_on_whatever_happens_to_the_queue(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is logged and is no end of the agent."""
    await desk.queue.tell(TOLD)
    look, calls = desk.queue.notices_due, []

    async def fail_once(limit: int = 20) -> Any:
        calls.append(limit)
        if len(calls) == 1:
            raise Failed("queue-unwritable", "The disk is full.")
        return await look(limit)

    monkeypatch.setattr(desk.queue, "notices_due", fail_once)
    running = asyncio.create_task(desk.sender().run())
    async with asyncio.timeout(20):
        while not receiver.posted:  # noqa: ASYNC110 - the receiver is another connection's handler
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def test_without_a_receiver_the_sender_ends(desk: Desk) -> None:
    """Nobody to tell: nothing to poll for."""
    desk.settings = Settings()
    await asyncio.wait_for(desk.sender().run(), 5)


def test_back_off_grows_and_ends() -> None:
    """Passing trouble for about three and a half days, a no for some hours at most, gone at once."""
    passing, no = NotDelivered("x"), NotDelivered("x", refused=True)
    waits = [again_at(passing, attempt, 0.0) for attempt in range(1, len(BACK_OFF_S) + 2)]
    assert waits[:-1] == sorted(waits[:-1])
    assert waits[-1] == NEVER
    assert 3 * DAY < sum(waits[:-1]) < 4 * DAY
    assert again_at(no, ATTEMPTS_IF_REFUSED + 1, 0.0) == NEVER > again_at(no, ATTEMPTS_IF_REFUSED, 0.0)
    assert again_at(NotDelivered("x", gone=True), 1, 0.0) == NEVER


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_ever() -> None:
    """`retry-after` is heard, up to a day; it never shortens the wait."""
    assert again_at(NotDelivered("x", wait_s=120), 1, 0.0) == 120
    assert again_at(NotDelivered("x", wait_s=1), 1, 0.0) == BACK_OFF_S[0]
    assert again_at(NotDelivered("x", wait_s=1e9), 1, 0.0) == DAY

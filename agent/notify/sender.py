"""Brings what is in the outbox to its channels, until each notice has arrived or is given up.

The outbox is the queue's: a notice is put there in the same transaction as what it tells of, and is crossed off only
when its receiver has taken it. A process that dies in between sends it again under the same id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import httpx
import structlog

from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore
from agent.errors import AgentError
from agent.notify import mail, webhook
from agent.notify.channels import MAIL, WEBHOOK
from agent.notify.delivery import NEVER, Delivered, Delivery, NotDelivered, again_at
from agent.queue.record import Notice
from agent.settings import Settings

POLL_S = 5.0
AT_ONCE = 20  #: notices under way at the same time

_log = structlog.get_logger()


class Outbox(Protocol):
    """The part of :class:`agent.queue.interface.Queue` that the sender needs."""

    async def notices_due(self, limit: int = 20) -> tuple[Notice, ...]:
        """Notices that have not reached their channel."""

    async def notice_sent(self, notice_id: int) -> None:
        """It has arrived."""

    async def notice_failed(self, notice_id: int, not_before: float, error: str) -> None:
        """It has not; again at ``not_before``."""


class Sender:
    """The long-lived part of the agent that sends notices."""

    def __init__(
        self,
        settings: Settings,
        queue: Outbox,
        store: CredentialStore,
        *,
        clock: Callable[[], float] = time.time,
        poll_s: float = POLL_S,
    ) -> None:
        self._notify = settings.notify
        self._queue = queue
        self._store = store
        self._clock = clock
        self._poll_s = poll_s

    async def run(self) -> None:
        """Send until cancelled. Trouble with the queue is logged and tried again; it never ends the agent."""
        if not self._notify.webhooks and self._notify.mail is None:
            return
        async with webhook.new_client() as client:
            while True:
                count = 0
                try:
                    count = await self.send_due(client)
                except* AgentError as group:
                    _log.warning("outbox-trouble", reasons=[str(error) for error in group.exceptions])
                if count < AT_ONCE:
                    await asyncio.sleep(self._poll_s)

    async def send_due(self, client: httpx.AsyncClient) -> int:
        """Try everything that is due once; returns how many that were."""
        due = await self._queue.notices_due(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for notice in due:
                group.create_task(self._bring(client, notice))
        return len(due)

    async def _bring(self, client: httpx.AsyncClient, notice: Notice) -> None:
        try:
            delivery = await self._deliver(client, notice)
        except AgentError as error:  # the keyring does not open
            delivery = NotDelivered(f"{error.code}: {error.message}")
        except Exception as error:  # one notice must not end the agent, which would meet it again at every start
            # Only the kind: what a library says about a password it cannot use may hold a piece of it.
            delivery = NotDelivered(f"{type(error).__name__}: it cannot be sent as the settings are")
        if isinstance(delivery, Delivered):
            await self._queue.notice_sent(notice.id)
            _log.info("notice-sent", notice=notice.id, kind=notice.kind, channel=notice.channel, job=notice.job_id)
            return
        not_before = again_at(delivery, notice.attempts + 1, self._clock())
        await self._queue.notice_failed(notice.id, not_before, delivery.error)
        given_up = not_before == NEVER
        _log.warning(
            "notice-given-up" if given_up else "notice-not-sent",
            notice=notice.id,
            kind=notice.kind,
            channel=notice.channel,
            job=notice.job_id,
            attempts=notice.attempts + 1,
            reason=delivery.error,
        )

    async def _deliver(self, client: httpx.AsyncClient, notice: Notice) -> Delivery:
        if notice.channel == MAIL and self._notify.mail is not None:
            password = await self._secret(MAIL) if self._notify.mail.user is not None else None
            return await asyncio.to_thread(mail.send, self._notify.mail, password, notice)
        receiver = self._notify.webhooks.get(notice.channel.removeprefix(WEBHOOK))
        if receiver is None:
            return NotDelivered("no such channel in the settings", gone=True)
        secret = await self._secret(notice.channel)
        if secret is None:
            name = notice.channel.removeprefix(WEBHOOK)
            return NotDelivered(f"no signing secret is stored (agent credentials webhook {name})")
        try:
            key = webhook.key_of(secret)
        except ValueError as error:
            return NotDelivered(f"the signing secret cannot be used: {error}")
        return await webhook.post(client, receiver, key, notice, self._clock())

    async def _secret(self, name: str) -> Secret | None:
        return await asyncio.to_thread(self._store.find_secret, name)

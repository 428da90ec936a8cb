"""Procrastinate as this host runs it: its job manager, made to outlive the server and to fetch only on demand.

As shipped, a worker stops when its heartbeat or its listener meets a server that is away, asks no more for a job whose
end it could not report, and deletes hosts that look dead when it starts. Here it waits for the server, reports until it
is heard, and leaves the dead to ``rescue``, which first makes sure that this host is not the one that was asleep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import psycopg
import structlog
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback, get_channel_for_queues

from agent.queue.hosts.connection import SESSION, Password, parameters
from agent.queue.hosts.demand import Ask, Demand
from agent.queue.hosts.pulse import Pulse, Times

_log = structlog.get_logger(__name__)
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it tells of each attempt; we tell of the first
_AGAIN_S = 0.5  # between two attempts to reach the server
_BEAT = """
UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(host)s
RETURNING EXTRACT(EPOCH FROM now())::float8 AS at
"""
Result = TypeVar("Result")


def connector(url: str, password: Password) -> PsycopgConnector:
    """The engine's connections. They are given up quickly and tried anew: no long pause after a long outage."""
    return PsycopgConnector(
        conninfo=url,
        kwargs=parameters(password),
        configure=_set_session,
        min_size=1,
        max_size=4,
        timeout=5,
        reconnect_timeout=1,
    )


async def _set_session(connection: psycopg.AsyncConnection[Any]) -> None:
    for statement in SESSION:
        await connection.execute(statement)
    await connection.commit()


class LaneEngine(JobManager):
    """What Procrastinate's worker asks of the database, for this host."""

    def __init__(
        self, connector: PsycopgConnector, demand: Demand, times: Times, on_declared_dead: Callable[[], None]
    ) -> None:
        """``on_declared_dead``: others have taken this host's jobs over."""
        super().__init__(connector)
        self.pulse = Pulse(times)
        self.host = 0  # the engine's number for this host; a new one after it was declared dead
        self.registered = asyncio.Event()
        self._demand = demand
        self._times = times
        self._on_declared_dead = on_declared_dead
        self._asks: dict[int, Ask] = {}
        self._woken = asyncio.Event()
        self._is_over = False
        self._is_away = False  # the server; said once, not twice a second for as long as it lasts

    def end(self) -> None:
        """Fetch no more."""
        self._is_over = True
        self._demand.end()
        self._woken.set()

    def ask_of(self, ticket: int) -> Ask:
        """For whom a ticket was fetched."""
        return self._asks.pop(ticket)

    # --- heartbeats ---

    async def register_worker(self) -> int:
        """Make this host known."""
        sent = self.pulse.now()
        self.host = await super().register_worker()
        self.registered.set()
        _log.info("host-registered", host=self.host, took_s=round(self.pulse.now() - sent, 3))
        await self.beat()
        return self.host

    async def unregister_worker(self, worker_id: int) -> None:
        """Say good-bye, if the server hears it."""
        try:
            await super().unregister_worker(self.host)
        except ConnectorException as error:
            _log.warning("host-left-unheard", error=_text(error))

    async def update_heartbeat(self, worker_id: int) -> None:
        """The engine's regular heartbeat, tried until it is heard."""
        while True:
            if await self.beat():
                return
            await asyncio.sleep(_AGAIN_S)

    async def beat(self) -> bool:
        """Say that this host is alive; whether it was heard. One that was declared dead gets a new number instead."""
        sent = self.pulse.now()
        try:
            rows = await self.connector.execute_query_all_async(_BEAT, host=self.host)
        except ConnectorException as error:
            self.pulse.missed()
            self._away(error)
            return False
        if self._is_away:
            self._is_away = False
            _log.warning("database-back")
        if rows:
            self.pulse.accepted(sent, rows[0]["at"])
            return True
        self.pulse.missed()
        _log.error("declared-dead", host=self.host, problem="no heartbeat of this host was heard for too long")
        self._on_declared_dead()
        try:
            self.host = await super().register_worker()
        except ConnectorException:
            return False
        return False

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:
        """Leave it to the rescue: a host that has just started knows too little to call others dead."""
        return []

    def _away(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            _log.warning("database-away", error=_text(error))

    # --- lanes ---

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The most urgent free lane, as soon as there is one and somebody here waits for it; None at the end."""
        while not self._is_over:
            ask = await self._demand.take()
            if ask is None:
                break
            self._woken.clear()
            job: Job | None = None
            try:
                job = await super().fetch_job(queues, self.host)
            except ConnectorException as error:
                self._away(error)
                await self.beat()  # finds out when the reason is that this host was declared dead
                await asyncio.sleep(_AGAIN_S)
            finally:
                if job is None:
                    self._demand.put_back(ask)
            if job is not None:
                assert job.id is not None, "a fetched task without a number"
                self._asks[job.id] = ask
                return job
            await self._until_woken()
        return None

    async def _until_woken(self) -> None:
        try:
            async with asyncio.timeout(self._times.poll_s):
                await self._woken.wait()
        except TimeoutError:
            return

    def wake(self) -> None:
        """A lane may be free, or have work."""
        self._woken.set()

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Let a lane go, until the server has heard it, and tell the hosts that wait for one."""
        assert job.id is not None, "a finished task without a number"

        async def report() -> None:
            await super(LaneEngine, self).finish_job(job, status, delete_job)
            await self.connector.execute_query_async(
                "SELECT pg_notify(%(channel)s, %(payload)s)",
                channel=next(iter(get_channel_for_queues([job.queue]))),
                payload='{"type": "job_inserted", "job_id": 0}',
            )

        await self._until_heard(report)
        self.wake()

    async def _until_heard(self, report: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await report()
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.RaiseException):
                    return  # the ticket is gone: this was said before, or the host was declared dead
                if self._is_over:
                    _log.warning("lane-not-let-go", error=_text(error))
                    return
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Hear of new tickets and free lanes; connect anew for as long as it takes."""

        async def heard(*, channel: str, notification: Any) -> None:
            self.wake()
            await on_notification(channel=channel, notification=notification)

        while True:
            try:
                await super().listen_for_jobs(on_notification=heard, queues=queues)
            except (ConnectorException, psycopg.Error) as error:
                self._away(error)
            await asyncio.sleep(_AGAIN_S)
            self.wake()


def _text(error: BaseException) -> str:
    """The first line of what the driver says."""
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]

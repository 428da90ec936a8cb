"""The long-running agent: queue, worker, API, inbox, clock and notifier in one process.

The worker begins first, so that a restart costs as little time as can be. Whichever part dies takes the agent down in
order: jobs are given back, the queue is let go, and whoever supervises the process starts it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

import agent
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Failed, Mender
from agent.queue.interface import Queue
from agent.queue.opening import limits_of, open_queue
from agent.service.metrics import Metrics
from agent.settings import Settings
from agent.worker.equipment import catalogue_of
from agent.worker.worker import Worker

if TYPE_CHECKING:
    from agent.service.parts import Part

_log = structlog.get_logger()


class PartDied(Failed):
    """A part of the agent ended that should have run as long as the agent."""

    def __init__(self, name: str, error: BaseException | None) -> None:
        said = error.message if isinstance(error, AgentError) else f"{type(error).__name__}: {error}"
        super().__init__(
            error.code if isinstance(error, AgentError) else "part-died",
            f"The agent stops because its {name} ended: {said if error is not None else 'without a reason'}",
            expected=f"a {name} that runs as long as the agent",
            seen=said,
            mender=error.mender if isinstance(error, AgentError) else Mender.DEVELOPER,
        )


@dataclass(frozen=True)
class Wishes:
    """What the outside asks: the first signal stops in order, the second one at once."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    def signal(self) -> None:
        """A stop signal has come."""
        if self.stop.is_set():
            self.leave.set()
        self.stop.set()


async def run_agent(
    settings: Settings,
    wishes: Wishes,
    *,
    known: KnownSecrets | None = None,
    store: CredentialStore | None = None,
    once: bool = False,
) -> None:
    """Run until a wish to stop, with ``once`` until nothing is due.

    Raises QueueOwned and what else opening the queue raises, Failed("no-browser"), PartDied, and what
    :func:`agent.pack.signature.checked` says of a pack that must be signed.
    """
    if settings.selectors.public_key is not None:
        catalogue_of(settings)
    store = store or CredentialStore()
    known = known if known is not None else KnownSecrets()
    queue = open_queue(settings)
    metrics = Metrics()
    worker = Worker(settings, queue, metrics, store=store, known=known, once=once)
    await queue.open(limits_of(settings))
    try:
        _log.info("agent-started", version=agent.__version__, worker=worker.name, tenants=sorted(settings.tenants))
        await _run_parts(settings, queue, worker, metrics, store, known, wishes)
    finally:
        await queue.close()
    _log.info("agent-stopped", worker=worker.name)


async def _run_parts(
    settings: Settings,
    queue: Queue,
    worker: Worker,
    metrics: Metrics,
    store: CredentialStore,
    known: KnownSecrets,
    wishes: Wishes,
) -> None:
    working = asyncio.create_task(worker.run(), name="worker")
    await asyncio.sleep(0)  # it has its first claim under way before the others are built
    tasks: dict[asyncio.Task[Any], Part] = {}
    try:
        parts_of = await asyncio.to_thread(_load_parts)
        for part in parts_of(settings, queue, worker, metrics, store, known):
            tasks[asyncio.create_task(_as_task(part), name=part.name)] = part
        died = await _until_the_end(working, tasks, wishes)
        await _drain(worker, working, wishes)
    finally:
        for task in (working, *tasks):
            task.cancel()
        await asyncio.gather(working, *tasks, return_exceptions=True)
    if died is not None:
        raise died


def _load_parts() -> Callable[..., tuple[Part, ...]]:
    # Beside the first claim, not before it: what the interface needs takes as long to load as all the rest.
    from agent.service.parts import parts_of

    return parts_of


async def _as_task(part: Part) -> None:
    await part.run()


async def _until_the_end(
    working: asyncio.Task[Any], tasks: dict[asyncio.Task[Any], Part], wishes: Wishes
) -> PartDied | None:
    """Wait for a wish to stop, the end of the worker, or the death of a part: the latter is returned."""
    asked = asyncio.create_task(wishes.stop.wait())
    waiting: set[asyncio.Task[Any]] = {asked, working, *tasks}
    try:
        while True:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task is asked:
                    return None
                part = tasks.get(task)
                error = None if task.cancelled() else task.exception()
                if error is None and task is working:
                    return None
                if error is None and part is not None and part.may_end:
                    continue
                died = PartDied(part.name if part is not None else "worker", error)
                _log.error("part-died", part=task.get_name(), code=died.code, text=died.message, exc_info=error)
                return died
    finally:
        asked.cancel()


async def _drain(worker: Worker, working: asyncio.Task[Any], wishes: Wishes) -> None:
    """Stop the worker in order, or at once when asked a second time."""
    if working.done():
        return
    _log.info("agent-stopping", running=len(worker.status().running))
    draining = asyncio.create_task(worker.drain())
    leaving = asyncio.create_task(wishes.leave.wait())
    await asyncio.wait({draining, leaving}, return_when=asyncio.FIRST_COMPLETED)
    if leaving.done() and not draining.done():
        draining.cancel()
        await worker.leave()
    leaving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await draining
    if not leaving.done() or not wishes.leave.is_set():
        await asyncio.wait({working}, timeout=5)

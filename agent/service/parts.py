"""The parts of the running agent beside its worker: API, inbox, clock, chronicle, notifier."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.audit.chronicle import Chronicle
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.evidence.masking import Masker
from agent.intake.inbox import Inbox
from agent.notify.sender import Sender
from agent.queue.interface import Queue
from agent.schedule.clock import AgentClock, Hooks
from agent.service.api import create_app, health_app
from agent.service.metrics import Metrics
from agent.service.operators import Operators
from agent.service.server import ApiServer
from agent.settings import Settings
from agent.worker.worker import Worker


@dataclass(frozen=True)
class Part:
    """A part that runs as long as the agent."""

    name: str
    run: Callable[[], Awaitable[None]]
    may_end: bool = False  # one that has nothing to do (no inbox folder, nobody to be told) ends at once


def parts_of(
    settings: Settings, queue: Queue, worker: Worker, metrics: Metrics, store: CredentialStore, known: KnownSecrets
) -> tuple[Part, ...]:
    """The parts, not yet begun. ``known``: the secrets that the worker comes to handle."""
    inbox = Inbox(settings, queue)
    operators = Operators(settings.paths.state)
    chronicle = Chronicle(settings, queue, worker.ledgers, told=metrics.ledger_seen)
    hooks = Hooks(
        keep_sessions_fresh=worker.keep_sessions,
        complete_evidence=worker.complete_evidence,
        tidy_evidence=worker.tidy_evidence,
        keep_chronicle=chronicle.look,
        probe=worker.probe,
    )
    clock = AgentClock(settings, queue, hooks)
    app = create_app(
        settings,
        queue,
        worker,
        operators,
        metrics,
        inbox_trouble=lambda: inbox.trouble,
        clock_trouble=lambda: "; ".join(clock.troubles()),
        mask=Masker(known),
    )
    api = ApiServer(settings.api, app, health_app(app))
    return (
        Part("API", api.run, may_end=not _serves(settings)),
        Part("inbox", inbox.run, may_end=settings.inbox.folder is None),
        Part("clock", clock.run),
        Part("chronicle", chronicle.run),
        Part("notifier", Sender(settings, queue, store).run, may_end=not _tells(settings)),
    )


def _serves(settings: Settings) -> bool:
    api = settings.api
    return api.socket is not None or api.listen is not None or api.metrics_listen is not None


def _tells(settings: Settings) -> bool:
    return bool(settings.notify.webhooks) or settings.notify.mail is not None

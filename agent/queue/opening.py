"""The queue that the settings ask for."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import cast

from agent.errors import Mender, Refused
from agent.notify.channels import channels
from agent.queue.embedded import EmbeddedQueue
from agent.queue.interface import Queue
from agent.settings import Settings


def open_queue(settings: Settings, *, clock: Callable[[], float] = time.time) -> Queue:
    """The queue, not yet opened: ``await queue.open(limits_of(settings))``."""
    told = channels(settings.notify)
    if settings.queue.backend == "postgres":
        return cast(Queue, several_hosts("opening").open_hosts(settings.queue.postgres_url, told, clock))
    return EmbeddedQueue(settings.queue.file, told, clock=clock)


def several_hosts(part: str) -> ModuleType:
    """A module of ``agent.queue.hosts``; imported only when asked for, because its libraries are an extra.

    Raises Refused("postgres-not-installed").
    """
    try:
        return importlib.import_module(f"agent.queue.hosts.{part}")
    except ModuleNotFoundError as error:
        raise Refused(
            "postgres-not-installed",
            "The queue on PostgreSQL needs libraries that are not installed.",
            expected="pip install 'procore-directory-agent[postgres]' (requirements/postgres.txt)",
            seen=f"no module {error.name}",
            mender=Mender.OPERATOR,
        ) from error


def limits_of(settings: Settings) -> Mapping[str, int]:
    """Tenant -> jobs at once."""
    return {name: tenant.max_running for name, tenant in settings.tenants.items()}

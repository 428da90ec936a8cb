"""Tells the observers what happens, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from agent.errors import AgentError
from agent.execute.events import Event, Observer

_log = structlog.get_logger()


class Telling:
    """The observers of one job.

    An observer that raises an :class:`~agent.errors.AgentError` stops the job (evidence can no longer be kept). Any
    other error of an observer is logged and ends that observer's part: a broken progress display must not leave a
    person half provisioned.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = list(observers)

    async def tell(self, event: Event) -> None:
        """Notify every observer, in the order in which they were given, before going on."""
        stop: AgentError | None = None
        for observer in list(self._observers):
            try:
                await observer.notify(event)
            except AgentError as error:
                stop = stop or error  # the others are told all the same
            except Exception:
                _log.exception("observer-failed", observer=type(observer).__name__, moment=type(event).__name__)
                self._observers.remove(observer)
        if stop is not None:
            raise stop

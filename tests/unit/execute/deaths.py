"""A process that dies at a chosen moment of a job, and what it leaves on record."""

from __future__ import annotations

from typing import Any

from agent.execute.events import Event
from agent.execute.trail import Trail
from agent.jobs.model import Job
from tests.unit.execute.fake import Listener, run
from tests.unit.execute.fake_tenant import FakeTenant


class Died(BaseException):
    """The process is gone: nothing of the agent may handle this."""


class Notebook:
    """A boundary whose record survives the process; can forget, or die right after it has written."""

    def __init__(self, *, die_at_write: int = 0) -> None:
        self.data: dict[str, object] = {}
        self.writes = 0
        self._die_at_write = die_at_write

    async def at_step(self, trail: Trail) -> None:
        """Nobody asks to stop."""

    async def at_write(self, trail: Trail) -> None:
        self.data = trail.data()
        self.writes += 1
        if self.writes == self._die_at_write:
            raise Died

    async def settled(self, trail: Trail) -> None:
        self.data = trail.data()

    @property
    def trail(self) -> Trail:
        return Trail.parse(self.data)


class Mortal(Listener):
    """Dies with its process at the nth event."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._last = nth

    async def notify(self, event: Event) -> None:
        await super().notify(event)
        if len(self.events) == self._last:
            raise Died


async def die(job: Job, tenant: FakeTenant, notebook: Notebook, *, at_event: int = 0, **orders: Any) -> bool:
    """Run the job until the process dies; False when it ended before."""
    try:
        await run(job, tenant, listener=Mortal(at_event), boundary=notebook, **orders)
    except Died:
        return True
    return False

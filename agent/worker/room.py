"""Lets the worker claim only while there is room for another job's evidence, and says loudly when there is none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from agent.errors import AgentError
from agent.evidence.budget import EvidenceRoom
from agent.notify.notices import no_room
from agent.queue.interface import Queue
from agent.worker.telemetry import Telemetry

_log = structlog.get_logger()


class RoomWatch:
    """Looks before each claim. A queue that waits for room goes on by itself once there is some."""

    def __init__(
        self,
        room: EvidenceRoom,
        queue: Queue,
        telemetry: Telemetry,
        tenants: tuple[str, ...],
        tidy: Callable[[], object],
        clock: Callable[[], float],
    ) -> None:
        """``tidy`` removes, in a thread, what may go."""
        self._room = room
        self._queue = queue
        self._telemetry = telemetry
        self._tenants = tenants
        self._tidy = tidy
        self._clock = clock
        self.trouble = ""  #: why no job starts; empty while jobs do

    async def has_room(self) -> bool:
        """Whether a job may start now; before the answer is no, what may be removed has been."""
        trouble = await asyncio.to_thread(self._room.trouble)
        if trouble and not self.trouble:
            trouble = await asyncio.to_thread(self._after_tidying)
        if not trouble and not self.trouble:
            return True
        if trouble and not self.trouble:
            _log.error("no-room-for-evidence", text=trouble)
        if not trouble:
            _log.info("room-for-evidence-again")
        is_new, self.trouble = bool(trouble) and not self.trouble, trouble
        self._telemetry.room_seen(not trouble)
        if is_new:
            await self._tell(trouble)
        return not trouble

    async def hold_reserve(self) -> None:
        """Have the reserve on the disk, out of which a running job can be sealed."""
        await asyncio.to_thread(self._room.hold_reserve)

    async def drop_reserve(self) -> None:
        """Nothing runs any more."""
        await asyncio.to_thread(self._room.drop_reserve)

    def _after_tidying(self) -> str:
        self._tidy()
        self._room.changed()
        return self._room.trouble()

    async def _tell(self, trouble: str) -> None:
        """Once a day and tenant; a queue whose disk is full as well cannot be told, which the log has said."""
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        for tenant in self._tenants:
            with contextlib.suppress(AgentError):
                await self._queue.tell(no_room(tenant, trouble, day))

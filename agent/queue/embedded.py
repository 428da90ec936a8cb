"""The embedded queue: one SQLite file, owned by one process, with nothing else to install or run.

There are no leases and no heartbeats. While this process holds the lock, nobody else works on these jobs; so whatever
is marked as running when it takes the lock is an orphan of a process that is dead.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from agent.errors import AgentError, Failed, Mender
from agent.queue.interface import Openings
from agent.queue.ledger import claiming, finishing, schema
from agent.queue.ledger import tenants as tenant_rows
from agent.queue.ledger.sqlite import SqliteDatabase, refuse_network_folder, sync_folder
from agent.queue.ledger_queue import LedgerQueue
from agent.queue.owner import Ownership
from agent.queue.record import Claim

LOOK_AGAIN_S = 15.0  #: a waiting claim looks again so often, whatever the clock says or does

_NOBODY: Mapping[str, frozenset[str]] = MappingProxyType({})


class EmbeddedQueue(LedgerQueue):
    """The durable queue in one file."""

    def __init__(
        self,
        file: Path,
        channels: Mapping[str, frozenset[str]] = _NOBODY,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Not yet opened. ``channels``: notice channel -> the kinds it wants."""
        super().__init__(channels, clock)
        self._file = file
        self._owned: Ownership | None = None
        self._sqlite: SqliteDatabase | None = None
        self._changes = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._undoing: set[asyncio.Task[None]] = set()

    # --- life ---

    async def open(self, tenants: Mapping[str, int]) -> None:
        """Take the file, check it, and put the orphans of a dead process back."""
        assert self._thread is None, "the queue is open"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")
        try:
            await self._in_thread(lambda: self._take(tenants))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let the file go, after what is under way; waiting claims must have been cancelled."""
        if self._thread is None:
            return
        while self._undoing:
            await asyncio.wait(self._undoing)
        await self._in_thread(self._let_go)
        thread, self._thread = self._thread, None
        thread.shutdown(wait=False)  # it is idle: the line above was its last work

    def _take(self, limits: Mapping[str, int]) -> None:
        folder = self._file.parent
        try:
            _make_folder(folder)
        except OSError as error:
            raise Failed(
                "queue-unwritable",
                f"The queue's folder {folder} cannot be made.",
                expected="a folder that the agent may write ([queue] file)",
                seen=str(error),
                mender=Mender.OPERATOR,
            ) from error
        refuse_network_folder(folder)
        self._owned = Ownership(self._file.with_name(self._file.name + ".lock"), self._clock())
        self._sqlite = self._database = SqliteDatabase(self._file)
        ledger = self._ledger()
        with ledger.db.transaction():
            schema.bring_up(ledger.db)
            tenant_rows.set_limits(ledger, limits)
            finishing.recover(ledger, finishing.running(ledger))

    def _let_go(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()
        self._sqlite = self._database = None
        if self._owned is not None:
            self._owned.release()
        self._owned = None

    # --- work ---

    async def next_claim(self, worker: str, openings: Openings | None = None) -> Claim:
        """The next job; waits for one. Raises Failed("queue-unwritable") when a claim cannot be put on disk."""
        while True:
            before = self._changes
            found = await self._claim_or_time(worker, openings or Openings())
            if isinstance(found, Claim):
                return found
            if before == self._changes:
                await self._wait_for_change(found)

    async def _claim_or_time(self, worker: str, openings: Openings) -> Claim | float:
        """A claim; else for how long there is nothing, in seconds."""

        def work() -> Claim | float:
            ledger = self._ledger()
            with ledger.db.transaction():
                claim = claiming.claim(ledger, worker, openings)
                if claim is not None:
                    return claim
                due = claiming.next_due(ledger)
            return LOOK_AGAIN_S if due is None else min(LOOK_AGAIN_S, max(0.0, due - ledger.now))

        asked = asyncio.ensure_future(self._in_thread(work))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            undoing = asyncio.create_task(self._give_back(asked))
            self._undoing.add(undoing)
            undoing.add_done_callback(self._undoing.discard)
            raise

    async def _give_back(self, asked: asyncio.Future[Claim | float]) -> None:
        """Undo what was claimed for somebody who has stopped waiting meanwhile."""
        with suppress(AgentError):  # a full disk: the job is an orphan of the next start, as after a crash
            claim = await asked
            if isinstance(claim, Claim):
                await self._write(claiming.unclaim, claim)

    async def _wait_for_change(self, limit_s: float) -> None:
        """Until something has changed in the queue, or for so long."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await waiting
        finally:
            self._waiting.discard(waiting)

    def _stirred(self) -> None:
        self._changes += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


def _make_folder(folder: Path) -> None:
    """The folder for this account alone, and its name on disk, with those of the folders made on the way."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)

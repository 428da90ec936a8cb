"""The ledger's operations on a server that may go away: each is done once, or said not to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from agent.queue.hosts.connection import InDoubt, Password, PostgresDatabase, Unreachable
from agent.queue.ledger.database import Ledger
from agent.queue.ledger_queue import LedgerQueue

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

ANSWER_S = 5.0  #: so long a way in, or a look, waits for a server that is away
AGAIN_S = 0.3  #: between two attempts


@dataclass
class _Attempted:
    """An operation's result, of use once its transaction is known to be committed."""

    result: Any = None
    doubt: int | None = None


class PatientQueue(LedgerQueue):
    """A queue whose database is somewhere else."""

    def __init__(
        self, url: str, password: Password, channels: Mapping[str, frozenset[str]], clock: Callable[[], float]
    ) -> None:
        """Not yet opened."""
        super().__init__(channels, clock)
        self._db = PostgresDatabase(url, password)
        self._is_closing = False  # nobody waits for a server any more

    async def _read(
        self,
        operation: Callable[Concatenate[Ledger, Parameters], Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Look at one moment of the ledger."""

        def work() -> Result:
            with self._db.reading():
                return operation(self._ledger(), *arguments, **named)

        return await self._patiently(ANSWER_S, work)

    async def _write(
        self,
        operation: Callable[Concatenate[Ledger, Parameters], Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Change something for somebody who waits for the answer."""
        return await self._persist(ANSWER_S, operation, *arguments, **named)

    async def _persist(
        self,
        patience_s: float,
        operation: Callable[Concatenate[Ledger, Parameters], Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Change something once, however often the server goes away meanwhile.

        Raises Unreachable when it was not done in that time, InDoubt when even that is not known.
        """
        attempted = _Attempted()

        def work() -> Result:
            if attempted.doubt is not None and self._was_done(attempted):
                done: Result = attempted.result
                return done
            try:
                with self._db.transaction():
                    ledger = self._ledger()
                    result = attempted.result = operation(ledger, *arguments, **named)
                    self._within(ledger, result)
            except InDoubt as error:
                attempted.doubt = error.turn
                raise
            return result

        result = await self._patiently(patience_s, work)
        self._stirred_by(result)
        return result

    def _was_done(self, attempted: _Attempted) -> bool:
        assert attempted.doubt is not None
        try:
            was_done = self._db.was_done(attempted.doubt)
        except Unreachable as error:
            raise InDoubt(error.seen, attempted.doubt) from error
        attempted.doubt = None
        return was_done

    def _stirred_by(self, result: object) -> None:
        """Something has changed, with this result."""

    async def _patiently(self, patience_s: float, work: Callable[[], Result]) -> Result:
        """Run in the ledger's thread, again while the server is away."""
        end = asyncio.get_running_loop().time() + patience_s
        while True:
            try:
                return await self._in_thread(work)
            except Unreachable:
                if self._is_closing or asyncio.get_running_loop().time() >= end:
                    raise
            await asyncio.sleep(AGAIN_S)

"""What the ledger needs of a database, and the ledger as every operation gets it.

Statements are written once, for SQLite and PostgreSQL: ``?`` stands for a value, booleans are 0 and 1, JSON is text,
``RETURNING`` and ``ON CONFLICT`` are in both. A statement never leans on the error of another one: PostgreSQL gives the
whole transaction up at the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

Row = dict[str, Any]
Value = str | int | float | None


class Dialect(StrEnum):
    """Which words the tables are made with."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Database(Protocol):
    """An open connection, used from one thread.

    Raises Failed("queue-unwritable") when it cannot write now, Failed("queue-broken") when the data is damaged.
    """

    @property
    def dialect(self) -> Dialect:
        """Which words the tables are made with."""

    def execute(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; its rows, if it has any."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable when left without an error. Not nested.

        Writing transactions follow one after the other, over all processes and hosts: what the ledger has looked up
        inside one stays true until it ends.
        """


@dataclass(frozen=True)
class Ledger:
    """The ledger at a moment: database, time, and who wants to be told of what."""

    db: Database
    now: float
    channels: Mapping[str, frozenset[str]] = field(default_factory=dict)  # channel -> kinds of notices

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """Run a statement and get its rows."""
        return self.db.execute(sql, values)

    def row(self, sql: str, *values: Value) -> Row | None:
        """Its first row, if there is one."""
        return next(iter(self.db.execute(sql, values)), None)


def places(values: Sequence[object]) -> str:
    """``?, ?, ?`` for the members of an IN list, which must not be empty."""
    return ", ".join("?" * len(values))

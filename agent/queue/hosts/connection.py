"""The ledger's connection to PostgreSQL: one at a time, used from one thread, opened again when it breaks.

Writing transactions follow one after the other, over all hosts, as they do in SQLite: each first takes the one lock of
the ledger. So what the ledger has to say is reasoned about once, for both databases. A connection that breaks leaves
nothing half done; when it breaks in the commit itself, the next one finds out by a mark whether it was done.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from agent.errors import Failed, RetrySafe
from agent.queue.ledger.database import Dialect, Row, Value

_LEDGER_LOCK = 7_305_114_620_553_001  # any number, the same in every release: pg_advisory_xact_lock
SESSION: tuple[LiteralString, ...] = (
    # A host that stands still in the middle of a transaction must not keep the others waiting.
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET lock_timeout = '90s'",
    "SET statement_timeout = '120s'",
    # Accepted means on disk. remote_write, remote_apply and on all do; they are left as the server has them.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')",
)
_CANNOT_WRITE = (
    errors.DiskFull,
    errors.ReadOnlySqlTransaction,
    errors.OutOfMemory,
    errors.LockNotAvailable,
    errors.InsufficientPrivilege,
)
Password = Callable[[], str | None]


class Unreachable(Failed):
    """The database does not answer; nothing of this was done."""

    def __init__(self, seen: str) -> None:
        super().__init__(
            "queue-unreachable",
            "The queue's database does not answer.",
            expected="a PostgreSQL server that takes writes, at queue.postgres_url",
            seen=seen,
        )


class InDoubt(Unreachable):
    """The answer to a commit was lost: whether it was done is known when the database answers again."""

    def __init__(self, seen: str, turn: int) -> None:
        super().__init__(seen)
        self.turn = turn
        self.retry_safe = RetrySafe.UNKNOWN
        self.message = "The queue's database went away before it said whether it has written: look before you repeat."


def parameters(password: Password) -> dict[str, Any]:
    """What every connection is opened with, besides the address.

    The password is asked for at each connection and handed to libpq in memory; without one libpq looks into the
    ``pgpass`` file. It stands in no address, so that no error message and no process list can show it.
    """
    given: dict[str, Any] = {
        "connect_timeout": 5,
        "application_name": "procore-directory-agent",
        "client_encoding": "UTF8",
        "target_session_attrs": "read-write",  # the primary; with several hosts in the address, whichever is it
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    secret = password()
    if secret is not None:
        given["password"] = secret
    return given


class PostgresDatabase:
    """The connection, as the ledger uses it (see :class:`agent.queue.ledger.database.Database`)."""

    dialect = Dialect.POSTGRESQL
    for_update = ""  # the ledger's lock does it

    def __init__(self, url: str, password: Password) -> None:
        self._url = url
        self._password = password
        self._connection: psycopg.Connection[Row] | None = None
        self._name = uuid.uuid4().hex
        self._turn = 0
        self._doubt: int | None = None
        self._settled: dict[int, bool] = {}

    @property
    def connection(self) -> psycopg.Connection[Row]:
        """For Procrastinate, inside a transaction."""
        assert self._connection is not None, "only inside a transaction"
        return self._connection

    def execute(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement written for both databases; its rows, if it has any."""
        with self._mapped():
            cursor = self._opened().execute(_translated(sql), [_storable(value) for value in values])
            return cursor.fetchall() if cursor.description is not None else []

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for many rows."""
        with self._mapped(), self._opened().cursor() as cursor:
            cursor.executemany(_translated(sql), [[_storable(value) for value in row] for row in rows])

    def script(self, sql: LiteralString | bytes) -> None:
        """Run a script of the engine's, inside a transaction."""
        with self._mapped():
            self._opened().execute(sql)

    def prepare(self) -> None:
        """Make the table that every transaction leaves its mark in."""
        with self._mapped():
            connection = self._opened()
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LEDGER_LOCK,))
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS ledger_writer ("
                    " name TEXT PRIMARY KEY, turn BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL)"
                )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, after all others; durable when left without an error.

        Raises Unreachable when nothing was done, InDoubt when :meth:`was_done` has to be asked.
        """
        self._begin()
        self._turn += 1
        turn = self._turn
        try:
            yield
            self._mark(turn)
        except BaseException:
            self._roll_back()
            raise
        try:
            with self._mapped():
                self._opened().execute("COMMIT")
        except Unreachable as error:
            self._doubt = turn
            raise InDoubt(error.seen, turn) from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One moment of the ledger, without waiting for anybody."""
        with self._mapped():
            self._opened().execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self._roll_back()

    def was_done(self, turn: int) -> bool:
        """Whether the transaction in doubt was committed. Raises Unreachable while nobody knows."""
        if turn not in self._settled:
            self._begin()
            self._roll_back()
        return self._settled.pop(turn)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _opened(self) -> psycopg.Connection[Row]:
        if self._connection is None:
            try:
                connection = psycopg.connect(
                    self._url, autocommit=True, row_factory=dict_row, **parameters(self._password)
                )
            except psycopg.ProgrammingError as error:  # the address has a word that libpq does not know
                raise Unreachable(_first_line(error)) from error
            try:
                for statement in SESSION:
                    connection.execute(statement)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _begin(self) -> None:
        """Open the transaction as the only one, and settle a doubt: whatever was under way is over by now."""
        with self._mapped():
            connection = self._opened()
            connection.execute("BEGIN")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LEDGER_LOCK,))
            if self._doubt is not None:
                found = connection.execute("SELECT turn FROM ledger_writer WHERE name = %s", (self._name,)).fetchone()
                self._settled[self._doubt] = found is not None and found["turn"] == self._doubt
                self._doubt = None

    def _mark(self, turn: int) -> None:
        """Let the commit leave a mark; one that has changed nothing needs none, and no fsync."""
        with self._mapped():
            self._opened().execute(
                "INSERT INTO ledger_writer (name, turn, at)"
                " SELECT %s, %s, now() WHERE pg_current_xact_id_if_assigned() IS NOT NULL"
                " ON CONFLICT (name) DO UPDATE SET turn = excluded.turn, at = excluded.at",
                (self._name, turn),
            )

    def _roll_back(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.Error:
                self.close()  # the server forgets the transaction with the connection

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Errors of the driver as errors of the queue; a broken connection is let go."""
        try:
            yield
        except _CANNOT_WRITE as error:
            raise Failed(
                "queue-unwritable",
                "The queue's database cannot write now.",
                expected="a primary server with room on its disk, and a role that owns the database",
                seen=_first_line(error),
            ) from error
        except (errors.DataCorrupted, errors.IndexCorrupted) as error:
            raise Failed(
                "queue-broken",
                "The queue's database reports damaged data.",
                expected="sound tables",
                seen=_first_line(error),
                retry_safe=RetrySafe.NO,
            ) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.close()
            raise Unreachable(_first_line(error)) from error


@lru_cache(maxsize=512)
def _translated(sql: str) -> bytes:
    """``?`` as psycopg has it. The ledger's statements are constants with placeholders, never made of data."""
    return sql.replace("%", "%%").replace("?", "%s").encode()


def _storable(value: Value) -> Value:
    """Text without NUL, which PostgreSQL cannot store (a page or an error message may hold one)."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

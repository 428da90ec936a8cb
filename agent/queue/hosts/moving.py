"""From one host to several: the embedded queue's ledger, copied as it is into PostgreSQL.

The tables are the same, so are the numbers of the jobs. The file must not be in use; it is kept, under another name, so
that no agent goes on with it by mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.errors import Failed, Mender, Refused
from agent.queue.hosts import tables
from agent.queue.hosts.connection import PostgresDatabase
from agent.queue.hosts.tickets import Tickets
from agent.queue.ledger import finishing, schema
from agent.queue.ledger.database import Ledger, Row
from agent.queue.ledger.sqlite import SqliteDatabase
from agent.queue.owner import Ownership

#: table -> whether its rows have a number of their own
_TABLES: Mapping[str, bool] = {
    "tenant": False,
    "job": True,
    "request": False,
    "job_event": True,
    "spent": False,
    "access_grant": True,
    "notice": True,
    "flow": False,
    "flow_event": True,
    "job_people": False,
}
_PAGE = 1000


@dataclass(frozen=True)
class Moved:
    """What was copied, and what became of the file."""

    jobs: int
    live: int
    kept_as: Path


def move(file: Path, target: PostgresDatabase, now: float) -> Moved:
    """Copy all rows in one transaction, give the waiting jobs to the engine, put the file aside.

    Raises QueueOwned while an agent runs, Refused("queue-not-there", "queue-not-empty", "queue-newer"), and what the
    two databases raise; then nothing was changed.
    """
    if not file.is_file():
        raise Refused(
            "queue-not-there",
            f"There is no queue file {file}.",
            expected="the embedded queue of this agent ([queue] file)",
            seen="it was moved before, or never used",
            mender=Mender.OPERATOR,
        )
    owned = Ownership(file.with_name(file.name + ".lock"), now)
    try:
        source = SqliteDatabase(file)
        try:
            with source.transaction():
                schema.bring_up(source)
                ledger = Ledger(source, now)
                finishing.recover(ledger, finishing.running(ledger))  # of an agent that was killed
            moved = _copy(source, target, now)
        finally:
            source.close()
        kept_as = file.with_name(f"{file.name}.moved")
        file.rename(kept_as)
        return Moved(*moved, kept_as)
    finally:
        owned.release()


def _copy(source: SqliteDatabase, target: PostgresDatabase, now: float) -> tuple[int, int]:
    tables.bring_up(target)
    tickets = Tickets(target)
    with target.transaction():
        if target.execute("SELECT id FROM job LIMIT 1"):
            raise Refused(
                "queue-not-empty",
                "The queue in PostgreSQL has jobs already: two queues cannot be made one.",
                expected="an empty database",
                seen="jobs; if they are this file's, it was moved before and only its name is left to change",
                mender=Mender.OPERATOR,
            )
        target.execute("DELETE FROM tenant")
        for table, is_numbered in _TABLES.items():
            _copy_table(source, target, table)
            if is_numbered:
                _go_on_counting(target, table)
        ledger = Ledger(target, now)
        tickets.ensure_all(ledger)
        counts = (
            "SELECT COUNT(*) AS jobs, COALESCE(SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END), 0) AS live FROM job"
        )
        there, here = target.execute(counts)[0], source.execute(counts)[0]
        if there != here:
            raise Failed("queue-broken", "The copy of the queue is not complete.", expected=str(here), seen=str(there))
    return int(there["jobs"]), int(there["live"])


def _copy_table(source: SqliteDatabase, target: PostgresDatabase, table: str) -> None:
    after = -1
    while True:
        rows = source.execute(
            f"SELECT rowid AS place, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {_PAGE}", (after,)
        )
        if not rows:
            return
        after = rows[-1]["place"]
        columns = [name for name in rows[0] if name != "place"]
        target.execute_many(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            [[row[name] for name in columns] for row in rows],
        )


def _go_on_counting(target: PostgresDatabase, table: str) -> None:
    """The next number comes after the last that was copied."""
    last: list[Row] = target.execute(f"SELECT MAX(id) AS id FROM {table}")
    if last[0]["id"] is not None:
        target.execute("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", (table, last[0]["id"]))

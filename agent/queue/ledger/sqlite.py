"""The ledger in one SQLite file: durable at each commit, checked when opened.

The journal is WAL only where the WAL-reset race is mended (SQLite 3.51.3, 3.50.7, 3.44.6): before that, two connections
that write or checkpoint at the same moment can damage the file, and an operator who looks with the ``sqlite3`` shell is
a second connection. Elsewhere it is a rollback journal with ``synchronous=EXTRA``, which also syncs the folder.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from agent.errors import Failed, Mender, Refused
from agent.queue.ledger.database import Dialect, Row, Value

_NETWORK = frozenset(
    {"afs", "ceph", "cifs", "davfs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"}
    | {"fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"}
)
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the WAL-reset race mended."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)


def refuse_network_folder(folder: Path) -> None:
    """Raise Refused("queue-on-network") for a folder on a network file system: its locks and syncs do not hold."""
    kinds = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    place = folder.resolve()
    mount = next((parent for parent in (place, *place.parents) if parent in kinds), None)
    if mount is not None and kinds[mount].lower() in _NETWORK:
        raise Refused(
            "queue-on-network",
            f"The queue's folder {folder} is on a network file system.",
            expected="a local disk ([queue] file), or the PostgreSQL queue for several hosts",
            seen=f"{kinds[mount]} at {mount}",
            mender=Mender.OPERATOR,
        )


class SqliteDatabase:
    """One connection to the file; made and used in one thread."""

    dialect = Dialect.SQLITE

    def __init__(self, file: Path) -> None:
        """Open the file, or make it. Raises Failed("queue-broken", "queue-unwritable")."""
        self._file = file
        with self._translated():
            _make_private(file)
            self._connection = sqlite3.connect(file, isolation_level=None, timeout=10)
        self._connection.row_factory = _as_dict
        try:
            self._set_up()
        except BaseException:
            self._connection.close()
            raise

    def _set_up(self) -> None:
        journal, synchronous = ("WAL", "FULL") if wal_is_safe(sqlite3.sqlite_version_info) else ("DELETE", "EXTRA")
        self.execute(f"PRAGMA journal_mode = {journal}")
        self.execute(f"PRAGMA synchronous = {synchronous}")
        self.execute("PRAGMA temp_store = MEMORY")
        self.execute("PRAGMA cache_size = -16384")
        found = self.execute("PRAGMA quick_check(5)")
        problems = [str(row["quick_check"]) for row in found]
        if problems != ["ok"]:
            raise self._broken("; ".join(problems))

    def execute(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement."""
        with self._translated():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The one writer's transaction."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has rolled it back already
                self._connection.rollback()
            raise

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            name = getattr(error, "sqlite_errorname", None) or type(error).__name__
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # a mistake of ours, not of the disk
            if name.startswith(_DAMAGED):
                raise self._broken(f"{name}: {error}") from error
            raise self._unwritable(f"{name}: {error}") from error
        except OSError as error:
            raise self._unwritable(str(error)) from error

    def _broken(self, seen: str) -> Failed:
        return Failed(
            "queue-broken",
            f"The queue's file {self._file} is damaged.",
            expected="a file that SQLite finds in order",
            seen=seen,
            mender=Mender.OPERATOR,
        )

    def _unwritable(self, seen: str) -> Failed:
        return Failed(
            "queue-unwritable",
            f"The queue's file {self._file} cannot be written: nothing was accepted or put on record.",
            expected="room on the disk, and a folder that the agent may write",
            seen=seen,
            mender=Mender.OPERATOR,
        )


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk; a file that is synced can be gone after a power cut without."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_private(file: Path) -> None:
    """An empty file for this account alone, its name on disk."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    sync_folder(file.parent)


def _as_dict(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}

"""Which job's files are being removed right now: a note on disk, and a lock, so that one process does it at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

JOURNAL = ".pruning"


@dataclass(frozen=True)
class Noted:
    """The job, and its folder relative to the tenant's."""

    job_id: str
    folder: str


class Journal:
    """The note of one tenant, held open and locked."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    @contextlib.contextmanager
    def locked(cls, tenant: Path) -> Iterator[Journal | None]:
        """The tenant's journal while inside; None when another process has it. OSError when it cannot be written."""
        handle = os.open(tenant / JOURNAL, os.O_CREAT | os.O_RDWR, 0o600)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield cls(file)

    def note(self, what: Noted | None) -> None:
        """Put a job on record, on disk when this returns; None: nothing is under way."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"job_id": what.job_id, "folder": what.folder}) if what is not None else "")
        self._file.flush()
        os.fsync(self._file.fileno())

    def noted(self) -> Noted | None:
        """The job on record; None when there is none, or the note is torn: then nothing was entered yet."""
        self._file.seek(0)
        try:
            found = json.loads(self._file.read())
            return Noted(str(found["job_id"]), str(found["folder"]))
        except (ValueError, KeyError, TypeError):
            return None

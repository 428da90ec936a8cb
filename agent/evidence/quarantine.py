"""Where artifacts go in which a secret was found: out of the evidence, in reach of whoever has to mend the redaction.

::

    {state}/quarantine/{job id}/NAME        the artifact as it was found
    {state}/quarantine/{job id}/WHY.txt     a line for each

The folder lies beside the raw recordings and is as private as they are (0700). It is never part of evidence, never
exported, and emptied after some days (settings: ``evidence.quarantine_days``).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

_WHY = "WHY.txt"
_DAY_S = 86_400.0


class Quarantine:
    """The folder. What cannot be put into it is lost rather than kept in the evidence."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def take(self, job_id: str, path: Path, why: str, name: str = "") -> None:
        """Copy a file; the caller clears its place in the evidence. ``name`` where its own must not be used."""
        with contextlib.suppress(OSError):
            self.keep(job_id, name or path.name, path.read_bytes(), why)

    def keep(self, job_id: str, name: str, data: bytes, why: str) -> None:
        """Keep these bytes."""
        with contextlib.suppress(OSError):
            for folder in (self._root, self._root / job_id):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._root / job_id / name.replace("/", "_"), data)
            with (self._root / job_id / _WHY).open("a", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(f"{name}: {why}\n")

    def empty(self, days: float, now: float | None = None) -> int:
        """Delete what lies there for longer; how many jobs' artifacts."""
        before = (time.time() if now is None else now) - days * _DAY_S
        gone = 0
        for folder in sorted(self._root.glob("*")) if self._root.is_dir() else []:
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
        return gone

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

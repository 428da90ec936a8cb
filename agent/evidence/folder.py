"""One job's evidence folder: where it stands, and how files get into it whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.errors import Failed, Mender
from agent.evidence import writing
from agent.evidence.writing import PARTIAL

__all__ = ["PARTIAL", "EvidenceFolder", "canonical_json", "half_written", "new_job_id", "timestamp", "unwritable"]
_PARTIAL_TEXT = """\
The job that writes this folder is still running, or its process died before it could finish.
What is here was true when it was written. Once the process is dead, the next start of the agent, or the hourly look
of a running one, completes the folder: it adds manifest.json and report.html, marked as interrupted, and removes this
file.
"""
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def canonical_json(value: Any) -> bytes:
    """JSON that is the same bytes for the same value: sorted keys, UTF-8, two spaces, a line feed at the end.

    ValueError for NaN and infinities, TypeError for what JSON cannot say.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode() + b"\n"


def timestamp(at: datetime) -> str:
    """An aware time as ISO 8601 in UTC to the millisecond; ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be evidence")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_job_id(action: str, at: datetime, randomness: str) -> str:
    """An id that sorts by time and can be said on the telephone: ``091502-provision-4f1a``."""
    return f"{at.astimezone(UTC):%H%M%S}-{re.sub('[^a-z0-9]', '-', action.lower())}-{randomness}"


def unwritable(path: Path, error: OSError) -> Failed:
    """The error that stops a job whose evidence cannot be kept."""
    return Failed(
        "evidence-unwritable",
        "The evidence of this job cannot be written, so nothing (more) is changed.",
        expected=f"free space and the right to write in {path.parent}",
        seen=f"{path.name}: {error.strerror or error}",
        mender=Mender.OPERATOR,
    )


def half_written(path: Path) -> Path:
    """Where a file of an evidence folder is written until it is whole; a killed process leaves it there."""
    return path.with_name(f".{path.name}.new")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class EvidenceFolder:
    """``{root}/{tenant}/{YYYY-MM-DD}/{job_id}/``; every file is replaced atomically, small ones are on disk on return.

    A folder under way holds a file ``PARTIAL``, locked by its writer. ``mask`` passes over every
    text before it is written. All methods raise Failed ``evidence-unwritable`` when the disk does not take the data.
    """

    def __init__(self, path: Path, mask: Callable[[str], str] = lambda text: text) -> None:
        self.path = path
        self._mask = mask
        self._lock: weakref.finalize[[int], EvidenceFolder] | None = None

    @classmethod
    def create(
        cls, root: Path, tenant: str, at: datetime, job_id: str, mask: Callable[[str], str] = lambda text: text
    ) -> EvidenceFolder:
        """Make the folder (0700) with its PARTIAL marker; ValueError for a job id unfit for a path."""
        if not _JOB_ID.fullmatch(job_id):
            raise ValueError(f"a job id has letters, digits, _ and - only: {job_id!r}")
        day = f"{at.astimezone(UTC):%Y-%m-%d}"
        folder = cls(root / re.sub(r"[^A-Za-z0-9_-]", "_", tenant) / day / job_id, mask)
        try:
            for parent in reversed([path for path in folder.path.parents if not path.exists()]):
                parent.mkdir(mode=0o700, exist_ok=True)  # mkdir(parents=True) would leave them open to others
            folder.path.mkdir(mode=0o700)
            try:
                handle = writing.begin(folder.path, _PARTIAL_TEXT)
            except OSError:
                shutil.rmtree(folder.path, ignore_errors=True)  # without its marker it would pass for a finished one
                raise
        except OSError as error:
            raise unwritable(folder.path, error) from error
        folder._lock = weakref.finalize(folder, os.close, handle)
        return folder

    def release(self) -> None:
        """Write no more: if the folder is still unfinished, another process may complete it now."""
        if self._lock is not None:
            self._lock()

    def write_json(self, name: str, value: Any) -> None:
        """Write a value as canonical JSON."""
        self.write_text(name, canonical_json(value).decode())

    def write_text(self, name: str, text: str) -> None:
        """Write a text, masked, durably."""
        self.write_bytes(name, self._mask(text).encode())

    def write_bytes(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write bytes as they are; ``durable=False`` leaves the flush to the system (pictures, traces)."""
        path = self.path / name
        fresh = half_written(path)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with open(fresh, "wb", opener=_private) as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise unwritable(path, error) from error

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self.path / name, error) from error
        if name == PARTIAL:
            self.release()

    def flush(self) -> None:
        """Have everything on disk that was left to the system so far, names included."""
        files = self.files()
        try:
            for path in [*files, *{file.parent for file in files}]:
                if not path.is_symlink():
                    handle = os.open(path, os.O_RDONLY)
                    try:
                        os.fsync(handle)
                    finally:
                        os.close(handle)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def files(self) -> list[Path]:
        """Every file, sorted by its name relative to the folder; links are listed, not followed."""
        found = [path for path in self.path.rglob("*") if path.is_symlink() or not path.is_dir()]
        return sorted(found, key=lambda path: path.relative_to(self.path).as_posix())

    @property
    def is_partial(self) -> bool:
        """Whether the folder was never finished."""
        return (self.path / PARTIAL).exists()

"""Whether the disk has room for another job's evidence, and the reserve out of which a running one is sealed.

No job starts below the floor (``evidence.keep_free_mib``) or above the budget (``evidence.max_gib``). A running job is
never stopped by either: it may use what is under the floor, and when that is gone, the reserve, which lies on the disk
as a file and is let go when a job ends and finds no room.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from agent.errors import Failed, Mender
from agent.settings.evidence import EvidenceSettings

MIB, GIB = 2**20, 2**30
RESERVE = ".reserve"
_RESERVE = 16 * MIB  # sealed evidence of a job takes one or two
_LEAST_S = 30.0  # a measured size counts for this long at least, and for ten times what measuring took


def free_bytes(folder: Path) -> int:
    """What a process without privileges may still write on the disk of this folder, or of the nearest that exists."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def used_bytes(folder: Path) -> int:
    """What the files below this folder take; files that go meanwhile count for nothing."""
    total = 0
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


class EvidenceRoom:
    """The room for evidence; safe among threads."""

    def __init__(
        self,
        evidence: Path,
        *,
        keep_free: int,
        most: int | None = None,
        free: Callable[[Path], int] = free_bytes,
        used: Callable[[Path], int] = used_bytes,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``keep_free`` and ``most`` in bytes; ``most`` None: no budget."""
        self._evidence = evidence
        self._keep_free = keep_free
        self._most = most
        self._free = free
        self._used = used
        self._monotonic = monotonic
        self._lock = Lock()
        self._measured: tuple[int, float] | None = None  # bytes, until when that counts

    @classmethod
    def of(cls, evidence: Path, settings: EvidenceSettings) -> EvidenceRoom:
        """As the settings say."""
        most = round(settings.max_gib * GIB) if settings.max_gib is not None else None
        return cls(evidence, keep_free=settings.keep_free_mib * MIB, most=most)

    def trouble(self) -> str:
        """Why no job may start, and what to do about it; empty when there is room. May take long to measure."""
        free = self._free(self._evidence)
        if free < self._keep_free:
            return (
                f"The disk of the evidence has {free // MIB} MiB left, less than the {self._keep_free // MIB} MiB that"
                " are kept free (evidence.keep_free_mib). Make room on it, or shorten evidence.heavy_days."
            )
        if self._most is not None and (used := self._size()) > self._most:
            return (
                f"The evidence takes {used / GIB:.2f} GiB, more than its budget of {self._most / GIB:.2f} GiB"
                " (evidence.max_gib). Raise the budget, shorten evidence.heavy_days, or move old evidence elsewhere."
            )
        return ""

    def require(self) -> None:
        """Return when there is room. Failed("evidence-no-room") otherwise: nothing was begun."""
        trouble = self.trouble()
        if trouble:
            raise Failed(
                "evidence-no-room",
                f"No job is started. {trouble}",
                expected="room for the evidence of another job",
                seen=trouble,
                mender=Mender.OPERATOR,
            )

    def changed(self) -> None:
        """Something was removed: the next look measures anew."""
        with self._lock:
            self._measured = None

    def hold_reserve(self) -> None:
        """Put the reserve on the disk, where it is not and there is room enough; a disk too small has none."""
        path, size = self._evidence / RESERVE, min(_RESERVE, self._keep_free // 4)
        if not size or path.exists() or self._free(self._evidence) < self._keep_free + size:
            return
        with contextlib.suppress(OSError):
            self._evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(handle, 0, size)
            except OSError:
                path.unlink(missing_ok=True)
                raise
            finally:
                os.close(handle)

    def drop_reserve(self) -> None:
        """Take the reserve off the disk: nothing runs that could need it."""
        with contextlib.suppress(OSError):
            (self._evidence / RESERVE).unlink(missing_ok=True)

    def _size(self) -> int:
        with self._lock:
            began = self._monotonic()
            if self._measured is None or began >= self._measured[1]:
                size = self._used(self._evidence)
                now = self._monotonic()
                self._measured = (size, now + max(_LEAST_S, 10 * (now - began)))
            return self._measured[0]


def release_reserve(evidence: Path, free: Callable[[Path], int] = free_bytes) -> bool:
    """Let the reserve go when less than its size is free, so that a job can be sealed; True when it went."""
    with contextlib.suppress(OSError):
        if (evidence / RESERVE).exists() and free(evidence) < _RESERVE:
            (evidence / RESERVE).unlink()
            return True
    return False

"""Who is writing an evidence folder: its marker ``PARTIAL`` is locked by the process that writes it, for life.

The kernel lets a lock go when its process dies, however it dies. So whoever gets the lock of a marker knows that nobody
writes that folder any more, whatever other processes are doing, and that nobody else completes it meanwhile. The marker
appears under its name only when it is locked: there is no moment at which it could be taken for abandoned.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

PARTIAL = "PARTIAL"


def begin(folder: Path, text: str) -> int:
    """Mark a folder as being written by this process; the lock is held until the descriptor is closed.

    Raises OSError.
    """
    fresh = folder / f".{PARTIAL}.new"
    # Not inherited by the browser or any other program that is started: they may outlive this process.
    handle = os.open(fresh, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(handle, text.encode())
        os.fsync(handle)
        fresh.replace(folder / PARTIAL)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def abandoned(folder: Path) -> Iterator[bool]:
    """Whether the folder is unfinished and its writer is gone; while inside, nobody else finds it abandoned.

    Raises OSError for a marker that cannot be opened.
    """
    try:
        handle = os.open(folder / PARTIAL, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _is_mine(handle, folder / PARTIAL)
    finally:
        os.close(handle)


def _is_mine(handle: int, marker: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), marker.stat())  # else it was finished before the lock was had
    except (BlockingIOError, FileNotFoundError):
        return False

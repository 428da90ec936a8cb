"""How the ledger's files are written: lines that are whole or not there, files that are replaced as a whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PIECE = 1 << 16


def append_line(path: Path, data: bytes, *, at: int | None = None) -> None:
    """Append bytes that end with a line feed; they are on disk when this returns.

    ``at``: the length that the file must have. OSError when the disk does not take them; the file is then cut back
    to where it was.
    """
    is_new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(handle).st_size
        if at is not None and before != at:
            raise OSError(f"{path.name} has {before} bytes where {at} were expected")
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    if is_new:
        _flush_folder(path.parent)


def cut_torn_line(path: Path) -> int:
    """Remove what stands after the last line feed: the line of a process that was killed. Returns the bytes cut."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return 0
    try:
        size = os.fstat(handle).st_size
        end = size
        while end:
            start = max(0, end - _PIECE)
            found = os.pread(handle, end - start, start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            os.ftruncate(handle, end)
            os.fsync(handle)
        return size - end
    finally:
        os.close(handle)


def replace_file(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Put a file in place as a whole, mode 0600."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        fresh.chmod(0o600)
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

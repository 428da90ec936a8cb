"""One process owns the queue file: an OS lock beside it, held for life and let go by the kernel if the process dies."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.errors import Failed, Mender, RetrySafe
from agent.queue.interface import QueueOwned


class Ownership:
    """The lock, while it is held."""

    def __init__(self, lock_file: Path, now: float) -> None:
        """Take it. Raises QueueOwned at once when another process has it, Failed("queue-unwritable")."""
        try:
            # Not inherited by the browser or any other program we start: they may outlive us.
            self._descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(
                "queue-unwritable",
                f"The queue's lock file {lock_file} cannot be opened.",
                expected="a folder that the agent may write",
                seen=str(error),
                mender=Mender.OPERATOR,
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            seen = _told(self._descriptor)
            os.close(self._descriptor)
            raise QueueOwned(
                "queue-owned",
                "Another agent works with this queue.",
                expected="one agent for each queue file; the other commands reach it through its API",
                seen=seen,
                mender=Mender.OPERATOR,
                retry_safe=RetrySafe.YES,
            ) from None
        with suppress(OSError):  # a full disk: the lock holds all the same, only nobody can be told whose it is
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps({"pid": os.getpid(), "since": now}).encode(), 0)

    def release(self) -> None:
        """Let it go. The file stays: removing it would let two processes lock two files of the same name."""
        os.close(self._descriptor)


def _told(descriptor: int) -> str:
    """What the owner has written about itself, as far as that can be read."""
    try:
        owner: dict[str, Any] = json.loads(os.pread(descriptor, 200, 0))
        since = datetime.fromtimestamp(float(owner["since"]), UTC)
        return f"process {int(owner['pid'])} since {since:%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return "a process that has not said which"

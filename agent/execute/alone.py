"""One job of a person at a time on this machine, also between the running agent and ``agent run-job``.

The queue sees to it among its own jobs; a job that is run by hand is not in the queue. So every job that may write
holds a lock on its people while it runs: on one byte of a common file, so no files pile up, and the kernel lets it go
when the process dies. Which byte is a hash of tenant and address; two people share one by a chance of 2^-62.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from agent.errors import Failed, Mender, RetrySafe

_AGAIN_S = 0.25
_FLOCK = "hhqqi"  # struct flock of Linux: type, whence, start, length, process (0 for locks of an open file)


class PersonLocks(Protocol):
    """Keeps two jobs of a person from running at once."""

    def held(self, tenant: str, people: Sequence[str]) -> contextlib.AbstractAsyncContextManager[None]:
        """While inside, no other job has these people (normalised addresses)."""


class NoPersonLocks:
    """Locks nobody: for runs beside which nothing else can run."""

    @contextlib.asynccontextmanager
    async def held(self, tenant: str, people: Sequence[str]) -> AsyncIterator[None]:
        yield


class PersonLockFile:
    """The locks of this machine, in one file."""

    def __init__(self, file: Path, patience_s: float = 30.0) -> None:
        """``patience_s``: so long another job is waited for."""
        self._file = file
        self._patience_s = patience_s

    @contextlib.asynccontextmanager
    async def held(self, tenant: str, people: Sequence[str]) -> AsyncIterator[None]:
        """Raises Failed("person-busy") when another process has one of the people for longer than the patience, and
        Failed("state-unwritable") when the file cannot be made."""
        handle = self._opened()
        try:
            for place in sorted({_place(tenant, person) for person in people}):  # in one order: no two wait in a circle
                await self._lock(handle, place)
            yield
        finally:
            os.close(handle)  # lets all of them go

    def _opened(self) -> int:
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Failed(
                "state-unwritable",
                f"The file of locks cannot be written: {self._file}",
                expected="a folder that the agent may write (settings: paths.state)",
                seen=error.strerror or str(error),
                mender=Mender.OPERATOR,
            ) from error

    async def _lock(self, handle: int, place: int) -> None:
        wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
        until = asyncio.get_running_loop().time() + self._patience_s
        while True:
            try:
                fcntl.fcntl(handle, fcntl.F_OFD_SETLK, wanted)
                return
            except BlockingIOError:
                if asyncio.get_running_loop().time() >= until:
                    raise Failed(
                        "person-busy",
                        "Another job of this person is running on this machine; nothing was done.",
                        expected=f"the other job ended within {self._patience_s:.0f} s",
                        seen="it still runs",
                        mender=Mender.OPERATOR,
                        retry_safe=RetrySafe.YES,
                    ) from None
                await asyncio.sleep(_AGAIN_S)


def _place(tenant: str, person: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{tenant}\0{person}".encode()).digest()[:8]) >> 2

"""Evidence that a killed process left unfinished: completed by the next start, when nobody else is at work.

Every command that writes evidence holds a shared lock in the evidence folder. Whoever gets the lock alone knows that
no folder marked as unfinished is still being written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.credentials.known import KnownSecrets
from agent.errors import AgentError, Failed, Mender
from agent.evidence.recover import partial_folders, recover_partial

LOCK = ".agent.lock"


class Presence:
    """This process among those that write evidence into one folder."""

    def __init__(self, evidence: Path) -> None:
        self._evidence = evidence
        self._handle: int | None = None

    def arrive(self, traces: Path, known: KnownSecrets) -> tuple[str, ...]:
        """Take the lock; one who comes alone completes what killed processes left, and returns a line for each.

        A folder that cannot be completed is left as it is and told, too: it must not keep new jobs from running.
        Raises Failed("evidence-unwritable") when the lock cannot be made.
        """
        self._open()
        done: tuple[str, ...] = ()
        with self._alone() as is_alone:
            if is_alone:
                done = complete(tuple(partial_folders(self._evidence)), traces, known)
        return done

    def take_over(self) -> tuple[Path, ...]:
        """Take the lock; one who comes alone gets the folders that killed processes left, to :func:`complete` while it
        works already: nobody else will take them for abandoned, since nobody else can come alone any more.

        Raises Failed("evidence-unwritable") when the lock cannot be made.
        """
        self._open()
        found: tuple[Path, ...] = ()
        with self._alone() as is_alone:
            if is_alone:
                found = tuple(partial_folders(self._evidence))
        return found

    def _open(self) -> None:
        try:
            self._evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = os.open(self._evidence / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise Failed(
                "evidence-unwritable",
                f"The evidence folder cannot be written: {self._evidence}",
                expected="a folder that the agent may write (settings: paths.evidence)",
                seen=error.strerror or str(error),
                mender=Mender.OPERATOR,
            ) from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether nobody else is here while inside; afterwards others may come."""
        handle = self._handle
        if handle is None:
            raise RuntimeError("the lock was not opened")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        fcntl.flock(handle, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Let the lock go; the end of the process does so, too."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def complete(folders: Sequence[Path], traces: Path, known: KnownSecrets) -> tuple[str, ...]:
    """Complete these folders; returns a line for each. What cannot be completed stays as it is."""
    return tuple(_completed(folder, traces, known) for folder in folders)


def _completed(folder: Path, traces: Path, known: KnownSecrets) -> str:
    try:
        recover_partial(folder, traces, known)
    except AgentError as error:
        return f"The evidence of an interrupted job could not be completed: {folder} ({error.message})"
    return f"Completed the evidence of an interrupted job: {folder}"

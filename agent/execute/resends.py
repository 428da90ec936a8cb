"""Which invitations were sent once more, so that the same job never mails twice.

To send a mail again is the one wish that is no state of the Directory: nothing there shows whether it was fulfilled.
What is on record under a job's idempotency key is not sent again, even if it only may have been sent.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from agent.errors import Failed, Mender


@dataclass(frozen=True)
class Resend:
    """A mail that was sent, or about to be sent, at this time."""

    at: datetime
    certain: bool  # False: nobody knows whether it left

    @property
    def words(self) -> str:
        """The sentence for people."""
        when = f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if self.certain:
            return f"This resend was already sent on {when}."
        return f"This resend was begun on {when} and may have been sent; it is not sent a second time."


class ResendRecord(Protocol):
    """The durable memory of resends."""

    def find(self, tenant: str, key: str) -> Resend | None:
        """What is on record under this key."""

    def begin(self, tenant: str, key: str, at: datetime) -> None:
        """Put it on record for good before anything is sent. Raises Failed when that is impossible, or done already."""

    def settle(self, tenant: str, key: str, at: datetime) -> None:
        """It was sent for certain."""

    def withdraw(self, tenant: str, key: str) -> None:
        """It was not sent for certain."""


class ForgetfulRecord:
    """Remembers nothing: for runs that cannot resend."""

    def find(self, tenant: str, key: str) -> Resend | None:
        return None

    def begin(self, tenant: str, key: str, at: datetime) -> None:
        raise Failed(
            "resend-unrecorded", "No mail is sent again where that cannot be put on record.", mender=Mender.OPERATOR
        )

    def settle(self, tenant: str, key: str, at: datetime) -> None:
        """Nothing was begun."""

    def withdraw(self, tenant: str, key: str) -> None:
        """Nothing was begun."""


class ResendFiles:
    """One small file per resend in ``FOLDER/TENANT``; that it exists counts, even if a crash left it empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, tenant: str, key: str) -> Resend | None:
        """What the file says. Failed("state-unwritable") when the folder cannot be looked into."""
        path = self._path(tenant, key)
        try:
            text, written = path.read_text(encoding="utf-8"), path.stat().st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            entry = json.loads(text)
            return Resend(datetime.fromisoformat(entry["at"]), entry["certain"] is True)
        except (ValueError, KeyError, TypeError):
            return Resend(datetime.fromtimestamp(written, UTC), certain=False)

    def begin(self, tenant: str, key: str, at: datetime) -> None:
        """Make the file, on disk when this returns; of two processes with the same key only one gets through."""
        path = self._path(tenant, key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, at, certain=False, flags=os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            raise Failed("resend-on-record", "Another run is sending this resend, or has sent it.") from None
        except OSError as error:
            raise _unusable(path, error) from error

    def settle(self, tenant: str, key: str, at: datetime) -> None:
        """Replace the file in one go. Best effort: the mail is on record already."""
        path = self._path(tenant, key)
        aside = path.with_suffix(".new")
        with suppress(OSError):
            _write(aside, at, certain=True, flags=os.O_CREAT | os.O_TRUNC)
            aside.replace(path)
            _sync(path.parent)

    def withdraw(self, tenant: str, key: str) -> None:
        """Take the file away. Best effort: a resend that stays on record is not sent, and the person is told."""
        path = self._path(tenant, key)
        with suppress(OSError):
            path.unlink(missing_ok=True)
            _sync(path.parent)

    def _path(self, tenant: str, key: str) -> Path:
        return self._folder / tenant / f"{key}.json"  # both are checked to be plain file names where they are read


def _write(path: Path, at: datetime, *, certain: bool, flags: int) -> None:
    file = os.open(path, os.O_WRONLY | flags, 0o600)
    try:
        os.write(file, json.dumps({"at": at.isoformat(), "certain": certain}).encode())
        os.fsync(file)
    finally:
        os.close(file)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """A new name is durable only when its folder is."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _unusable(path: Path, error: OSError) -> Failed:
    return Failed(
        "state-unwritable",
        f"The record of sent resends cannot be kept: {path}",
        expected="a folder that the agent may write (settings: paths.state)",
        seen=error.strerror or str(error),
        mender=Mender.OPERATOR,
    )

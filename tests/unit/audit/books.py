"""Ledgers for tests: a keyring in memory, a clock that tests set, entries of every kind that is easy to make."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from agent.audit.entries import Entry, Kind
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import AuditLedger
from agent.audit.reading import ENTRIES
from agent.credentials.store import CredentialStore

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHA = "ab" * 32


class MemoryKeyring(KeyringBackend):
    """Keeps secrets in memory; ``is_locked`` makes it refuse."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def _require_open(self) -> None:
        if self.is_locked:
            raise KeyringLocked("the keyring is locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._require_open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._require_open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._require_open()
        try:
            del self.kept[service, username]
        except KeyError:
            raise PasswordDeleteError(username) from None


@dataclass
class SetClock:
    """Stands where a test puts it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def go(self, **by: float) -> None:
        """Move it."""
        self.now += timedelta(**by)


@dataclass
class Book:
    """One ledger, which can be opened again and again as other processes would."""

    folder: Path
    keyring: MemoryKeyring = field(default_factory=MemoryKeyring)
    clock: Callable[[], datetime] = field(default_factory=SetClock)
    kept_head: Path | None = None

    def open(self, *, signed: bool = True) -> AuditLedger:
        """As a process that has just started."""
        signer = KeyringSigner(CredentialStore(self.keyring)) if signed else None
        return AuditLedger(self.folder, "acme", signer, self.clock, kept_head=self.kept_head)

    @property
    def entries(self) -> Path:
        """The file."""
        return self.folder / ENTRIES


def report(ledger: AuditLedger, job_id: str = "a-1") -> Entry:
    """The smallest entry there is."""
    return ledger.append(Kind.REPORTED, {"job_id": job_id, "report_sha256": SHA})


def sealed(job_id: str = "a-1", **changes: Any) -> dict[str, Any]:
    """Data of a ``sealed`` entry."""
    data = {
        "job_id": job_id,
        "queue": None,
        "attempt": 1,
        "verdict": "done",
        "manifest_sha256": SHA,
        "folder": f"2026-11-22/{job_id}",
        "person": "mara@example.com",
        "action": "update",
        "started": "2026-11-22T11:00:00.000Z",
        "ended": "2026-11-22T11:01:00.000Z",
        "changed": True,
    }
    return {**data, **changes}


def accepted(queue: int | None = None, job_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """Data of an ``accepted`` entry."""
    data = {
        "job": {"queue": queue, "job_id": job_id},
        "action": "update",
        "person": "mara@example.com",
        "reason": {"ticket": "IT-1", "requested_by": "hr@example.com", "approved_by": None},
        "request_sha256": SHA,
        "at": "2026-11-22T11:00:00.000Z",
        "source": "run-job" if queue is None else "hr",
    }
    return {**data, **changes}


def lines_of(book: Book) -> list[bytes]:
    """The file's lines, with their line feeds."""
    return book.entries.read_bytes().splitlines(keepends=True)


def values_of(book: Book) -> list[dict[str, Any]]:
    """What the file's lines say."""
    return [json.loads(line) for line in lines_of(book)]

"""The ledgers of an installation: one per tenant, opened as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from agent.audit.entries import Accepted, EntryDamaged, Kind, Reported, Sealed
from agent.audit.head import head_file
from agent.audit.keys import KeyringSigner, Signer
from agent.audit.ledger import AuditLedger, ledger_folder, utc_now
from agent.audit.ledger_errors import broken
from agent.audit.records import RunRecords
from agent.audit.sink import LedgerSink, Position, Recorded
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.settings import Settings


class Ledgers:
    """Opens each tenant's ledger once; one object per process. Safe among threads."""

    def __init__(
        self,
        evidence: Path,
        signer: Signer | None,
        *,
        heads: Path | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """``heads``: the folder in which the last heads are kept; None for none."""
        self._evidence = evidence
        self._signer = signer
        self._heads = heads
        self._open: dict[str, AuditLedger] = {}
        self._lock = Lock()
        self._clock = clock

    @classmethod
    def of_settings(cls, settings: Settings, store: CredentialStore, known: KnownSecrets | None = None) -> Ledgers:
        """As the settings say."""
        audit = settings.audit
        signer = KeyringSigner(store, known) if audit.sign else None
        return cls(settings.paths.evidence, signer, heads=audit.heads)

    def of(self, tenant: str) -> AuditLedger:
        """A tenant's ledger; nothing is read or written by asking for it."""
        with self._lock:
            if tenant not in self._open:
                self._open[tenant] = AuditLedger(
                    ledger_folder(self._evidence, tenant),
                    tenant,
                    self._signer,
                    self._clock,
                    kept_head=head_file(self._heads, tenant) if self._heads is not None else None,
                )
            return self._open[tenant]

    def sink(self, tenant: str) -> LedgerSink:
        """The tenant's ledger, as the recorder of a job uses it."""
        return JobEntries(self.of(tenant))


class JobEntries:
    """Implements :class:`agent.audit.sink.LedgerSink` on a ledger."""

    def __init__(self, ledger: AuditLedger) -> None:
        self._ledger = ledger
        self._records = RunRecords(ledger.folder)  # reads nothing before it is asked

    def ready(self) -> None:
        """As the protocol says."""
        self._ledger.require_writable()

    def accepted(self, data: Mapping[str, Any]) -> None:
        """As the protocol says."""
        self._ledger.append(Kind.ACCEPTED, data)

    def sealed(self, data: Mapping[str, Any]) -> Position:
        """As the protocol says."""
        entry = self._ledger.append(Kind.SEALED, data)
        return self._position(entry.seq, entry.sha256, entry.prev, entry.at)

    def reported(self, job_id: str, report_sha256: str) -> None:
        """As the protocol says."""
        self._ledger.append(Kind.REPORTED, {"job_id": job_id, "report_sha256": report_sha256})
        self._ledger.sign()

    def recorded(self, job_id: str) -> Recorded:
        """As the protocol says."""
        try:
            found = self._records.of(job_id)
        except (OSError, EntryDamaged) as error:
            raise broken(self._ledger.folder, f"what it has of {job_id} can be read", str(error)) from error
        recorded = Recorded()
        for entry in found:
            match entry.data:
                case Sealed() as sealed if recorded.sealed is None:
                    position = self._position(entry.seq, entry.sha256, entry.prev, entry.at)
                    recorded = Recorded(recorded.was_accepted, sealed, recorded.reported, position)
                case Reported() as reported if recorded.reported is None:
                    recorded = Recorded(recorded.was_accepted, recorded.sealed, reported, recorded.position)
                case Accepted():
                    recorded = Recorded(True, recorded.sealed, recorded.reported, recorded.position)
                case _:
                    pass
        return recorded

    def _position(self, seq: int, sha256: str, prev: str, at: str) -> Position:
        key = self._ledger.signing_key() if self._ledger.can_sign else None
        return Position(
            ledger=self._ledger.head().ledger,
            seq=seq,
            sha256=sha256,
            prev=prev,
            at=at,
            signed=key is not None,
            key=key.label if key is not None else "",
        )

"""What the evidence of a job tells the ledger, and what it learns from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agent.audit.entries import Reported, Sealed


@dataclass(frozen=True)
class Position:
    """Where a sealed run stands in its ledger; the report shows it."""

    ledger: str  # id
    seq: int
    sha256: str  # of the entry
    prev: str  # of the entry before
    at: str
    signed: bool  # a key is at hand: the checkpoint that follows the report will be signed
    key: str  # label of the key, "name+hexid"; empty without one


@dataclass(frozen=True)
class Recorded:
    """What a ledger has of one run already; None for what it has not."""

    was_accepted: bool = False  # by ``agent run-job``; a queue's job is accepted under its number
    sealed: Sealed | None = None
    reported: Reported | None = None
    position: Position | None = None  # with ``sealed``


@dataclass(frozen=True)
class Origin:
    """Where a job comes from: the queue, under this number, or, without one, ``agent run-job``."""

    queue: int | None = None
    attempt: int = 1


class LedgerSink(Protocol):
    """One tenant's ledger, as recorder, seal and recovery use it. Every method may be called from any thread.

    All raise Failed "ledger-unwritable" or "ledger-broken".
    """

    def ready(self) -> None:
        """Return when entries can be added; called before the first page of a job is opened."""

    def accepted(self, data: Mapping[str, Any]) -> None:
        """A job of ``agent run-job`` begins; ``data`` as :class:`agent.audit.entries.Accepted`."""

    def sealed(self, data: Mapping[str, Any]) -> Position:
        """The manifest is written; ``data`` as :class:`agent.audit.entries.Sealed`."""

    def reported(self, job_id: str, report_sha256: str) -> None:
        """The report is written; a checkpoint is signed if a key is at hand, and if not, that is told, not raised."""

    def recorded(self, job_id: str) -> Recorded:
        """What the ledger has of a run already; for the completion of an interrupted one."""

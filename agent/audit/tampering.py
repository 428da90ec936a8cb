"""What can be wrong with evidence or its ledger: one class, one stable code and one sentence for each kind.

::

    NotGenuine
    ├── about the files of a job         FileChanged, FileRemoved, FileAdded, FileReplaced, ManifestChanged, ...
    ├── about the ledger                 EntryChanged, EntryRemoved, EntryReordered, EntryBackdated, TailTruncated, ...
    ├── about who signed                 ForeignKey, SignatureBroken, NothingSigned
    └── about a bundle                   BundleDamaged, ProofWrong, PopulationWrong, TableChanged, SelectionWrong

Verifiers raise these, or hand them to a :class:`agent.audit.findings.Findings` that collects them all; they never
return False. The codes are documented in ``docs/reference/errors.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from agent.errors import Failed, Mender, RetrySafe


class NotGenuine(Failed):
    """Something is not as it was sealed or signed; never raised itself. ``subject``: which file or entry."""

    CODE: ClassVar[str]
    default_mender = Mender.OPERATOR
    default_retry = RetrySafe.YES  # looking again does no harm

    def __init__(self, subject: str, message: str, *, expected: str = "", seen: str = "") -> None:
        super().__init__(self.CODE, message, expected=expected, seen=seen)
        self.subject = subject

    def diagnostics(self) -> dict[str, str]:
        """With what it is about."""
        return {**super().diagnostics(), "subject": self.subject}


class FileChanged(NotGenuine):
    """A file has other bytes than those that were sealed."""

    CODE = "evidence-file-changed"


class FileRemoved(NotGenuine):
    """A sealed file is not there, and no entry says that it was pruned."""

    CODE = "evidence-file-removed"


class FileAdded(NotGenuine):
    """A file is there that was not sealed."""

    CODE = "evidence-file-added"


class FileReplaced(NotGenuine):
    """A link stands in the place of a sealed file, or of a whole folder."""

    CODE = "evidence-file-replaced"


class ManifestChanged(NotGenuine):
    """The list of files is not the one that the ledger knows."""

    CODE = "evidence-manifest-changed"


class ReportChanged(NotGenuine):
    """The report is not the one that was written after the seal."""

    CODE = "evidence-report-changed"


class ObjectChanged(NotGenuine):
    """A body that recordings share has other bytes than its name says."""

    CODE = "evidence-object-changed"


class ObjectMissing(NotGenuine):
    """A body that a recording needs is not there, although the recording was not pruned."""

    CODE = "evidence-object-missing"


class PrunedWrongly(NotGenuine):
    """The entry about the removal of a file names other bytes than those that were sealed."""

    CODE = "evidence-pruned-wrongly"


class PruneNotDue(NotGenuine):
    """The entry about a removal is none that retention makes: too early, by no rule of it, or of files it leaves."""

    CODE = "evidence-prune-not-due"


class FolderUnfinished(NotGenuine):
    """The folder was never sealed: its job is running, or its process died."""

    CODE = "evidence-unfinished"


class FolderRemoved(NotGenuine):
    """The ledger knows a sealed run whose folder is gone."""

    CODE = "evidence-folder-removed"


class FolderUnknown(NotGenuine):
    """The ledger knows nothing of this folder."""

    CODE = "evidence-not-in-ledger"


class LedgerMissing(NotGenuine):
    """There is no ledger, or it cannot be read."""

    CODE = "ledger-missing"


class EntryChanged(NotGenuine):
    """An entry is not the one that the next entry was made after, or no entry at all any more."""

    CODE = "ledger-entry-changed"


class EntryRemoved(NotGenuine):
    """A number is missing in the middle."""

    CODE = "ledger-entry-removed"


class EntryAdded(NotGenuine):
    """A number stands there twice."""

    CODE = "ledger-entry-added"


class EntryReordered(NotGenuine):
    """Entries stand in another order than they were made."""

    CODE = "ledger-entry-reordered"


class EntryBackdated(NotGenuine):
    """An entry claims an earlier time than one before it, or than a witness of what was before it."""

    CODE = "ledger-entry-backdated"


class TailTruncated(NotGenuine):
    """A signed checkpoint speaks of more entries than there are."""

    CODE = "ledger-truncated"


class LedgerRewritten(NotGenuine):
    """The entries follow each other, but are not those that were signed."""

    CODE = "ledger-rewritten"


class LedgerRolledBack(NotGenuine):
    """The ledger is shorter than the head that was kept elsewhere, or gone."""

    CODE = "ledger-rolled-back"


class HistoryForked(NotGenuine):
    """The ledger does not begin with what the head that was kept elsewhere stands for."""

    CODE = "ledger-forked"


class OtherLedger(NotGenuine):
    """Checkpoint, head or proof belong to another ledger."""

    CODE = "ledger-other"


class OtherTenant(NotGenuine):
    """The ledger is of another tenant than the folder it lies in."""

    CODE = "ledger-other-tenant"


class CheckpointDamaged(NotGenuine):
    """What should be a signed checkpoint is none."""

    CODE = "ledger-checkpoint-damaged"


class ForeignKey(NotGenuine):
    """Somebody signed whose key is not trusted: neither given, nor announced under a trusted signature, or retired."""

    CODE = "ledger-foreign-key"


class SignatureBroken(NotGenuine):
    """A signature in the name of a trusted key does not fit the text."""

    CODE = "ledger-signature-broken"


class NothingSigned(NotGenuine):
    """There is no signed checkpoint, or none reaches the entry in question."""

    CODE = "ledger-unsigned"


class PeriodMissing(NotGenuine):
    """Between two signed periods one is missing, or two overlap."""

    CODE = "ledger-period-missing"


class PeriodWrong(NotGenuine):
    """A signed period counts other numbers than its entries."""

    CODE = "ledger-period-wrong"


class WitnessWrong(NotGenuine):
    """A time stamp is missing, was changed, or does not stamp the checkpoint it is for."""

    CODE = "ledger-witness-wrong"


class BundleDamaged(NotGenuine):
    """The bundle cannot be read as one."""

    CODE = "bundle-damaged"


class ProofWrong(NotGenuine):
    """An inclusion or consistency proof does not show what it claims."""

    CODE = "bundle-proof-wrong"


class PopulationWrong(NotGenuine):
    """The jobs of the ledger do not add up."""

    CODE = "bundle-population-wrong"


class TableChanged(NotGenuine):
    """A table of the bundle is not the one that follows from its evidence."""

    CODE = "bundle-table-changed"


class SelectionWrong(NotGenuine):
    """The samples in the bundle are not those that its rule draws."""

    CODE = "bundle-selection-wrong"


def kinds() -> Iterator[type[NotGenuine]]:
    """Every kind, for the documentation's test."""
    yield from NotGenuine.__subclasses__()

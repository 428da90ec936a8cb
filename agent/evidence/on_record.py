"""What the ledger has of one sealed run, and whether its folder still is what was sealed.

Whoever can write to the disk can write a manifest; what the agent removes by itself must not go by what that says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from agent.audit.entries import Entry, EntryDamaged, Pruned, PrunedFile, Reported, Sealed
from agent.audit.prune_rules import why_not
from agent.audit.records import RunRecords
from agent.errors import Failed, Mender, RetrySafe
from agent.evidence.folder import EvidenceFolder
from agent.evidence.manifest import MANIFEST, NOT_LISTED, REPORT, Manifest, digest


@dataclass(frozen=True)
class SealedRun:
    """The entries of a run that was sealed."""

    job_id: str
    entry: Entry  # "sealed": the first one of this run
    sealed: Sealed
    pruned: tuple[tuple[Entry, Pruned], ...] = ()  # in order; those that a rule of retention can have made
    reported: Reported | None = None  # the one after the seal, or the last one after files were removed

    @property
    def at(self) -> datetime:
        """When it was entered, by the ledger, which never goes back."""
        return self.entry.time

    @property
    def gone(self) -> dict[str, PrunedFile]:
        """What the ledger says was removed, by path."""
        return {file.path: file for _, item in self.pruned for file in item.files}

    @property
    def is_wholly_pruned(self) -> bool:
        """Whether the ledger says that the folder itself goes."""
        return MANIFEST in self.gone


def sealed_run(records: RunRecords, job_id: str) -> SealedRun | None:
    """What the ledger has of a run; None when it has not sealed one of that id.

    Failed "ledger-broken" when it cannot be read.
    """
    try:
        entries = records.of(job_id)
    except (OSError, EntryDamaged) as error:
        raise Failed(
            "ledger-broken",
            "The ledger cannot be read, so nothing is removed.",
            expected=f"what it has of {job_id}",
            seen=str(error),
            mender=Mender.OPERATOR,
            retry_safe=RetrySafe.NO,
        ) from error
    run: SealedRun | None = None
    for entry in entries:
        match entry.data:
            case Sealed() as sealed if run is None:
                run = SealedRun(job_id, entry, sealed)
            case Pruned() as pruned if run is not None and not why_not(entry, pruned, run.sealed):
                run = replace(run, pruned=(*run.pruned, (entry, pruned)))
            case Reported() as reported if run is not None and (run.reported is None or run.pruned):
                run = replace(run, reported=reported)
            case _:
                pass
    return run


def manifest_of(folder: Path) -> Manifest | None:
    """The manifest that lies in a folder, whoever wrote it; None when it cannot be read."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None


def difference(folder: Path, run: SealedRun) -> str:
    """The first thing in which a folder is not as it was sealed, or lawfully pruned since; empty when there is none.

    OSError for what cannot be read.
    """
    if f"{folder.parent.name}/{folder.name}" != run.sealed.folder:
        return f"it was sealed as {run.sealed.folder}"
    present = {path.relative_to(folder).as_posix(): path for path in EvidenceFolder(folder).files()}
    for name, path in present.items():
        if path.is_symlink():
            return f"{name} is a link"
    if MANIFEST not in present:
        return f"{MANIFEST} is missing"
    if digest(present[MANIFEST])[1] != run.sealed.manifest_sha256:
        return f"{MANIFEST} was changed"
    manifest = manifest_of(folder)
    if manifest is None:
        return f"{MANIFEST} is not of a form that this version reads"
    return _in_the_report(present, run) or _in_the_files(present, manifest, run)


def _in_the_report(present: dict[str, Path], run: SealedRun) -> str:
    if run.reported is None:
        return f"{REPORT} was added" if REPORT in present else ""
    if REPORT not in present:
        return f"{REPORT} is missing"
    return "" if digest(present[REPORT])[1] == run.reported.report_sha256 else f"{REPORT} was changed"


def _in_the_files(present: dict[str, Path], manifest: Manifest, run: SealedRun) -> str:
    listed = {entry.path: entry for entry in manifest.files}
    for name in present:
        if name not in listed and name not in NOT_LISTED:
            return f"{name} was added"
    for name, entry in listed.items():
        gone = run.gone.get(name)
        if name not in present:
            if gone is None or (gone.bytes, gone.sha256) != (entry.bytes, entry.sha256):
                return f"{name} is missing"
        elif digest(present[name]) != (entry.bytes, entry.sha256):
            return f"{name} was changed"
    return ""

"""Verifies the files of one sealed run against its manifest, and the manifest against the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from pydantic import ValidationError

from agent.audit import promises
from agent.audit.entries import Entry, Pruned, PrunedFile, Reported
from agent.audit.findings import Findings
from agent.audit.ledger_check import LedgerView, RunOnRecord
from agent.audit.sources import Files, Unreadable
from agent.audit.tampering import (
    FileAdded,
    FileChanged,
    FileRemoved,
    FileReplaced,
    FolderUnfinished,
    FolderUnknown,
    ManifestChanged,
    NothingSigned,
    ObjectChanged,
    ObjectMissing,
    PrunedWrongly,
    PruneNotDue,
    ReportChanged,
)
from agent.evidence.folder import PARTIAL
from agent.evidence.manifest import MANIFEST, FileEntry, Manifest

REPORT = "report.html"
_OUTSIDE_THE_MANIFEST = frozenset({MANIFEST, REPORT, PARTIAL})


@dataclass
class SharedBodies:
    """The tenant's shared bodies; each is read once, however many recordings need it."""

    files: Files
    good: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)

    def require(self, sha256: str, whose: str) -> None:
        """Raise ObjectMissing or ObjectChanged, for the first recording that needs the body."""
        if sha256 in self.good or sha256 in self.bad:
            return
        try:
            _, found = self.files.digest(f"{sha256[:2]}/{sha256}")
        except KeyError:
            self.bad.add(sha256)
            raise ObjectMissing(
                f"objects/{sha256[:2]}/{sha256}", f"A part that {whose} shares with other recordings is missing."
            ) from None
        except Unreadable:
            found = ""
        if found != sha256:
            self.bad.add(sha256)
            raise ObjectChanged(
                f"objects/{sha256[:2]}/{sha256}",
                f"A part that {whose} shares with other recordings was changed.",
                expected=sha256,
                seen=found,
            )
        self.good.add(sha256)


@dataclass(frozen=True)
class CheckedFolder:
    """What was found out about one run's folder."""

    manifest: Manifest | None
    files: int = 0  # present, and as they were sealed
    pruned: tuple[tuple[PrunedFile, str], ...] = ()  # removed by a rule of retention, with the rule
    left_out: int = 0  # listed in the manifest, and not part of what was handed over


def check_folder(
    name: str,
    files: Files,
    view: LedgerView,
    objects: SharedBodies | None,
    findings: Findings,
    *,
    expected: Callable[[str], bool] = lambda _: True,
    at_work: bool = False,
) -> CheckedFolder:
    """Put down everything that is wrong with the folder ``name``.

    ``view`` is the ledger; ``expected`` says which of the sealed files were handed over at all (a bundle leaves some
    out); ``objects`` is None where recordings were left out. ``at_work``: the agent works here, so that a sealed run
    may wait for its completion, still with its marker; the marker excuses no change.
    """
    present = files.names()
    run = view.by_folder.get(name)
    if run is not None and run.is_wholly_pruned and not present:
        return CheckedFolder(None)
    is_marked = PARTIAL in present
    if is_marked and not (at_work and run is not None and run.entry.seq < view.signed):
        findings.problems.append(
            FolderUnfinished(name, f"{name} was never finished: its job is running, or its process died.")
        )
        return CheckedFolder(None)
    if run is None and not view.is_sound:
        return CheckedFolder(None)  # what the ledger lacks is no reproach of the folder
    if run is None:
        findings.problems.append(FolderUnknown(name, f"The ledger knows nothing of {name}."))
        return CheckedFolder(None)
    if view.is_sound and run.entry.seq >= view.signed:
        findings.problems.append(
            NothingSigned(name, f"No trusted signature covers entry {run.entry.seq}, which is about {name}.")
        )
    if is_marked:
        findings.open.append(promises.marked(name))
    with findings.collecting():
        if is_marked and run.reported is None and not files.is_link(REPORT):
            findings.open.append(promises.report_not_entered(name))
        else:
            _check_report(name, files, present, run, expected)
    manifest = None
    with findings.collecting():
        manifest = _manifest(name, files, present, run)
    if manifest is None:
        return CheckedFolder(None)
    return _check_files(name, files, present, run, manifest, objects, findings, expected)


def _manifest(name: str, files: Files, present: Collection[str], run: RunOnRecord) -> Manifest:
    if MANIFEST not in present:
        raise FileRemoved(f"{name}/{MANIFEST}", f"{name}/{MANIFEST} was removed.")
    _refuse_link(name, files, MANIFEST)
    try:
        data = files.read(MANIFEST)
    except Unreadable as error:
        raise ManifestChanged(f"{name}/{MANIFEST}", f"{name}/{MANIFEST} cannot be read: {error}.") from error
    found = hashlib.sha256(data).hexdigest()
    if found != run.sealed.manifest_sha256:
        raise ManifestChanged(
            f"{name}/{MANIFEST}",
            f"{name}/{MANIFEST} is not the one that entry {run.entry.seq} of the ledger is about.",
            expected=run.sealed.manifest_sha256,
            seen=found,
        )
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        places = sorted({".".join(map(str, item["loc"])) or "the whole" for item in error.errors()})
        raise ManifestChanged(
            f"{name}/{MANIFEST}", f"{name}/{MANIFEST} is not of a form that this version reads: {', '.join(places)}."
        ) from error


def _check_report(
    name: str, files: Files, present: Collection[str], run: RunOnRecord, expected: Callable[[str], bool]
) -> None:
    where = f"{name}/{REPORT}"
    if REPORT not in present:
        if run.reported is not None and expected(REPORT) and not _pruned_file(name, run, REPORT):
            raise FileRemoved(where, f"{where} was removed.")
        return
    _refuse_link(name, files, REPORT)
    found = _digest(files, REPORT)[1]
    if run.reported is not None and found == run.reported.report_sha256:
        return
    for entry in run.unsigned:
        if isinstance(entry.data, Reported) and entry.data.report_sha256 == found:
            raise _unsigned(where, entry, "is another report than the signed one" if run.reported else "is there")
    if run.reported is None:
        raise ReportChanged(where, f"{where} is there, but the ledger knows of no report of this run.")
    if found != run.reported.report_sha256:
        raise ReportChanged(
            where,
            f"{where} is not the report that was written after the seal.",
            expected=run.reported.report_sha256,
            seen=found,
        )


def _check_files(
    name: str,
    files: Files,
    present: frozenset[str],
    run: RunOnRecord,
    manifest: Manifest,
    objects: SharedBodies | None,
    findings: Findings,
    expected: Callable[[str], bool],
) -> CheckedFolder:
    listed = {entry.path: entry for entry in manifest.files}
    good = left_out = 0
    pruned: list[tuple[PrunedFile, str]] = []
    for path, entry in listed.items():
        with findings.collecting():
            if path in present:
                _check_file(name, files, entry)
                good += 1
                continue
            gone = _pruned_file(name, run, path)
            if gone is not None:
                if (gone[0].sha256, gone[0].bytes) != (entry.sha256, entry.bytes):
                    raise PrunedWrongly(
                        f"{name}/{path}",
                        f"The ledger says that {name}/{path} was pruned, but names other bytes than were sealed.",
                        expected=entry.sha256,
                        seen=gone[0].sha256,
                    )
                pruned.append(gone)
            elif expected(path):
                raise FileRemoved(f"{name}/{path}", f"{name}/{path} was removed.")
            else:
                left_out += 1
    for path in sorted(present - set(listed) - _OUTSIDE_THE_MANIFEST):
        findings.problems.append(FileAdded(f"{name}/{path}", f"{name}/{path} was added after the seal."))
    if objects is not None:
        _check_bodies(name, manifest, present, objects, findings)
    return CheckedFolder(manifest, good, tuple(pruned), left_out)


def _check_file(name: str, files: Files, entry: FileEntry) -> None:
    where = f"{name}/{entry.path}"
    _refuse_link(name, files, entry.path)
    size, found = _digest(files, entry.path)
    if (size, found) != (entry.bytes, entry.sha256):
        raise FileChanged(where, f"{where} was changed after the seal.", expected=entry.sha256, seen=found)


def _check_bodies(
    name: str, manifest: Manifest, present: Collection[str], bodies: SharedBodies, findings: Findings
) -> None:
    """Every shared body that a recording leaves out must be there, as long as the recording is."""
    for body in manifest.objects:
        recording, _, _ = body.name.partition("/")
        if recording in present:
            with findings.collecting():
                bodies.require(body.sha256, f"{name}/{recording}")


def _refuse_link(name: str, files: Files, path: str) -> None:
    if files.is_link(path):
        raise FileReplaced(f"{name}/{path}", f"{name}/{path} was replaced by a link.")


def _pruned_file(name: str, run: RunOnRecord, path: str) -> tuple[PrunedFile, str] | None:
    """The removal that excuses a missing file; raises for one that does not: unsigned, or not by the rules."""
    for pruned in run.pruned:
        for file in pruned.files:
            if file.path == path:
                return file, pruned.policy
    refuse_excuse(f"{name}/{path}", run, path)
    return None


def refuse_excuse(where: str, run: RunOnRecord, path: str) -> None:
    """Raise PruneNotDue or NothingSigned for what is gone when an entry says so that does not count."""
    for entry, pruned, reason in run.misfits:
        if any(file.path == path for file in pruned.files):
            raise PruneNotDue(where, f"{where} is gone, and entry {entry.seq} about its removal {reason}.")
    for entry in run.unsigned:
        if isinstance(entry.data, Pruned) and any(file.path == path for file in entry.data.files):
            raise _unsigned(where, entry, "is gone")


def _unsigned(where: str, entry: Entry, what: str) -> NothingSigned:
    return NothingSigned(where, f"{where} {what}, and no trusted signature covers entry {entry.seq}, which says so.")


def _digest(files: Files, path: str) -> tuple[int, str]:
    """Size and hash; what cannot be read has the hash of nothing that was ever sealed."""
    try:
        return files.digest(path)
    except (KeyError, Unreadable):
        return 0, "unreadable"

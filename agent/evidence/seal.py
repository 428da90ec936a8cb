"""The end of an evidence folder: recording redacted and stored, everything searched, manifest, ledger, report.

The order is what makes every kill recoverable: ``manifest.json`` fixes the files, the ledger's ``sealed`` entry fixes
the manifest, the report shows that entry, the ledger's ``reported`` entry fixes the report, and only then the marker
``PARTIAL`` goes. Whoever finds the marker goes on at the first of these that is not there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from agent.audit.sink import LedgerSink, Recorded
from agent.credentials.known import KnownSecrets
from agent.errors import Failed, Mender, RetrySafe
from agent.evidence.entries import sealed_entry
from agent.evidence.folder import PARTIAL, EvidenceFolder
from agent.evidence.manifest import REPORT, Versions, write_manifest
from agent.evidence.objects import INDEX, ObjectDamaged, ObjectStore, index_of, is_shared, pack, references
from agent.evidence.private import Bystanders
from agent.evidence.quarantine import Quarantine
from agent.evidence.raw_recording import TraceNotUnderstood
from agent.evidence.record import read_record
from agent.evidence.redact import redact_entries
from agent.evidence.report import write_report
from agent.evidence.search import IN_A_NAME, Finding, search_bytes, search_folder

_NO_REPORT = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Report withheld</title></head>
<body><h1>The report is not kept</h1>
<p>A secret was found in it. The other files of this folder are as sealed.</p></body></html>
"""


class SealFailed(Failed):
    """The evidence is sealed, but something had to be left out of it; how the job itself ended is not touched by this.

    Raised after everything is written, so that nobody overlooks it.
    """

    default_mender = Mender.DEVELOPER
    default_retry = RetrySafe.NO


@dataclass
class Withheld:
    """What is not kept, and why; and what needs no second search."""

    reasons: dict[str, str] = field(default_factory=dict)  # file name -> a sentence without secrets
    searched: set[str] = field(default_factory=set)  # recordings that were searched when they were stored
    findings: list[Finding] = field(default_factory=list)
    quarantine: Quarantine | None = None  # where what is withheld goes; None: nowhere, it is deleted

    def add(self, folder: EvidenceFolder, name: str, why: str) -> None:
        """Take a file out of the folder and say so in its place."""
        if self.quarantine is not None:
            self.quarantine.take(folder.path.name, folder.path / name, why, name)
        folder.remove(name)
        self._say(folder, name, why)

    def add_unnamed(self, folder: EvidenceFolder, name: str) -> None:
        """Take out a file that must not even be named."""
        unnamed = f"unnamed-{len(self.reasons) + 1}"
        if self.quarantine is not None:
            self.quarantine.take(folder.path.name, folder.path / name, "a secret was found in its name", unnamed)
        folder.remove(name)
        self._say(folder, unnamed, "a secret was found in its name")

    def _say(self, folder: EvidenceFolder, name: str, why: str) -> None:
        self.reasons[name] = why
        folder.write_text(f"{name}.withheld.txt", f"{name} is not kept: {why}\n")

    def raise_if_any(self) -> None:
        """SealFailed when a secret was found anywhere, or a recording could not be redacted."""
        if self.findings:
            raise SealFailed(
                "evidence-holds-secret",
                "A secret was found in the evidence. What holds it was not kept; please report this.",
                expected="no secret in any file",
                seen="; ".join(sorted({str(finding) for finding in self.findings})),
            )
        if self.reasons:
            raise SealFailed(
                "evidence-withheld",
                "A part of the evidence could not be made free of secrets with certainty and was not kept.",
                expected="every file kept",
                seen="; ".join(f"{name}: {why}" for name, why in self.reasons.items()),
            )


def store_trace(
    folder: EvidenceFolder,
    name: str,
    raw: Path,
    known: KnownSecrets,
    withheld: Withheld,
    bystanders: Bystanders | None = None,
) -> bool:
    """Redact a raw recording, search the result, and only then let it into the folder; True when it is kept.

    Bodies that other recordings have, too, go into the tenant's store of shared ones.
    """
    try:
        entries = redact_entries(raw, known, bystanders)
    except TraceNotUnderstood as error:
        if withheld.quarantine is not None:
            withheld.quarantine.take(folder.path.name, raw, str(error), name)
        withheld.add(folder, name, f"the recording could not be redacted ({error})")
        return False
    store = ObjectStore.beside(folder.path)
    shared = {body: data for body, data in entries.items() if is_shared(body, data)}
    findings = search_bytes(pack({body: data for body, data in entries.items() if body not in shared}), name, known)
    for body, data in shared.items():
        # What an earlier job has stored was searched then, and cannot hold a secret that came after it.
        if not store.holds(data):
            findings += search_bytes(data, f"{name} > {body}", known)
    if findings:
        withheld.findings += findings
        if withheld.quarantine is not None:
            withheld.quarantine.keep(folder.path.name, name, pack(entries), "a secret was still found in it")
        withheld.add(
            folder, name, f"a secret was still found in it ({', '.join({finding.label for finding in findings})})"
        )
        return False
    stored = {body: data for body, data in shared.items() if _is_stored(store, data)}
    kept = {body: data for body, data in entries.items() if body not in stored}
    folder.write_bytes(name, pack({**kept, INDEX: index_of(stored)} if stored else kept), durable=False)
    withheld.searched.add(name)
    return True


def _is_stored(store: ObjectStore, data: bytes) -> bool:
    try:
        store.put(data)
    except ObjectDamaged:  # whoever reads the store is told; this recording keeps its own copy
        return False
    return True


def seal(
    folder: EvidenceFolder,
    known: KnownSecrets,
    withheld: Withheld,
    *,
    job_id: str,
    tenant: str,
    verdict: str,
    at: datetime,
    made_with: Versions,
    ledger: LedgerSink | None = None,
) -> None:
    """Search, hash, enter into the ledger, report; then the folder is no longer partial.

    A file with a secret in it is taken out. The caller raises afterwards (:meth:`Withheld.raise_if_any`).
    """
    findings = search_folder(folder.path, known, withheld.searched)
    withheld.findings += findings
    named_by_secrets = {finding.file for finding in findings if finding.path == IN_A_NAME}
    for name in sorted({finding.file for finding in findings} - {PARTIAL}):
        if name in named_by_secrets:
            withheld.add_unnamed(folder, name)
        else:
            withheld.add(folder, name, "a secret was found in it")
    request = {"job_id": job_id, "tenant": tenant}
    left_out = tuple(sorted(withheld.reasons))
    write_manifest(
        folder,
        request=request,
        verdict=verdict,
        at=at,
        made_with=made_with,
        withheld=left_out,
        objects=references(folder.path),
    )
    conclude(folder, known, withheld, verdict=verdict, at=at, made_with=made_with, ledger=ledger)


def conclude(
    folder: EvidenceFolder,
    known: KnownSecrets,
    withheld: Withheld,
    *,
    verdict: str,
    at: datetime,
    made_with: Versions,
    ledger: LedgerSink | None,
    recorded: Recorded | None = None,
) -> None:
    """What follows the manifest: ledger, report, ledger; then the marker goes. ``recorded``: what is entered already.

    Raises Failed "ledger-unwritable" or "ledger-broken": the folder then stays unfinished, for the next start.
    """
    recorded = recorded or Recorded()
    if recorded.reported is None:
        position = recorded.position
        entry = sealed_entry(folder, read_record(folder.path), verdict, at)
        if ledger is not None and position is None:
            folder.flush()  # what the ledger vouches for must not be lost when the power fails
            position = ledger.sealed(entry)
        write_report(folder, made_with, position)
        _search_report(folder, known, withheld)
        if ledger is not None:
            report = (folder.path / REPORT).read_bytes()
            ledger.reported(entry["job_id"], hashlib.sha256(report).hexdigest())
    folder.remove(PARTIAL)


def _search_report(folder: EvidenceFolder, known: KnownSecrets, withheld: Withheld) -> None:
    found = search_bytes((folder.path / REPORT).read_bytes(), REPORT, known)
    if found:
        withheld.findings += found
        withheld.reasons[REPORT] = "a secret was found in it"
        folder.write_text(REPORT, _NO_REPORT)

"""The end of an evidence folder: trace redacted and stored, everything searched, report and manifest written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from agent.credentials.known import KnownSecrets
from agent.errors import Failed, Mender, RetrySafe
from agent.evidence.folder import PARTIAL, EvidenceFolder
from agent.evidence.manifest import Versions, write_manifest
from agent.evidence.redact import TraceNotUnderstood, redact_trace
from agent.evidence.report import write_report
from agent.evidence.search import IN_A_NAME, Finding, search_bytes, search_folder


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

    def add(self, folder: EvidenceFolder, name: str, why: str) -> None:
        """Take a file out of the folder and say so in its place."""
        folder.remove(name)
        self._say(folder, name, why)

    def add_unnamed(self, folder: EvidenceFolder, name: str) -> None:
        """Take out a file that must not even be named."""
        folder.remove(name)
        self._say(folder, f"unnamed-{len(self.reasons) + 1}", "a secret was found in its name")

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


def store_trace(folder: EvidenceFolder, name: str, raw: Path, known: KnownSecrets, withheld: Withheld) -> bool:
    """Redact a raw recording, search the result, and only then let it into the folder; True when it is kept."""
    try:
        redacted = redact_trace(raw, known)
    except TraceNotUnderstood as error:
        withheld.add(folder, name, f"the recording could not be redacted ({error})")
        return False
    findings = search_bytes(redacted, name, known)
    if findings:
        withheld.findings += findings
        withheld.add(
            folder, name, f"a secret was still found in it ({', '.join({finding.label for finding in findings})})"
        )
        return False
    folder.write_bytes(name, redacted, durable=False)
    withheld.searched.add(name)
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
) -> None:
    """Search, report, hash; then the folder is no longer partial.

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
    write_report(folder, made_with)
    in_report = search_bytes((folder.path / "report.html").read_bytes(), "report.html", known)
    if in_report:
        withheld.findings += in_report
        withheld.add(folder, "report.html", "a secret was found in it")
    request = {"job_id": job_id, "tenant": tenant}
    left_out = tuple(sorted(withheld.reasons))
    write_manifest(folder, request=request, verdict=verdict, at=at, made_with=made_with, withheld=left_out)
    folder.remove(PARTIAL)

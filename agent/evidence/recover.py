"""Completes evidence that a killed process left unfinished."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from agent.audit.sink import LedgerSink, Recorded
from agent.credentials.known import KnownSecrets
from agent.errors import Failed, Mender, RetrySafe
from agent.evidence import readings
from agent.evidence.check import EvidenceBroken, check
from agent.evidence.entries import accepted_entry
from agent.evidence.folder import PARTIAL, EvidenceFolder, half_written, unwritable
from agent.evidence.keeping import Keeping, mask_again
from agent.evidence.log import LOG_FILE, EvidenceLog
from agent.evidence.manifest import INTERRUPTED, MANIFEST, NOT_LISTED, REPORT, Manifest, digest, versions
from agent.evidence.masking import Masker
from agent.evidence.picture_files import finish_pictures
from agent.evidence.record import Record, read_record
from agent.evidence.recorder import TRACE_FORMAT, utc_now
from agent.evidence.seal import Withheld, conclude, seal, store_trace
from agent.evidence.tracing import discard, gather


def partial_folders(root: Path, *, untouched_for: float = 0.0, now: Callable[[], float] = time.time) -> Iterator[Path]:
    """Evidence folders below ``root`` that nobody finished and nobody wrote to in the last ``untouched_for`` seconds.

    Whether another process is still writing them is told by the marker's lock (:mod:`agent.evidence.writing`).
    """
    for marker in sorted(root.glob(f"*/*/*/{PARTIAL}")):
        if not untouched_for or now() - _newest(marker) >= untouched_for:
            yield marker.parent


def _newest(marker: Path) -> float:
    return max(path.stat().st_mtime for path in [marker, *marker.parent.iterdir()])


def recover_partial(
    path: Path,
    traces_dir: Path,
    known: KnownSecrets,
    clock: Callable[[], datetime] = utc_now,
    ledger_of: Callable[[str], LedgerSink] | None = None,
    keeping: Keeping | None = None,
) -> None:
    """Build what is missing (trace.zip from its remains, manifest, ledger entries, report); mark it as interrupted.

    ``known`` should hold the tenant's secrets; ``ledger_of`` gives the ledger of a tenant, ``keeping`` says whom the
    evidence shows. Where the process died after the manifest, nothing that was sealed is touched: only what follows is
    made up for. Where it died before it had noted whose job it was, the folder goes: nothing was done yet, and nobody
    could say what it belongs to. Doing it twice is the same as once, also for the ledger. Raises as sealing does:
    Failed ``evidence-unwritable``, ``ledger-unwritable``, ``ledger-broken``, :class:`agent.evidence.seal.SealFailed`;
    and Failed ``evidence-changed`` for a folder that is in the ledger already and no longer as it was entered.
    """
    keeping = keeping or Keeping()
    record = read_record(path)
    bystanders = keeping.bystanders_of(record.request)
    secrets = Masker(known)

    def mask(text: str) -> str:
        text = secrets(text)
        return text if bystanders is None else bystanders.text(text)

    folder = EvidenceFolder(path, mask)
    if not folder.is_partial:
        return
    job_id = str(record.request.get("job_id") or path.name)
    tenant = str(record.request.get("tenant") or path.parent.parent.name)
    ledger = ledger_of(tenant) if ledger_of is not None else None
    recorded = ledger.recorded(job_id) if ledger is not None else Recorded()
    if recorded.sealed is None and _has_not_begun(folder):
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise unwritable(path, error) from error
        return
    withheld = Withheld(quarantine=keeping.quarantine)
    manifest = _sealed_already(folder, recorded)
    if manifest is not None:
        if ledger is not None or not (path / REPORT).exists():
            conclude(
                folder,
                known,
                withheld,
                verdict=manifest.verdict,
                at=clock(),
                made_with=manifest.versions,
                ledger=ledger,
                recorded=recorded,
            )
        folder.remove(PARTIAL)
        withheld.raise_if_any()
        return
    if ledger is not None and not recorded.was_accepted and record.request and not record.request.get("queue"):
        ledger.accepted(accepted_entry(record.request, secrets))
    _tidy(folder)
    folder.remove(MANIFEST)
    log = EvidenceLog(path / LOG_FILE, mask, clock)
    if not record.outcome:
        log.line("interrupted", {"text": "The process ended here; completed later from what it left."})
    for number, name in enumerate(_recordings(traces_dir, job_id), 1):
        target = "trace.zip" if number == 1 else f"trace-{number}.zip"
        raw = gather(traces_dir, name)
        if raw is not None and not (path / target).exists():
            kept = store_trace(folder, target, raw, known, withheld, bystanders)
            log.line("trace-kept" if kept else "trace-withheld", {"file": target})
        discard(traces_dir, name)
    log.close()
    if bystanders is not None:
        mask_again(folder, bystanders)
    readings.pack(folder)
    finish_pictures(folder)
    seal(
        folder,
        known,
        withheld,
        job_id=job_id,
        tenant=tenant,
        verdict=record.verdict if record.outcome else INTERRUPTED,
        at=clock(),
        made_with=versions(**_session_versions(record), trace_format=TRACE_FORMAT),
        ledger=ledger,
    )
    withheld.raise_if_any()


def _has_not_begun(folder: EvidenceFolder) -> bool:
    """Whether the process died between making the folder and writing the request, which comes first."""
    marker, request = folder.path / PARTIAL, folder.path / "request.json"
    return set(folder.files()) <= {marker, half_written(marker), half_written(request)}


def _sealed_already(folder: EvidenceFolder, recorded: Recorded) -> Manifest | None:
    """The manifest, where the process died after it; None where the folder is still to be sealed.

    Failed "evidence-changed" when the ledger has the seal of something else: that must never be sealed anew.
    """
    problems: tuple[str, ...]
    for name in NOT_LISTED:  # what is written when the rest is sealed; half of it is ours, and says nothing
        folder.remove(half_written(folder.path / name).name)
    try:
        manifest = check(folder.path, finished=False)
    except EvidenceBroken as broken:
        problems = broken.problems
    else:
        if recorded.sealed is None or recorded.sealed.manifest_sha256 == digest(folder.path / MANIFEST)[1]:
            return manifest
        problems = (f"{MANIFEST} is not the one that was entered",)
    if recorded.sealed is None:
        return None
    raise Failed(
        "evidence-changed",
        f"The folder {folder.path} was sealed in the ledger and changed since, so it is not completed.",
        expected="every file as it was sealed",
        seen="; ".join(problems),
        mender=Mender.OPERATOR,
        retry_safe=RetrySafe.NO,
    )


def _tidy(folder: EvidenceFolder) -> None:
    """Remove half-written files and make the torn last line of the log a whole one."""
    for path in folder.files():
        if path.name.startswith(".") and path.name.endswith(".new"):
            folder.remove(path.relative_to(folder.path).as_posix())
    log = folder.path / LOG_FILE
    text = log.read_bytes() if log.exists() else b""
    if text and not text.endswith(b"\n"):
        folder.write_bytes(LOG_FILE, text + b"\n")


def _recordings(traces_dir: Path, job_id: str) -> list[str]:
    """Names of the recordings of a job: ``ID`` and, after the browser was started again, ``ID-2`` and so on."""
    names = {path.name.removesuffix(".trace") for path in traces_dir.glob(f"{job_id}*.trace")}
    return sorted(name for name in names if name == job_id or name.removeprefix(f"{job_id}-").isdigit())


def _session_versions(record: Record) -> dict[str, str]:
    found = record.session.get("versions")
    seen = found if isinstance(found, dict) else {}
    return {name: str(seen.get(name) or "") for name in ("browser", "selector_catalogue")}

"""Completes evidence that a killed process left unfinished."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from agent.credentials.known import KnownSecrets
from agent.evidence.check import EvidenceBroken, check
from agent.evidence.folder import PARTIAL, EvidenceFolder
from agent.evidence.log import LOG_FILE, EvidenceLog
from agent.evidence.manifest import INTERRUPTED, MANIFEST, versions
from agent.evidence.masking import Masker
from agent.evidence.record import Record, read_record
from agent.evidence.recorder import TRACE_FORMAT, utc_now
from agent.evidence.seal import Withheld, seal, store_trace
from agent.evidence.tracing import discard, salvage


def partial_folders(root: Path, *, untouched_for: float = 0.0, now: Callable[[], float] = time.time) -> Iterator[Path]:
    """Evidence folders below ``root`` that nobody finished and nobody wrote to in the last ``untouched_for`` seconds.

    The caller makes sure that no other process is still writing them; the age is a second safeguard.
    """
    for marker in sorted(root.glob(f"*/*/*/{PARTIAL}")):
        newest = max(path.stat().st_mtime for path in [marker, *marker.parent.iterdir()])
        if now() - newest >= untouched_for:
            yield marker.parent


def recover_partial(path: Path, traces_dir: Path, known: KnownSecrets, clock: Callable[[], datetime] = utc_now) -> None:
    """Build what is missing (trace.zip from its remains, report, manifest) and mark the folder as interrupted.

    ``known`` should hold the tenant's secrets. Where the process died after the manifest, only the marker goes.
    Raises as sealing does: Failed ``evidence-unwritable``, :class:`agent.evidence.seal.SealFailed`. Doing it twice is
    the same as once.
    """
    mask = Masker(known)
    folder = EvidenceFolder(path, mask)
    if not folder.is_partial or _only_the_marker_is_left(folder):
        folder.remove(PARTIAL)
        return
    _tidy(folder)
    folder.remove(MANIFEST)
    record = read_record(path)
    job_id = str(record.request.get("job_id") or path.name)
    withheld = Withheld()
    log = EvidenceLog(path / LOG_FILE, mask, clock)
    if not record.outcome:
        log.line("interrupted", {"text": "The process ended here; completed later from what it left."})
    for number, name in enumerate(_recordings(traces_dir, job_id), 1):
        target = "trace.zip" if number == 1 else f"trace-{number}.zip"
        raw = salvage(traces_dir, name)
        if raw is not None and not (path / target).exists():
            kept = store_trace(folder, target, raw, known, withheld)
            log.line("trace-kept" if kept else "trace-withheld", {"file": target})
        discard(traces_dir, name)
    log.close()
    seal(
        folder,
        known,
        withheld,
        job_id=job_id,
        tenant=str(record.request.get("tenant") or path.parent.parent.name),
        verdict=record.verdict if record.outcome else INTERRUPTED,
        at=clock(),
        made_with=versions(**_session_versions(record), trace_format=TRACE_FORMAT),
    )
    withheld.raise_if_any()


def _only_the_marker_is_left(folder: EvidenceFolder) -> bool:
    try:
        check(folder.path)
    except EvidenceBroken as broken:
        return broken.problems == ("the folder is marked as unfinished",)
    return True


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

"""Writes a bundle for auditors; the same ledger and evidence give the same bytes.

What is sealed goes in byte for byte. The export does not judge: whether the evidence is whole says the verification, of
which the command runs one over what it has just written.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.audit.bundle import LEDGER_FOLDER, Derived, Request, derive, in_bundle, tenant_folder
from agent.audit.entries import Accepted, Ended, Entry, KeyChange, Opened, Pruned, Reopened, Reported, Sealed
from agent.audit.ledger_source import LedgerSource
from agent.audit.proofs import PROOFS, prove, verify_kept, written
from agent.audit.reading import CHECKPOINT
from agent.audit.samples import ALL
from agent.audit.sources import Files, FolderFiles, Unreadable
from agent.audit.trust import SignedHead
from agent.errors import Failed, Mender, Refused
from agent.evidence.manifest import MANIFEST, REPORT, Manifest
from agent.evidence.objects import FOLDER as OBJECTS

_A_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_PACKED_ALREADY = (".zip", ".jpg", ".jpeg", ".png", ".webp", ".gz")


@dataclass(frozen=True)
class Exported:
    """What was written."""

    file: Path
    derived: Derived
    unsigned: int  # entries after the latest checkpoint: they are left out
    bytes: int


def export_period(source: LedgerSource, file: Path, wanted: Request) -> Exported:
    """The bundle of a period: its population, the whole signed ledger, the samples."""
    derived = _derived(source, source.entries, wanted)
    return _write(source, file, derived, source.files())


def export_job(source: LedgerSource, file: Path, job: str, kept: Sequence[SignedHead] = ()) -> Exported:
    """The bundle of one job: ``job`` is the id of its evidence, or the number of a job of the queue (all its runs).

    ``kept`` are heads that the reader keeps: the bundle then shows how it follows from them. Refused "no-such-job" when
    the signed ledger does not know the job, Failed "ledger-behind" when it does not yet know all of it; as
    :func:`agent.audit.proofs.verify_kept` for a head that does not fit.
    """
    shown = entries_about(source.entries, job)
    if not any(isinstance(entry.data, Sealed | Accepted) for entry in shown):
        raise Refused(
            "no-such-job",
            f"The signed ledger knows no job {job!r}.",
            expected="the id of a job's evidence, or a number of the queue (agent evidence list)",
            mender=Mender.REQUESTER,
        )
    if not any(isinstance(entry.data, Accepted) for entry in shown):
        raise Failed(
            "ledger-behind",
            f"The ledger does not have the acceptance of job {job!r} yet: the running agent enters it within a minute.",
            expected="an entry that the job was accepted",
            seen="a sealed run only",
            mender=Mender.OPERATOR,
        )
    proofs = prove(source.entries, shown, [head for head, _ in source.heads], kept)
    for head in kept:
        verify_kept(head, source.latest.checkpoint, proofs.consistency)
    derived = _derived(source, shown, Request(None, None, ALL, ""))
    ledger = {
        PROOFS: written(proofs),
        CHECKPOINT: source.latest.text.encode(),
    }
    return _write(source, file, derived, ledger)


def entries_about(entries: Iterable[Entry], job: str) -> tuple[Entry, ...]:
    """The entries about one job, and those about keys; an evidence id means that run alone, a number all runs."""
    every = tuple(entries)
    number = int(job) if re.fullmatch(r"[1-9]\d{0,9}", job) else None
    sealed = [entry.data for entry in every if isinstance(entry.data, Sealed)]
    runs = [run for run in sealed if run.job_id == job or (number is not None and run.queue == number)]
    ids = {run.job_id for run in runs} | {job}
    queues = {run.queue for run in runs if run.queue is not None} | ({number} if number is not None else set())
    return tuple(entry for entry in every if _is_about(entry, ids, queues))


def _is_about(entry: Entry, ids: set[str], queues: set[int]) -> bool:
    match entry.data:
        case Opened() | KeyChange():  # who may sign is part of every proof
            return True
        case Accepted(job=job):
            return job.queue in queues or job.job_id in ids
        case Sealed() | Reported() | Pruned():
            return entry.data.job_id in ids
        case Ended() | Reopened():
            return entry.data.queue in queues
        case _:
            return False


def _derived(source: LedgerSource, entries: Sequence[Entry], wanted: Request) -> Derived:
    """The tables. Failed "evidence-unreadable" when a record says what no table can hold: it was changed."""

    def evidence(folder: str) -> Files:
        return FolderFiles(source.tenant / folder)

    try:
        return derive(entries, source.latest.checkpoint, wanted, evidence)
    except ValueError as error:
        raise Failed(
            "evidence-unreadable",
            f"No tables can be made of this evidence: {error}. `agent evidence verify` says what was changed.",
            expected="plans, logs and outcomes as they were sealed",
            seen=str(error),
            mender=Mender.OPERATOR,
        ) from error


def _write(source: LedgerSource, file: Path, derived: Derived, ledger: Mapping[str, bytes]) -> Exported:
    """Write the zip beside its place and move it there, so that half a bundle is never taken for one."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        with zipfile.ZipFile(fresh, "w") as archive:
            for name, data in _contents(source, derived, ledger):
                _add(archive, name, data)
        fresh.chmod(0o600)
        fresh.replace(file)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise Failed(
            "output-unwritable",
            f"The bundle cannot be written to {file}: {error.strerror or error}.",
            expected=f"a folder {file.parent} with free space and the right to write",
            seen=str(error),
            mender=Mender.OPERATOR,
        ) from error
    return Exported(file, derived, source.unsigned, file.stat().st_size)


def _contents(source: LedgerSource, derived: Derived, ledger: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield from sorted(derived.files.items())
    for name in sorted(ledger):
        yield f"{LEDGER_FOLDER}/{name}", ledger[name]
    place = tenant_folder(derived.index.tenant)
    bodies: set[str] = set()
    for run in derived.index.runs:
        files = FolderFiles(source.tenant / run.folder)
        belongs = in_bundle(run.level)
        manifest = _manifest(files)
        sealed = (
            {MANIFEST, REPORT, *(entry.path for entry in manifest.files if belongs(entry.path))}
            if manifest
            else {MANIFEST}
        )
        for path in sorted(sealed & files.names()):
            if belongs(path) and (data := _bytes(files, path)) is not None:
                yield f"{place}/{run.folder}/{path}", data
        if run.level == "full" and manifest is not None:
            bodies |= {body.sha256 for body in manifest.objects if body.name.partition("/")[0] in files.names()}
    for sha256 in sorted(bodies):
        path = f"{sha256[:2]}/{sha256}"
        if (data := _bytes(FolderFiles(source.tenant / OBJECTS), path)) is not None:
            yield f"{place}/{OBJECTS}/{path}", data


def _bytes(files: FolderFiles, path: str) -> bytes | None:
    """A file's bytes; None for a link, which may lead to what was never sealed, and for what cannot be read.

    The verification says that it is missing.
    """
    try:
        return files.read(path)
    except (KeyError, Unreadable):
        return None


def _manifest(files: FolderFiles) -> Manifest | None:
    """The list of what was sealed; nothing else that lies in the folder is handed over."""
    try:
        return Manifest.model_validate_json(files.read(MANIFEST))
    except (KeyError, Unreadable, ValueError):
        return None  # the verification says what is wrong with it


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _A_FIXED_TIME)
    info.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED_ALREADY) else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    archive.writestr(info, data)

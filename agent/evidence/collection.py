"""Which shared bodies a tenant's evidence may still need: asked before any of them is removed.

Goes by the ledger: each run that it sealed must have its manifest, byte for byte as it was sealed, and what that names
is needed until the ledger says that the recording was pruned, whether or not the recording lies there now. A folder
that the ledger does not know is read itself. Where one of them does not say what it needs, nobody knows what is not
needed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from agent.audit.records import RunRecords
from agent.evidence.folder import PARTIAL
from agent.evidence.manifest import MANIFEST, digest
from agent.evidence.objects import named_in, references
from agent.evidence.on_record import SealedRun, manifest_of, sealed_run


class NeedUnknown(Exception):
    """What a folder needs cannot be told; the message names it and says why."""


def needed(tenant: Path, records: RunRecords) -> set[str]:
    """Hashes of all shared bodies that any evidence of the tenant may need.

    Raises NeedUnknown; Failed "ledger-broken" and OSError for a ledger that cannot be read.
    """
    wanted: set[str] = set()
    sealed: set[str] = set()
    for job_id in records.job_ids():
        run = sealed_run(records, job_id)
        if run is not None:
            sealed.add(run.sealed.folder)
            wanted.update(_of_sealed(tenant / run.sealed.folder, run))
    for folder in sorted(tenant.glob("????-??-??/*")):
        if folder.is_dir() and folder.relative_to(tenant).as_posix() not in sealed:
            wanted.update(_of_unknown(folder))
    return wanted


def _of_sealed(folder: Path, run: SealedRun) -> Iterator[str]:
    if run.is_wholly_pruned:
        return
    try:
        found = digest(folder / MANIFEST)[1]
    except OSError as error:
        raise NeedUnknown(f"{MANIFEST} of {run.job_id} cannot be read: {error.strerror or error}") from error
    if found != run.sealed.manifest_sha256:
        raise NeedUnknown(f"{MANIFEST} of {run.job_id} was changed")
    manifest = manifest_of(folder)
    if manifest is None:
        raise NeedUnknown(f"{MANIFEST} of {run.job_id} is not of a form that this version reads")
    yield from (body.sha256 for body in manifest.objects if body.name.partition("/")[0] not in run.gone)


def _of_unknown(folder: Path) -> Iterator[str]:
    """Of a folder that was not sealed yet, or by nobody: its own word, and its manifest's."""
    manifest = manifest_of(folder)
    if manifest is not None:
        yield from (body.sha256 for body in manifest.objects)
    if (folder / PARTIAL).exists():  # perhaps being written: what it stores is too young to be removed
        yield from (body.sha256 for body in references(folder))
        return
    try:
        yield from (body.sha256 for body in named_in(folder))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NeedUnknown(f"a recording of {folder.name}, which the ledger does not know, is damaged") from error

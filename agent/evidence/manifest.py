"""The seal of an evidence folder: which files there are, with their SHA-256, made with which versions, how it ended.

``manifest.json`` is RFC 8785 canonical JSON. Its own SHA-256 goes into the tenant's ledger. The report is not listed:
it shows the folder's place in the ledger, so it is made later, and has a ledger entry of its own.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

import agent
from agent.audit.canonical import canonical
from agent.domain.access import Frozen
from agent.evidence.folder import PARTIAL, EvidenceFolder, timestamp

MANIFEST = "manifest.json"
REPORT = "report.html"
INTERRUPTED = "interrupted"  # in the place of a verdict, for a job that never reached one

#: what a manifest does not list
NOT_LISTED = frozenset({MANIFEST, REPORT, PARTIAL})

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(Frozen):
    """One file of the folder."""

    path: str = Field(min_length=1)  # relative, with /
    bytes: int = Field(ge=0)
    sha256: Sha256


class SharedObject(Frozen):
    """A body that a recording leaves out, since many have it: kept once for the tenant, under its SHA-256."""

    sha256: Sha256  # of the bytes; also where they are: objects/ab/abcdef...
    bytes: int = Field(ge=0)
    name: str = Field(min_length=1)  # in the recording: "trace.zip/resources/..."


class Versions(Frozen):
    """What the job ran on; empty where it never came so far."""

    agent: str
    python: str
    playwright: str
    browser: str = ""
    selector_catalogue: str = ""  # sha256
    trace_format: int | None = None


class Manifest(Frozen):
    """Contents of ``manifest.json``. It lists every file but itself and the report."""

    format: Literal[2] = 2
    job_id: str
    tenant: str
    verdict: str
    sealed_at: str
    versions: Versions
    withheld: tuple[str, ...] = ()  # files not kept since a secret was found in them, or could not be ruled out
    files: tuple[FileEntry, ...]
    objects: tuple[SharedObject, ...] = ()


def versions(*, browser: str = "", selector_catalogue: str = "", trace_format: int | None = None) -> Versions:
    """The versions of this process, and what is known of the session."""
    return Versions(
        agent=agent.__version__,
        python=platform.python_version(),
        playwright=version("playwright"),
        browser=browser,
        selector_catalogue=selector_catalogue,
        trace_format=trace_format,
    )


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        total = hashlib.file_digest(file, "sha256")
        return file.tell(), total.hexdigest()


def entries(folder: EvidenceFolder) -> tuple[FileEntry, ...]:
    """Every file of the folder but the manifest, the report and the marker of an unfinished folder."""
    found = []
    for path in folder.files():
        name = path.relative_to(folder.path).as_posix()
        if name not in NOT_LISTED:
            size, sha256 = digest(path)
            found.append(FileEntry(path=name, bytes=size, sha256=sha256))
    return tuple(found)


def write_manifest(
    folder: EvidenceFolder,
    *,
    request: Mapping[str, str],
    verdict: str,
    at: datetime,
    made_with: Versions,
    withheld: tuple[str, ...] = (),
    objects: tuple[SharedObject, ...] = (),
) -> Manifest:
    """Hash everything in the folder and write ``manifest.json``; ``request`` has ``job_id`` and ``tenant``."""
    manifest = Manifest(
        job_id=request["job_id"],
        tenant=request["tenant"],
        verdict=verdict,
        sealed_at=timestamp(at),
        versions=made_with,
        withheld=withheld,
        files=entries(folder),
        objects=objects,
    )
    folder.write_text(MANIFEST, canonical(manifest.model_dump(mode="json")).decode())
    return manifest

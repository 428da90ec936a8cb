"""Verifies an evidence folder against its manifest."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from agent.audit.canonical import canonical
from agent.evidence.folder import EvidenceFolder
from agent.evidence.manifest import MANIFEST, NOT_LISTED, Manifest, digest


class EvidenceBroken(Exception):
    """The folder is not what was sealed; ``problems`` has a sentence for each difference."""

    def __init__(self, folder: Path, problems: tuple[str, ...]) -> None:
        super().__init__(f"{folder}: " + "; ".join(problems))
        self.problems = problems


def check(path: Path, *, finished: bool = True) -> Manifest:
    """The manifest of a folder that is exactly as it was sealed; ``finished=False`` allows the marker in it.

    EvidenceBroken lists *all* differences: files changed, removed, added or replaced by links, a manifest that is
    absent, damaged, not in its canonical form or names files outside the folder, and a folder that was never finished.
    The report is not looked at, and neither are objects outside the folder: the ledger vouches for the one, the names
    of the others are their hashes.
    """
    folder = EvidenceFolder(path)
    try:
        text = (path / MANIFEST).read_bytes()
    except OSError as error:
        raise EvidenceBroken(path, (f"{MANIFEST} cannot be read: {error.strerror}",)) from error
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, item["loc"])) or "the whole" for item in error.errors()[:5])
        raise EvidenceBroken(path, (f"{MANIFEST} is damaged: {where}",)) from error
    problems = []
    if canonical(manifest.model_dump(mode="json")) != text:
        problems.append(f"{MANIFEST} is not in the form in which it was written")
    if finished and folder.is_partial:
        problems.append("the folder is marked as unfinished")
    listed = {entry.path: entry for entry in manifest.files}
    if len(listed) != len(manifest.files):
        problems.append(f"{MANIFEST} lists a file twice")
    present = {file.relative_to(path).as_posix(): file for file in folder.files()}
    for name, entry in listed.items():
        if name in NOT_LISTED:
            problems.append(f"{MANIFEST} lists {name}, which is never listed")
        elif PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            problems.append(f"{MANIFEST} lists {name}, which is outside the folder")
        elif name not in present:
            problems.append(f"{name} was removed")
        elif present[name].is_symlink():
            problems.append(f"{name} was replaced by a link")
        elif digest(present[name]) != (entry.bytes, entry.sha256):
            problems.append(f"{name} was changed")
    unlisted = sorted(set(present) - set(listed) - NOT_LISTED)
    problems += [f"{name} was added" for name in unlisted]
    if problems:
        raise EvidenceBroken(path, tuple(problems))
    return manifest

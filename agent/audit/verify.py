"""Verifies evidence where it lies: one job's folder, a tenant, or the whole evidence folder.

Bundles are verified by :mod:`agent.audit.bundle_check`. Both need public keys and nothing else of the agent's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from agent.audit import promises
from agent.audit.canonical import parse_json
from agent.audit.checkpoint import origin_of
from agent.audit.findings import Findings
from agent.audit.ledger import LEDGER, ledger_folder
from agent.audit.ledger_check import LedgerView, check_ledger
from agent.audit.reading import ENTRIES
from agent.audit.sealed_folder import CheckedFolder, SharedBodies, check_folder, refuse_excuse
from agent.audit.sources import FolderFiles
from agent.audit.tampering import FileReplaced, FolderRemoved, LedgerRolledBack, OtherTenant
from agent.audit.trust import Anchors
from agent.evidence.folder import PARTIAL
from agent.evidence.manifest import MANIFEST
from agent.evidence.objects import FOLDER as OBJECTS

BUNDLE = "bundle.json"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOST_SAID = 20  # folders that get a sentence of their own


class Place(StrEnum):
    """What a path is."""

    BUNDLE = "bundle"  #: a zip, or one that was unpacked
    JOB = "job"  #: one job's folder
    DAY = "day"  #: the folder of a day
    TENANT = "tenant"  #: a tenant's folder, with its ledger
    ALL = "all"  #: the evidence folder, with tenants in it
    NOTHING = "nothing"  #: nothing that could be verified


def place_of(path: Path) -> Place:
    """What is there, by what it holds."""
    if path.is_file() or (path / BUNDLE).is_file():
        return Place.BUNDLE
    if any((path / name).exists() for name in (MANIFEST, PARTIAL, "request.json")):
        return Place.JOB
    if (path / LEDGER).is_dir():
        return Place.TENANT
    if _DAY.fullmatch(path.name) and path.is_dir():
        return Place.DAY
    if tenants(path):
        return Place.ALL
    return Place.NOTHING


def tenants(evidence: Path) -> list[Path]:
    """Folders of tenants below an evidence folder: those with a ledger, or with days of jobs."""
    if not evidence.is_dir():
        return []
    found = (path for path in evidence.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(
        path for path in found if (path / LEDGER).is_dir() or any(_DAY.fullmatch(day.name) for day in path.iterdir())
    )


def verify_folder(path: Path, anchors: Anchors) -> Findings:
    """One job's folder (or a day's), against the ledger two (one) folders above it."""
    findings = Findings()
    is_job = place_of(path) is Place.JOB
    home = Path(os.path.abspath(path))  # noqa: PTH100  # a link must not lead to another job's folder
    tenant = home.parents[1 if is_job else 0]
    links = [folder for folder in ((home, home.parent) if is_job else (home,)) if folder.is_symlink()]
    if links:
        findings.problems.append(_link(links[0].name))
        return findings
    view = check_ledger(FolderFiles(tenant / LEDGER), anchors, findings)
    _check_tenant(tenant, view, findings)
    folders = [home] if is_job else _jobs(home)
    _check_folders(tenant, folders, view, findings, single=is_job)
    _say_limits(findings)
    return findings


def verify_tenant(tenant: Path, anchors: Anchors) -> Findings:
    """A tenant's whole evidence: its ledger, every folder, and that no folder is missing."""
    findings = Findings()
    view = check_ledger(FolderFiles(tenant / LEDGER), anchors, findings)
    _check_tenant(tenant, view, findings)
    days = [day for day in sorted(tenant.iterdir()) if _DAY.fullmatch(day.name)]
    if beside := _beside(tenant, days):
        findings.open.append(promises.beside(beside))
    linked = {day.name for day in days if day.is_symlink()}
    findings.problems += [_link(name) for name in sorted(linked)]
    folders = [job for day in days if day.name not in linked for job in _jobs(day)]
    _check_folders(tenant, folders, view, findings)
    there = {folder.relative_to(tenant).as_posix() for folder in folders}
    for name, run in view.by_folder.items():
        if name in there or name.partition("/")[0] in linked:
            continue
        if run.is_wholly_pruned:
            findings.notes.append(promises.wholly_pruned(name, sorted({pruned.policy for pruned in run.pruned})))
            continue
        with findings.collecting():
            refuse_excuse(name, run, MANIFEST)
            raise FolderRemoved(name, f"The folder {name} is gone; entry {run.entry.seq} of the ledger is about it.")
    _say_limits(findings)
    return findings


def verify_all(evidence: Path, anchors: Anchors) -> dict[str, Findings]:
    """Every tenant of an evidence folder, by its folder's name.

    A kept head counts for the ledger it is of; one of a ledger that is not there any more is a problem of its own.
    """
    ledgers = {tenant: origin_of(ledger_id(tenant)) for tenant in tenants(evidence)}
    found = {}
    for tenant, origin in ledgers.items():
        own = tuple(head for head in anchors.heads if head.checkpoint.origin == origin)
        found[tenant.name] = verify_tenant(tenant, replace(anchors, heads=own))
    lost = [head for head in anchors.heads if head.checkpoint.origin not in ledgers.values()]
    if lost:
        missing = Findings()
        for head in lost:
            missing.problems.append(
                LedgerRolledBack(
                    head.subject,
                    f"The ledger {head.checkpoint.origin}, of which {head.subject} was kept, is not there any more.",
                )
            )
        found["ledgers that are gone"] = missing
    return found


def ledger_id(tenant: Path) -> str:
    """The id that a tenant's ledger gives itself; empty without one. Proves nothing."""
    try:
        with (tenant / LEDGER / ENTRIES).open("rb") as file:
            return str(parse_json(file.readline())["data"]["ledger"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _check_tenant(tenant: Path, view: LedgerView, findings: Findings) -> None:
    """The ledger of another tenant, with all its jobs, is no evidence of this one."""
    here = Path(os.path.abspath(tenant)).name  # noqa: PTH100  # the name it has here, were it a link
    if view.tenant and ledger_folder(Path(), view.tenant).parent.name != here:
        findings.problems.append(
            OtherTenant(here, f"The folder {here} has the ledger of another tenant.", expected=here, seen=view.tenant)
        )


def _link(name: str) -> FileReplaced:
    return FileReplaced(name, f"{name} is a link, not a folder of its own.")


def _jobs(day: Path) -> list[Path]:
    """The folders of a day. One without its marker is left by a process killed in its very first moment."""
    found = sorted(path for path in day.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [path for path in found if any(child.name != f".{PARTIAL}.new" for child in path.iterdir())]


def _beside(tenant: Path, days: Sequence[Path]) -> list[str]:
    """What lies in a tenant's folder and is neither the ledger, the shared bodies nor a job: no entry speaks of it."""
    found = [path for path in tenant.iterdir() if path not in days and path.name not in {LEDGER, OBJECTS}]
    for day in days:
        if day.is_symlink() or not day.is_dir():
            continue  # told as a link, or below
        found += [path for path in day.iterdir() if path.name.startswith(".") or not path.is_dir()]
    found += [day for day in days if not day.is_dir()]
    return sorted(path.relative_to(tenant).as_posix() for path in found)


def _check_folders(
    tenant: Path, folders: Sequence[Path], view: LedgerView, findings: Findings, *, single: bool = False
) -> None:
    bodies = SharedBodies(FolderFiles(tenant / OBJECTS))
    good: list[tuple[str, CheckedFolder, int]] = []
    earlier = running = 0
    for folder in folders:
        name = folder.relative_to(tenant).as_posix()
        run = view.by_folder.get(name)
        if folder.is_symlink():
            findings.problems.append(_link(name))
            continue
        is_signed = run is not None and run.entry.seq < view.signed
        if not single and not is_signed and (folder / PARTIAL).exists():
            running += 1  # what is sealed and signed is checked: a marker is easily put into any folder
            continue
        if not single and run is None and _is_older(folder, view):
            earlier += 1
            continue
        before = len(findings.problems)
        checked = check_folder(name, FolderFiles(folder), view, bodies, findings, at_work=True)
        if run is not None and checked.manifest is not None and len(findings.problems) == before:
            good.append((name, checked, run.entry.seq))
        if checked.pruned:
            rules = sorted({policy for _, policy in checked.pruned})
            findings.notes.append(promises.pruned(name, len(checked.pruned), rules))
    if view.is_sound:
        _say_folders(good, findings)
    elif good:
        findings.open.append(promises.folders_of_unsound(len(good)))
    if running:
        findings.open.append(promises.running(running))
    if earlier:
        findings.open.append(promises.before_the_ledger(earlier, view.opened_at))
    findings.counts.update(folders=len(folders), good_folders=len(good), files=sum(item.files for _, item, _ in good))


def _is_older(folder: Path, view: LedgerView) -> bool:
    """Whether a folder claims to be from before the ledger was opened; nothing proves such a folder, or its claim."""
    try:
        sealed_at = parse_json((folder / MANIFEST).read_bytes())["sealed_at"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(view.opened_at) and str(sealed_at) < view.opened_at


def _say_folders(good: Sequence[tuple[str, CheckedFolder, int]], findings: Findings) -> None:
    if len(good) > _MOST_SAID:
        findings.proven.append(promises.folders(len(good), sum(checked.files for _, checked, _ in good)))
        return
    findings.proven += [promises.folder(name, checked.files, seq) for name, checked, seq in good]


def _say_limits(findings: Findings) -> None:
    findings.open += promises.general_limits()

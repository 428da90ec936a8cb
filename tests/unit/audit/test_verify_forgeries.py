"""What somebody can do who writes to the disk and knows the format, but has no key: each is found by its own code."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.audit.bundle import Request
from agent.audit.bundle_check import verify_bundle
from agent.audit.canonical import canonical
from agent.audit.entries import Kind
from agent.audit.export import export_period
from agent.audit.ledger_source import read_source
from agent.audit.sources import FolderFiles
from agent.audit.trust import Anchors
from agent.audit.verify import verify_all, verify_folder, verify_tenant
from tests.unit.audit.archive import Archive
from tests.unit.audit.tampering import JOB, OTHER, codes

HEAVY = "evidence.heavy_days=90"
YEARS = "evidence.records_years=7"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two jobs."""
    made = Archive(tmp_path_factory.mktemp("original"))
    made.job(JOB)
    made.clock.go(hours=1)
    made.job(OTHER)
    return made


@pytest.fixture
def archive(original: Archive, tmp_path: Path) -> Archive:
    """A copy of it, to be tampered with."""
    return original.copy(tmp_path)


def append(archive: Archive, kind: str, data: dict[str, Any]) -> None:
    """An entry that follows the last one, which takes no key."""
    last = archive.lines()[-1]
    before = json.loads(last)
    entry = {"v": 1, "seq": before["seq"] + 1, "prev": hashlib.sha256(last[:-1]).hexdigest(), "at": before["at"]}
    with archive.entries.open("ab") as file:
        file.write(canonical({**entry, "kind": kind, "data": data}) + b"\n")


def removed(archive: Archive, *paths: str, policy: str = HEAVY) -> dict[str, Any]:
    """The data of an entry about these files of the job."""
    files = []
    for path in paths:
        data = (archive.folder(JOB) / path).read_bytes()
        files.append({"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    return {"job_id": JOB, "files": files, "policy": policy, "why": "kept long enough"}


def report_of(archive: Archive, text: str) -> dict[str, str]:
    """Write another report; the data of an entry about it."""
    (archive.folder(JOB) / "report.html").write_text(text)
    return {"job_id": JOB, "report_sha256": hashlib.sha256(text.encode()).hexdigest()}


# --- a marker ---


def mark_and_change(archive: Archive) -> None:
    (archive.folder(JOB) / "PARTIAL").touch()
    (archive.folder(JOB) / "plan.json").write_text("{}")


def mark_and_empty(archive: Archive) -> None:
    folder = archive.folder(JOB)
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "PARTIAL").touch()


def mark_and_report(archive: Archive) -> None:
    (archive.folder(JOB) / "PARTIAL").touch()
    (archive.folder(JOB) / "report.html").write_text("all is well")


# --- entries that nobody signed ---


def report_unsigned(archive: Archive) -> None:
    append(archive, "reported", report_of(archive, "all is well"))


def prune_unsigned(archive: Archive) -> None:
    append(archive, "pruned", removed(archive, "trace.zip"))
    (archive.folder(JOB) / "trace.zip").unlink()


def prune_all_unsigned(archive: Archive) -> None:
    append(archive, "pruned", removed(archive, "manifest.json", policy=YEARS))
    shutil.rmtree(archive.folder(JOB))


# --- entries that the agent signed, since they stood there ---


def prune(archive: Archive, data: dict[str, Any], *, days: float) -> None:
    archive.clock.go(days=days)
    archive.ledger.append(Kind.PRUNED, data)
    archive.ledger.sign()
    for file in data["files"]:
        (archive.folder(JOB) / file["path"]).unlink()


def prune_too_early(archive: Archive) -> None:
    prune(archive, removed(archive, "trace.zip"), days=89)


def prune_records(archive: Archive) -> None:
    prune(archive, removed(archive, "trace.zip", "outcome.json"), days=91)


def prune_by_no_rule(archive: Archive) -> None:
    prune(archive, removed(archive, "trace.zip", policy="the auditor said so"), days=91)


def prune_all_by_the_wrong_rule(archive: Archive) -> None:
    prune(archive, removed(archive, "manifest.json"), days=9000)
    shutil.rmtree(archive.folder(JOB))


def prune_all_too_early(archive: Archive) -> None:
    prune(archive, removed(archive, "manifest.json", policy=YEARS), days=2500)
    shutil.rmtree(archive.folder(JOB))


def prune_another_list(archive: Archive) -> None:
    (archive.folder(JOB) / "manifest.json").write_text("{}")
    prune(archive, removed(archive, "manifest.json", policy=YEARS), days=2600)
    shutil.rmtree(archive.folder(JOB))


def report_twice(archive: Archive) -> None:
    archive.ledger.append(Kind.REPORTED, report_of(archive, "all is well"))
    archive.ledger.sign()


# --- links ---


def link_to_another_job(archive: Archive) -> None:
    folder, other = archive.folder(JOB), archive.folder(OTHER)
    shutil.rmtree(folder)
    folder.symlink_to(other)


def link_to_elsewhere(archive: Archive) -> None:
    folder = archive.folder(JOB)
    folder.rename(archive.root / "elsewhere")
    folder.symlink_to(archive.root / "elsewhere")


def link_the_manifest(archive: Archive) -> None:
    path = archive.folder(JOB) / "manifest.json"
    path.rename(archive.root / "manifest.json")
    path.symlink_to(archive.root / "manifest.json")


def link_the_report(archive: Archive) -> None:
    path = archive.folder(JOB) / "report.html"
    path.rename(archive.root / "report.html")
    path.symlink_to(archive.root / "report.html")


def link_the_day(archive: Archive) -> None:
    day = archive.folder(JOB).parent
    day.rename(archive.root / "day")
    day.symlink_to(archive.root / "day")


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (mark_and_change, "evidence-file-changed"),
        (mark_and_empty, "evidence-file-removed"),
        (mark_and_report, "evidence-report-changed"),
        (report_unsigned, "ledger-unsigned"),
        (prune_unsigned, "ledger-unsigned"),
        (prune_all_unsigned, "ledger-unsigned"),
        (prune_too_early, "evidence-prune-not-due"),
        (prune_records, "evidence-prune-not-due"),
        (prune_by_no_rule, "evidence-prune-not-due"),
        (prune_all_by_the_wrong_rule, "evidence-prune-not-due"),
        (prune_all_too_early, "evidence-prune-not-due"),
        (prune_another_list, "evidence-prune-not-due"),
        (report_twice, "evidence-report-changed"),
        (link_to_another_job, "evidence-file-replaced"),
        (link_to_elsewhere, "evidence-file-replaced"),
        (link_the_manifest, "evidence-file-replaced"),
        (link_the_report, "evidence-file-replaced"),
        (link_the_day, "evidence-file-replaced"),
    ],
)
def test_a_forgery_is_found(archive: Archive, forge: Callable[[Archive], None], code: str) -> None:
    """Exactly its own error, and nothing is said to be proven of the forged job."""
    forge(archive)
    findings = verify_tenant(archive.tenant, archive.anchors)
    assert codes(findings) == [code]
    assert not any(f"{JOB} are byte for byte" in sentence for sentence in findings.proven)


def test_a_linked_folder_is_refused_by_itself_too(archive: Archive) -> None:
    """Who names the folder of one job is not told about another one's."""
    link_to_another_job(archive)
    path = archive.tenant / archive.folder(OTHER).parent.name / JOB
    assert codes(verify_folder(path, archive.anchors)) == ["evidence-file-replaced"]
    assert codes(verify_folder(path.parent, archive.anchors)) == ["evidence-file-replaced"]
    link_the_day(archive)
    assert codes(verify_folder(path.parent / OTHER, archive.anchors)) == ["evidence-file-replaced"]


def test_a_sealed_run_may_wait_for_its_completion(archive: Archive) -> None:
    """A process killed before its marker went leaves what is sealed whole: that is told, and is no problem."""
    (archive.folder(JOB) / "PARTIAL").touch()
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any("still marked as unfinished" in sentence for sentence in findings.open)
    assert any(f"{JOB} are byte for byte" in sentence for sentence in findings.proven)


def test_a_run_under_way_whose_seal_nobody_signed_is_no_problem(archive: Archive) -> None:
    """Between its seal and its signature a job is one that is running."""
    folder = archive.job("090000-update-aa0003", sign=False)
    (folder / "PARTIAL").touch()
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any("1 job that is running" in sentence for sentence in findings.open)


def test_a_report_written_anew_after_a_removal_counts(archive: Archive) -> None:
    """Retention removes pictures and writes the report anew: genuine, and so is a removal of all at the end."""
    archive.prune(JOB, "trace.zip", "pictures/01-before.jpg")
    archive.ledger.append(Kind.REPORTED, report_of(archive, "without pictures"))
    archive.ledger.sign()
    verify_tenant(archive.tenant, archive.anchors).raise_if_any()
    archive.prune(JOB, "manifest.json")
    shutil.rmtree(archive.folder(JOB))
    verify_tenant(archive.tenant, archive.anchors).raise_if_any()


def test_a_bundle_ends_with_what_is_signed(archive: Archive, tmp_path: Path) -> None:
    """An entry that was added to a bundle has no signature to wait for."""
    bundle, unpacked = tmp_path / "bundle.zip", tmp_path / "unpacked"
    export_period(
        read_source(archive.tenant), bundle, Request("2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z", 25, "")
    )
    shutil.unpack_archive(bundle, unpacked)
    verify_bundle(unpacked, archive.anchors).raise_if_any()
    entries = unpacked / "ledger" / "entries.jsonl"
    append(archive, "reopened", {"queue": 1})
    assert FolderFiles(unpacked).read("ledger/entries.jsonl") == b"".join(archive.lines()[:-1])
    entries.write_bytes(archive.entries.read_bytes())
    assert "ledger-unsigned" in codes(verify_bundle(unpacked, archive.anchors))


def test_folders_of_two_tenants_that_were_swapped(archive: Archive) -> None:
    """Each is whole in itself, and stands for the other."""
    other = Archive(archive.root, name="beta")
    other.job(JOB)
    anchors = Anchors((archive.key, other.key))
    for tenant in verify_all(archive.evidence, anchors).values():
        tenant.raise_if_any()
    aside = archive.evidence / "aside"
    archive.tenant.rename(aside)
    other.tenant.rename(archive.tenant)
    aside.rename(other.tenant)
    found = verify_all(archive.evidence, anchors)
    assert [codes(findings) for findings in found.values()] == [["ledger-other-tenant"]] * 2
    assert codes(verify_folder(other.folder(JOB), anchors)) == ["ledger-other-tenant"]

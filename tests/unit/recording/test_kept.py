"""A job is found by whatever a person calls it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from agent.errors import Refused
from agent.recording.archive import RecordingNotUnderstood
from agent.recording.kept import KeptJob, find_job
from tests.unit.recording import made
from tests.unit.recording.made import PAGE, snapshot

IDS = ("091502-provision-4f1a9c", "091502-provision-77aa01", "120000-offboard-4f1a9c")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Evidence of three jobs, with a ledger."""
    for name in IDS:
        folder = tmp_path / "evidence" / "acme" / "2026-11-22" / name
        folder.mkdir(parents=True)
        (folder / "request.json").write_text("{}", encoding="utf-8")
        made.write(folder / "trace.zip", [snapshot(PAGE)])
    entries = [
        {"kind": "sealed", "data": {"queue": 7, "folder": f"2026-11-22/{IDS[0]}"}},
        {"kind": "sealed", "data": {"queue": 7, "folder": f"2026-11-22/{IDS[1]}"}},
        {"kind": "sealed", "data": {"queue": 8, "folder": "../../../../etc"}},
        {"kind": "ended", "data": {"queue": 9, "folder": f"2026-11-22/{IDS[2]}"}},
    ]
    ledger = tmp_path / "evidence" / "acme" / "ledger"
    (ledger / "provision").mkdir(parents=True)
    lines = [*(json.dumps(entry) for entry in entries), '{"kind": "sealed", torn']
    (ledger / "entries.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "evidence"


@pytest.mark.parametrize(
    ("called", "found"),
    [(IDS[0], IDS[0]), ("77aa01", IDS[1]), ("offboard", IDS[2]), ("120000-off", IDS[2]), ("7", IDS[1])],
)
def test_by_id_part_of_it_or_number(root: Path, tmp_path: Path, called: str, found: str) -> None:
    """An id, a part that fits one job only, or the number in the queue: then its last run."""
    assert find_job(called, root, tmp_path / "room").job_id == found


@pytest.mark.parametrize(
    ("called", "code"),
    [
        ("4f1a9c", "several-jobs"),
        ("provision", "several-jobs"),
        ("nobody", "no-such-job"),
        ("8", "no-such-job"),
        ("9", "no-such-job"),
        ("../../etc", "no-such-job"),
        ("*", "no-such-job"),
        ("", "no-such-job"),
    ],
)
def test_what_fits_none_or_several(root: Path, tmp_path: Path, called: str, code: str) -> None:
    """Nothing is guessed, and nothing outside the evidence is looked at."""
    with pytest.raises(Refused) as caught:
        find_job(called, root, tmp_path / "room")
    assert caught.value.code == code


def test_by_folder(root: Path, tmp_path: Path) -> None:
    """The job's folder, or one that holds a single job."""
    folder = root / "acme" / "2026-11-22" / IDS[0]
    assert find_job(str(folder), root, tmp_path / "room").folder == folder.resolve()
    alone = tmp_path / "alone" / "job"
    alone.mkdir(parents=True)
    (alone / "request.json").write_text("{}", encoding="utf-8")
    assert find_job(str(alone.parent), root, tmp_path / "room").folder == alone.resolve()
    with pytest.raises(Refused):
        find_job(str(folder.parent), root, tmp_path / "room")


def test_in_a_bundle(root: Path, tmp_path: Path) -> None:
    """A bundle for auditors is unpacked as far as needed; a recording alone does, too."""
    bundle = tmp_path / "bundle.zip"
    name = f"evidence/acme/2026-11-22/{IDS[0]}"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("ledger/entries.jsonl", "")
        archive.writestr(f"{name}/request.json", "{}")
        archive.write(root / "acme" / "2026-11-22" / IDS[0] / "trace.zip", f"{name}/trace.zip")
    kept = find_job(str(bundle), root, tmp_path / "room")
    assert kept.job_id == IDS[0]
    assert len(kept.open().pages) == 1
    assert not (tmp_path / "room" / "ledger").exists()
    alone = find_job(str(root / "acme" / "2026-11-22" / IDS[0] / "trace.zip"), root, tmp_path / "other")
    assert len(alone.open().pages) == 1


def test_a_bundle_that_would_write_elsewhere(root: Path, tmp_path: Path) -> None:
    """Names that lead out of the folder end it before anything is written."""
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        archive.writestr("evidence/../../outside.txt", "x")
    with pytest.raises(RecordingNotUnderstood):
        find_job(str(tmp_path / "bundle.zip"), root, tmp_path / "room")
    assert not (tmp_path / "outside.txt").exists()


def test_which_recording(root: Path) -> None:
    """Several of them, in the order of their making; a number that is none is refused, and so is a job without any."""
    folder = root / "acme" / "2026-11-22" / IDS[0]
    for number in (2, 10):
        made.write(folder / f"trace-{number}.zip", [snapshot(PAGE)])
    kept = KeptJob(folder)
    assert [path.name for path in kept.recordings] == ["trace.zip", "trace-2.zip", "trace-10.zip"]
    assert kept.recording_file().name == "trace-10.zip"
    assert kept.recording_file(1).name == "trace.zip"
    with pytest.raises(Refused, match="number 4"):
        kept.recording_file(4)
    bare = folder.parent / "130000-read-000000"
    bare.mkdir()
    (bare / "log.jsonl").write_text('{"event": "trace-missing", "why": "the browser left none"}\n', encoding="utf-8")
    with pytest.raises(Refused) as caught:
        KeptJob(bare).recording_file()
    assert caught.value.seen == "not recorded: the browser left none"

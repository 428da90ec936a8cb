"""No body that any evidence may need is collected, whatever somebody did to the folders; what nobody needs goes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.audit.canonical import canonical
from agent.audit.records import RunRecords
from agent.evidence.collection import NeedUnknown, needed
from tests.unit.audit.archive import Archive
from tests.unit.evidence.test_retention import JOB, retention, verified


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """One job, sealed, with a body in the tenant's store that is old enough to be collected; its day is over."""
    made = Archive(tmp_path)
    made.job(JOB)
    old = made.clock().timestamp() - 2 * 86_400
    os.utime(made.shared_body, (old, old))
    made.clock.now += timedelta(days=2)
    return made


def names_nothing(folder: Path) -> None:
    """A manifest that says the recording needs no shared body."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(canonical({**manifest, "objects": []}))


def damages_both(folder: Path) -> None:
    """The recording cannot be asked either."""
    names_nothing(folder)
    (folder / "trace.zip").write_bytes(b"damaged")


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        (names_nothing, "was changed"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "was changed"),
        (lambda folder: (folder / "manifest.json").unlink(), "cannot be read"),
        (damages_both, "was changed"),
        (lambda folder: folder.rename(folder.parents[2] / "away"), "cannot be read"),
        (lambda folder: folder.rename(folder.with_name("080000-update-bb0001")), "cannot be read"),
    ],
    ids=["names nothing", "unreadable", "removed", "recording damaged, too", "folder taken away", "folder renamed"],
)
def test_a_manifest_that_is_not_as_sealed_keeps_every_body(
    archive: Archive, tamper: Callable[[Path], Any], why: str
) -> None:
    """What it was sealed with might have named any of them, so none goes, and it is told which folder is to blame."""
    tamper(archive.folder(JOB))
    done = retention(archive).tidy()
    assert archive.shared_body.exists()
    assert done.objects == 0
    (trouble,) = done.troubles
    assert JOB in trouble
    assert why in trouble


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"not a zip")])
def test_a_recording_that_somebody_removed_or_damaged_still_needs_its_bodies(
    archive: Archive, damage: Callable[[Path], Any]
) -> None:
    """It may come back from a backup: only an entry "pruned" of the ledger says that it is gone for good."""
    recording = archive.folder(JOB) / "trace.zip"
    kept = recording.read_bytes()
    damage(recording)
    assert retention(archive).tidy().objects == 0
    recording.write_bytes(kept)
    verified(archive)


def test_once_it_is_as_sealed_again_collecting_goes_on(archive: Archive, tmp_path: Path) -> None:
    """A folder put back from a backup ends the hold; the body goes with the recording that needed it."""
    shutil.copytree(archive.folder(JOB), tmp_path / "backup")
    names_nothing(archive.folder(JOB))
    assert retention(archive).tidy().troubles != []
    shutil.copy(tmp_path / "backup" / "manifest.json", archive.folder(JOB))
    archive.clock.go(hours=24 * 91)
    done = retention(archive).tidy()
    assert (done.troubles, done.objects) == ([], 1)
    verified(archive)


def test_a_folder_that_the_ledger_does_not_know_is_read_itself(archive: Archive) -> None:
    """Its recording needs what it names; one that is damaged could name anything; one being written is young."""
    folder = archive.folder(JOB).with_name("090000-update-cc0001")
    shutil.copytree(archive.folder(JOB), folder)
    names_nothing(folder)
    shutil.rmtree(archive.folder(JOB))
    nobody = RunRecords(archive.tenant / "no-ledger")
    assert needed(archive.tenant, nobody) == {archive.shared_body.name}
    (folder / "trace.zip").write_bytes(b"damaged")
    with pytest.raises(NeedUnknown, match=folder.name):
        needed(archive.tenant, nobody)
    (folder / "PARTIAL").touch()
    assert needed(archive.tenant, nobody) == set()

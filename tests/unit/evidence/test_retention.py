"""What has been kept long enough goes, after the ledger says so; whatever is killed in between, verification holds."""

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
from agent.audit.entries import Kind, Pruned
from agent.audit.ledgers import JobEntries
from agent.audit.reading import read_entries
from agent.audit.verify import verify_tenant
from agent.errors import Failed
from agent.evidence.journal import JOURNAL, Journal, Noted
from agent.evidence.retention import Ages, Retention, Tidied
from tests.unit.audit.archive import Archive

JOB = "070000-update-aa0001"
OTHER = "080000-update-aa0002"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Two jobs of one morning."""
    made = Archive(tmp_path)
    made.job(JOB)
    made.clock.go(hours=1)
    made.job(OTHER, queue=1)
    made.ended(1, job_id=OTHER)
    return made


def retention(archive: Archive, ledger: Any = None) -> Retention:
    """Of that tenant, by its own clock."""
    entries = JobEntries(archive.ledger)
    return Retention(
        archive.evidence,
        Ages(heavy_days=90, records_years=7),
        lambda _: ledger or archive.ledger,
        lambda _, job_id: entries.recorded(job_id),
        clock=archive.clock,
    )


def not_pruned(done: Tidied) -> list[str]:
    """What was told of folders that are kept; what that means for shared bodies is test_collection's."""
    return [trouble for trouble in done.troubles if "is not pruned" in trouble]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def pruned(archive: Archive) -> list[Pruned]:
    """What the ledger says was pruned."""
    return [entry.data for entry in read_entries(archive.ledger_folder) if isinstance(entry.data, Pruned)]


def verified(archive: Archive) -> list[str]:
    """The tenant verifies with nothing but its first key; what is said beside the proofs."""
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    return list(findings.notes)


def test_nothing_goes_before_its_time(archive: Archive) -> None:
    """On the 90th day everything is still there."""
    archive.clock.go(hours=24 * 89)
    assert retention(archive).tidy() == Tidied()
    assert pruned(archive) == []


def test_heavy_artifacts_go_and_records_stay(archive: Archive) -> None:
    """After 90 days recordings and pictures go; the report is another one without them, and all of it verifies."""
    before = (archive.folder(JOB) / "report.html").read_bytes()
    archive.clock.go(hours=24 * 91)
    done = retention(archive).tidy()
    assert [removal.job_id for removal in done.removals] == [JOB, OTHER]
    assert done.troubles == []
    for job in (JOB, OTHER):
        left = files(archive.folder(job))
        assert {"manifest.json", "report.html", "request.json", "plan.json", "log.jsonl", "outcome.json"} == left
    assert (archive.folder(JOB) / "report.html").read_bytes() != before
    assert [{file.path for file in item.files} for item in pruned(archive)] == [
        {"trace.zip", "pictures/01-before.jpg"}
    ] * 2
    assert any("2 files were removed by the rule evidence.heavy_days=90" in note for note in verified(archive))


def test_it_is_done_once(archive: Archive) -> None:
    """The next run finds nothing to do and writes nothing."""
    archive.clock.go(hours=24 * 91)
    retention(archive).tidy()
    entries = archive.entries.read_bytes()
    assert retention(archive).tidy() == Tidied()
    assert archive.entries.read_bytes() == entries


def test_the_whole_folder_goes_after_years(archive: Archive) -> None:
    """After seven years nothing is left but the ledger, which says what was there; that verifies, too."""
    archive.clock.go(hours=24 * 91)
    retention(archive).tidy()
    archive.clock.go(hours=24 * 366 * 7)
    done = retention(archive).tidy()
    assert [removal.whole for removal in done.removals] == [True, True]
    assert list(archive.tenant.glob("20*")) == []
    notes = verified(archive)
    assert any(f"{JOB} was removed as a whole" in note for note in notes)


def test_looking_removes_nothing(archive: Archive) -> None:
    """A dry run says the same and touches nothing."""
    archive.clock.go(hours=24 * 91)
    there = {path: path.read_bytes() for path in archive.evidence.rglob("*") if path.is_file()}
    seen = retention(archive).due()
    assert [(removal.job_id, len(removal.files)) for removal in seen.removals] == [(JOB, 2), (OTHER, 2)]
    assert {path: path.read_bytes() for path in archive.evidence.rglob("*") if path.is_file()} == there
    assert seen.bytes == sum(removal.bytes for removal in retention(archive).tidy().removals)


def test_an_unfinished_folder_is_left_alone(archive: Archive) -> None:
    """However old: whoever completes it seals it, and its time begins then."""
    (archive.folder(JOB) / "PARTIAL").touch()
    archive.clock.go(hours=24 * 366 * 8)
    assert [removal.job_id for removal in retention(archive).tidy().removals] == [OTHER]
    assert (archive.folder(JOB) / "trace.zip").exists()


@pytest.mark.parametrize(
    "tamper",
    [
        lambda folder: (folder / "trace.zip").write_bytes(b"another recording"),
        lambda folder: ((folder / "trace.zip").unlink(), (folder / "trace.zip").symlink_to("/etc/hostname")),
    ],
    ids=["changed", "a link"],
)
def test_what_was_tampered_with_is_kept(archive: Archive, tamper: Callable[[Path], Any]) -> None:
    """Removing it would remove the proof; it is told instead."""
    tamper(archive.folder(JOB))
    archive.clock.go(hours=24 * 91)
    done = retention(archive).tidy()
    assert [removal.job_id for removal in done.removals] == [OTHER]
    assert [JOB in trouble for trouble in done.troubles] == [True]
    assert (archive.folder(JOB) / "trace.zip").exists()


def rewritten(folder: Path, **changes: Any) -> None:
    """A manifest that says something else, in its canonical form."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(canonical({**manifest, **changes}))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda folder: (folder / "plan.json").write_text("forged"),
        lambda folder: (folder / "plan.json").unlink(),
        lambda folder: (folder / "extra.txt").write_text("x"),
        lambda folder: (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b" "),
        lambda folder: (folder / "manifest.json").write_bytes(b"[" * 200_000),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: rewritten(folder, sealed_at="2026-11-16T07:00:00"),
        lambda folder: rewritten(folder, files=[]),
        lambda folder: (folder / "report.html").write_text("forged"),
        lambda folder: (folder / "report.html").unlink(),
        lambda folder: (folder.rename(folder.parent / "away"), folder.symlink_to(folder.parent / "away")),
    ],
    ids=[
        "file changed",
        "file removed",
        "file added",
        "a byte more in the manifest",
        "a deep manifest",
        "no manifest",
        "no zone",
        "no files",
        "report changed",
        "report removed",
        "folder a link",
    ],
)
@pytest.mark.parametrize("days", [91, 366 * 8])
def test_no_trace_of_tampering_is_wiped(archive: Archive, days: int, tamper: Callable[[Path], Any]) -> None:
    """Whatever differs, when recordings are due or the whole folder: that folder is kept and told, the others go."""
    folder = archive.folder(JOB)
    tamper(folder)
    there = files(folder)
    archive.clock.go(hours=24 * days)
    done = retention(archive).tidy()
    assert [removal.job_id for removal in done.removals] == [OTHER]
    assert any(f"{JOB} is not pruned" in trouble for trouble in done.troubles)
    assert files(folder) == there
    assert [item.job_id for item in pruned(archive)] == [OTHER]


@pytest.mark.parametrize("day", ["2010-01-01", "2026-11-16"])
def test_a_folder_is_not_made_older_by_hand(archive: Archive, day: str) -> None:
    """A date in the manifest and a name of a folder are not what its age is taken from."""
    folder = archive.folder(JOB)
    rewritten(folder, sealed_at="2010-01-01T00:00:00.000Z")
    (archive.tenant / day).mkdir(exist_ok=True)
    folder.rename(archive.tenant / day / JOB)
    there = files(archive.folder(JOB))
    archive.clock.go(hours=24)
    done = retention(archive).tidy()
    assert done.removals == []
    assert pruned(archive) == []
    assert files(archive.folder(JOB)) == there
    assert [JOB in trouble for trouble in not_pruned(done)] == ([True] if day == "2010-01-01" else [])


def test_a_moved_folder_is_kept(archive: Archive) -> None:
    """Nothing in it was changed, and still it is not where it was sealed."""
    folder = archive.folder(JOB)
    (archive.tenant / "2010-01-01").mkdir()
    folder.rename(archive.tenant / "2010-01-01" / JOB)
    archive.clock.go(hours=24 * 366 * 8)
    done = retention(archive).tidy()
    assert [removal.job_id for removal in done.removals] == [OTHER]
    assert [JOB in trouble and "2026-11-16" in trouble for trouble in not_pruned(done)] == [True]
    assert archive.folder(JOB).is_dir()


def test_what_the_ledger_does_not_know_is_kept(archive: Archive) -> None:
    """A folder that somebody put there, or whose ledger somebody removed."""
    shutil.copytree(archive.folder(JOB), archive.folder(JOB).parent / "000000-update-ff0001")
    archive.clock.go(hours=24 * 366 * 8)
    done = retention(archive).tidy()
    assert [removal.job_id for removal in done.removals] == [JOB, OTHER]
    assert done.troubles == ["acme: 000000-update-ff0001 is not pruned, since the ledger does not know it"]
    assert archive.folder("000000-update-ff0001").is_dir()


def test_an_entry_before_its_time_removes_nothing(archive: Archive) -> None:
    """A note in the journal, with a line of the ledger that somebody wrote, is not an order."""
    folder = archive.folder(JOB)
    there = files(folder)
    listed = [{"path": "manifest.json", "sha256": "0" * 64, "bytes": 1}]
    rule = {"policy": "evidence.records_years=7", "why": "kept long enough"}
    archive.ledger.append(Kind.PRUNED, {"job_id": JOB, "files": listed, **rule})
    with Journal.locked(archive.tenant) as journal:
        assert journal is not None
        journal.note(Noted(JOB, f"{folder.parent.name}/{folder.name}"))
    archive.clock.go(hours=24)
    assert retention(archive).tidy().removals == []
    assert files(folder) == there


def test_one_tenant_does_not_stop_the_next(archive: Archive) -> None:
    """Whatever goes wrong with the first, in a way that nobody thought of."""
    (archive.evidence / "aaaa").mkdir()

    def ledger_of(tenant: str) -> Any:
        if tenant == "aaaa":
            raise TypeError("nobody thought of it")
        return archive.ledger

    archive.clock.go(hours=24 * 91)
    entries = JobEntries(archive.ledger)
    made = Retention(
        archive.evidence, Ages(90, 7), ledger_of, lambda _, job_id: entries.recorded(job_id), clock=archive.clock
    )
    for found in (made.due(), made.tidy()):
        assert [removal.job_id for removal in found.removals] == [JOB, OTHER]
        assert found.troubles == ["aaaa: nobody thought of it"]


def test_one_folder_does_not_stop_the_next(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that will not be removed is told, and tried again, without another entry."""
    archive.clock.go(hours=24 * 91)
    real = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if JOB in path.parts and path.name == "trace.zip":
            raise PermissionError(f"not {path.name}")
        real(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refused)
        for _ in range(2):
            done = retention(archive).tidy()
            assert all(f"{JOB}: not trace.zip" in trouble for trouble in done.troubles)
            assert done.troubles
    assert not (archive.folder(OTHER) / "trace.zip").exists()
    retention(archive).tidy()
    assert not (archive.folder(JOB) / "trace.zip").exists()
    assert [item.job_id for item in pruned(archive)] == [JOB, OTHER]
    verified(archive)


class Killed(BaseException):
    """The process ends here."""


class DyingLedger:
    """A ledger whose process dies right before or after an entry of one kind."""

    def __init__(self, archive: Archive, kind: Kind, when: str) -> None:
        self._ledger = archive.ledger
        self._kind = kind
        self._when = when
        self.folder = archive.ledger_folder

    def append(self, kind: Kind, data: Any) -> Any:
        if kind is self._kind and self._when == "before":
            raise Killed
        entry = self._ledger.append(kind, data)
        if kind is self._kind:
            raise Killed
        return entry

    def sign(self) -> str | None:
        return self._ledger.sign()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("kind", "days"), [(Kind.PRUNED, 91), (Kind.REPORTED, 91), (Kind.PRUNED, 366 * 8)])
def test_the_next_run_finishes_what_was_killed(archive: Archive, days: int, kind: Kind, when: str) -> None:
    """Killed before or after each entry, the next run ends where an undisturbed one does, with no entry twice."""
    archive.clock.go(hours=24 * days)
    with pytest.raises(Killed):
        retention(archive, DyingLedger(archive, kind, when)).tidy()
    retention(archive).tidy()
    assert [item.job_id for item in pruned(archive)] == [JOB, OTHER]
    assert not list(archive.evidence.rglob("trace.zip"))
    assert (archive.tenant / JOURNAL).read_text() == ""
    verified(archive)


def test_killed_between_two_files(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file gone, the next not: the rest goes with the next run."""
    archive.clock.go(hours=24 * 91)
    real = Path.unlink
    gone: list[Path] = []

    def dying(path: Path, missing_ok: bool = False) -> None:
        if path.suffix in {".zip", ".jpg"} and gone:
            raise Killed
        gone.append(path)
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", dying)
    with pytest.raises(Killed):
        retention(archive).tidy()
    monkeypatch.undo()
    retention(archive).tidy()
    assert len(pruned(archive)) == 2
    verified(archive)


def test_without_an_entry_nothing_goes(archive: Archive) -> None:
    """A ledger that takes no entry keeps everything, and the trouble is told, not raised: the clock goes on."""

    class FullDisk(DyingLedger):
        def append(self, kind: Kind, data: Any) -> Any:
            raise Failed("ledger-unwritable", "The disk is full.")

    archive.clock.go(hours=24 * 91)
    done = retention(archive, FullDisk(archive, Kind.PRUNED, "before")).tidy()
    assert done.troubles == ["acme: The disk is full."]
    assert (archive.folder(JOB) / "trace.zip").exists()
    assert done.removals == []


def test_two_at_once_do_it_once(archive: Archive) -> None:
    """While another process tidies a tenant, this one leaves it alone."""
    archive.clock.go(hours=24 * 91)
    with Journal.locked(archive.tenant):
        assert retention(archive).tidy() == Tidied()
    assert len(retention(archive).tidy().removals) == 2


def test_shared_bodies_go_with_the_last_recording(archive: Archive) -> None:
    """A body stays as long as one recording needs it."""
    archive.clock.go(hours=24 * 90 - 0.5)  # the first job's time is over, the second's is not
    made = archive.clock().timestamp() - 2 * 86_400
    os.utime(archive.shared_body, (made, made))
    assert [removal.job_id for removal in retention(archive).tidy().removals] == [JOB]
    assert archive.shared_body.exists()
    verified(archive)
    archive.clock.now += timedelta(days=2)
    done = retention(archive).tidy()
    assert (len(done.removals), done.objects) == (1, 1)
    assert not archive.shared_body.exists()
    verified(archive)

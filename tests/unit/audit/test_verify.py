"""What is whole is said to be so in plain words; what an insider with the key has done is found all the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint
from agent.audit.entries import Entry, Kind
from agent.audit.findings import NotAsSealed
from agent.audit.ledger import AuditLedger
from agent.audit.merkle import leaf_hash, root
from agent.audit.note import sign_note
from agent.audit.tampering import kinds
from agent.audit.timestamping import stamp
from agent.audit.trust import Anchors, SignedHead
from agent.audit.verify import verify_folder, verify_tenant
from tests.unit.audit.archive import MORNING, Archive
from tests.unit.audit.authority import Authority
from tests.unit.audit.books import SetClock
from tests.unit.audit.tampering import JOB, OTHER, codes, rechained, resigned


def test_whole_evidence_is_proven_in_plain_words(archive: Archive) -> None:
    """Each thing that was checked has its sentence, and so has each that cannot be checked this way."""
    archive.clock.now += timedelta(days=7)
    archive.day_is_over()
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    proven, open_ = "\n".join(findings.proven), "\n".join(findings.open)
    assert f"files of 2026-11-16/{JOB} are byte for byte what was sealed" in proven
    assert "No entry was changed, removed, added or put into another order" in proven
    assert "every period is signed" in proven
    assert "Nothing was accepted from 2026-11-18 to 2026-11-25: empty periods are signed, too." in proven
    assert "only a head that was kept elsewhere" in open_
    assert "the agent's own clock" in open_
    assert findings.counts["good_folders"] == findings.counts["folders"] == 3
    assert findings.document()["genuine"] is True


def test_a_week_without_jobs_is_called_a_week(tmp_path: Path) -> None:
    """From a Monday to the next: the promise that an auditor asks for when somebody says that there was nothing."""
    made = Archive(tmp_path, clock=SetClock(MORNING - timedelta(days=1)))
    made.job(JOB)
    for _ in range(8):  # Sunday, and the week after it
        made.day_is_over()
    made.job(OTHER)
    made.day_is_over()
    findings = verify_tenant(made.tenant, made.anchors)
    findings.raise_if_any()
    assert "Nothing was accepted in the week of 2026-11-16: empty periods are signed, too." in findings.proven


def test_a_job_folder_alone_is_verified_against_its_ledger(archive: Archive) -> None:
    """One folder, and a day; with a head that was kept the ledger is shown to go on from it."""
    note = archive.ledger.sign()
    assert note is not None
    archive.job("001000-update-aa0004")
    for path in (archive.folder(JOB), archive.folder(JOB).parent):
        findings = verify_folder(path, archive.with_head(note))
        findings.raise_if_any()
        assert any("at least the head you kept" in sentence for sentence in findings.proven)


def test_what_was_pruned_is_told_and_is_no_problem(archive: Archive) -> None:
    """Files that a signed entry says were removed, also the whole folder; the shared bodies are then not needed."""
    archive.prune(JOB, "trace.zip", "pictures/01-before.jpg")
    for job in (OTHER, "000500-update-aa0003"):
        archive.prune(job, "trace.zip")
    archive.shared_body.unlink()
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any("2 files were removed by the rule evidence.heavy_days=90" in note for note in findings.notes)
    folder = archive.folder(OTHER)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    archive.prune(OTHER, *names)
    shutil.rmtree(folder)
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any(f"{OTHER} was removed as a whole" in note for note in findings.notes)


def test_a_folder_that_was_never_begun_is_no_problem_and_an_emptied_one_is(archive: Archive) -> None:
    """A process that is killed right after it made the folder leaves it without marker; what was sealed is missed."""
    for name in ("090000-update-cc0001", "090000-update-cc0002"):
        (archive.folder(JOB).parent / name).mkdir()
    (archive.folder(JOB).parent / name / ".PARTIAL.new").touch()
    verify_tenant(archive.tenant, archive.anchors).raise_if_any()
    shutil.rmtree(archive.folder(JOB))
    (archive.folder(OTHER).parent / JOB).mkdir()
    assert codes(verify_tenant(archive.tenant, archive.anchors)) == ["evidence-folder-removed"]


def test_what_lies_beside_the_jobs_is_told(archive: Archive) -> None:
    """A file that no entry speaks of proves nothing; who finds it in the folder must not think it was checked."""
    before = verify_tenant(archive.tenant, archive.anchors)
    assert not any("no entry speaks of, and" in text for text in before.open)
    day = archive.folder(JOB).parent
    for planted in (
        day / "approval.pdf",
        archive.tenant / "README.txt",
        day / ".hidden" / "x",
        archive.tenant / "2026",
    ):
        planted.parent.mkdir(exist_ok=True)
        planted.write_text("nothing of ours")
    findings = verify_tenant(archive.tenant, archive.anchors)
    (told,) = (text for text in findings.open if "no entry speaks of, and" in text)
    assert told.startswith("Anything about 4 files or folders")
    assert all(name in told for name in (f"{day.name}/approval.pdf", "README.txt", f"{day.name}/.hidden", "2026"))
    assert codes(findings) == []


def test_a_running_job_and_a_folder_from_before_the_ledger_are_told(archive: Archive) -> None:
    """Neither is a problem, and neither is proven; but a folder that names no such time is."""
    (archive.folder(JOB).parent / "090000-update-bb0001").mkdir()
    (archive.folder(JOB).parent / "090000-update-bb0001" / "PARTIAL").touch()
    older = archive.tenant / "2026-11-01" / "090000-update-bb0002"
    older.mkdir(parents=True)
    (older / "manifest.json").write_text('{"sealed_at": "2026-11-01T09:00:00.000Z"}')
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any("1 job that is running" in sentence for sentence in findings.open)
    assert any("1 folder from before the ledger" in sentence for sentence in findings.open)
    with pytest.raises(NotAsSealed) as raised:
        verify_folder(older, archive.anchors).raise_if_any()
    assert codes(raised.value.findings) == ["evidence-not-in-ledger"]


def test_unsigned_entries_at_the_end_are_told_apart_from_missing_ones(archive: Archive) -> None:
    """A tail that nobody signed yet is no tampering; a folder whose seal stands in it is not proven, though."""
    archive.accepted(queue=2)
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any("is not signed yet" in sentence for sentence in findings.open)
    archive.job("001000-update-aa0004", sign=False)
    assert codes(verify_tenant(archive.tenant, archive.anchors)) == ["ledger-unsigned"]


def test_keys_are_followed_through_a_rotation_both_ways(archive: Archive) -> None:
    """Who has the old key trusts the new one as it was announced under the old one, and the other way round."""
    old = archive.key
    new = archive.ledger.rotate("yearly")
    archive.job("001000-update-aa0004")
    archive.ledger.retire(old.vkey, "its time is over")
    archive.job("001100-update-aa0005")
    for key in (old, new):
        findings = verify_tenant(archive.tenant, Anchors((key,)))
        findings.raise_if_any()
        assert findings.counts["signed_entries"] == findings.counts["entries"]


def test_an_outside_time_stamp_bounds_the_times(archive: Archive) -> None:
    """With the authority's root the stamp is checked; without it that is said."""
    authority = Authority(archive.clock.now.replace(microsecond=0) + timedelta(seconds=3))
    note = archive.ledger.sign()
    assert note is not None
    answer: Callable[[str, bytes], bytes] = lambda url, request: authority.answer(request)  # noqa: E731
    stamp(archive.ledger, note, "https://tsa.example.com/", [authority.root], answer)
    archive.ledger.sign()
    with_root = Anchors(archive.anchors.keys, (), (authority.root,))
    findings = verify_tenant(archive.tenant, with_root)
    findings.raise_if_any()
    assert any("https://tsa.example.com/ put its own time on them" in sentence for sentence in findings.proven)
    without = verify_tenant(archive.tenant, archive.anchors)
    assert any("give --tsa-roots" in sentence for sentence in without.open)
    authority.now += timedelta(hours=2)  # it was stamped two hours later than the next entry claims to be
    stamp(archive.ledger, archive.ledger.sign() or "", "https://tsa.example.com/", [authority.root], answer)
    archive.job("001000-update-aa0004")
    assert codes(verify_tenant(archive.tenant, with_root)) == ["ledger-entry-backdated"]
    size = int(note.split("\n")[1])
    (archive.ledger_folder / "timestamps" / f"{size}.tsr").write_bytes(b"another")
    assert codes(verify_tenant(archive.tenant, archive.anchors)) == ["ledger-witness-wrong"]


# --- the ledger, by somebody who holds the key ---


def test_a_ledger_that_was_rolled_back_is_found_by_a_kept_head(archive: Archive) -> None:
    """Entries and checkpoints put back to yesterday's are whole in themselves: only the kept head shows it."""
    before = {path: path.read_bytes() for path in (archive.entries, archive.checkpoints, archive.checkpoint)}
    archive.job("001000-update-aa0004")
    note = archive.checkpoint.read_text()
    shutil.rmtree(archive.folder("001000-update-aa0004"))
    for path, data in before.items():
        path.write_bytes(data)
    anchors = archive.with_head(note)
    assert codes(verify_tenant(archive.tenant, Anchors(anchors.keys))) == []
    assert codes(verify_tenant(archive.tenant, anchors)) == ["ledger-rolled-back"]


def test_another_history_is_found_by_a_kept_head(archive: Archive) -> None:
    """The holder of the key wrote the ledger anew, longer than before, and signed it."""
    note = archive.checkpoint.read_text()
    anchors = archive.with_head(note)
    lines = archive.lines()
    changed = json.loads(lines[1])
    changed["data"]["reason"]["ticket"] = "IT-9999"
    more = json.loads(lines[-1]) | {"at": "2026-11-30T00:00:00.000Z"}
    resigned(archive, rechained([lines[0], canonical(changed), *lines[2:], canonical(more)]))
    assert "ledger-forked" in codes(verify_tenant(archive.tenant, anchors))
    assert "ledger-forked" not in codes(verify_tenant(archive.tenant, Anchors(anchors.keys)))


def test_a_backdated_entry_is_found_though_it_is_signed(archive: Archive) -> None:
    """The holder of the key slipped in an entry of yesterday; chain and signature are in order."""
    lines = archive.lines()
    late = json.loads(lines[-1])
    late["at"] = "2026-11-16T07:10:00.000Z"
    late["data"]["job_id"] = JOB
    archive_anchors = archive.anchors
    resigned(archive, rechained([*lines, canonical(late)]))
    findings = verify_tenant(archive.tenant, archive_anchors)
    assert "ledger-entry-backdated" in codes(findings)
    assert "ledger-entry-changed" not in codes(findings)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"accepted": 0}, "ledger-period-wrong"), ({"from": "2026-11-17T06:00:00.000Z"}, "ledger-period-missing")],
)
def test_a_period_that_counts_or_follows_wrongly(archive: Archive, change: dict[str, object], code: str) -> None:
    """A job slipped in behind a closed day, or a day left out: signed or not, the numbers do not fit."""
    archive.day_is_over()
    anchors = archive.anchors
    lines = archive.lines()
    number = max(number for number, line in enumerate(lines) if b'"kind":"period"' in line)
    value = json.loads(lines[number])
    value["data"] |= change
    lines[number] = canonical(value)
    resigned(archive, rechained(lines))
    assert code in codes(verify_tenant(archive.tenant, anchors))


def test_a_retired_key_signs_for_nothing_any_more(archive: Archive) -> None:
    """Somebody kept a copy of the old key and signs with it after its retirement."""
    old = archive.signer.keys(archive.key.name)[0]
    archive.ledger.rotate("it leaked")
    archive.ledger.retire(old.public.vkey, "it leaked")
    archive.job("001000-update-aa0004")
    lines = archive.lines()
    checkpoint = Checkpoint(old.name, len(lines), root(leaf_hash(line[:-1]) for line in lines))
    note = sign_note(checkpoint.text, [old])
    with archive.checkpoints.open("ab") as file:
        file.write(canonical({"at": "2026-11-30T00:00:00.000Z", "note": note}) + b"\n")
    findings = verify_tenant(archive.tenant, Anchors((old.public,)))
    assert codes(findings) == ["ledger-foreign-key"]
    assert "retired" in findings.problems[0].message


def test_a_head_of_another_ledger_is_told(archive: Archive, tmp_path: Path) -> None:
    """Two tenants' heads are easily mixed up; that is not the same as another history."""
    other = Archive(tmp_path / "other")
    other.job(JOB)
    head = SignedHead.parse(other.checkpoint.read_text(), "the kept head")
    anchors = Anchors((archive.key, other.key), (head,))
    assert set(codes(verify_tenant(archive.tenant, anchors))) <= {"ledger-other", "ledger-foreign-key"}
    assert codes(verify_tenant(archive.tenant, anchors)) != []


# --- the verifier itself ---


def test_every_kind_of_tampering_is_documented() -> None:
    """Each code stands in the reference, so that somebody who reads it finds out what to do."""
    reference = (Path(__file__).parents[3] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert [kind.CODE for kind in kinds() if f"`{kind.CODE}`" not in reference] == []
    assert len({kind.CODE for kind in kinds()}) == len(list(kinds()))


def test_verifying_writes_nothing(archive: Archive) -> None:
    """Evidence on a read-only medium is verified like any other."""
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in archive.root.rglob("*")}
    verify_tenant(archive.tenant, archive.anchors)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in archive.root.rglob("*")} == before


def test_an_entry_that_says_its_clock_went_back_is_told(archive: Archive) -> None:
    """The agent writes both times: a reader learns of a clock that was set back."""
    archive.clock.go(hours=-3)
    archive.job("001000-update-aa0004")
    findings = verify_tenant(archive.tenant, archive.anchors)
    findings.raise_if_any()
    assert any("clock stood before" in note for note in findings.notes)


def test_the_stand_in_makes_entries_as_the_agent_does(archive: Archive) -> None:
    """The lines of the stand-in's ledger are entries, and its signer is the real one."""
    assert [Entry.parse(line[:-1]).seq for line in archive.lines()] == list(range(len(archive.lines())))
    assert isinstance(archive.ledger, AuditLedger)
    assert Kind.PERIOD in {Entry.parse(line[:-1]).kind for line in archive.lines()}

"""A bundle for auditors: everybody is in it, it adds up, and it proves itself elsewhere."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.audit.bundle import Request
from agent.audit.bundle_check import verify_bundle
from agent.audit.csv_export import safe_cell
from agent.audit.entries import Kind
from agent.audit.export import export_job, export_period
from agent.audit.ledger_source import read_source
from agent.audit.population import Stand, all_cases, population
from agent.audit.reading import read_entries
from agent.audit.samples import ALL
from agent.audit.trust import Anchors, SignedHead
from agent.errors import AgentError, Failed, Refused
from tests.unit.audit.archive import PERSON, Archive
from tests.unit.audit.exported import (
    DECEMBER,
    INACTIVATE,
    LEAVER,
    OCTOBER,
    SEED,
    archive,
    bundle,
    codes,
    original,
    table,
)

__all__ = ["archive", "bundle", "original"]  # fixtures


# --- the population ---


def test_every_job_is_in_the_population_and_it_adds_up(archive: Archive, bundle: Path) -> None:
    """submitted = done + failed + refused + cancelled + waiting, and what else there is, by name."""
    found = population(tuple(read_entries(archive.ledger_folder)), OCTOBER, DECEMBER)
    assert found.equation == (
        "13 submitted = 8 done + 0 failed + 1 refused + 1 uncertain + 1 cancelled + 1 waiting + 1 open"
    )
    assert found.mismatches == ()
    rows = table(bundle, "population.csv")
    assert len(rows) == 13
    assert {row["stands"] for row in rows} == {"done", "refused", "uncertain", "cancelled", "waiting", "open"}
    assert [int(row["accepted_entry"]) for row in rows] == sorted(int(row["accepted_entry"]) for row in rows)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda made: made.ended(99), "Job 99 ended (entry"),
        (lambda made: made.ended(2), "Job 2 ended twice"),
        (lambda made: (made.accepted(queue=2), made.ledger.sign()), "Job 2 was accepted twice"),
        (lambda made: made.run("080000-update-cc0001"), "080000-update-cc0001 was run"),
        (lambda made: (made.run("080000-update-cc0001", queue=77), made.day_is_over()), "080000-update-cc0001 was run"),
    ],
)
def test_a_population_that_does_not_add_up_is_loud(
    archive: Archive, spoil: Callable[[Archive], object], sentence: str
) -> None:
    """An end without a beginning, or two: in the export, and for whoever verifies it."""
    spoil(archive)
    file = archive.root / "bundle.zip"
    written = export_period(read_source(archive.tenant), file, Request(OCTOBER, DECEMBER, 2, SEED))
    assert any(sentence in mismatch for mismatch in written.derived.population.mismatches)
    findings = verify_bundle(file, archive.anchors)
    assert "bundle-population-wrong" in codes(findings)
    assert any(sentence in problem.message for problem in findings.problems)


def test_a_run_that_is_sealed_before_its_acceptance_is_entered_is_no_mismatch(archive: Archive) -> None:
    """The agent enters acceptances a moment later; only after the next closed period that is no excuse."""
    archive.run("080000-update-cc0001", queue=77)
    entries = tuple(read_entries(archive.ledger_folder))
    assert all_cases(entries)[1] == ()
    archive.accepted(queue=77)
    case = next(
        case for case in all_cases(tuple(read_entries(archive.ledger_folder)))[0] if case.accepted.job.queue == 77
    )
    assert [run.job_id for run in case.sealed] == ["080000-update-cc0001"]


def test_a_job_that_was_tried_again_counts_once(archive: Archive) -> None:
    """Waiting, approved, run again: one job, two runs, one end; retried after its end, the last end counts."""
    archive.run("080000-update-cc0001", queue=13, attempt=2)
    archive.ended(13, job_id="080000-update-cc0001")
    archive.ledger.append(Kind.REOPENED, {"queue": 12})
    archive.run("080000-update-cc0002", queue=12, attempt=2)
    found = population(tuple(read_entries(archive.ledger_folder)), OCTOBER, DECEMBER)
    stands = {case.accepted.job.queue: case.stand for case in found.cases}
    assert (stands[13], stands[12]) == (Stand.DONE, Stand.OPEN)
    assert len(found.cases) == 13


# --- what is in it ---


def test_dangerous_jobs_are_always_shown_and_the_others_by_lot(bundle: Path) -> None:
    """The rule and its outcome stand in the bundle; records are there of every job."""
    with zipfile.ZipFile(bundle) as opened:
        index = json.loads(opened.read("bundle.json"))
        names = opened.namelist()
    why = set(index["selection"]["always"].values())
    assert why == {"uncertain, changed something and was not done", "no approver named"}
    assert len(index["selection"]["drawn"]) == 2
    full = {run["folder"] for run in index["runs"] if run["level"] == "full"}
    rows = table(bundle, "population.csv")
    assert full == {row["evidence"] for row in rows if row["shown_in_full"] and row["evidence"]}
    assert sum(row["shown_in_full"] == "drawn by lot" for row in rows) == 2
    for run in index["runs"]:
        place = f"evidence/acme/{run['folder']}"
        assert f"{place}/manifest.json" in names
        assert (f"{place}/trace.zip" in names) == (run["folder"] in full)
        assert (f"{place}/report.html" in names) == (run["folder"] in full)


def test_the_same_input_gives_the_same_bytes(archive: Archive, bundle: Path, tmp_path: Path) -> None:
    """Made twice, from copies of the same evidence, a bundle is the same file; another seed gives another one."""
    again = tmp_path / "again"
    other = archive.copy(again)
    second, third = again / "bundle.zip", again / "third.zip"
    export_period(read_source(other.tenant), second, Request(OCTOBER, DECEMBER, 2, SEED))
    export_period(read_source(other.tenant), third, Request(OCTOBER, DECEMBER, 2, ""))
    assert second.read_bytes() == bundle.read_bytes()
    assert third.read_bytes() != bundle.read_bytes()


def test_what_was_sealed_is_in_it_byte_for_byte(archive: Archive, bundle: Path) -> None:
    """Nothing is repacked; the bodies that recordings share lie beside them."""
    with zipfile.ZipFile(bundle) as opened:
        inside = {name: opened.read(name) for name in opened.namelist() if name.startswith("evidence/acme/")}
    for name, data in inside.items():
        assert (archive.evidence / name.removeprefix("evidence/")).read_bytes() == data
    assert any(name.startswith("evidence/acme/objects/") for name in inside)


def test_the_approval_of_the_request_and_that_in_the_agent_are_two_columns(tmp_path: Path) -> None:
    """Each by its own name, and who approves in the agent what they asked for or handed in is always shown."""
    made = Archive(tmp_path)
    approvers = ["local:ada", None, "local:HR", "hr.system", "bob"]
    for number, who in enumerate(approvers, 1):
        nobody = {"ticket": "IT-1", "requested_by": "hr@example.com", "approved_by": None}
        reason = nobody if number == 5 else None
        made.job(f"07000{number}-update-cc000{number}", queue=number, reason=reason, approved_by=who)
        made.ended(number)
    made.day_is_over()
    bundle = tmp_path / "bundle.zip"
    export_period(read_source(made.tenant), bundle, Request(OCTOBER, DECEMBER, 0, SEED))
    rows = table(bundle, "population.csv")
    assert [row["approved_in_agent_by"] for row in rows] == [who or "" for who in approvers]
    assert [row["approved_by"] for row in rows] == [*["head@example.com"] * 4, ""]
    by_row = [row["shown_in_full"].removeprefix("always: ") for row in rows]
    assert by_row == ["", "", "approved by the requester", "approved by who handed it in", ""]
    assert {row["approved_in_agent_by"] for row in table(bundle, "changes.csv")} == {who or "" for who in approvers}
    with zipfile.ZipFile(bundle) as opened:
        events = [json.loads(line) for line in opened.read("events.ocsf.jsonl").splitlines()]
    assert {event["unmapped"].get("approved_in_agent_by") for event in events} == set(approvers)


def test_changes_are_told_row_by_row(bundle: Path) -> None:
    """Who, what, before, after, when, why, who asked and approved, how it ended, and where that is proven."""
    rows = table(bundle, "changes.csv")
    first = rows[0]
    assert first["person"] == PERSON
    assert (first["what"], first["before"], first["after"]) == ("Job Title", "'Trainee'", "'Site Engineer'")
    assert first["made"] == "yes: read back"
    assert (first["ticket"], first["requested_by"], first["approved_by"]) == (
        "IT-4711",
        "hr@example.com",
        "head@example.com",
    )
    assert first["evidence"] == "2026-11-16/070000-update-aa0001"
    assert first["ledger_entry"].isdigit()
    made = {row["verdict"]: row["made"] for row in rows}
    assert made == {
        "done": "yes: read back",
        "uncertain": "unknown: see the evidence",
        "refused": "no",
        "waiting": "no",
    }


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-2", "@sum", "\t=1", " =cmd()", '"=1', "\r\n=1", "|calc", "%0A"])
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    """What a spreadsheet would compute has an apostrophe before it; other texts stay as they are."""
    assert safe_cell(text) == f"'{text}"
    assert safe_cell("IT-4711 = done") == "IT-4711 = done"


def test_a_formula_in_a_ticket_reaches_no_spreadsheet(bundle: Path) -> None:
    """The whole way: from the job's reason into both tables."""
    tickets = {row["ticket"] for name in ("population.csv", "changes.csv") for row in table(bundle, name)}
    assert "'=1+1" in tickets
    assert "=1+1" not in tickets


# --- verified elsewhere ---


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_bundle_proves_itself(archive: Archive, bundle: Path, tmp_path: Path, unpacked: bool) -> None:
    """With nothing but the public key, as a zip and unpacked; the evidence it was made from is gone."""
    anchors = archive.anchors
    shutil.rmtree(archive.evidence)
    if unpacked:
        with zipfile.ZipFile(bundle) as opened:
            opened.extractall(tmp_path / "unpacked")
    findings = verify_bundle(tmp_path / "unpacked" if unpacked else bundle, anchors)
    findings.raise_if_any()
    proven = "\n".join(findings.proven)
    assert "13 submitted = 8 done" in proven
    assert "Nobody picked them" in proven
    assert "say exactly what the evidence in this bundle says" in proven
    assert any("records only" in sentence for sentence in findings.open)
    assert any(SEED in sentence for sentence in findings.open)  # is it the auditor's?


def test_one_job_is_shown_without_the_others(archive: Archive) -> None:
    """Its entries, each with a proof; no line of the ledger about anybody else."""
    file = archive.root / "job.zip"
    kept = SignedHead.parse(archive.ledger.sign() or "", "the kept head")
    archive.job("090000-update-dd0001", queue=21, person="other.person@example.com")
    archive.ledger.sign()
    export_job(read_source(archive.tenant), file, "070100-offboard-bb0001", [kept])
    findings = verify_bundle(file, Anchors((archive.key,), (kept,)))
    findings.raise_if_any()
    assert any("exactly this place" in sentence for sentence in findings.proven)
    assert any("at least the head you kept" in sentence for sentence in findings.proven)
    with zipfile.ZipFile(file) as opened:
        everything = b"".join(opened.read(name) for name in opened.namelist())
    assert LEAVER.encode() in everything
    assert PERSON.encode() not in everything
    assert b"other.person@example.com" not in everything


def test_a_job_of_the_queue_is_shown_with_all_its_runs(archive: Archive) -> None:
    """By its number; by the id of one run, that run alone."""
    archive.run("090000-offboard-dd0001", queue=11, attempt=2, action="offboard", person=LEAVER, steps=(INACTIVATE,))
    archive.ended(11, job_id="090000-offboard-dd0001")
    for called, runs in (("11", 2), ("090000-offboard-dd0001", 1)):
        file = archive.root / f"{called}.zip"
        written = export_job(read_source(archive.tenant), file, called)
        assert len(written.derived.index.runs) == runs
        verify_bundle(file, archive.anchors).raise_if_any()


def test_a_job_is_proven_across_a_change_of_keys(archive: Archive) -> None:
    """The auditor still has last year's key."""
    old = archive.key
    new = archive.ledger.rotate("yearly")
    archive.job("090000-update-dd0001")
    archive.ledger.retire(old.vkey, "its time is over")
    archive.job("090100-update-dd0002")
    file = archive.root / "job.zip"
    export_job(read_source(archive.tenant), file, "090100-update-dd0002")
    for key in (old, new):
        verify_bundle(file, Anchors((key,))).raise_if_any()
    stranger = Archive(archive.root / "stranger")
    stranger.job("070000-update-aa0001")
    assert codes(verify_bundle(file, Anchors((stranger.key,)))) == ["ledger-foreign-key"]


def test_what_cannot_be_exported_is_refused(archive: Archive) -> None:
    """A job nobody knows, one whose acceptance is not entered yet, a head of another history, a ledger without a
    signature."""
    source = read_source(archive.tenant)
    with pytest.raises(Refused) as refused:
        export_job(source, archive.root / "x.zip", "no-such-job-at-all")
    assert refused.value.code == "no-such-job"
    archive.run("090000-update-dd0001", queue=31)
    with pytest.raises(Failed) as failed:
        export_job(read_source(archive.tenant), archive.root / "x.zip", "090000-update-dd0001")
    assert failed.value.code == "ledger-behind"
    later = SignedHead.parse(archive.ledger.sign() or "", "the kept head")
    with pytest.raises(AgentError) as rolled_back:
        export_job(source, archive.root / "x.zip", "070000-update-aa0001", [later])
    assert rolled_back.value.code == "ledger-rolled-back"
    assert not (archive.root / "x.zip").exists()
    archive.checkpoint.unlink()
    archive.checkpoints.unlink()
    with pytest.raises(Failed) as unsigned:
        read_source(archive.tenant)
    assert unsigned.value.code == "ledger-unsigned"


def test_all_jobs_can_be_shown(archive: Archive) -> None:
    """For a small population: nothing is left to a lot."""
    file = archive.root / "all.zip"
    written = export_period(read_source(archive.tenant), file, Request(OCTOBER, DECEMBER, ALL, ""))
    assert {run.level for run in written.derived.index.runs} == {"full"}
    verify_bundle(file, archive.anchors).raise_if_any()


def test_an_empty_period_is_a_bundle_as_well(archive: Archive) -> None:
    """That nothing happened is what some auditors come for."""
    file = archive.root / "empty.zip"
    export_period(
        read_source(archive.tenant), file, Request("2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z", 25, "")
    )
    findings = verify_bundle(file, archive.anchors)
    findings.raise_if_any()
    assert any("0 submitted" in sentence for sentence in findings.proven)

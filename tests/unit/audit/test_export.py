"""A bundle for auditors: everybody is in it, it adds up, it proves itself elsewhere, and no byte can be changed."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent.audit import ocsf
from agent.audit.bundle import Request
from agent.audit.bundle_check import verify_bundle
from agent.audit.canonical import canonical
from agent.audit.csv_export import safe_cell
from agent.audit.entries import Kind
from agent.audit.export import export_job, export_period
from agent.audit.ledger_source import read_source
from agent.audit.population import Stand, all_cases, population
from agent.audit.reading import read_entries
from agent.audit.samples import ALL
from agent.audit.trust import Anchors, SignedHead
from agent.errors import AgentError, Failed, Refused
from agent.plan.step import StepBase
from tests.unit.audit.archive import PERSON, Archive
from tests.unit.audit.ocsf_schema import user_management

OCTOBER, DECEMBER = "2026-10-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"
LEAVER = "leaver@example.com"
SEED = "a word of the auditor's own"
INACTIVATE = {"kind": "inactivate", "title": f"Inactivate {LEAVER}", "email": LEAVER}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A small month: jobs of every end, by the queue and without it."""
    made = Archive(tmp_path_factory.mktemp("original"))
    made.job("070000-update-aa0001")
    for number in range(2, 7):
        made.job(f"07000{number}-update-aa000{number}", queue=number)
        made.ended(number, job_id=f"07000{number}-update-aa000{number}")
    made.job(
        "070100-offboard-bb0001",
        queue=11,
        action="offboard",
        person=LEAVER,
        steps=(INACTIVATE,),
        state="unknown",
        verdict="uncertain",
    )
    made.job("070200-update-bb0002", queue=12, verdict="refused", changed=False, steps=())
    made.ended(12, "dead", "refused", "070200-update-bb0002")
    made.job("070300-update-bb0003", queue=13, verdict="waiting", changed=False, steps=())
    made.accepted(queue=14)
    made.ended(14, "cancelled")
    made.accepted(queue=15)
    made.job("070400-update-bb0004", reason={"ticket": "=1+1", "requested_by": "hr@example.com", "approved_by": None})
    made.job("070500-read-bb0005", action="read", changed=False, steps=(), differences=())
    made.day_is_over()
    return made


@pytest.fixture
def archive(original: Archive, tmp_path: Path) -> Archive:
    return original.copy(tmp_path)


@pytest.fixture
def bundle(archive: Archive) -> Path:
    """The bundle of the period, with two jobs by lot."""
    file = archive.root / "bundle.zip"
    export_period(read_source(archive.tenant), file, Request(OCTOBER, DECEMBER, 2, SEED))
    return file


def codes(findings: Any) -> list[str]:
    return sorted({problem.code for problem in findings.problems})


def table(file: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(file) as opened:
        return list(csv.DictReader(io.StringIO(opened.read(name).decode("utf-8-sig"), newline="")))


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The bundle with other contents; a proper zip again."""
    with zipfile.ZipFile(file) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    change(contents)
    with zipfile.ZipFile(file, "w") as fresh:
        for name, data in contents.items():
            fresh.writestr(name, data)
    return file


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


# --- OCSF ---


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(user_management())


def events_in(file: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(file) as opened:
        return [json.loads(line) for line in opened.read("events.ocsf.jsonl").splitlines()]


def test_events_are_valid_ocsf(bundle: Path, validator: Draft202012Validator) -> None:
    """Each one fits the schema of its class and profile."""
    found = events_in(bundle)
    assert len(found) > 10
    for event in found:
        assert [error.message for error in validator.iter_errors(event)] == []
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.pop("time"),
        lambda event: event.pop("user"),
        lambda event: event.update(activity_id=18),
        lambda event: event.update(unknown="attribute"),
        lambda event: event["metadata"].pop("product"),
        lambda event: event["attestation_list"][0]["fingerprint"].pop("algorithm_id"),
        lambda event: event["attestation_list"][0].update(strange=1),
    ],
)
def test_the_schema_sees_a_planted_mistake(
    bundle: Path, validator: Draft202012Validator, spoil: Callable[[dict[str, Any]], object]
) -> None:
    """The oracle above would fail."""
    event = events_in(bundle)[1]
    spoil(event)
    assert list(validator.iter_errors(event)) != []


def test_each_write_is_an_event_that_says_what_was_done(bundle: Path) -> None:
    """Save, project, inactivation: activity, status, roles, projects; a refused job is a failure; readers are none."""
    found = events_in(bundle)
    by_name = {(event["activity_name"], event["status"]) for event in found}
    assert by_name == {
        ("Update", "Success"),
        ("Assign Roles", "Success"),
        ("Disable", "Other"),
        ("Update", "Failure"),
    }
    role = next(event for event in found if event["activity_name"] == "Assign Roles")
    assert role["iam_roles"] == [{"name": "Foreman"}]
    assert role["resources"] == [{"uid": "562949953500017", "name": "Harbour Street Car Park", "type": "project"}]
    assert role["unmapped"]["ticket"] == "IT-4711"
    assert not any("read-bb0005" in event["metadata"]["uid"] for event in found)


def test_every_kind_of_step_has_an_activity() -> None:
    """A step that is added to plans must be told to security teams, too."""
    planned = {kind.model_fields["kind"].default for kind in StepBase.__subclasses__() if "kind" in kind.model_fields}
    assert planned == set(ocsf.ACTIVITIES)


def test_events_are_chained_and_fingerprinted(bundle: Path) -> None:
    """As the profile says: each has its own hash and that of the one before."""
    found = events_in(bundle)
    for before, event in zip([None, *found], found, strict=False):
        attestation = event["attestation_list"][0]
        assert attestation["fingerprint"]["value"] == ocsf.fingerprint(event)
        if before is None:
            assert "prev_event" not in attestation
        else:
            assert attestation["prev_event"]["fingerprint"] == before["attestation_list"][0]["fingerprint"]
            assert attestation["prev_event"]["uid"] == before["metadata"]["uid"]
    changed = {**found[3], "message": "another"}
    assert ocsf.fingerprint(changed) != found[3]["attestation_list"][0]["fingerprint"]["value"]


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


# --- and tampered with ---


def in_folder(contents: dict[str, bytes], ending: str, *, level: str = "full") -> str:
    """The name of such a file of a run that is in the bundle with all its files, or with its records only."""
    runs = json.loads(contents["bundle.json"])["runs"]
    folders = [run["folder"] for run in runs if run["level"] == level]
    return next(
        f"evidence/acme/{folder}/{ending}" for folder in folders if f"evidence/acme/{folder}/{ending}" in contents
    )


def change_a_picture(contents: dict[str, bytes]) -> None:
    contents[in_folder(contents, "pictures/01-before.jpg")] += b"!"


def change_a_record(contents: dict[str, bytes]) -> None:
    name = in_folder(contents, "plan.json", level="records")
    contents[name] = contents[name].replace(b"Site Engineer", b"Company Admin")


def remove_a_picture(contents: dict[str, bytes]) -> None:
    del contents[in_folder(contents, "pictures/01-before.jpg")]


def remove_a_record(contents: dict[str, bytes]) -> None:
    del contents[in_folder(contents, "log.jsonl", level="records")]


def add_a_file(contents: dict[str, bytes]) -> None:
    contents["evidence/acme/2026-11-16/extra.txt"] = b"look here"


def add_a_file_to_a_job(contents: dict[str, bytes]) -> None:
    contents[in_folder(contents, "plan.json").replace("plan.json", "extra.txt")] = b"look here"


def remove_a_body(contents: dict[str, bytes]) -> None:
    del contents[next(name for name in contents if "/objects/" in name)]


def change_the_population(contents: dict[str, bytes]) -> None:
    contents["population.csv"] = contents["population.csv"].replace(b",uncertain,", b",done,")


def change_the_changes(contents: dict[str, bytes]) -> None:
    contents["changes.csv"] = contents["changes.csv"].replace(b"head@example.com", b"boss@example.com")


def change_an_event(contents: dict[str, bytes]) -> None:
    contents["events.ocsf.jsonl"] = contents["events.ocsf.jsonl"].replace(b'"Success"', b'"Failure"', 1)


def change_the_equation(contents: dict[str, bytes]) -> None:
    contents["bundle.json"] = contents["bundle.json"].replace(b"8 done", b"9 done")


def remove_a_table(contents: dict[str, bytes]) -> None:
    del contents["population.csv"]


def pick_the_samples(contents: dict[str, bytes]) -> None:
    """Show a harmless job in place of a drawn one, with everything else in order."""
    index = json.loads(contents["bundle.json"])
    drawn = index["selection"]["drawn"]
    others = [run for run in index["runs"] if run["level"] == "records"]
    index["selection"]["drawn"] = sorted([*drawn[1:], others[-1]["sealed_entry"] - 1])
    contents["bundle.json"] = canonical(index) + b"\n"


def remove_an_entry(contents: dict[str, bytes]) -> None:
    lines = contents["ledger/entries.jsonl"].splitlines(keepends=True)
    contents["ledger/entries.jsonl"] = b"".join(lines[:5] + lines[6:])


def cut_the_ledger(contents: dict[str, bytes]) -> None:
    lines = contents["ledger/entries.jsonl"].splitlines(keepends=True)
    contents["ledger/entries.jsonl"] = b"".join(lines[:-3])


def cut_everything_at_an_earlier_checkpoint(contents: dict[str, bytes]) -> None:
    """The ledger as it was earlier, properly signed; only the index still knows how long it was."""
    marks = contents["ledger/checkpoints.jsonl"].splitlines(keepends=True)[:-1]
    note = json.loads(marks[-1])["note"]
    size = int(note.split("\n")[1])
    lines = contents["ledger/entries.jsonl"].splitlines(keepends=True)
    contents["ledger/entries.jsonl"] = b"".join(lines[:size])
    contents["ledger/checkpoints.jsonl"] = b"".join(marks)
    contents["ledger/checkpoint"] = note.encode()


def no_bundle_at_all(contents: dict[str, bytes]) -> None:
    del contents["bundle.json"]


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (change_a_picture, "evidence-file-changed"),
        (change_a_record, "evidence-file-changed"),
        (remove_a_picture, "evidence-file-removed"),
        (remove_a_record, "evidence-file-removed"),
        (add_a_file, "evidence-file-added"),
        (add_a_file_to_a_job, "evidence-file-added"),
        (remove_a_body, "evidence-object-missing"),
        (change_the_population, "bundle-table-changed"),
        (change_the_changes, "bundle-table-changed"),
        (change_an_event, "bundle-table-changed"),
        (change_the_equation, "bundle-table-changed"),
        (remove_a_table, "evidence-file-removed"),
        (pick_the_samples, "bundle-selection-wrong"),
        (remove_an_entry, "ledger-entry-removed"),
        (cut_the_ledger, "ledger-truncated"),
        (cut_everything_at_an_earlier_checkpoint, "bundle-proof-wrong"),
        (no_bundle_at_all, "bundle-damaged"),
    ],
)
def test_tampering_with_a_bundle(
    archive: Archive, bundle: Path, tamper: Callable[[dict[str, bytes]], None], code: str
) -> None:
    """Exactly its own error."""
    assert codes(verify_bundle(bundle, archive.anchors)) == []
    found = codes(verify_bundle(rewritten(bundle, tamper), archive.anchors))
    assert found == [code]


def test_a_changed_byte_of_the_zip_itself(archive: Archive, bundle: Path) -> None:
    """Somebody who does not bother to make a proper zip of it again."""
    data = bytearray(bundle.read_bytes())
    with zipfile.ZipFile(bundle) as opened:
        name = next(item for item in opened.infolist() if item.filename.endswith("01-before.jpg"))
    data[name.header_offset + 30 + len(name.filename) + 3] ^= 1
    bundle.write_bytes(bytes(data))
    assert codes(verify_bundle(bundle, archive.anchors)) == ["evidence-file-changed"]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"x" * 100])
def test_what_is_no_zip_is_told(archive: Archive, tmp_path: Path, data: bytes) -> None:
    """A half-copied file is no accusation of anybody, and no crash."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(data)
    assert codes(verify_bundle(file, archive.anchors)) == ["bundle-damaged"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("IT-4711", "IT-4712"), "bundle-proof-wrong"),
        (lambda text: text.replace('"proof":["', '"proof":["AAAA'), "bundle-proof-wrong"),
        (lambda text: "{}", "bundle-damaged"),
    ],
)
def test_tampering_with_a_bundle_of_one_job(archive: Archive, change: Callable[[str], str], code: str) -> None:
    """An entry or a proof that was changed."""
    file = archive.root / "job.zip"
    export_job(read_source(archive.tenant), file, "070100-offboard-bb0001")

    def spoil(contents: dict[str, bytes]) -> None:
        changed = change(contents["ledger/proofs.json"].decode()).encode()
        assert changed != contents["ledger/proofs.json"]
        contents["ledger/proofs.json"] = changed

    found = codes(verify_bundle(rewritten(file, spoil), archive.anchors))
    assert found == [code]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_byte_is_changed_nothing_false_is_called_genuine(archive: Archive, bundle: Path, seed: int) -> None:
    """Bits flipped anywhere in the zip: found, or nothing but the zip's own trimmings; and never a crash."""
    lot, good = random.Random(seed), bundle.read_bytes()  # noqa: S311  # the same bits each time
    before = contents_of(bundle)
    for _ in range(20):
        data = bytearray(good)
        data[lot.randrange(len(data))] ^= 1 << lot.randrange(8)
        bundle.write_bytes(bytes(data))
        if not verify_bundle(bundle, archive.anchors).problems:
            assert contents_of(bundle) == before


def contents_of(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_a_bundle_that_hides_a_file_outside_itself(archive: Archive, bundle: Path) -> None:
    """A name that leads out of the folder it is unpacked to, and one that is there twice."""
    with zipfile.ZipFile(bundle, "a") as opened:
        opened.writestr("../outside.txt", b"")
    assert codes(verify_bundle(bundle, archive.anchors)) == ["bundle-damaged"]


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


# --- jobs about many people ---

CREW = ("mara.lindqvist@example.com", "jonas.berg@example.com", "nils.aalto@example.com")
OF_MANY: tuple[dict[str, Any], ...] = (
    {
        "kind": "bulk_remove_from_project",
        "title": "Remove 1 person",
        "project": {"id": "562949953500017", "name": "Harbour Street Car Park", "number": "24-017"},
        "people": [{"user_id": "3", "email": CREW[2], "template": "Viewer"}],
    },
    {
        "kind": "bulk_add_to_project",
        "title": "Add 2 people",
        "project": {"id": "562949953500017", "name": "Harbour Street Car Park", "number": "24-017"},
        "people": [
            {"user_id": "1", "email": CREW[0], "template": "Foreman"},
            {"user_id": "2", "email": CREW[1], "template": None},
        ],
    },
    {
        "kind": "group_change",
        "title": "Change the group",
        "group_id": "3",
        "name": "Site safety",
        "change": {"add": [{"user_id": "1", "email": CREW[0]}], "remove": [{"user_id": "2", "email": CREW[1]}]},
        "before": "",
    },
)


def test_a_write_about_many_people_is_an_event_for_each(tmp_path: Path, validator: Draft202012Validator) -> None:
    """With the roles and the project of that person; the job itself is one of the population, its changes one each."""
    archive = Archive(tmp_path)
    thing = "project:24-017"
    archive.accepted(job_id="080000-bulk-cc0001", action="bulk_add_to_project", person=thing)
    rows = [{"what": email, "before": "not a member", "after": "member with 'Foreman'"} for email in CREW[:2]]
    archive.run("080000-bulk-cc0001", action="bulk_add_to_project", person=thing, steps=OF_MANY, differences=rows)
    archive.day_is_over()
    bundle = tmp_path / "bundle.zip"
    export_period(read_source(archive.tenant), bundle, Request(OCTOBER, DECEMBER, 2, SEED))
    told = [
        (event["user"].get("email_addr"), event["activity_name"], event["metadata"]["uid"])
        for event in events_in(bundle)
    ]
    assert told == [
        (CREW[2], "Remove Roles", "080000-bulk-cc0001/step-1/1"),
        (CREW[0], "Assign Roles", "080000-bulk-cc0001/step-2/1"),
        (CREW[1], "Assign Roles", "080000-bulk-cc0001/step-2/2"),
        (CREW[0], "Update", "080000-bulk-cc0001/step-3/1"),
        (CREW[1], "Update", "080000-bulk-cc0001/step-3/2"),
    ]
    for event in events_in(bundle):
        assert [error.message for error in validator.iter_errors(event)] == []
    roles = [[role["name"] for role in event.get("iam_roles", [])] for event in events_in(bundle)]
    assert roles[:3] == [["Viewer"], ["Foreman"], []]
    assert events_in(bundle)[3]["resources"] == [{"uid": "3", "name": "Site safety", "type": "distribution group"}]
    assert [(row["person"], row["what"]) for row in table(bundle, "changes.csv")] == [
        (CREW[0], thing),
        (CREW[1], thing),
    ]
    assert len(table(bundle, "population.csv")) == 1

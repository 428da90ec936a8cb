"""The whole Directory as files, and the report of one person."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from agent.domain.person import Listing, Sighting
from agent.errors import Failed
from agent.execute.outcome import Verdict
from agent.execute.snapshot import COLUMNS, SnapshotFiles, csv_row, plain_cell
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake import run
from tests.unit.execute.fake_tenant import START, FakeTenant


def contact(email: str = "c@example.com", **fields: object) -> Sighting:
    """A row of the contacts list."""
    base: dict[str, object] = {
        "listing": Listing.CONTACTS,
        "user_id": None,
        "person_id": "9",
        "name": "C",
        "email": email,
    }
    return Sighting.model_validate({**base, **fields})


async def test_a_snapshot_has_every_list_and_its_counts(tmp_path: Path) -> None:
    """Users, inactive users, contacts: all there, counted, in both files."""
    tenant = FakeTenant(contacts=[contact()])
    tenant.put(person())
    tenant.put(person("gone@example.com", user_id="8", active=False))
    outcome = await run(job("snapshot"), tenant, results=lambda: tmp_path)
    kept = json.loads((tmp_path / "snapshot.json").read_text(encoding="utf-8"))
    rows = list(csv.reader(io.StringIO((tmp_path / "snapshot.csv").read_text(encoding="utf-8"))))
    assert outcome.verdict is Verdict.DONE
    assert outcome.files == {"snapshot.json": "snapshot.json", "snapshot.csv": "snapshot.csv"}
    assert kept["counts"] == {"users": 1, "inactive_users": 1, "reference_users": 1, "inactive_reference_users": 0}
    assert {item["email"] for item in kept["people"]} == {row[4] for row in rows[1:]}
    assert tuple(rows[0]) == COLUMNS


async def test_a_snapshot_that_cannot_be_complete_fails(tmp_path: Path) -> None:
    """A list that does not add up must not be read as people having left."""
    tenant = FakeTenant()
    tenant.fault("read:list_people", "unknown page", nth=2)
    outcome = await run(job("snapshot"), tenant, results=lambda: tmp_path)
    assert outcome.verdict is Verdict.FAILED


async def test_a_snapshot_on_a_full_disk_fails(tmp_path: Path) -> None:
    """The folder is gone: a sentence, not a traceback."""
    outcome = await run(job("snapshot"), FakeTenant(), results=lambda: tmp_path / "gone")
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["code"] == "evidence-unwritable"


@pytest.mark.parametrize("text", ["=1+1", "+1 603 555 0142", "-2", "@sum", "\tx", "\r=x"])
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    """What a spreadsheet would calculate gets an apostrophe."""
    assert plain_cell(text) == f"'{text}"
    assert csv_row(contact(name=text))[3] == f"'{text}"


def test_ordinary_cells_stay_as_they_are() -> None:
    """Names, addresses and empty cells are not touched."""
    assert [plain_cell(text) for text in ("Ana", "", "a@example.com", "12 Quay Street")] == [
        "Ana",
        "",
        "a@example.com",
        "12 Quay Street",
    ]


def test_a_snapshot_is_written_as_it_comes() -> None:
    """Each list is in the file before the next one is read: memory does not grow with the tenant."""
    json_file, csv_file = io.StringIO(), io.StringIO()
    files = SnapshotFiles(json_file, csv_file, "sandbox", START)
    files.add(Listing.USERS, [contact(f"{n}@example.com") for n in range(3)])
    assert csv_file.getvalue().count("\r\n") == 4
    files.add(Listing.CONTACTS, [contact("last@example.com")])
    files.finish()
    assert len(json.loads(json_file.getvalue())["people"]) == 4


@pytest.mark.parametrize("dry_run", [True, False])
async def test_reading_reports_the_person_and_sends_nothing(dry_run: bool) -> None:
    """How the person is, in one sentence; a dry run reads just the same."""
    tenant = FakeTenant()
    tenant.put(person())
    outcome = await run(job("read", person={"email": "ANA.lindqvist@example.com"}), tenant, dry_run=dry_run)
    assert outcome.verdict is Verdict.DONE
    assert "active user" in outcome.summary
    assert tenant.sent == []


async def test_reading_somebody_who_is_not_there_is_a_report_not_an_error() -> None:
    """Nobody is an answer."""
    outcome = await run(job("read", person={"email": "nobody@example.com"}), FakeTenant())
    assert outcome.verdict is Verdict.DONE
    assert "Nobody in the Directory" in outcome.summary


async def test_reading_an_address_with_two_entries_says_so() -> None:
    """A report need not decide."""
    tenant = FakeTenant(contacts=[contact(), contact(person_id="10")])
    outcome = await run(job("read", person={"email": "c@example.com"}), tenant)
    assert outcome.verdict is Verdict.DONE
    assert "2 times" in outcome.summary


async def test_evidence_that_cannot_be_sealed_is_not_done() -> None:
    """Saved and read back, but the seal failed: a person has to look."""
    from agent.execute.events import JobEnded
    from tests.unit.execute.fake import Listener

    broken = Failed("evidence-holds-secret", "A secret was found in the evidence.")
    outcome = await run(provision(), FakeTenant(), listener=Listener(JobEnded, broken))
    assert outcome.verdict is Verdict.UNCERTAIN
    assert "A secret was found" in outcome.summary
    read = await run(job("read", person={"email": "x@example.com"}), FakeTenant(), listener=Listener(JobEnded, broken))
    assert read.verdict is Verdict.FAILED

"""The counter of what is wrong in the ledger counts: each violation is planted in a sound archive, and is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.audit.entries import Kind
from agent.credentials.store import CredentialStore
from tests.torture.counting import Counts, JobRow, LedgerRows
from tests.torture.ledger_counts import count_ledger_wrong
from tests.unit.audit.archive import Archive
from tests.unit.audit.books import sealed

ANN = JobRow(1, "acme", "ann@example.com", None, "done", None, "key-1")
BOB = replace(ANN, id=2, person="bob@example.com", state="queued", hold="approval", request_key="key-2")
ROWS = LedgerRows({1: ANN, 2: BOB}, ())


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """One job that is done, one that waits."""
    made = Archive(tmp_path)
    made.job("070000-update-aa0001", queue=1)
    made.ended(1, job_id="070000-update-aa0001")
    made.job("080000-update-aa0002", queue=2, verdict="waiting", changed=False)
    return made


def counted(archive: Archive, rows: LedgerRows = ROWS, *, is_complete: bool = True) -> list[str]:
    """What is found, in words."""
    counts = Counts()
    count_ledger_wrong(rows, archive.tenant, CredentialStore(archive.keyring), counts, is_complete=is_complete)
    assert counts.ledger_wrong == len(counts.details)
    assert counts.all_is_well == (not counts.details)
    return counts.details


def test_nothing_is_counted_where_nothing_is_wrong(archive: Archive) -> None:
    """The control for all tests below."""
    assert counted(archive) == []


def drop_an_entry(archive: Archive) -> None:
    lines = archive.lines()
    archive.entries.write_bytes(b"".join(lines[:2] + lines[3:]))


def drop_the_last_entries(archive: Archive) -> None:
    archive.entries.write_bytes(b"".join(archive.lines()[:-2]))


def repeat_an_entry(archive: Archive) -> None:
    lines = archive.lines()
    archive.entries.write_bytes(b"".join([*lines, lines[-1]]))


def change_a_sealed_file(archive: Archive) -> None:
    (archive.folder("070000-update-aa0001") / "outcome.json").write_text("{}")


def remove_a_folder(archive: Archive) -> None:
    archive.folder("080000-update-aa0002").rename(archive.tenant.parent / "elsewhere")


def accept_twice(archive: Archive) -> None:
    archive.accepted(queue=1)


def end_twice(archive: Archive) -> None:
    archive.ended(1)


def end_what_waits(archive: Archive) -> None:
    archive.ended(2)


def seal_twice(archive: Archive) -> None:
    folder = archive.folder("070000-update-aa0001").relative_to(archive.tenant).as_posix()
    archive.ledger.append(Kind.SEALED, sealed("090000-update-aa0003", queue=1, folder=folder))


def accept_what_nobody_submitted(archive: Archive) -> None:
    archive.accepted(queue=99)


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (drop_an_entry, "entry"),
        (drop_the_last_entries, "truncated"),
        (repeat_an_entry, "entr"),
        (change_a_sealed_file, "outcome.json"),
        (remove_a_folder, "080000-update-aa0002 is gone"),
        (accept_twice, "Job 1 was accepted twice"),
        (end_twice, "Job 1 ended twice"),
        (end_what_waits, "job 2 is queued, and the ledger has its end"),
        (seal_twice, "was sealed 2 times"),
        (accept_what_nobody_submitted, "job 99 was never in the queue"),
    ],
)
def test_a_planted_violation_is_counted(archive: Archive, plant: Callable[[Archive], None], words: str) -> None:
    """Also in the ledger of an agent that was killed."""
    plant(archive)
    for is_complete in (True, False):
        found = counted(archive, is_complete=is_complete)
        assert any(words in detail for detail in found), found


def test_what_the_ledger_lacks_is_counted_once_the_agent_had_time_to_enter_it(archive: Archive) -> None:
    """A job, and an end, that the queue has; a killed agent enters them at its next start."""
    jobs = {1: ANN, 2: replace(BOB, state="cancelled", hold=None), 3: replace(ANN, id=3)}
    assert counted(archive, LedgerRows(jobs, ())) == [
        "ledger_wrong: job 2 is cancelled, and the ledger does not have its end",
        "ledger_wrong: job 3 was never entered",
    ]
    assert counted(archive, LedgerRows(jobs, ()), is_complete=False) == []


def test_a_ledger_that_is_not_there_is_counted(tmp_path: Path) -> None:
    """Where there were jobs to be entered."""
    counts, store = Counts(), CredentialStore(Archive(tmp_path / "other").keyring)
    count_ledger_wrong(LedgerRows({}, ()), tmp_path / "none", store, counts, is_complete=True)
    assert counts.details == []
    count_ledger_wrong(ROWS, tmp_path / "none", store, counts, is_complete=True)
    assert counts.details == ["ledger_wrong: there is no ledger"]

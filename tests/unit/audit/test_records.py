"""What a ledger has of single runs, found without reading the whole file for each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.audit.entries import EntryDamaged, Kind
from agent.audit.records import RunRecords
from tests.unit.audit.books import Book, accepted, report, sealed


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A ledger with three runs."""
    made = Book(tmp_path / "ledger")
    ledger = made.open()
    for name in ("a", "b", "c"):
        ledger.append_all([(Kind.ACCEPTED, accepted(job_id=name)), (Kind.SEALED, sealed(name))])
        report(ledger, name)
    return made


def kinds(records: RunRecords, job_id: str) -> list[str]:
    return [entry.kind.value for entry in records.of(job_id)]


def test_each_run_has_its_own_entries_and_what_is_added_later(book: Book) -> None:
    """In order; a name that only begins like another, or stands elsewhere in an entry, is not that run."""
    records = RunRecords(book.folder)
    assert kinds(records, "b") == ["accepted", "sealed", "reported"]
    assert kinds(records, "nobody") == []
    ledger = book.open()
    file = {"path": "trace.zip", "sha256": "ab" * 32, "bytes": 7}
    ledger.append(Kind.PRUNED, {"job_id": "b", "files": [file], "policy": "90 days", "why": "old"})
    ledger.append(Kind.ENDED, {"queue": 1, "state": "done", "job_id": "b", "error_kind": None, "at": ledger.head().at})
    report(ledger, "bb")
    assert kinds(records, "b") == ["accepted", "sealed", "reported", "pruned"]
    assert kinds(records, "bb") == ["reported"]
    assert kinds(records, "a") == ["accepted", "sealed", "reported"]


def test_a_torn_line_is_none_and_is_read_once_it_is_whole(book: Book) -> None:
    """A line counts with its line feed."""
    whole = book.entries.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    book.entries.write_bytes(whole[: last + 40])
    records = RunRecords(book.folder)
    assert kinds(records, "c") == ["accepted", "sealed"]
    book.entries.write_bytes(whole)
    assert kinds(records, "c") == ["accepted", "sealed", "reported"]


def test_a_ledger_that_became_shorter_is_read_anew(book: Book) -> None:
    """Nothing of a file that was put back from a backup is taken for what stood there before."""
    records = RunRecords(book.folder)
    assert kinds(records, "c") == ["accepted", "sealed", "reported"]
    lines = book.entries.read_bytes().splitlines(keepends=True)
    book.entries.write_bytes(b"".join(lines[:1] + lines[4:]))
    assert kinds(records, "a") == []
    assert kinds(records, "c") == ["accepted", "sealed", "reported"]


def test_a_ledger_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """And is not made by looking."""
    assert RunRecords(tmp_path / "none").of("a") == ()
    assert not (tmp_path / "none").exists()


def test_a_damaged_entry_of_the_run_is_told(book: Book) -> None:
    """One of another run does not keep this one from being found."""
    book.entries.write_bytes(book.entries.read_bytes().replace(b'"verdict":"done"', b'"verdict":17', 1))
    records = RunRecords(book.folder)
    assert kinds(records, "b") == ["accepted", "sealed", "reported"]
    with pytest.raises(EntryDamaged):
        records.of("a")


def test_the_ledger_is_read_once_for_many_runs(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second question costs no second reading: only the lines of its run are taken from the file."""
    ledger = book.open()
    for number in range(200):
        report(ledger, f"more-{number}")
    size = book.entries.stat().st_size
    records, taken = RunRecords(book.folder), []
    opened = Path.open

    class Counted:
        def __init__(self, path: Path) -> None:
            self._file = opened(path, "rb")

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def seek(self, offset: int) -> None:
            self._file.seek(offset)

        def read(self, length: int) -> bytes:
            taken.append(length)
            return self._file.read(length)

        def __iter__(self) -> Counted:
            return self

        def __next__(self) -> bytes:
            line = next(self._file)
            taken.append(len(line))
            return line

    monkeypatch.setattr(Path, "open", lambda path, mode: Counted(path))
    for number in range(200):
        assert len(records.of(f"more-{number}")) == 1
    assert size <= sum(taken) <= 2 * size

"""The ledger on disk: numbered without gaps, chained, whole after a kill, and closed to what does not follow."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.audit.checkpoint import Checkpoint
from agent.audit.entries import NOTHING_BEFORE, Kind, Opened
from agent.audit.ledger import ledger_folder
from agent.audit.merkle import Tree, leaf_hash
from agent.audit.note import Note, PublicKey
from agent.audit.reading import ChainBroken, read_entries
from agent.errors import Failed
from tests.unit.audit.books import Book, SetClock, accepted, lines_of, report, sealed, values_of


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def book(tmp_path: Path, clock: SetClock) -> Book:
    return Book(tmp_path / "acme" / "ledger", clock=clock)


def test_the_first_entry_says_which_ledger(book: Book) -> None:
    """A ledger opens with its id, its tenant and its public key; folder and files are the agent's alone."""
    entry = report(book.open())
    first, second = read_entries(book.folder)
    assert isinstance(first.data, Opened)
    assert (first.seq, first.prev, first.data.tenant) == (0, NOTHING_BEFORE, "acme")
    assert PublicKey.parse(first.data.keys[0]).name == f"agent/{first.data.ledger}"
    assert second == entry
    assert second.prev == hashlib.sha256(first.line).hexdigest()
    assert book.folder.stat().st_mode & 0o777 == 0o700
    assert book.entries.stat().st_mode & 0o777 == 0o600


def test_entries_follow_one_another_across_openings(book: Book) -> None:
    """Whoever opens it goes on where the last one stopped; the tree over all lines is the one that is signed."""
    for number in range(5):
        ledger = book.open()
        report(ledger, f"a-{number}")
        ledger.append_all([(Kind.SEALED, sealed()), (Kind.ACCEPTED, accepted(job_id="a"))])
        if number % 2:
            ledger.sign()
    entries = list(read_entries(book.folder))
    assert [entry.seq for entry in entries] == list(range(16))
    note = book.open().sign()
    assert note is not None
    text = Checkpoint.parse(Note.parse(note).text)
    assert (text.size, text.root) == (16, Tree([leaf_hash(entry.line) for entry in entries]).root())


def test_two_open_ledgers_take_turns(book: Book) -> None:
    """Each sees what the other added, before it adds."""
    one, other = book.open(), book.open()
    for _ in range(3):
        report(one)
        report(other)
        assert one.sign() == other.sign()
    assert [entry.seq for entry in read_entries(book.folder)] == list(range(7))
    assert one.head() == other.head()


def test_what_another_process_adds_is_counted(book: Book) -> None:
    """A running agent tells how many entries came from elsewhere while it ran: by another command, or a stranger.

    Neither its own nor what was there before it began count.
    """
    other = book.open()
    report(other)
    agent = book.open()
    assert agent.head().elsewhere == 0
    report(agent)
    report(agent)
    agent.sign()
    assert agent.head().elsewhere == 0
    report(other)
    report(other)
    report(agent)
    assert (agent.head().elsewhere, other.head().elsewhere) == (2, 3)


def test_time_never_goes_back(book: Book, clock: SetClock) -> None:
    """A clock set back does not make earlier entries: the entry says both times."""
    ledger = book.open()
    report(ledger)
    clock.go(hours=-3)
    behind = report(ledger)
    clock.go(hours=4)
    after = report(ledger)
    assert (behind.at, behind.data.clock) == ("2026-11-22T12:00:00.000Z", "2026-11-22T09:00:00.000Z")
    assert (after.at, after.data.clock) == ("2026-11-22T13:00:00.000Z", None)
    assert "clock" not in values_of(book)[-1]["data"]
    list(read_entries(book.folder))


def test_a_torn_line_is_cut(book: Book) -> None:
    """What a killed process left without a line feed is no entry; the next one takes its number."""
    report(book.open())
    whole = book.entries.read_bytes()
    with book.entries.open("ab") as file:
        file.write(b'{"at":"2026-11-22T12:00:00.0')
    assert len(list(read_entries(book.folder))) == 2
    ledger = book.open()
    report(ledger)
    assert book.entries.read_bytes().startswith(whole + b'{"at"')
    assert [entry.seq for entry in read_entries(book.folder)] == [0, 1, 2]


def test_a_torn_line_of_another_process_is_cut(book: Book) -> None:
    """Also while this process has the ledger open."""
    ledger = book.open()
    report(ledger)
    with book.entries.open("ab") as file:
        file.write(b'{"at"')
    report(ledger)
    assert [entry.seq for entry in read_entries(book.folder)] == [0, 1, 2]


def test_a_first_line_that_was_torn(book: Book) -> None:
    """A ledger killed in its very first line begins anew."""
    book.folder.mkdir(parents=True)
    book.entries.write_bytes(b'{"at":"20')
    report(book.open())
    assert [entry.seq for entry in read_entries(book.folder)] == [0, 1]


def changed_last(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1].replace(b"a-9", b"a-8")]


def removed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], *lines[4:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[3].replace(b"a-2", b"a-7"), *lines[4:]]


def backdated(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[3].replace(b"2026-11-22", b"2026-11-21"), *lines[4:]]


def truncated(lines: list[bytes]) -> list[bytes]:
    return lines[:-2]


def doubled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], *lines[3:]]


TAMPERED = [changed_last, removed, swapped, changed, backdated, truncated, doubled]


def tamper(book: Book, how: Callable[[list[bytes]], list[bytes]]) -> None:
    """Plant a violation, and take the agent's own conveniences away."""
    book.entries.write_bytes(b"".join(how(lines_of(book))))
    (book.folder / "frontier.json").unlink(missing_ok=True)


@pytest.mark.parametrize("how", TAMPERED)
def test_nothing_is_added_to_a_broken_ledger(book: Book, how: Callable[[list[bytes]], list[bytes]]) -> None:
    """A signed ledger that is read anew and is not what was signed is refused, and stays as it is."""
    ledger = book.open()
    for number in range(10):
        report(ledger, f"a-{number}")
    ledger.sign()
    tamper(book, how)
    before = book.entries.read_bytes()
    fresh = book.open()
    asks: list[Callable[[], Any]] = [lambda: report(fresh), fresh.sign, fresh.require_writable, fresh.head]
    for ask in asks:
        with pytest.raises(Failed) as caught:
            ask()
        assert caught.value.code == "ledger-broken"
    assert book.entries.read_bytes() == before


@pytest.mark.parametrize("how", [changed_last, truncated])
def test_its_end_is_watched_while_it_is_open(book: Book, how: Callable[[list[bytes]], list[bytes]]) -> None:
    """A running agent notices that the entries it added are gone or changed."""
    ledger = book.open()
    for number in range(10):
        report(ledger, f"a-{number}")
    tamper(book, how)
    with pytest.raises(Failed) as caught:
        report(ledger)
    assert caught.value.code == "ledger-broken"


@pytest.mark.parametrize("how", [removed, swapped, changed, backdated, doubled])
def test_reading_tells_what_does_not_follow(book: Book, how: Callable[[list[bytes]], list[bytes]]) -> None:
    """The chain alone shows all but a cut end, without any key."""
    ledger = book.open()
    for number in range(10):
        report(ledger, f"a-{number}")
    tamper(book, how)
    with pytest.raises(ChainBroken):
        list(read_entries(book.folder))


def test_a_deleted_ledger_is_not_begun_anew(book: Book, tmp_path: Path) -> None:
    """Where a head is kept elsewhere, a ledger that is gone, or another one, is refused."""
    book.kept_head = tmp_path / "elsewhere" / "acme.checkpoint"
    ledger = book.open()
    report(ledger)
    assert ledger.sign() == book.kept_head.read_text()
    for file in book.folder.iterdir():
        file.unlink()
    with pytest.raises(Failed) as caught:
        report(book.open())
    assert caught.value.code == "ledger-broken"
    other = Book(book.folder, clock=book.clock)
    for _ in range(5):
        report(other.open())
    with pytest.raises(Failed) as caught:
        report(Book(book.folder, kept_head=book.kept_head, clock=book.clock).open())
    assert caught.value.expected.startswith("the ledger agent/")


def test_a_ledger_put_back_from_a_backup_is_noticed(book: Book, tmp_path: Path) -> None:
    """All files rolled back together fit one another; only the kept head knows better."""
    book.kept_head = tmp_path / "acme.checkpoint"
    ledger = book.open()
    report(ledger)
    ledger.sign()
    old = {file: file.read_bytes() for file in book.folder.iterdir()}
    report(ledger)
    ledger.sign()
    for file, data in old.items():
        file.write_bytes(data)
    with pytest.raises(Failed) as caught:
        book.open().head()
    assert caught.value.code == "ledger-broken"


def test_a_full_disk_changes_nothing(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that does not fit is not there, not even in part, and the next one takes its place."""
    ledger = book.open()
    report(ledger)
    before = book.entries.read_bytes()
    real = os.write

    def half(handle: int, data: Any) -> int:
        real(handle, bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(Failed) as caught:
        report(ledger)
    assert caught.value.code == "ledger-unwritable"
    assert book.entries.read_bytes() == before
    monkeypatch.undo()
    assert report(ledger).seq == 2


def test_a_ledger_that_cannot_be_written_is_told_before_anything_is_done(book: Book) -> None:
    """A file in the place of its folder, for one."""
    book.folder.parent.mkdir(parents=True)
    book.folder.write_text("in the way")
    with pytest.raises(Failed) as caught:
        book.open().require_writable()
    assert caught.value.code == "ledger-unwritable"


def test_looking_makes_nothing(book: Book) -> None:
    """A ledger that is not there has no entries, and asking does not make it."""
    head = book.open().head()
    assert (head.size, head.signed, head.ledger) == (0, 0, "")
    assert not book.folder.exists()
    assert book.open().latest_note() is None


def test_wrong_data_is_the_callers_mistake(book: Book) -> None:
    """Nothing is written for an entry that its kind does not have."""
    ledger = book.open()
    report(ledger)
    before = book.entries.read_bytes()
    for data in ({}, {**sealed(), "more": 1}, sealed(attempt="1"), sealed(started="yesterday")):
        with pytest.raises(ValueError, match="sealed"):
            ledger.append(Kind.SEALED, data)
    assert book.entries.read_bytes() == before


def test_the_kept_copy_is_only_believed_when_it_fits(book: Book) -> None:
    """A forged or outdated copy of the tree's edge is not used; the ledger is then read from its beginning."""
    ledger = book.open()
    for number in range(5):
        report(ledger, f"a-{number}")
    ledger.sign()
    copy = book.folder / "frontier.json"
    good = copy.read_bytes()
    head = book.open().head()
    for bad in (b"", b"{}", good.replace(b'"size":6', b'"size":7'), good.replace(b'"last_bytes":', b'"last_bytes":1')):
        copy.write_bytes(bad)
        assert book.open().head() == head
    copy.write_bytes(good)
    report(ledger)
    assert book.open().head() == ledger.head()


def test_signing_twice_signs_once(book: Book) -> None:
    """A checkpoint over the same entries is not made again, and each one that was made is kept."""
    ledger = book.open()
    report(ledger)
    assert ledger.sign() == ledger.sign() == book.open().sign()
    report(ledger)
    ledger.sign()
    assert len((book.folder / "checkpoints.jsonl").read_bytes().splitlines()) == 2
    assert ledger.head().unsigned == 0


def test_a_torn_checkpoint_line_is_cut(book: Book) -> None:
    """A kill while signing costs that line only."""
    ledger = book.open()
    report(ledger)
    ledger.sign()
    kept = book.folder / "checkpoints.jsonl"
    with kept.open("ab") as file:
        file.write(b'{"at":"20')
    report(ledger)
    ledger.sign()
    assert [line[:6] for line in kept.read_bytes().splitlines()] == [b'{"at":'] * 2


def test_where_a_ledger_is() -> None:
    """Beside the tenant's days; a tenant's name cannot lead elsewhere."""
    assert ledger_folder(Path("/e"), "acme") == Path("/e/acme/ledger")
    assert ledger_folder(Path("/e"), "../x") == Path("/e/___x/ledger")

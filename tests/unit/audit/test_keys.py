"""Signing keys: made when first needed, rotated with an overlap, and never a reason for a job to fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.audit.entries import KeyChange, Kind
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import AuditLedger
from agent.audit.note import Note, NoteRejected, PublicKey
from agent.audit.reading import read_entries
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.errors import Failed
from tests.unit.audit.books import Book, SetClock, report

DAY = 86_400.0


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def book(tmp_path: Path, clock: SetClock) -> Book:
    return Book(tmp_path / "ledger", clock=clock)


def signers(ledger: AuditLedger) -> list[str]:
    """The labels of the keys that signed the latest checkpoint."""
    note = ledger.latest_note()
    assert note is not None
    trusted = [PublicKey.parse(vkey) for entry in read_entries(ledger.folder) for vkey in announced(entry.data)]
    return [key.label for key in Note.parse(note).require(trusted)]


def announced(data: object) -> tuple[str, ...]:
    if isinstance(data, KeyChange):
        return (data.added,) if data.added else ()
    return getattr(data, "keys", ())


def test_the_key_is_made_once(book: Book) -> None:
    """Two openings sign with the same key; each ledger has one of its own."""
    ledger = book.open()
    report(ledger)
    ledger.sign()
    first = signers(ledger)
    again = book.open()
    report(again)
    again.sign()
    assert signers(again) == first
    other = Book(book.folder.with_name("other"), book.keyring, book.clock)
    report(other.open())
    assert len(book.keyring.kept) == 2


def test_rotation_with_overlap(book: Book, clock: SetClock) -> None:
    """Both keys sign from the announcement on; after the overlap the old one is retired and destroyed."""
    ledger = book.open()
    report(ledger)
    ledger.sign()
    (old,) = signers(ledger)
    new = ledger.rotate("yearly").label
    assert signers(ledger) == [old, new]
    clock.go(days=29)
    assert ledger.retire_due(30 * DAY) == ()
    report(ledger)
    ledger.sign()
    assert signers(ledger) == [old, new]
    clock.go(days=1)
    (retired,) = ledger.retire_due(30 * DAY)
    assert PublicKey.parse(retired).label == old
    assert signers(ledger) == [new]
    assert ledger.retire_due(30 * DAY) == ()
    (kept,) = book.keyring.kept.values()
    assert len(json.loads(kept)["seeds"]) == 1
    changes = [entry.data for entry in read_entries(ledger.folder) if entry.kind is Kind.KEY]
    assert [(bool(change.added), bool(change.retired)) for change in changes if isinstance(change, KeyChange)] == [
        (True, False),
        (False, True),
    ]


def test_a_running_process_learns_of_a_rotation(book: Book) -> None:
    """One that has the old key in memory signs with both as soon as the other one is announced."""
    running, other = book.open(), book.open()
    report(running)
    running.sign()
    other.rotate("yearly")
    report(running)
    running.sign()
    assert len(signers(running)) == 2


def test_a_retired_key_does_not_come_back(book: Book, clock: SetClock) -> None:
    """A process that still has it in memory signs without it."""
    running, other = book.open(), book.open()
    report(running)
    running.sign()
    new = other.rotate("yearly").label
    clock.go(days=31)
    other.retire_due(DAY)
    report(running)
    running.sign()
    assert signers(running) == [new]


def test_a_key_is_not_retired_while_its_successor_is_missing(book: Book, clock: SetClock) -> None:
    """A keyring put back from before the rotation still has the old key only: it goes on signing."""
    ledger = book.open()
    report(ledger)
    before = dict(book.keyring.kept)
    ledger.rotate("yearly")
    book.keyring.kept = before
    clock.go(days=40)
    fresh = book.open()
    assert fresh.retire_due(DAY) == ()
    report(fresh)
    assert fresh.sign() is not None
    assert signers(fresh) == [PublicKey.parse(ledger.head().keys[0]).label]


def test_only_one_of_two_keys_is_retired(book: Book) -> None:
    """The last key stays."""
    ledger = book.open()
    report(ledger)
    with pytest.raises(ValueError, match="beside another"):
        ledger.retire(ledger.head().keys[0], "why not")
    with pytest.raises(ValueError, match="in force"):
        ledger.retire("another", "why not")


def test_a_locked_keyring_stops_nothing(book: Book) -> None:
    """Entries are added unsigned, which is told; the next chance makes and announces a key and signs them all."""
    book.keyring.is_locked = True
    ledger = book.open()
    report(ledger)
    assert ledger.sign() is None
    assert "keyring-locked" in ledger.signing_trouble
    assert ledger.head().unsigned == 2
    book.keyring.is_locked = False
    assert ledger.sign() is not None
    assert ledger.signing_trouble == ""
    assert ledger.head().unsigned == 0
    last = list(read_entries(book.folder))[-1]
    assert isinstance(last.data, KeyChange)
    assert last.data.why == "the first key of this ledger"


def test_a_lost_key_is_replaced_and_that_is_said(book: Book) -> None:
    """A keyring without the key gives a new one, which nobody trusts for the old one's sake."""
    ledger = book.open()
    report(ledger)
    ledger.sign()
    old = PublicKey.parse(ledger.head().keys[0])
    book.keyring.kept.clear()
    fresh = book.open()
    report(fresh)
    note = fresh.sign()
    assert note is not None
    with pytest.raises(NoteRejected) as caught:
        Note.parse(note).require([old])
    assert caught.value.reason == "unknown-key"
    assert "none of the keys before" in str(list(read_entries(book.folder))[-1].data)


def test_a_key_made_but_not_announced_is_used(book: Book, tmp_path: Path) -> None:
    """A process killed between keyring and ledger leaves a key; it is announced, and no second one is made."""
    ledger = book.open(signed=False)
    report(ledger)
    origin = f"agent/{ledger.head().ledger}"
    left = KeyringSigner(CredentialStore(book.keyring)).make(origin)
    book.open().sign()
    assert signers(book.open()) == [left.public.label]


def test_without_signing(book: Book) -> None:
    """Signing off: no key is made or asked for, and a rotation is refused in words."""
    ledger = book.open(signed=False)
    report(ledger)
    assert ledger.sign() is None
    assert book.keyring.kept == {}
    with pytest.raises(Failed) as caught:
        ledger.rotate("why")
    assert caught.value.code == "signing-off"


def test_a_damaged_entry_in_the_keyring(book: Book) -> None:
    """It is told by name, without its contents."""
    ledger = book.open()
    report(ledger)
    ((place, _),) = book.keyring.kept.items()
    for text in ("", "{}", '{"seeds": ["c2VjcmV0"]}', '{"seeds": [7]}'):
        book.keyring.kept[place] = text
        fresh = book.open()
        assert fresh.sign() is None
        assert "signing-key-damaged" in fresh.signing_trouble


def test_the_key_is_among_the_known_secrets(book: Book) -> None:
    """Evidence is searched for it as for every other secret."""
    known = KnownSecrets()
    ledger = AuditLedger(book.folder, "acme", KeyringSigner(CredentialStore(book.keyring), known), book.clock)
    report(ledger)
    book.open().sign()
    again = AuditLedger(book.folder, "acme", KeyringSigner(CredentialStore(book.keyring), known), book.clock)
    report(again)
    again.sign()
    (seed,) = json.loads(next(iter(book.keyring.kept.values())))["seeds"]
    assert [secret.secret.reveal() for secret in known] == [seed]
    assert seed not in "".join(file.read_text() for file in book.folder.iterdir())

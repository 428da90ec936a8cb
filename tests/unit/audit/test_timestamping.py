"""Time stamps of checkpoints: asked for, checked, kept, entered; and no reason to fail when they cannot be had."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.audit.entries import Witnessed
from agent.audit.reading import read_entries
from agent.audit.timestamping import (
    TimeStampRejected,
    check_time_stamp,
    request_time_stamp,
    stamp,
    trusted_roots,
)
from agent.errors import Failed
from tests.unit.audit.authority import Authority
from tests.unit.audit.books import Book, report

AT = datetime.now(UTC).replace(microsecond=0)
NOTE = "agent/5f0c\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— agent/5f0c AAAAAAAA\n"


@pytest.fixture
def authority() -> Authority:
    return Authority(AT)


def test_a_checkpoint_is_stamped(tmp_path: Path, authority: Authority) -> None:
    """Over HTTP on this machine: the stamp is of the signed note's very bytes, and can be checked without anything."""
    book = Book(tmp_path / "ledger")
    ledger = book.open()
    report(ledger)
    note = ledger.sign()
    assert note is not None
    with authority.serve() as url:
        entry = stamp(ledger, note, url, [authority.root])
    assert authority.hashed == [hashlib.sha256(note.encode()).digest()]
    kept = (book.folder / "timestamps" / "2.tsr").read_bytes()
    assert isinstance(entry.data, Witnessed)
    assert (entry.data.size, entry.data.tsa, entry.data.sha256) == (2, url, hashlib.sha256(kept).hexdigest())
    assert list(read_entries(book.folder))[-1] == entry
    assert check_time_stamp(kept, note, [authority.root]) == AT


def test_a_stamp_is_for_one_note_by_one_authority(authority: Authority) -> None:
    """Another note, another authority, no authority, a changed or cut answer, a refusal: none is taken."""
    answer = request_time_stamp("", NOTE, [authority.root], lambda url, request: authority.answer(request))
    assert check_time_stamp(answer, NOTE, [authority.root]) == AT
    stranger = Authority(AT)
    changed = answer.replace(f"{AT:%Y%m%d%H%M%SZ}".encode(), f"{AT - timedelta(days=1):%Y%m%d%H%M%SZ}".encode())
    assert changed != answer
    for wrong, note, root in (
        (answer, NOTE + "x", authority.root),
        (answer, NOTE, stranger.root),
        (changed, NOTE, authority.root),
        (answer[:-40], NOTE, authority.root),
        (b"", NOTE, authority.root),
    ):
        with pytest.raises(TimeStampRejected):
            check_time_stamp(wrong, note, [root])
    with pytest.raises(TimeStampRejected):
        check_time_stamp(answer, NOTE, [])
    authority.status = 2
    with pytest.raises(TimeStampRejected):
        request_time_stamp("", NOTE, [authority.root], lambda url, request: authority.answer(request))


def test_an_old_answer_is_no_answer(authority: Authority) -> None:
    """An answer to an earlier request for the same note is not taken for this one's."""
    old = request_time_stamp("", NOTE, [authority.root], lambda url, request: authority.answer(request))
    with pytest.raises(TimeStampRejected):
        request_time_stamp("", NOTE, [authority.root], lambda url, request: old)


def test_an_authority_that_does_not_answer(authority: Authority) -> None:
    """Nobody there, an error page, something else than a stamp: told as unreachable, with what was seen."""
    with authority.serve() as url:
        pass
    with pytest.raises(Failed) as caught:
        request_time_stamp(url, NOTE, [authority.root])
    assert caught.value.code == "tsa-unreachable"
    for status, kind, seen in ((500, "application/timestamp-reply", "500"), (200, "text/html", "text/html")):
        with authority.serve(status=status, kind=kind) as url, pytest.raises(Failed) as caught:
            request_time_stamp(url, NOTE, [authority.root])
        assert caught.value.code == "tsa-unreachable"
        assert seen in caught.value.seen


def test_roots_come_from_a_file(tmp_path: Path, authority: Authority) -> None:
    """As many as there are; a file without any is told."""
    file = tmp_path / "roots.pem"
    file.write_bytes(authority.root_pem + Authority(AT).root_pem)
    assert authority.root in trusted_roots(file)
    assert len(trusted_roots(file)) == 2
    file.write_text("no certificate")
    for unusable in (file, tmp_path / "missing.pem"):
        with pytest.raises(Failed) as caught:
            trusted_roots(unusable)
        assert caught.value.code == "tsa-roots-unusable"

"""Whatever the order in which processes open, add, sign, rotate and die: one chain, one tree, all checkpoints in it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audit.checkpoint import Checkpoint
from agent.audit.entries import Kind
from agent.audit.ledger import AuditLedger
from agent.audit.merkle import Tree, leaf_hash
from agent.audit.note import Note, PublicKey
from agent.audit.reading import CHECKPOINTS, read_entries
from tests.unit.audit.books import Book, SetClock, report, sealed

ACTS = st.sampled_from(["append", "batch", "sign", "reopen", "rotate", "torn", "back", "forget the copy"])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(ACTS, st.integers(0, 1)), max_size=12))
def test_any_order(acts: list[tuple[str, int]]) -> None:
    """Numbers without gaps, times that never go back, and each checkpoint ever signed is the root over its entries."""
    with tempfile.TemporaryDirectory() as folder:
        clock = SetClock()
        book = Book(Path(folder) / "ledger", clock=clock)
        open_ones: list[AuditLedger] = [book.open(), book.open()]
        added = 0
        for act, which in acts:
            ledger = open_ones[which]
            match act:
                case "append":
                    report(ledger)
                    added += 1
                case "batch":
                    ledger.append_all([(Kind.SEALED, sealed())] * 3)
                    added += 3
                case "sign":
                    ledger.sign()
                case "reopen":
                    open_ones[which] = book.open()
                case "rotate":
                    ledger.rotate("a test")
                    added += 1
                case "torn" if book.folder.exists():
                    with book.entries.open("ab") as file:
                        file.write(b'{"at":')
                case "back":
                    clock.go(hours=-1)
                case "forget the copy":
                    (book.folder / "frontier.json").unlink(missing_ok=True)
        report(open_ones[0])
        entries = list(read_entries(book.folder))
        assert len(entries) == added + 2  # the first one, and the last
        assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
        keys = [PublicKey.parse(vkey) for vkey in book.open().head().keys]
        tree = Tree([leaf_hash(entry.line) for entry in entries])
        kept = book.folder / CHECKPOINTS
        for line in kept.read_bytes().splitlines() if kept.exists() else ():
            note = Note.parse(json.loads(line)["note"])
            note.require(keys)
            checkpoint = Checkpoint.parse(note.text)
            assert checkpoint.root == tree.root(checkpoint.size)

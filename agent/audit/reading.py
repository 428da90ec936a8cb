"""Reading a ledger: its entries in order, each checked to follow the one before. Needs the file and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.audit.entries import NOTHING_BEFORE, Entry, EntryDamaged

ENTRIES = "entries.jsonl"
CHECKPOINTS = "checkpoints.jsonl"
CHECKPOINT = "checkpoint"
TIMESTAMPS = "timestamps"


class ChainBroken(Exception):
    """The entries do not follow one another; ``at`` is the number at which that is so, ``reason`` which rule failed."""

    def __init__(self, at: int, reason: str, message: str) -> None:
        """``reason``: "damaged", "numbering", "chain", "time" or "beginning"."""
        super().__init__(message)
        self.at = at
        self.reason = reason


def lines(path: Path) -> Iterator[bytes]:
    """The whole lines of ``entries.jsonl`` without their line feeds; a torn last line is no line.

    OSError when it cannot be read.
    """
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of ``entries.jsonl``, in order; ``path`` may be the ledger's folder.

    OSError when it cannot be read; ChainBroken at the first entry that is damaged or does not follow.
    """
    yield from chained(lines(path / ENTRIES if path.is_dir() else path))


def chained(found: Iterable[bytes], *, first: int = 0, prev: str = NOTHING_BEFORE, at: str = "") -> Iterator[Entry]:
    """Entries from lines, each checked to follow; ``first``, ``prev`` and ``at`` describe what stands before them.

    ChainBroken otherwise.
    """
    number = first
    for line in found:
        try:
            entry = Entry.parse(line)
        except EntryDamaged as error:
            raise ChainBroken(number, "damaged", f"Entry {number} is damaged: {error}.") from error
        if entry.seq != number:
            raise ChainBroken(
                number, "numbering", f"Where entry {number} should stand, there is one with the number {entry.seq}."
            )
        if entry.prev != prev:
            raise ChainBroken(number, "chain", f"Entry {number} was not made after the entry that stands before it.")
        if entry.at < at:
            raise ChainBroken(number, "time", f"Entry {number} has an earlier time than the entry before it.")
        if (number == 0) != (entry.kind == "opened"):
            raise ChainBroken(number, "beginning", f"Entry {number} is not what a ledger begins with, or begins anew.")
        yield entry
        number, prev, at = number + 1, entry.sha256, entry.at

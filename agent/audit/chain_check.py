"""Do the entries of a ledger follow each other? Says what was done to them where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from agent.audit.canonical import NotJson, parse_json
from agent.audit.entries import NOTHING_BEFORE, Entry, EntryDamaged, Kind
from agent.audit.findings import Findings
from agent.audit.tampering import EntryAdded, EntryBackdated, EntryChanged, EntryRemoved, EntryReordered, LedgerMissing


def checked_entries(lines: Iterable[bytes], findings: Findings) -> tuple[Entry, ...]:
    """The entries of a ledger's lines, in the order of the lines; every break of the chain is put down.

    Each entry has its number, the hash of the one before, and a time that is no earlier. A number that is missing, one
    that stands elsewhere and one that is there twice are told apart from an entry that was changed in its place.
    """
    entries, damaged = _parsed(lines, findings)
    if not entries and not damaged:
        findings.problems.append(LedgerMissing("entries.jsonl", "The ledger has no entries."))
        return ()
    _check_numbers([entry.seq for entry in entries], damaged, findings)
    by_number = sorted({entry.seq: entry for entry in entries}.values(), key=lambda entry: entry.seq)
    _check_beginning(by_number, findings)
    for before, after in pairwise(by_number):
        if after.seq == before.seq + 1 and after.prev != before.sha256:
            findings.problems.append(
                EntryChanged(
                    f"entry {before.seq}",
                    f"Entry {before.seq} is not the one that entry {after.seq} was made after: one of them changed.",
                    expected=after.prev,
                    seen=before.sha256,
                )
            )
    for before, after in pairwise(by_number):
        if after.at < before.at:
            findings.problems.append(
                EntryBackdated(
                    f"entry {after.seq}",
                    f"Entry {after.seq} claims to be of {after.at}, before the entry that stands before it.",
                    expected=f"no earlier than {before.at}",
                    seen=after.at,
                )
            )
    return tuple(entries)


def _parsed(lines: Iterable[bytes], findings: Findings) -> tuple[list[Entry], frozenset[int]]:
    """The entries, and the numbers of lines that are none (so that they do not count as removed)."""
    entries: list[Entry] = []
    damaged = set()
    for place, line in enumerate(lines):
        try:
            entries.append(Entry.parse(line))
        except EntryDamaged as error:
            number = _said_number(line, place)
            damaged.add(number)
            findings.problems.append(
                EntryChanged(f"entry {number}", f"Entry {number} is no entry as it was written: {error}.")
            )
    return entries, frozenset(damaged)


def _said_number(line: bytes, place: int) -> int:
    try:
        said: Any = parse_json(line)
        number = said["seq"]
    except (NotJson, KeyError, TypeError):
        return place
    return number if isinstance(number, int) and not isinstance(number, bool) else place


def _check_numbers(numbers: Sequence[int], damaged: frozenset[int], findings: Findings) -> None:
    for start, stop in _gaps(sorted(set(numbers) | damaged)):
        which = f"Entry {start}" if start == stop else f"Entries {start} to {stop}"
        findings.problems.append(
            EntryRemoved(
                f"entry {start}",
                f"{which} {'was' if start == stop else 'were'} removed: the numbering has a gap there.",
            )
        )
    seen: set[int] = set()
    for number in numbers:
        if number in seen:
            findings.problems.append(EntryAdded(f"entry {number}", f"The number {number} stands in the ledger twice."))
        seen.add(number)
    for before, after in pairwise(numbers):
        if after < before:
            findings.problems.append(
                EntryReordered(
                    f"entry {after}",
                    f"Entry {after} stands after entry {before}: the entries were put into another order.",
                    expected="ascending numbers",
                    seen=f"{before}, {after}",
                )
            )
            return  # one sentence for one disorder


def _gaps(known: Sequence[int]) -> Iterable[tuple[int, int]]:
    """What is missing before and between ascending numbers, as (first, last); never spelled out, as it may be much."""
    for before, after in pairwise((-1, *(number for number in known if number >= 0))):
        if after > before + 1:
            yield before + 1, after - 1


def _check_beginning(entries: Sequence[Entry], findings: Findings) -> None:
    first = entries[0] if entries else None
    if first is not None and first.seq == 0 and (first.kind is not Kind.OPENED or first.prev != NOTHING_BEFORE):
        findings.problems.append(EntryChanged("entry 0", "Entry 0 is not what a ledger begins with."))
    for entry in entries[1:]:
        if entry.kind is Kind.OPENED:
            findings.problems.append(
                EntryChanged(f"entry {entry.seq}", f"Entry {entry.seq} opens the ledger a second time.")
            )

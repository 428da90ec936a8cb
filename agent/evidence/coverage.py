"""What the ledger covers of a period: its entries, the periods it states, and how much of it a signed head takes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from agent.audit.checkpoint import Checkpoint, CheckpointMalformed
from agent.audit.entries import Entry, Kind, Opened, Period, Pruned
from agent.audit.note import Note, NoteRejected


@dataclass(frozen=True)
class Coverage:
    """Figures of a ledger and a period. Times are as the ledger writes them."""

    ledger: str  # id
    entries: int
    last_hash: str
    first: Entry | None  # of the period
    last: Entry | None
    sealed: int  # runs sealed in the period
    stated: tuple[Period, ...]  # periods that lie in it and are stated
    unstated: timedelta  # of the time since the ledger began, up to its last statement, what no statement covers
    pruned_runs: int  # runs of which files were removed, ever
    head_size: int | None  # entries under the latest signed checkpoint; None without one
    head_keys: tuple[str, ...] = ()
    head_trouble: str = ""

    @property
    def empty(self) -> list[Period]:
        """Stated periods in which nothing was accepted, ended, reopened or run."""
        return [
            period
            for period in self.stated
            if not (period.accepted or period.reopened or sum(period.ended.values()) or sum(period.direct.values()))
        ]

    @property
    def unsigned(self) -> int:
        """Entries after the signed head."""
        return self.entries - (self.head_size or 0)


def coverage_of(entries: Iterable[Entry], checkpoint: Path, begin: datetime, end: datetime) -> Coverage:
    """From a ledger's entries and the file of its latest signed checkpoint, of which nothing is verified here."""
    ledger, count, last_hash, sealed = "", 0, "", 0
    first: Entry | None = None
    last: Entry | None = None
    stated: list[Period] = []
    pruned: set[str] = set()
    opened: datetime | None = None
    for entry in entries:
        count, last_hash = count + 1, entry.sha256
        if begin <= entry.time < end:
            first, last = first or entry, entry
            sealed += entry.kind == Kind.SEALED
        match entry.data:
            case Opened():
                ledger, opened = entry.data.ledger, entry.time
            case Period() if begin <= datetime.fromisoformat(entry.data.end) and _begins(entry.data) < end:
                stated.append(entry.data)
            case Pruned():
                pruned.add(entry.data.job_id)
            case _:
                continue
    size, keys, trouble = _head(checkpoint)
    return Coverage(
        ledger=ledger,
        entries=count,
        last_hash=last_hash,
        first=first,
        last=last,
        sealed=sealed,
        stated=tuple(stated),
        unstated=_unstated(stated, max(begin, opened) if opened else begin, end),
        pruned_runs=len(pruned),
        head_size=size,
        head_keys=keys,
        head_trouble=trouble,
    )


def _begins(period: Period) -> datetime:
    return datetime.fromisoformat(period.begin)


def _unstated(stated: list[Period], begin: datetime, end: datetime) -> timedelta:
    """Time from ``begin`` to the end of the last statement (at most ``end``) that no statement covers."""
    missing, reached = timedelta(), begin
    for period in sorted(stated, key=lambda item: item.begin):
        start, stop = _begins(period), min(datetime.fromisoformat(period.end), end)
        missing += max(start - reached, timedelta())
        reached = max(reached, stop)
    return missing


def _head(path: Path) -> tuple[int | None, tuple[str, ...], str]:
    """Size and keys of the latest signed checkpoint, as it says itself; or what is wrong with it."""
    try:
        note = Note.parse(path.read_text("utf-8"))
        return (
            Checkpoint.parse(note.text).size,
            tuple(f"{signature.name}+{signature.id.hex()}" for signature in note.signatures),
            "",
        )
    except FileNotFoundError:
        return None, (), ""
    except (OSError, UnicodeDecodeError, NoteRejected, CheckpointMalformed) as error:
        return None, (), str(error)

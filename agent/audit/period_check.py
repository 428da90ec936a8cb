"""Do the signed periods follow each other without a gap, and do they count what the entries say?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent.audit import promises
from agent.audit.entries import Accepted, Ended, Entry, Period, Reopened, Sealed
from agent.audit.findings import Findings
from agent.audit.tampering import PeriodMissing, PeriodWrong


@dataclass
class _Waiting:
    """Entries that no period has counted yet: the time that counts, and what is counted."""

    accepted: list[tuple[str, str]] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)
    reopened: list[tuple[str, str]] = field(default_factory=list)
    direct: list[tuple[str, str]] = field(default_factory=list)


def check_periods(entries: Sequence[Entry], signed: int, findings: Findings) -> None:
    """Put down gaps and wrong numbers, and promise the periods that are signed and empty.

    Each entry is counted by the first period entry after it whose end lies after the entry's time.
    """
    waiting = _Waiting()
    periods: list[tuple[Entry, Period]] = []
    for entry in entries:
        match entry.data:
            case Accepted(at=at):
                waiting.accepted.append((at, "accepted"))
            case Ended(at=at, state=state):
                waiting.ended.append((at, state))
            case Reopened():
                waiting.reopened.append((entry.at, "reopened"))
            case Sealed(queue=None, verdict=verdict):
                waiting.direct.append((entry.at, verdict))
            case Period() as period:
                periods.append((entry, period))
                with findings.collecting():
                    _require_counts(entry, period, waiting)
    for (_, before), (entry, after) in pairwise(periods):
        if before.end != after.begin:
            what = "is missing" if before.end < after.begin else "is signed twice"
            findings.problems.append(
                PeriodMissing(
                    f"entry {entry.seq}",
                    f"Between the signed periods, the time from {before.end} to {after.begin} {what}.",
                    expected=before.end,
                    seen=after.begin,
                )
            )
    for entry, period in periods:
        if period.open.missing:
            findings.notes.append(promises.lost_jobs(entry.at, period.open.missing))
    covered = [period for entry, period in periods if entry.seq < signed]
    empty = [(period.begin, period.end) for period in covered if not period.accepted]
    if covered:
        findings.proven += promises.periods(covered[0].begin, covered[-1].end, empty)
    else:
        findings.open.append(promises.no_periods())


def _require_counts(entry: Entry, period: Period, waiting: _Waiting) -> None:
    """Raise PeriodWrong when a number is another than that of the entries; takes those that are counted out."""
    take: Callable[[list[tuple[str, str]]], Counter[str]] = lambda items: _taken(items, period.end)  # noqa: E731
    accepted, ended, reopened, direct = map(take, (waiting.accepted, waiting.ended, waiting.reopened, waiting.direct))
    wrong = [
        (name, said, found)
        for name, said, found in (
            ("accepted", period.accepted, accepted.total()),
            ("ended", _nonzero(period.ended), dict(ended)),
            ("reopened", period.reopened, reopened.total()),
            ("ended without the queue", _nonzero(period.direct), dict(direct)),
        )
        if said != found
    ]
    if wrong:
        raise PeriodWrong(
            f"entry {entry.seq}",
            f"The period from {period.begin} to {period.end} counts other jobs than the entries before it.",
            expected="; ".join(f"{name}: {found}" for name, _, found in wrong),
            seen="; ".join(f"{name}: {said}" for name, said, _ in wrong),
        )


def _taken(items: list[tuple[str, str]], end: str) -> Counter[str]:
    counted = Counter(what for at, what in items if at < end)
    items[:] = [item for item in items if item[0] >= end]
    return counted


def _nonzero(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}

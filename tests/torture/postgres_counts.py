"""What went wrong between several hosts, counted from their diary and from the ledger.

A *run* is one claim: job and fence. It lives from its start to its end, to the death of its worker, or to the moment
at which the same job is started anew, whichever comes first; a write after that is an overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Run:
    """One claim of a job, as the diary has it."""

    job: int
    fence: int
    worker: str
    tenant: str
    person: str
    start: float
    end: float = float("inf")
    finished: bool = False
    writes: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Counts:
    """The figures; all but ``ended_twice`` must be zero, and ``peak`` at most the limit."""

    lost: int
    ended_twice: int
    overlaps: int
    order_breaks: int
    peak: Mapping[str, int]


def runs(diary: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs, in the order of their starts. A line ``killed`` ends all runs of its worker."""
    found: dict[tuple[int, int, str], Run] = {}
    for line in sorted(diary, key=lambda line: float(line["at"])):
        at, worker, what = line["at"], line["worker"], line["what"]
        if what == "killed":
            for run in found.values():
                if run.worker == worker and run.end == float("inf"):
                    run.end = at
            continue
        if "job" not in line:
            continue
        key = (line["job"], line["fence"], worker)
        if what == "start":
            for run in found.values():
                if run.job == line["job"] and run.end == float("inf"):
                    run.end = at  # taken over
            found[key] = Run(line["job"], line["fence"], worker, line["tenant"], line["person"], at)
        elif what == "write":
            found[key].writes.append(at)
        elif what in ("ending", "lost", "failed"):
            found[key].end = min(found[key].end, at)
        elif what == "end":
            found[key].finished = True
    return sorted(found.values(), key=lambda run: run.start)


def count(diary: Iterable[Mapping[str, Any]], states: Mapping[int, str]) -> Counts:
    """The figures of a whole test; ``states``: every accepted job with its state at the end."""
    all_runs = runs(diary)
    finished = [run.job for run in all_runs if run.finished]
    return Counts(
        lost=sum(state != "done" for state in states.values()),
        ended_twice=len(finished) - len(set(finished)),
        overlaps=_overlaps(all_runs),
        order_breaks=_order_breaks(all_runs),
        peak=_peaks(all_runs),
    )


def _overlaps(all_runs: Sequence[Run]) -> int:
    """Pairs of runs of one person of which the earlier still wrote, or still ran, when the later had started."""
    found = 0
    for number, earlier in enumerate(all_runs):
        for later in all_runs[number + 1 :]:
            if (earlier.tenant, earlier.person) != (later.tenant, later.person):
                continue
            last = max([*earlier.writes, earlier.end if earlier.job != later.job else earlier.start])
            found += last > later.start
    return found


def _order_breaks(all_runs: Sequence[Run]) -> int:
    """Jobs of a person that ran after a later job of the same person had been started."""
    found = 0
    newest: dict[tuple[str, str], int] = {}
    for run in all_runs:
        who = (run.tenant, run.person)
        found += run.job < newest.get(who, 0)
        newest[who] = max(run.job, newest.get(who, 0))
    return found


def _peaks(all_runs: Sequence[Run]) -> dict[str, int]:
    """How many runs of each tenant lived at once, at most."""
    changes: dict[str, list[tuple[float, int]]] = {}
    for run in all_runs:
        changes.setdefault(run.tenant, []).extend([(run.start, 1), (run.end, -1)])
    peaks = {}
    for tenant, moments in changes.items():
        alive = peak = 0
        for _, step in sorted(moments):
            alive += step
            peak = max(peak, alive)
        peaks[tenant] = peak
    return peaks

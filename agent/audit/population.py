"""The population of a period: every job that was accepted in it, and how each one stands.

Made from the ledger's entries alone. It has to add up::

    submitted = done + failed + refused + uncertain + cancelled + superseded + waiting + interrupted + open

and every end must be the end of a job that was accepted; where it does not, that is said loudly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.audit.entries import Accepted, Ended, Entry, Period, Reopened, Sealed


class Stand(StrEnum):
    """How a job stands at the end of the ledger that is looked at."""

    DONE = "done"  #: read back, or there was nothing to do
    FAILED = "failed"  #: it did not work, or was given up
    REFUSED = "refused"  #: the agent would not
    UNCERTAIN = "uncertain"  #: something was, or may have been, changed, and nobody has settled it
    CANCELLED = "cancelled"  #: somebody asked for that
    SUPERSEDED = "superseded"  #: a later offboarding made it pointless
    WAITING = "waiting"  #: a person has to approve or to act first
    INTERRUPTED = "interrupted"  #: its process died, and nothing says how it ended
    OPEN = "open"  #: accepted, and not over: due, dated, backing off or running


_OF_VERDICT = {
    "done": Stand.DONE,
    "failed": Stand.FAILED,
    "refused": Stand.REFUSED,
    "uncertain": Stand.UNCERTAIN,
    "waiting": Stand.WAITING,
    "interrupted": Stand.INTERRUPTED,
}
_OF_A_DEAD_ONE = {"refused": Stand.REFUSED, "uncertain": Stand.UNCERTAIN}


@dataclass(frozen=True)
class Case:
    """One accepted job, with everything that the ledger says of it."""

    entry: Entry
    accepted: Accepted
    runs: tuple[Entry, ...] = ()  # ``sealed``, in order
    ended: Entry | None = None

    @property
    def number(self) -> int:
        """Its position: the number of the entry by which it was accepted."""
        return self.entry.seq

    @property
    def sealed(self) -> tuple[Sealed, ...]:
        """Its sealed runs."""
        return tuple(entry.data for entry in self.runs if isinstance(entry.data, Sealed))

    @property
    def stand(self) -> Stand:
        """How it stands."""
        if self.ended is not None and isinstance(self.ended.data, Ended):
            match self.ended.data.state:
                case "done":
                    return Stand.DONE
                case "cancelled":
                    return Stand.CANCELLED
                case "superseded":
                    return Stand.SUPERSEDED
                case _:
                    return _OF_A_DEAD_ONE.get(self.ended.data.error_kind or "", Stand.FAILED)
        if not self.sealed:
            return Stand.OPEN
        last = _OF_VERDICT.get(self.sealed[-1].verdict, Stand.INTERRUPTED)
        if self.accepted.job.queue is None or last in (Stand.WAITING, Stand.UNCERTAIN):
            return last
        return Stand.OPEN  # the queue will run it again

    @property
    def ended_at(self) -> str:
        """When it was over; empty while it is not."""
        if self.ended is not None and isinstance(self.ended.data, Ended):
            return self.ended.data.at
        if self.accepted.job.queue is None and self.sealed:
            return self.sealed[-1].ended
        return ""


@dataclass(frozen=True)
class Population:
    """The jobs of a period, in the order of their acceptance, and what does not add up."""

    begin: str
    end: str
    cases: tuple[Case, ...]
    mismatches: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def equation(self) -> str:
        """The sum in words: ``3 submitted = 2 done + 1 failed``; with every stand that occurs, and the usual ones."""
        usual = ("done", "failed", "refused", "cancelled", "waiting")
        named = [stand.value for stand in Stand if self.counts.get(stand.value) or stand.value in usual]
        return f"{len(self.cases)} submitted = " + " + ".join(f"{self.counts.get(name, 0)} {name}" for name in named)


def population(entries: Sequence[Entry], begin: str, end: str) -> Population:
    """The jobs accepted from ``begin`` to before ``end`` (moments as in the ledger), as they stand at its end."""
    cases, mismatches = all_cases(entries)
    inside = tuple(case for case in cases if begin <= case.accepted.at < end)
    counts = Counter(case.stand.value for case in inside)
    if counts.total() != len(inside):
        mismatches = (*mismatches, f"{len(inside)} jobs were submitted, and {counts.total()} are accounted for.")
    return Population(begin, end, inside, mismatches, dict(sorted(counts.items())))


def all_cases(entries: Sequence[Entry]) -> tuple[tuple[Case, ...], tuple[str, ...]]:
    """Every job of a ledger in the order of its entries, and sentences for entries that belong to none or come twice.

    The agent enters acceptances of the queue with a short delay, so a run may be sealed before. Once a period has been
    closed after it, that is no excuse any more.
    """
    cases: dict[int, Case] = {}  # by position
    by_queue: dict[int, int] = {}
    by_run: dict[str, int] = {}
    mismatches: list[str] = []
    for entry in entries:
        if isinstance(entry.data, Accepted):
            queue, run = entry.data.job.queue, entry.data.job.job_id
            before = by_queue.get(queue) if queue is not None else by_run.get(run or "")
            if before is not None:
                mismatches.append(f"{_name(queue, run)} was accepted twice (entries {before} and {entry.seq}).")
                continue
            if queue is not None:
                by_queue[queue] = entry.seq
            else:
                by_run[run or ""] = entry.seq
            cases[entry.seq] = Case(entry, entry.data)
    closed = max((entry.seq for entry in entries if isinstance(entry.data, Period)), default=-1)
    for entry in entries:
        match entry.data:
            case Sealed(queue=queue, job_id=run):
                position = by_queue.get(queue) if queue is not None else by_run.get(run)
                if position is not None:
                    cases[position] = replace(cases[position], runs=(*cases[position].runs, entry))
                elif queue is None or entry.seq < closed:
                    mismatches.append(f"{run} was run (entry {entry.seq}), but never accepted.")
            case Ended(queue=queue):
                position = by_queue.get(queue)
                if position is None:
                    mismatches.append(f"Job {queue} ended (entry {entry.seq}), but was never accepted.")
                elif cases[position].ended is not None:
                    mismatches.append(f"Job {queue} ended twice (entry {entry.seq}).")
                else:
                    cases[position] = replace(cases[position], ended=entry)
            case Reopened(queue=queue) if queue in by_queue:
                cases[by_queue[queue]] = replace(cases[by_queue[queue]], ended=None)
            case _:
                continue
    return tuple(cases.values()), tuple(mismatches)


def _name(queue: int | None, run: str | None) -> str:
    return f"Job {queue}" if queue is not None else str(run)

"""What went wrong, counted from outside: the ledger's file, the evidence folders, and the sandbox's own truth.

Nothing here believes the agent. The ledger is read from its file when no agent has it; whether a mail went out twice is
asked of the sandbox. Each counter is held by a planted violation in ``test_counting.py``.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ENDS = frozenset({"done", "dead", "cancelled", "superseded"})
STOPS = ENDS | {"retry", "given-back", "held", "unclaimed", "orphaned"}
"""Events after which nobody works on the job."""
REMOVALS = frozenset({"remove_from_projects", "bulk_remove_from_project"})


@dataclass(frozen=True)
class JobRow:
    """What the counters need of a job."""

    id: int
    tenant: str
    person: str
    other_person: str | None
    state: str
    hold: str | None
    request_key: str
    error_code: str | None = None
    op: str = ""
    people: frozenset[str] = frozenset()  # of a job about many, those that a later offboard has not had left out

    def shares_a_person_with(self, other: JobRow) -> bool:
        """Whether both are about one address, or about one project or group."""
        return self.tenant == other.tenant and bool(self._addresses & other._addresses)

    def may_pass(self, other: JobRow) -> bool:
        """Whether this one, which only takes people off projects, need not wait for a job about many that adds."""
        return self.op in REMOVALS and bool(other.people) and other.op not in REMOVALS

    @property
    def _addresses(self) -> set[str]:
        return {self.person, *self.people} | ({self.other_person} if self.other_person else set())


@dataclass(frozen=True)
class EventRow:
    """One line of the ledger's history, in the order of writing."""

    id: int
    job_id: int
    kind: str
    at: float = 0.0


@dataclass(frozen=True)
class LedgerRows:
    """A queue file's contents."""

    jobs: Mapping[int, JobRow]
    events: tuple[EventRow, ...]

    @classmethod
    def read(cls, file: Path) -> LedgerRows:
        """From a file that no agent has open; AssertionError when the file is not sound."""
        with sqlite3.connect(file) as db:
            db.row_factory = sqlite3.Row
            (check,) = db.execute("PRAGMA integrity_check").fetchone()
            assert check == "ok", f"the queue file is damaged: {check}"
            jobs = db.execute(
                "SELECT id, tenant, person, other_person, state, hold, request_key, error_code, op FROM job ORDER BY id"
            ).fetchall()
            crowds = db.execute("SELECT job_id, person FROM job_people WHERE left_out_by IS NULL").fetchall()
            events = db.execute("SELECT id, job_id, kind, at FROM job_event ORDER BY id").fetchall()
        db.close()
        people: dict[int, set[str]] = {}
        for row in crowds:
            people.setdefault(row["job_id"], set()).add(row["person"])
        found = {row["id"]: JobRow(**dict(row), people=frozenset(people.get(row["id"], ()))) for row in jobs}
        return cls(found, tuple(EventRow(**dict(row)) for row in events))


@dataclass
class Counts:
    """Everything that may have gone wrong. All must be zero but ``ended_twice``."""

    lost: int = 0  #: accepted, and neither ended nor waiting for a person
    ended_twice: int = 0  #: run to its end more than once (killed between the effect and the record)
    overlaps: int = 0  #: two jobs of one person at a time, or an orphaned browser beside the next claim
    order_breaks: int = 0  #: a person's later job began before an earlier one was over
    over_limit: int = 0  #: more jobs of a tenant at once than it may have
    mails_twice: int = 0  #: an invitation that went out again
    created_twice: int = 0
    wrong: int = 0  #: a person who is not as the jobs wanted
    unproven: int = 0  #: done without evidence
    ledger_wrong: int = 0  #: anything in the audit ledger that does not hold, or is not as queue and folders say
    details: list[str] = field(default_factory=list)

    @property
    def all_is_well(self) -> bool:
        """Whether everything that must be zero is."""
        return not any(getattr(self, each.name) for each in fields(self) if each.name not in ("ended_twice", "details"))

    def add(self, other: Counts) -> None:
        """Sum up."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def note(self, kind: str, detail: str) -> None:
        """One more of a kind."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.details.append(f"{kind}: {detail}")


def count_lost(rows: LedgerRows, accepted: Collection[int], counts: Counts) -> None:
    """Jobs whose acceptance was told and that are not there, or that nobody will do."""
    for job_id in accepted:
        job = rows.jobs.get(job_id)
        if job is None:
            counts.note("lost", f"job {job_id} is not in the ledger")
        elif job.state not in ENDS and job.hold is None:
            counts.note("lost", f"job {job_id} is {job.state} and nothing happens")


def count_overlaps(rows: LedgerRows, counts: Counts) -> None:
    """Two jobs of one person claimed at a time, by the order in which the ledger was written."""
    running: dict[int, JobRow] = {}
    for event in rows.events:
        job = rows.jobs[event.job_id]
        if event.kind == "claimed":
            for other in running.values():
                if other.id == job.id or other.shares_a_person_with(job):
                    counts.note("overlaps", f"jobs {other.id} and {job.id} of {job.person}")
            running[job.id] = job
        elif event.kind in STOPS:
            running.pop(job.id, None)


def count_over_limit(rows: LedgerRows, limits: Mapping[str, int], counts: Counts) -> None:
    """More jobs of a tenant at once than its limit."""
    running: set[int] = set()
    for event in rows.events:
        if event.kind == "claimed":
            running.add(event.job_id)
            tenant = rows.jobs[event.job_id].tenant
            at_once = sum(rows.jobs[job_id].tenant == tenant for job_id in running)
            if at_once > limits[tenant]:
                counts.note("over_limit", f"{at_once} jobs of {tenant}")
        elif event.kind in STOPS:
            running.discard(event.job_id)


def count_order_breaks(rows: LedgerRows, counts: Counts) -> None:
    """A later job of a person claimed while an earlier one was still to be done.

    A removal may go before an addition of many that waits; that nobody keeps what it took is counted as ``wrong``.
    """
    over: set[int] = set()
    begun: set[int] = set()
    for event in rows.events:
        job = rows.jobs[event.job_id]
        if event.kind in ENDS:
            over.add(job.id)
        elif event.kind == "retry-asked":
            over.discard(job.id)
        elif event.kind == "claimed" and job.id not in begun:
            begun.add(job.id)
            for other in rows.jobs.values():
                waits = other.id < job.id and other.id not in over and not job.may_pass(other)
                if waits and other.shares_a_person_with(job):
                    counts.note("order_breaks", f"job {job.id} began before job {other.id} of {job.person} was over")


def count_needless_holds(jobs: Iterable[Mapping[str, Any]], mails: Collection[int], counts: Counts) -> None:
    """Jobs that ask a person although none of theirs is a mail: everything else shows, and the agent could have looked.

    ``jobs``: as the API tells them; ``mails``: the numbers of those that send one.
    """
    for job in jobs:
        if job["hold"] is not None and job["id"] not in mails:
            counts.note("wrong", f"job {job['id']}, {job['action']}, waits for a person: {job['hold_reason']}")


def count_ended_twice(evidence: Path, counts: Counts) -> None:
    """Jobs with more than one evidence folder that says done."""
    done: Counter[str] = Counter()
    for folder in _sealed(evidence):
        if _verdict(folder) == "done":
            done[key_of(folder)] += 1
    for key, times in done.items():
        if times > 1:
            counts.note("ended_twice", f"{key}, {times} times")


def count_unproven(rows: LedgerRows, evidence: Path, counts: Counts) -> None:
    """Jobs that are done and have no sealed evidence that says so."""
    proven = {key_of(folder) for folder in _sealed(evidence) if _verdict(folder) == "done"}
    for job in rows.jobs.values():
        if job.state == "done" and job.request_key not in proven:
            counts.note("unproven", f"job {job.id} ({job.request_key})")


def _sealed(evidence: Path) -> Iterator[Path]:
    """Folders that were finished: with a manifest, and without the mark of one that is being written."""
    for manifest in sorted(evidence.glob("*/*/*/manifest.json")):
        if not (manifest.parent / "PARTIAL").exists():
            yield manifest.parent


def _verdict(folder: Path) -> str:
    """How the run ended; "interrupted" where its process died before it could say."""
    try:
        return str(json.loads((folder / "outcome.json").read_text())["verdict"])
    except FileNotFoundError:
        return "interrupted"


def key_of(folder: Path) -> str:
    """The idempotency key of the job to which an evidence folder belongs."""
    request = json.loads((folder / "request.json").read_text())
    return str(request["job"]["idempotency_key"])


def count_doubles(events: Iterable[Mapping[str, Any]], counts: Counts) -> None:
    """Mails and creations that happened more than once, from the sandbox's ``/events``."""
    events = list(events)
    mails = Counter(event["email"].lower() for event in events if event["kind"] == "mail")
    created = Counter(
        event["email"].lower() for event in events if event["kind"] == "change" and event["field"] == "Created"
    )
    for email, times in mails.items():
        if times > 1:
            counts.note("mails_twice", f"{times} mails to {email}")
    for email, times in created.items():
        if times > 1:
            counts.note("created_twice", f"{email}, {times} times")

"""The roll of a period: each job that was accepted, from the ledger, and what evidence folders say beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.audit.entries import Entry, Sealed
from agent.audit.population import Case, Stand, all_cases
from agent.evidence.manifest import INTERRUPTED

_A_DAY = timedelta(days=1)
_NOT_CHANGED = frozenset({"not sent", "rejected", "not needed any more", "not begun"})


@dataclass(frozen=True)
class Entered:
    """One job. ``over``: when it ended; ``ran``: how long its last run took; ``run`` and ``folder`` are of that run."""

    accepted: datetime
    action: str
    person: str
    stand: Stand
    ticket: str = ""
    requested_by: str = ""
    approved_by: str = ""  # as the request says
    approved_in_agent_by: str = ""  # who gave the yes that policy asked for
    source: str = ""  # who brought it
    queue: int | None = None
    run: str = ""
    folder: str = ""  # of the last run, relative to the tenant's evidence
    over: datetime | None = None
    ran: timedelta | None = None
    changed: bool = False
    runs: int = 0
    entry: int | None = None  # number in the ledger by which it was accepted


@dataclass(frozen=True)
class Roll:
    """Jobs accepted in the period and before it, runs that only have a folder, and what does not add up."""

    jobs: tuple[Entered, ...]
    older: tuple[Entered, ...] = ()
    has_ledger: bool = False
    outside: tuple[Entered, ...] = ()  # evidence folders that no entry of the ledger tells of
    mismatches: tuple[str, ...] = field(default=())


def read_roll(home: Path, entries: Sequence[Entry] | None, begin: datetime, end: datetime) -> Roll:
    """The roll of jobs accepted from ``begin`` to before ``end``, from the ledger's entries.

    ``home`` is the tenant's evidence. Without a ledger (None) the roll is made of the folders there, one a run.
    """
    if entries is None:
        return Roll(tuple(_from_folders(home, begin, end)))
    cases, mismatches = all_cases(entries)
    known = {sealed.job_id for case in cases for sealed in case.sealed}
    known |= {case.accepted.job.job_id for case in cases if case.accepted.job.job_id is not None}
    entered = [_from_case(case) for case in cases]
    return Roll(
        tuple(job for job in entered if begin <= job.accepted < end),
        tuple(job for job in entered if job.accepted < begin),
        has_ledger=True,
        outside=tuple(job for job in _from_folders(home, begin, end) if job.run not in known),
        mismatches=mismatches,
    )


def _from_case(case: Case) -> Entered:
    accepted, last = case.accepted, case.sealed[-1] if case.sealed else None
    over = case.ended_at
    return Entered(
        accepted=datetime.fromisoformat(accepted.at),
        action=accepted.action,
        person=accepted.person,
        stand=case.stand,
        ticket=accepted.reason.ticket or "",
        requested_by=accepted.reason.requested_by or "",
        approved_by=accepted.reason.approved_by or "",
        approved_in_agent_by=", ".join(dict.fromkeys(run.approved_by for run in case.sealed if run.approved_by)),
        source=accepted.source,
        queue=accepted.job.queue,
        run=last.job_id if last else accepted.job.job_id or "",
        folder=last.folder if last else "",
        over=datetime.fromisoformat(over) if over else None,
        ran=_ran(last) if last else None,
        changed=any(sealed.changed for sealed in case.sealed),
        runs=len(case.sealed),
        entry=case.number,
    )


def _ran(sealed: Sealed) -> timedelta:
    return max(datetime.fromisoformat(sealed.ended) - datetime.fromisoformat(sealed.started), timedelta())


def _from_folders(home: Path, begin: datetime, end: datetime) -> Iterator[Entered]:
    """Runs that began in the period, by their folders' own words; folders without a readable request are left out."""
    day = begin.date()
    while day <= end.date():
        for folder in sorted((home / day.isoformat()).glob("*")):
            found = _from_folder(folder)
            if found is not None and begin <= found.accepted < end:
                yield found
        day += _A_DAY


def _from_folder(folder: Path) -> Entered | None:
    request, outcome = _read(folder / "request.json"), _read(folder / "outcome.json")
    began, over = _time(request.get("at")), _time(outcome.get("at"))
    if began is None:
        return None
    job = _mapping(request.get("job"))
    reason, person = _mapping(job.get("reason")), _mapping(job.get("person"))
    steps = outcome.get("steps") or ()
    verdict = str(outcome.get("verdict") or INTERRUPTED)
    return Entered(
        accepted=began,
        action=str(job.get("action") or ""),
        person=str(person.get("email") or request.get("person") or ""),
        stand=Stand(verdict) if verdict in set(Stand) else Stand.INTERRUPTED,
        ticket=str(reason.get("ticket") or ""),
        requested_by=str(reason.get("requested_by") or ""),
        approved_by=str(reason.get("approved_by") or ""),
        run=folder.name,
        folder=f"{folder.parent.name}/{folder.name}",
        over=over,
        ran=max(over - began, timedelta()) if over is not None else None,
        changed=any(_mapping(step).get("state") not in _NOT_CHANGED for step in steps),
        runs=1,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return _mapping(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _time(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None

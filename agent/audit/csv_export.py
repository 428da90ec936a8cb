"""``population.csv`` and ``changes.csv``: what a reviewer opens in a spreadsheet.

RFC 4180, UTF-8 with a byte order mark (else Excel takes it for another encoding). A cell that a spreadsheet would take
for a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.audit.entries import Sealed
from agent.audit.population import Case
from agent.audit.samples import Selection
from agent.audit.sealed_run import SealedRun

POPULATION = (
    "accepted_entry",
    "accepted_at",
    "queue_job",
    "action",
    "person",
    "ticket",
    "requested_by",
    "approved_by",
    "approved_in_agent_by",
    "handed_in_by",
    "stands",
    "ended_at",
    "runs",
    "changed",
    "evidence",
    "sealed_entries",
    "shown_in_full",
)
CHANGES = (
    "person",
    "what",
    "before",
    "after",
    "made",
    "when",
    "action",
    "ticket",
    "requested_by",
    "approved_by",
    "approved_in_agent_by",
    "handed_in_by",
    "verdict",
    "evidence",
    "ledger_entry",
    "accepted_entry",
    "queue_job",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula, also not behind spaces or a quotation mark."""
    return f"'{text}" if text.lstrip(" \"'\u00a0").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def population_csv(cases: Iterable[Case], selection: Selection) -> bytes:
    """One row for each accepted job."""
    return _csv(
        POPULATION,
        (
            (
                case.number,
                case.accepted.at,
                case.accepted.job.queue,
                case.accepted.action,
                case.accepted.person,
                *_reason(case, case.sealed),
                case.stand.value,
                case.ended_at,
                len(case.runs),
                "yes" if any(run.changed for run in case.sealed) else "no",
                "; ".join(run.folder for run in case.sealed),
                "; ".join(str(entry.seq) for entry in case.runs),
                selection.why(case.number),
            )
            for case in cases
        ),
    )


def changes_csv(cases: Iterable[Case], runs: Mapping[int, Sequence[SealedRun]]) -> bytes:
    """One row for each difference that a run was to make, and whether it is known to have been made."""
    return _csv(
        CHANGES,
        (
            (
                *_whom(case, row),
                row.get("before"),
                row.get("after"),
                made(run),
                run.sealed.ended,
                case.accepted.action,
                *_reason(case, [run.sealed]),
                run.sealed.verdict,
                run.sealed.folder,
                run.entry.seq,
                case.number,
                case.accepted.job.queue,
            )
            for case in cases
            for run in runs.get(case.number, ())
            for row in run.differences
        ),
    )


def _whom(case: Case, row: Mapping[str, Any]) -> tuple[Any, Any]:
    """The person, and what of them. A job about many people has a person in each row, and is itself the rest."""
    thing, what = case.accepted.person, row.get("what")
    return (what, thing) if "@" not in thing and "@" in str(what) else (thing, what)


def made(run: SealedRun) -> str:
    """Whether what a run was to change is so, in words."""
    if run.is_dry:
        return "no: a dry run"
    if run.sealed.verdict == "done":
        return "yes: read back" if run.sealed.changed else "no: nothing was left to do"
    if run.sealed.changed:
        return "unknown: see the evidence"
    return "no"


def _reason(case: Case, runs: Sequence[Sealed]) -> tuple[str | None, ...]:
    """Why, who wanted it, who approved it as the request says, who gave the yes in the agent, who handed it in."""
    reason = case.accepted.reason
    yes = "; ".join(dict.fromkeys(run.approved_by for run in runs if run.approved_by))
    return (reason.ticket, reason.requested_by, reason.approved_by, yes, case.accepted.source)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell("" if cell is None else str(cell)) for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()

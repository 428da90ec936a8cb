"""What a person decides about a job that waits, runs or has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.errors import Mender
from agent.queue.interface import NotPossibleNow
from agent.queue.ledger import people
from agent.queue.ledger.database import Ledger, Value, places
from agent.queue.ledger.jobs import Happened, change, find, line_for, note
from agent.queue.ledger.rows import text_of
from agent.queue.record import Hold, JobRecord, JobState, Mode


def cancel(ledger: Ledger, job_id: int, by: str) -> JobRecord:
    """At once when it waits, at the next step boundary when it runs. Raises NotPossibleNow("job-is-over")."""
    job = find(ledger, job_id)
    if not job.state.is_live:
        raise NotPossibleNow("job-is-over", f"Job {job.id} is {job.state} already.")
    if job.state is JobState.RUNNING:
        if not job.cancel:
            job = change(ledger, job, cancel=1, cancel_by=by)
            note(ledger, job, Happened.CANCEL_ASKED, {"by": by})
        return job
    job = change(
        ledger,
        job,
        state=JobState.CANCELLED.value,
        mode=Mode.RUN.value,
        hold=None,
        cancel=1,
        cancel_by=by,
        finished_at=ledger.now,
    )
    note(ledger, job, Happened.CANCELLED, {"by": by})
    return job


def retry(ledger: Ledger, job_id: int, by: str) -> JobRecord:
    """Due at once, with attempts and deaths counted from zero.

    Raises NotPossibleNow("job-is-running", "job-is-over"), and "overtaken" for a grant that was offboarded since.
    """
    job = find(ledger, job_id)
    job = _back_in_line(ledger, job, hold=None, attempt=0, crashes=0)
    note(ledger, job, Happened.RETRY_ASKED, {"by": by})
    return job


def approve(ledger: Ledger, job_id: int, by: str, approval: Mapping[str, Any]) -> JobRecord:
    """Lift an approval hold; a date stays. Raises NotPossibleNow("no-approval-wanted")."""
    job = find(ledger, job_id)
    if job.state is not JobState.QUEUED or job.hold is not Hold.APPROVAL:
        raise NotPossibleNow("no-approval-wanted", f"Job {job.id} does not wait for an approval.")
    job = change(ledger, job, hold=None, approved_by=by, approval=text_of(approval))
    note(ledger, job, Happened.APPROVED, {"by": by, "approval": approval})
    return job


def resolve(ledger: Ledger, job_id: int, by: str) -> JobRecord:
    """Let the next run only look. The hold stays on record until that run has ended.

    Raises NotPossibleNow("nothing-to-resolve") for a job that is neither held nor dead, and "overtaken" for a grant
    whose person is still to be offboarded: should the look end in a hold, the leaver would wait behind it.
    """
    job = find(ledger, job_id)
    if job.state is not JobState.DEAD and (job.state is not JobState.QUEUED or job.hold is None):
        raise NotPossibleNow("nothing-to-resolve", f"Job {job.id} is neither held nor dead.")
    hold = job.hold.value if job.hold is not None else None
    job = _back_in_line(ledger, job, hold=hold, mode=Mode.CHECK.value, attempt=0, crashes=0, reads_only=True)
    note(ledger, job, Happened.CHECK_ASKED, {"by": by})
    return job


def hand_over(ledger: Ledger, job_id: int, by: str, reason: str, data: Mapping[str, Any]) -> JobRecord:
    """A person does it by hand. Raises as :func:`retry` does."""
    job = find(ledger, job_id)
    job = _back_in_line(ledger, job, hold=Hold.HAND_OVER.value, hold_reason=reason, hold_data=text_of(data))
    note(ledger, job, Happened.HANDED_OVER, {"by": by, "reason": reason})
    return job


def _back_in_line(ledger: Ledger, job: JobRecord, *, reads_only: bool = False, **columns: Value) -> JobRecord:
    """A waiting or dead job, due at once, in the place that its number gives it."""
    if job.state is JobState.RUNNING:
        raise NotPossibleNow("job-is-running", f"Job {job.id} is being worked on.")
    if job.state not in (JobState.QUEUED, JobState.DEAD):
        raise NotPossibleNow("job-is-over", f"Job {job.id} is {job.state}: submit a new one.")
    _refuse_if_offboarded_since(ledger, job, ("queued", "running") if reads_only else ("queued", "running", "done"))
    if job.state is JobState.DEAD:
        line = line_for(ledger, job.tenant, job.person, job.other_person)
        # A person wants it now, whatever date it had.
        columns |= {"line": line, "finished_at": None, "give_up_at": None}
    settings: dict[str, Value] = {"mode": Mode.RUN.value, "cancel": 0, "cancel_by": None, **columns}
    waiting = change(ledger, job, state=JobState.QUEUED.value, not_before=0.0, **settings)
    people.leave_out(ledger, waiting)
    return waiting


def _refuse_if_offboarded_since(ledger: Ledger, job: JobRecord, states: tuple[str, ...]) -> None:
    """An old job that is run again must not bring a leaver back."""
    if not job.yields_to_offboard:
        return
    row = ledger.row(
        "SELECT id FROM job WHERE tenant = ? AND person = ? AND supersedes = 1 AND id > ?"
        f" AND state IN ({places(states)}) ORDER BY id LIMIT 1",
        *(job.tenant, job.person, job.id),
        *states,
    )
    if row is not None:
        raise NotPossibleNow(
            "overtaken",
            f"Job {row['id']}, accepted after job {job.id}, offboards the person: submit a new job if one is needed.",
            mender=Mender.REQUESTER,
        )

"""The end of a run, and all that follows from it: state, history, grants, pause, notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from agent.queue.ending import Dead, Done, Ending, GiveBack, Held, Retry, Stopped, Trouble
from agent.queue.ledger import flows, grants, notices, people, tenants
from agent.queue.ledger.database import Ledger, Value
from agent.queue.ledger.jobs import Happened, change, claimed, note
from agent.queue.ledger.rows import job_record, text_of
from agent.queue.record import Claim, Hold, JobRecord, JobState, Mode, NewNotice

CRASHES_ALLOWED = 2  # the third death of its process under a job is its end
_IDLE: dict[str, Value] = {"worker": None, "beat": None, "crashes": 0}
_NO_ERROR: dict[str, Value] = {"error_kind": None, "error_code": None, "error": None}


def finish(ledger: Ledger, claim: Claim, ending: Ending) -> JobRecord:
    """Put the end of a run on record. Raises ClaimLost."""
    job = claimed(ledger, claim)
    if ending.evidence is not None or ending.result:
        job = change(
            ledger,
            job,
            evidence=ending.evidence if ending.evidence is not None else job.evidence,
            result=text_of(ending.result) if ending.result else text_of(job.result),
        )
    ended = _end(ledger, job, ending)
    grants.add(ledger, job.id, job.tenant, job.person, ending.grants)
    grants.close(ledger, ending.revoked, job.id)
    if isinstance(ending.how, Done):
        grants.close_revoked_by(ledger, job.id)
    if ending.closes_grants:
        grants.close_all(ledger, job.tenant, job.person, job.id)
    if ending.renamed_to is not None and ending.renamed_to != job.person:
        grants.rename(ledger, job.tenant, job.person, ending.renamed_to)
    if ending.pause is not None:
        tenants.trip(ledger, job.tenant, ending.pause)
    for told in ending.flows:
        flows.report(ledger, job.tenant, told)
    notices.tell(ledger, ending.notices)
    return ended


def expire(ledger: Ledger) -> None:
    """End the waiting jobs whose time to be given up has come.

    Not one that has come to a write (its progress says so): half of it may be done, and the rest is not worse for being
    late; nor one that is uncertain, which still needs somebody to look.
    """
    for row in ledger.rows(
        "SELECT * FROM job WHERE state = 'queued' AND give_up_at IS NOT NULL AND give_up_at <= ?"
        " AND progress = '{}' AND (hold IS NULL OR hold <> 'uncertain') ORDER BY id",
        ledger.now,
    ):
        trouble = Trouble("expired", "expired", "It had not begun at the time after which it is not wanted any more.")
        _die(ledger, job_record(row), trouble, notice="expired")


def recover(ledger: Ledger, orphans: list[JobRecord]) -> None:
    """Settle running jobs whose process is dead."""
    for job in orphans:
        crashed = change(ledger, job, worker=None, beat=None, crashes=job.crashes + 1)
        note(ledger, crashed, Happened.ORPHANED, {"worker": job.worker, "progress": job.progress})
        if job.superseded_by is not None or job.cancel:
            _stop(ledger, crashed, "its process died")
        elif crashed.crashes > CRASHES_ALLOWED:
            text = f"The agent's process died {crashed.crashes} times in a row while it worked on this job."
            _die(ledger, crashed, Trouble("poison", "poison-job", text), notice="dead")
        else:
            people.leave_out(ledger, change(ledger, crashed, state=JobState.QUEUED.value, not_before=0.0))


def running(ledger: Ledger) -> list[JobRecord]:
    """Every job that a worker has, or had when its process died."""
    return [job_record(row) for row in ledger.rows("SELECT * FROM job WHERE state = 'running' ORDER BY id")]


def _end(ledger: Ledger, job: JobRecord, ending: Ending) -> JobRecord:
    how = ending.how
    match how:
        case Done():
            return _over(ledger, job, JobState.DONE, Happened.DONE, {}, **_NO_ERROR)
        case Dead():
            return _over(ledger, job, JobState.DEAD, Happened.DEAD, _told(how.trouble), **_error(how.trouble))
        case Stopped():
            return _stop(ledger, job, how.why)
        case Retry():
            return _again(ledger, job, ending, how)
        case GiveBack():
            if job.cancel or job.superseded_by is not None:
                return _stop(ledger, job, how.why)
            return _queued(ledger, job, Happened.GIVEN_BACK, {"why": how.why}, counts=False, not_before=0.0)
        case Held():
            return _hold(ledger, job, how)
        case _:
            assert_never(how)


def _again(ledger: Ledger, job: JobRecord, ending: Ending, how: Retry) -> JobRecord:
    if job.cancel or job.superseded_by is not None:
        return _stop(ledger, job, how.trouble.message, **_error(how.trouble))
    if how.counts and job.attempt >= job.max_attempts:
        if job.hold is not None:
            # It was only looked at, and what somebody has to decide is as open as before.
            return _hold(ledger, job, Held(job.hold, job.hold_reason, job.hold_data, how.trouble))
        has_word = any(notice.kind == "dead" for notice in ending.notices)
        return _die(ledger, job, how.trouble, notice=None if has_word else "dead")
    data = _told(how.trouble) | {"at": how.at}
    return _queued(ledger, job, Happened.RETRY, data, counts=how.counts, not_before=how.at, **_error(how.trouble))


def _hold(ledger: Ledger, job: JobRecord, how: Held) -> JobRecord:
    error = _error(how.trouble) if how.trouble is not None else _NO_ERROR
    if job.superseded_by is not None:
        # It would hold the offboarding, which looks at the person afresh and takes everything away.
        return _stop(ledger, job, how.reason, **error)
    if job.cancel and how.hold is not Hold.UNCERTAIN:
        return _stop(ledger, job, how.reason, **error)
    return _queued(
        ledger,
        job,
        Happened.HELD,
        {"hold": how.hold.value, "reason": how.reason},
        counts=False,
        not_before=0.0,
        mode=Mode.RUN.value,
        hold=how.hold.value,
        hold_reason=how.reason,
        hold_data=text_of(how.data),
        cancel=0,
        cancel_by=None,
        **error,
    )


def _queued(
    ledger: Ledger,
    job: JobRecord,
    kind: Happened,
    data: Mapping[str, Any],
    *,
    counts: bool,
    not_before: float,
    **columns: Value,
) -> JobRecord:
    note(ledger, job, kind, data)
    attempt = job.attempt if counts else job.attempt - 1
    settings: dict[str, Value] = {**_IDLE, **columns}
    waiting = change(ledger, job, state=JobState.QUEUED.value, attempt=attempt, not_before=not_before, **settings)
    people.leave_out(ledger, waiting)
    return waiting


def _stop(ledger: Ledger, job: JobRecord, why: str, **columns: Value) -> JobRecord:
    """It ends because somebody asked, or because of a later offboard."""
    if job.superseded_by is not None:
        data = {"by_job": job.superseded_by, "why": why}
        return _over(ledger, job, JobState.SUPERSEDED, Happened.SUPERSEDED, data, **columns)
    return _over(ledger, job, JobState.CANCELLED, Happened.CANCELLED, {"by": job.cancel_by, "why": why}, **columns)


def _die(ledger: Ledger, job: JobRecord, trouble: Trouble, *, notice: str | None) -> JobRecord:
    """The ledger itself ends it; so it is the ledger that tells people."""
    dead = _over(ledger, job, JobState.DEAD, Happened.DEAD, _told(trouble), **_error(trouble))
    if notice is not None:
        new = NewNotice(
            kind=notice,
            tenant=dead.tenant,
            subject=f"{dead.op} (job {dead.id} of {dead.tenant}) ended without being done: {trouble.code}",
            data={
                "job": dead.id,
                "action": dead.op,
                "code": trouble.code,
                "next": f"agent jobs show {dead.id}",
                "personal": {"person": dead.person, "message": trouble.message},  # only for receivers that want it
            },
            job_id=dead.id,
            key=f"{notice}:{dead.id}:{dead.fence}",
        )
        notices.tell(ledger, [new])
    return dead


def _over(
    ledger: Ledger, job: JobRecord, state: JobState, kind: Happened, data: Mapping[str, Any], **columns: Value
) -> JobRecord:
    note(ledger, job, kind, data)
    settings: dict[str, Value] = {"worker": None, "beat": None, "mode": Mode.RUN.value, "hold": None, **columns}
    return change(ledger, job, state=state.value, finished_at=ledger.now, **settings)


def _error(trouble: Trouble) -> dict[str, Value]:
    return {"error_kind": trouble.kind, "error_code": trouble.code, "error": trouble.message}


def _told(trouble: Trouble) -> dict[str, Any]:
    return {"kind": trouble.kind, "code": trouble.code, "message": trouble.message}

"""What is told when a run ends, a leaver is late or something waits: notices as values; pure.

What may name a person stands under ``personal`` in a notice's data and leaves the agent only to receivers whose
settings say ``people = true``. The subject never names one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.queue.ending import FLOW_QUARANTINED, Dead, Ending, Held, PauseTenant, Trouble
from agent.queue.record import FlowHealth, FlowState, Grant, Hold, JobRecord, JobState, NewNotice

PERSONAL = "personal"  #: the part of a notice's data that may name people

_WAITS = {
    Hold.APPROVAL: ("waits for an approval", "agent jobs approve {id}"),
    Hold.HAND_OVER: ("waits for somebody to do it by hand", "agent jobs show {id}, then agent jobs resolve {id}"),
    Hold.UNCERTAIN: (
        "is uncertain: look at the person in Procore",
        "agent jobs resolve {id}, agent jobs retry {id} or agent jobs cancel {id}",
    ),
}


def notices_for(record: JobRecord, ending: Ending) -> tuple[NewNotice, ...]:
    """What people are told of this ending; ``record`` is the job as it was claimed. Nothing of a job that is done."""
    found = []
    match ending.how:
        case Dead(trouble):
            found.append(dead(record, trouble, ending.evidence))
        case Held(hold, reason, trouble=trouble):
            found.append(_held(record, hold, reason, trouble, ending.evidence))
            if record.op == "offboard" and trouble is not None and trouble.code == FLOW_QUARANTINED:
                found.append(_leaver_by_hand(record, trouble, ending.evidence))
        case _:
            pass
    if ending.pause is not None:
        found.append(_paused(record, ending.pause, _trouble_of(ending)))
    return tuple(found)


def dead(record: JobRecord, trouble: Trouble, evidence: str | None = None) -> NewNotice:
    """A job has ended without being done, and nobody will try again by themselves."""
    return NewNotice(
        kind="dead",
        tenant=record.tenant,
        subject=f"{_job(record)} ended without being done: {trouble.code}",
        data=_data(record, trouble.code, trouble.message, f"agent jobs show {record.id}", evidence),
        job_id=record.id,
        key=f"dead:{record.id}:{record.fence}",
    )


def late(record: JobRecord, since: float) -> NewNotice:
    """A leaver, or a job with a date, is not done although it should be since then; told once per job."""
    data = _data(record, record.error_code or "", record.error or "", f"agent jobs show {record.id}", record.evidence)
    return NewNotice(
        kind="late",
        tenant=record.tenant,
        subject=f"{_job(record)} is late: due since {_time(since)} and still {record.state.value}",
        data={
            **data,
            "due_since": _time(since),
            "state": record.state.value,
            "hold": record.hold.value if record.hold is not None else "",
            "attempts": record.attempt,
        },
        job_id=record.id,
        key=f"late:{record.id}",
    )


def _leaver_by_hand(record: JobRecord, trouble: Trouble, evidence: str | None) -> NewNotice:
    """A leaver whom the agent cannot offboard: told at once in the place of "late", not half an hour later."""
    return NewNotice(
        kind="late",
        tenant=record.tenant,
        subject=f"{_job(record)} has to be done by hand now: a part of Procore's pages that it needs has changed",
        data={
            **_data(record, trouble.code, trouble.message, f"agent jobs show {record.id}", evidence),
            "due_since": _time(max(record.created_at, record.not_before)),
            "state": JobState.QUEUED.value,
            "hold": Hold.HAND_OVER.value,
            "attempts": record.attempt,
        },
        job_id=record.id,
        key=f"late:{record.id}",
    )


def still_waiting(record: JobRecord, since: float, times: int) -> NewNotice:
    """A reminder: the job waits for a person since then. ``times`` numbers the reminders, so that each is told once."""
    words, command = _WAITS[record.hold or Hold.APPROVAL]
    return NewNotice(
        kind="waiting",
        tenant=record.tenant,
        subject=f"{_job(record)} still {words}, since {_time(since)}",
        data={
            **_data(record, record.error_code or "", record.hold_reason, command.format(id=record.id), record.evidence),
            "waiting_since": _time(since),
            "hold": record.hold.value if record.hold is not None else "",
        },
        job_id=record.id,
        key=f"still:{record.id}:{record.fence}:{times}",
    )


def no_room(tenant: str, trouble: str, day: str) -> NewNotice:
    """No job is started for want of room for evidence; told once a day. It ends by itself once there is room."""
    return NewNotice(
        kind="paused",
        tenant=tenant,
        subject=f"No job of the tenant {tenant} is started: there is no room for evidence",
        data={"code": "evidence-no-room", "message": trouble, "next": "agent evidence prune --dry-run", "until": ""},
        key=f"no-room:{tenant}:{day}",
    )


def probe_failed(tenant: str, code: str, message: str, at: float) -> NewNotice:
    """The nightly probe did not come to its end; told once a day and cause."""
    return NewNotice(
        kind="probe",
        tenant=tenant,
        subject=f"The nightly probe of the tenant {tenant} did not come to its end: {code}",
        data={"code": code, "next": f"agent probe {tenant}", PERSONAL: {"message": message}},
        key=f"probe:{tenant}:{code}:{_time(at)[:10]}",
    )


def paused_by_probe(tenant: str, code: str, message: str, at: float) -> NewNotice:
    """The nightly probe's sign-in was rejected, and the tenant is paused until somebody resumes it; told every time."""
    return NewNotice(
        kind="paused",
        tenant=tenant,
        subject=f"The tenant {tenant} is paused until somebody resumes it: {code}",
        data={"code": code, "next": f"agent resume {tenant}", "until": "", PERSONAL: {"message": message}},
        key=f"paused:{tenant}:probe:{_time(at)}",
    )


def expired(grant: Grant, job_id: int) -> NewNotice:
    """The time of some access has come; a job that takes it away is in the queue."""
    thing = "An account" if grant.kind == "account" else "A project membership"
    return NewNotice(
        kind="expired",
        tenant=grant.tenant,
        subject=f"{thing} has reached its end: job {job_id} takes it away",
        data={
            "job": job_id,
            "grant": grant.id,
            "given_by_job": grant.given_by_job,
            "ended_at": _time(grant.expires_at),
            "next": f"agent jobs show {job_id}",
            PERSONAL: {"person": grant.person, "what": dict(grant.what)},
        },
        job_id=job_id,
        key=f"expired:{grant.id}:{job_id}",
    )


def outlived(grant: Grant, job: JobRecord, times: int) -> NewNotice:
    """The access is still there, and nobody takes it away. ``times`` numbers the notices, so that each is told once."""
    thing = "An account" if grant.kind == "account" else "A project membership"
    was_cancelled = job.state is JobState.CANCELLED
    ended = f"was cancelled by {job.cancel_by}" if was_cancelled else f"is {job.state.value}"
    extend = "submit a job with a later ends_at"
    take = "an offboard" if grant.kind == "account" else "a remove_from_projects"
    steps = [f"{extend}, or {take}"] if was_cancelled else [f"agent jobs retry {job.id}", f"or {extend}"]
    return NewNotice(
        kind="expired",
        tenant=grant.tenant,
        subject=f"{thing} has outlived its end: job {job.id}, which should take it away, {ended}",
        data={
            "job": job.id,
            "grant": grant.id,
            "given_by_job": grant.given_by_job,
            "ended_at": _time(grant.expires_at),
            "state": job.state.value,
            "code": job.error_code or "",
            "next": ", ".join(steps),
            PERSONAL: {"person": grant.person, "what": dict(grant.what)},
        },
        job_id=job.id,
        key=f"outlived:{grant.id}:{job.id}:{job.fence}:{times}",
    )


def flow_changed(flow: FlowState, number: int) -> NewNotice:
    """A way of writing is not as known any more; ``number`` is that of the line in its history, told once."""
    what = f"The flow {flow.flow} of the tenant {flow.tenant}"
    if flow.state is FlowHealth.QUARANTINED:
        subject = f"{what} is quarantined: jobs that need it wait for somebody to do them by hand"
        command = f"agent flows show {flow.tenant} {flow.flow}, then agent flows release {flow.tenant} {flow.flow}"
    else:
        subject = f"{what} is degraded: the page has changed in nothing that a write depends on"
        command = f"agent flows show {flow.tenant} {flow.flow}"
    return NewNotice(
        kind="flow",
        tenant=flow.tenant,
        subject=subject,
        data={
            "flow": flow.flow,
            "state": flow.state.value,
            "region": flow.region,
            "code": flow.code,
            "by": flow.by,
            "job": flow.job_id,
            "next": command,
            PERSONAL: {"message": flow.why, "findings": list(flow.findings), "evidence": flow.evidence},
        },
        job_id=flow.job_id,
        key=f"flow:{flow.tenant}:{flow.flow}:{number}",
    )


def _held(record: JobRecord, hold: Hold, reason: str, trouble: Trouble | None, evidence: str | None) -> NewNotice:
    words, command = _WAITS[hold]
    kind = "uncertain" if hold is Hold.UNCERTAIN else "waiting"
    code = trouble.code if trouble is not None else ""
    return NewNotice(
        kind=kind,
        tenant=record.tenant,
        subject=f"{_job(record)} {words}",
        data={**_data(record, code, reason, command.format(id=record.id), evidence), "hold": hold.value},
        job_id=record.id,
        key=f"{kind}:{record.id}:{record.fence}",
    )


def _paused(record: JobRecord, pause: PauseTenant, trouble: Trouble | None) -> NewNotice:
    """A pause that ends by itself is told once a day and cause: an evening's outage is not a mail every 15 minutes."""
    code = trouble.code if trouble is not None else ""
    key = f"paused:{record.tenant}:{record.id}:{record.fence}"
    if pause.until is not None:
        day = _time(record.started_at or record.created_at)[:10]
        key = f"paused:{record.tenant}:{code}:{day}"
    until = f"until {_time(pause.until)}" if pause.until is not None else "until somebody resumes it"
    return NewNotice(
        kind="paused",
        tenant=record.tenant,
        subject=f"The tenant {record.tenant} is paused {until}: {code or 'see the reason'}",
        data={
            **_data(record, code, pause.why, f"agent resume {record.tenant}", None),
            "until": _time(pause.until) if pause.until is not None else "",
        },
        job_id=record.id,
        key=key,
    )


def _trouble_of(ending: Ending) -> Trouble | None:
    return getattr(ending.how, "trouble", None)


def _job(record: JobRecord) -> str:
    return f"{record.op} (job {record.id} of {record.tenant})"


def _data(record: JobRecord, code: str, message: str, next_step: str, evidence: str | None) -> dict[str, Any]:
    reason = record.args.get("reason")
    ticket = reason.get("ticket", "") if isinstance(reason, Mapping) else ""
    return {
        "job": record.id,
        "action": record.op,
        "ticket": ticket,
        "code": code,
        "next": next_step,
        PERSONAL: {"person": record.person, "message": message, "evidence": evidence or ""},
    }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

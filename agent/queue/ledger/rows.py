"""Rows of the ledger as values, and values as they are stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agent.queue.ledger.database import Row
from agent.queue.record import (
    FlowEvent,
    FlowHealth,
    FlowState,
    Grant,
    Hold,
    JobEvent,
    JobRecord,
    JobState,
    Mode,
    Notice,
    TenantState,
)

_COLUMNS = tuple(field.name for field in fields(JobRecord))
_JSON = frozenset({"args", "hold_data", "approval", "progress", "result"})
_YES_OR_NO = frozenset({"yields_to_offboard", "supersedes", "cancel"})


def text_of(data: Mapping[str, Any]) -> str:
    """JSON as it is stored; equal data is equal text."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def job_record(row: Row) -> JobRecord:
    """A row of ``job``."""
    values: dict[str, Any] = {}
    for name in _COLUMNS:
        value = row[name]
        if name in _JSON:
            value = json.loads(value)
        elif name in _YES_OR_NO:
            value = bool(value)
        values[name] = value
    values["state"] = JobState(row["state"])
    values["mode"] = Mode(row["mode"])
    values["hold"] = Hold(row["hold"]) if row["hold"] is not None else None
    return JobRecord(**values)


def job_event(row: Row) -> JobEvent:
    """A row of ``job_event``."""
    return JobEvent(row["job_id"], row["at"], row["kind"], row["attempt"], json.loads(row["data"]))


def tenant_state(row: Row, now: float) -> TenantState:
    """A row of ``tenant``; a pause whose time has come is none."""
    if not row["paused"] or (row["not_before"] is not None and row["not_before"] <= now):
        return TenantState(row["name"], row["max_running"])
    return TenantState(row["name"], row["max_running"], True, row["why"], row["paused_by"], row["not_before"])


def flow_state(row: Row) -> FlowState:
    """A row of ``flow``."""
    return FlowState(
        tenant=row["tenant"],
        flow=row["flow"],
        state=FlowHealth(row["state"]),
        since=row["since"],
        by=row["told_by"],
        why=row["why"],
        code=row["code"],
        region=row["region"],
        findings=tuple(json.loads(row["findings"])),
        generation=row["generation"],
        evidence=row["evidence"],
        job_id=row["job_id"],
        succeeded_at=row["succeeded_at"],
        looks_well_at=row["looks_well_at"],
    )


def flow_event(row: Row) -> FlowEvent:
    """A row of ``flow_event``."""
    return FlowEvent(
        tenant=row["tenant"],
        flow=row["flow"],
        at=row["at"],
        state=FlowHealth(row["state"]),
        by=row["told_by"],
        why=row["why"],
        code=row["code"],
        region=row["region"],
        findings=tuple(json.loads(row["findings"])),
        generation=row["generation"],
        evidence=row["evidence"],
        job_id=row["job_id"],
    )


def grant(row: Row) -> Grant:
    """A row of ``access_grant``."""
    return Grant(
        id=row["id"],
        tenant=row["tenant"],
        person=row["person"],
        kind=row["kind"],
        what=json.loads(row["what"]),
        expires_at=row["expires_at"],
        given_by_job=row["given_by_job"],
        revoked_by_job=row["revoked_by_job"],
        closed_at=row["closed_at"],
        closed_why=row["closed_why"],
        names=tuple(json.loads(row["names"])),
    )


def notice(row: Row) -> Notice:
    """A row of ``notice``."""
    return Notice(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        tenant=row["tenant"],
        subject=row["subject"],
        data=json.loads(row["data"]),
        job_id=row["job_id"],
        channel=row["channel"],
        attempts=row["attempts"],
    )

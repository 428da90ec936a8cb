"""Flows in the ledger: each way of writing, with its state in each tenant, and how it came to that.

Whoever sees a flow says so; the rules of who may change what are kept here, in one transaction, for all who tell.
"""

from __future__ import annotations

import json

from agent.errors import Mender
from agent.notify.notices import flow_changed
from agent.queue.interface import NotPossibleNow
from agent.queue.ledger import notices, tenants
from agent.queue.ledger.database import Ledger, Value
from agent.queue.ledger.rows import flow_event, flow_state
from agent.queue.record import FlowEvent, FlowHealth, FlowReport, FlowState

_TOLD = "told_by, why, code, region, findings, generation, evidence, job_id"
_BADNESS = {FlowHealth.HEALTHY: 0, FlowHealth.DEGRADED: 1, FlowHealth.QUARANTINED: 2}


def states(ledger: Ledger, tenant: str | None) -> tuple[FlowState, ...]:
    """Every flow of which something was said, by tenant and name."""
    where, values = ("", ()) if tenant is None else (" WHERE tenant = ?", (tenant,))
    return tuple(flow_state(row) for row in ledger.rows(f"SELECT * FROM flow{where} ORDER BY tenant, flow", *values))


def events(ledger: Ledger, tenant: str, flow: str, limit: int) -> tuple[FlowEvent, ...]:
    """A flow's history, newest first."""
    rows = ledger.rows(
        "SELECT * FROM flow_event WHERE tenant = ? AND flow = ? ORDER BY id DESC LIMIT ?", tenant, flow, limit
    )
    return tuple(flow_event(row) for row in rows)


def report(ledger: Ledger, tenant: str, told: FlowReport) -> FlowState:
    """Put on record what was seen. Raises Refused("unknown-tenant").

    A quarantine is never ended here. A suspicion is a change for the worse when another job has had the same before
    and nothing has gone well since. What was said already is not said again.
    """
    tenants.state(ledger, tenant)
    present = find(ledger, tenant, told.flow)
    state = _judged(present, told)
    if present is not None and present.state is FlowHealth.QUARANTINED and state is not FlowHealth.QUARANTINED:
        return _seen_while_quarantined(ledger, present, told)
    if present is not None and _is_known(present, state, told):
        return _seen_again(ledger, present, told)
    return _changed(ledger, tenant, present, state, told)


def release(ledger: Ledger, tenant: str, flow: str, by: str, why: str) -> FlowState:
    """A person has looked. Raises NotPossibleNow("flow-not-quarantined")."""
    present = find(ledger, tenant, flow)
    if present is None or present.state is not FlowHealth.QUARANTINED:
        raise NotPossibleNow(
            "flow-not-quarantined",
            f"The flow {flow} of the tenant {tenant} is not quarantined.",
            expected="a flow that `agent flows` shows as quarantined",
            seen=present.state.value if present is not None else FlowHealth.HEALTHY.value,
            mender=Mender.OPERATOR,
        )
    told = FlowReport(flow, FlowHealth.HEALTHY, by, why, generation=present.generation)
    return _changed(ledger, tenant, present, FlowHealth.HEALTHY, told)


def find(ledger: Ledger, tenant: str, flow: str) -> FlowState | None:
    """The flow as it is on record; None when nothing was ever said of it."""
    row = ledger.row("SELECT * FROM flow WHERE tenant = ? AND flow = ?", tenant, flow)
    return flow_state(row) if row is not None else None


def _judged(present: FlowState | None, told: FlowReport) -> FlowHealth:
    is_second = (
        told.suspicion
        and present is not None
        and present.state is FlowHealth.DEGRADED
        and present.code == told.code
        and (present.job_id or present.evidence) != (told.job_id or told.evidence)
    )
    return FlowHealth.QUARANTINED if is_second else told.state


def _is_known(present: FlowState, state: FlowHealth, told: FlowReport) -> bool:
    """Whether it says nothing new; how well a healthy flow is, is not told twice."""
    if state is not present.state:
        return False
    same = (told.code, told.region, told.findings) == (present.code, present.region, present.findings)
    return same or state is FlowHealth.HEALTHY


def _seen_while_quarantined(ledger: Ledger, present: FlowState, told: FlowReport) -> FlowState:
    columns: dict[str, Value] = {"succeeded_at": ledger.now} if told.wrote else {}
    if told.state is FlowHealth.HEALTHY:
        columns["looks_well_at"] = ledger.now
    return _set(ledger, present, columns)


def _seen_again(ledger: Ledger, present: FlowState, told: FlowReport) -> FlowState:
    columns: dict[str, Value] = {"succeeded_at": ledger.now} if told.wrote else {}
    if told.generation:
        columns["generation"] = told.generation
    if present.state is FlowHealth.QUARANTINED:
        columns["looks_well_at"] = None
    return _set(ledger, present, columns)


def _set(ledger: Ledger, present: FlowState, columns: dict[str, Value]) -> FlowState:
    if not columns:
        return present
    settings = ", ".join(f"{name} = ?" for name in columns)
    row = ledger.row(
        f"UPDATE flow SET {settings} WHERE tenant = ? AND flow = ? RETURNING *",
        *columns.values(),
        *(present.tenant, present.flow),
    )
    assert row is not None, "the flow was there a moment ago"
    return flow_state(row)


def _changed(ledger: Ledger, tenant: str, present: FlowState | None, state: FlowHealth, told: FlowReport) -> FlowState:
    """A new state, or something new about the same one: with a line in the history, and word of what is worse."""
    before = present.state if present is not None else FlowHealth.HEALTHY
    values = (
        *(told.by, told.why, told.code, told.region, json.dumps(told.findings, ensure_ascii=False)),
        *(told.generation or (present.generation if present is not None else ""), told.evidence, told.job_id),
    )
    since = present.since if present is not None and state is before else ledger.now
    succeeded_at = ledger.now if told.wrote else present.succeeded_at if present is not None else None
    row = ledger.row(
        f"INSERT INTO flow (tenant, flow, state, since, {_TOLD}, succeeded_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, flow) DO UPDATE SET"
        " state = excluded.state, since = excluded.since, told_by = excluded.told_by, why = excluded.why,"
        " code = excluded.code, region = excluded.region, findings = excluded.findings,"
        " generation = excluded.generation, evidence = excluded.evidence, job_id = excluded.job_id,"
        " succeeded_at = excluded.succeeded_at, looks_well_at = NULL RETURNING *",
        *(tenant, told.flow, state.value, since, *values, succeeded_at),
    )
    assert row is not None, "an INSERT that inserted nothing"
    found = flow_state(row)
    if present is None and state is FlowHealth.HEALTHY:
        return found  # it was so before, as far as anybody knew
    line = ledger.row(
        f"INSERT INTO flow_event (tenant, flow, at, state, {_TOLD}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING id",
        *(tenant, told.flow, ledger.now, state.value, *values),
    )
    assert line is not None, "an INSERT that inserted nothing"
    if _BADNESS[state] > _BADNESS[before]:
        notices.tell(ledger, [flow_changed(found, line["id"])])
    return found

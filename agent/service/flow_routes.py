"""The paths of the interface about flows."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query

from agent.jobs.parts import TENANT_FORM
from agent.service.flow_views import FlowHistory, FlowList, FlowReleased, FlowSeen
from agent.service.routes import AtDesk, Caller, TenantName, Why
from agent.service.views import FlowView

router = APIRouter()
_log = structlog.get_logger()

FlowName = Annotated[str, Path(description="The flow.", pattern="[a-z_]{1,40}", examples=["add_user"])]


@router.get("/v1/flows", tags=["flows"], summary="List flows")
async def flows(
    at: AtDesk,
    tenant: Annotated[str | None, Query(description="Only this tenant's.", pattern=TENANT_FORM)] = None,
) -> FlowList:
    """Every way of writing, with its state in each tenant."""
    return await at.flows(tenant)


@router.get("/v1/tenants/{name}/flows/{flow}", tags=["flows"], summary="Show one flow")
async def flow_history(at: AtDesk, name: TenantName, flow: FlowName) -> FlowHistory:
    """How it is, how it came to that, and which jobs wait for a person because of it."""
    return await at.flow_history(name, flow)


@router.post("/v1/tenants/{name}/flows/{flow}/quarantine", tags=["flows"], summary="Take a flow out of use")
async def quarantine(at: AtDesk, by: Caller, name: TenantName, flow: FlowName, why: Why) -> FlowView:
    """Jobs that need it become tasks for a person; all others, and reading, go on."""
    view = await at.quarantine_flow(name, flow, why.reason)
    _log.info("flow-quarantined", by=by, tenant=name, flow=flow)
    return view


@router.post("/v1/tenants/{name}/flows/{flow}/release", tags=["flows"], summary="Use a flow again")
async def release(at: AtDesk, by: Caller, name: TenantName, flow: FlowName, why: Why) -> FlowReleased:
    """After somebody has looked at what was found; who and why are kept."""
    released = await at.release_flow(name, flow, why.reason)
    _log.info("flow-released", by=by, tenant=name, flow=flow, waiting=len(released.waiting_jobs))
    return released


@router.post("/v1/tenants/{name}/flows/{flow}/seen", tags=["flows"], summary="Tell how a flow was found")
async def seen(at: AtDesk, by: Caller, name: TenantName, flow: FlowName, found: FlowSeen) -> FlowView:
    """For `agent run-job` and `agent probe`. A quarantine stays, whatever is told here."""
    view = await at.flow_seen(name, flow, found)
    _log.info("flow-seen", by=by, tenant=name, flow=flow, state=view.state.value, source=found.source)
    return view

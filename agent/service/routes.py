"""The paths of the interface that need a name: jobs, steering, status."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from agent.intake.batch import Format, Source, read_batch
from agent.jobs.parts import KEY_FORM, TENANT_FORM
from agent.queue.interface import JobFilter
from agent.queue.record import JobState
from agent.service.answers import bad_request
from agent.service.desk import QueueDesk, Submission
from agent.service.entry import who
from agent.service.office import office_of
from agent.service.views import EventList, JobList, JobView, Leave, Preview, Receipts, Status, TenantView

MOST_AT_ONCE = 500  #: jobs in one answer
FORMATS = {
    "application/json": Format.JSON,
    "application/x-ndjson": Format.JSON_LINES,
    "application/jsonl": Format.JSON_LINES,
    "text/csv": Format.CSV,
}
router = APIRouter()
_log = structlog.get_logger()


class Why(BaseModel):
    """A reason, for the record."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, description="Why.", examples=["Procore asks for a captcha"])


class PauseWish(BaseModel):
    """Why a tenant is paused, and for how long."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, description="Why.", examples=["Directory clean-up by hand"])
    until: datetime | None = Field(None, description="The pause ends by itself then; null: somebody resumes.")


class LeaveWish(BaseModel):
    """A job outside the queue that is about to inactivate somebody."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(pattern=KEY_FORM, description="Its idempotency key: it is counted once.", examples=["hr-417"])
    action: str = Field(pattern="[a-z_]{1,40}", description="What is to be done.", examples=["offboard"])
    people: int | None = Field(None, ge=0, description="People in the tenant, as its list says; null: not known.")


JobId = Annotated[int, Path(description="The job's number.", ge=1, le=2**53, examples=[417])]
TenantName = Annotated[str, Path(description="The tenant.", pattern=TENANT_FORM, examples=["northwind"])]


Caller = Annotated[str, Depends(who)]


def desk(request: Request, by: Caller) -> QueueDesk:
    """The desk, with the caller at it."""
    office = office_of(request)
    return QueueDesk(office.settings, office.queue, by, office.operators, office.at_work)


AtDesk = Annotated[QueueDesk, Depends(desk)]


@router.post(
    "/v1/jobs",
    tags=["jobs"],
    summary="Submit jobs",
    status_code=202,
    response_model=Receipts,
    responses={200: {"model": Preview, "description": "With preview: what accepting them would mean."}},
    openapi_extra={"requestBody": {"required": True, "content": {}}},  # see agent.service.description
)
async def submit(
    request: Request,
    at: AtDesk,
    by: Caller,
    preview: Annotated[bool, Query(description="Accept nothing; only check and say what would happen.")] = False,
    tenant: Annotated[str | None, Query(description="For jobs that name none.", pattern=TENANT_FORM)] = None,
    batch: Annotated[
        str | None, Query(description="A name for what is submitted together.", min_length=1, max_length=120)
    ] = None,
    not_before: Annotated[datetime | None, Query(description="Run none of them before this time.")] = None,
) -> Any:
    """Accept all jobs of the body, or none. Accepted means on disk.

    The body is a job or a list of jobs as JSON, JSON Lines, or CSV. A job that comes again under its idempotency
    key is accepted once.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise bad_request(f"a Content-Type of {', '.join(FORMATS)}", kind or "none")
    data = await request.body()
    placed = await asyncio.to_thread(read_batch, [Source("body", data, FORMATS[kind])])
    submission = Submission(placed, tenant, batch, _aware(not_before))
    if preview:
        shown = await at.preview(submission)
        return Response(shown.model_dump_json(), media_type="application/json")
    receipts = await at.submit(submission)
    _log.info("jobs-accepted", by=by, jobs=[item.id for item in receipts.jobs], batch=batch)
    return receipts


@router.get("/v1/jobs", tags=["jobs"], summary="List jobs")
async def jobs(
    at: AtDesk,
    tenant: Annotated[str | None, Query(pattern=TENANT_FORM)] = None,
    person: Annotated[str | None, Query(max_length=254, description="Address of the person.")] = None,
    state: Annotated[list[JobState] | None, Query(description="One or more states.")] = None,
    held: Annotated[bool | None, Query(description="Only those that wait for a person, or only the others.")] = None,
    batch: Annotated[str | None, Query(max_length=120)] = None,
    after: Annotated[int, Query(ge=0, description="Only jobs with a greater number.")] = 0,
    newest_first: Annotated[bool, Query()] = False,
    limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = 100,
) -> JobList:
    """Jobs by number. `next_after` is there when the list goes on."""
    return await at.jobs(
        JobFilter(
            tenant=tenant,
            person=person.strip().lower() if person else None,
            states=frozenset(state) if state else None,
            held=held,
            batch=batch,
            after_id=after,
            newest_first=newest_first,
            limit=limit,
        )
    )


@router.get("/v1/jobs/{job_id}", tags=["jobs"], summary="Show one job")
async def job(at: AtDesk, job_id: JobId) -> JobView:
    """All that is known of a job, the job itself included."""
    return await at.job(job_id)


@router.get("/v1/jobs/{job_id}/events", tags=["jobs"], summary="Show a job's history")
async def events(at: AtDesk, job_id: JobId) -> EventList:
    """What happened to it, oldest first."""
    return await at.events(job_id)


@router.post("/v1/jobs/{job_id}/cancel", tags=["steering"], summary="Cancel a job")
async def cancel(at: AtDesk, by: Caller, job_id: JobId) -> JobView:
    """At once when it waits, at the next step boundary when it runs; what was done stays done."""
    return _logged("job-cancelled", by, await at.cancel(job_id))


@router.post("/v1/jobs/{job_id}/retry", tags=["steering"], summary="Run a job again")
async def retry(at: AtDesk, by: Caller, job_id: JobId) -> JobView:
    """A dead or held job again, a waiting one at once. It observes anew and does only what is missing."""
    return _logged("job-retried", by, await at.retry(job_id))


@router.post("/v1/jobs/{job_id}/approve", tags=["steering"], summary="Approve a job")
async def approve(at: AtDesk, by: Caller, job_id: JobId) -> JobView:
    """Approve what waits, as `hold_data` shows it; a plan that has grown by then asks again."""
    return _logged("job-approved", by, await at.approve(job_id))


@router.post("/v1/jobs/{job_id}/resolve", tags=["steering"], summary="Have a job checked")
async def resolve(at: AtDesk, by: Caller, job_id: JobId) -> JobView:
    """The agent reads the Directory: done if all is as the job wants it, on hold again otherwise."""
    return _logged("job-to-be-checked", by, await at.resolve(job_id))


@router.post("/v1/jobs/{job_id}/hand-over", tags=["steering"], summary="Hand a job over to a person")
async def hand_over(at: AtDesk, by: Caller, job_id: JobId, why: Why) -> JobView:
    """Turn it into a task with exact instructions; `resolve` checks it when it is done."""
    return _logged("job-handed-over", by, await at.hand_over(job_id, why.reason))


@router.post("/v1/tenants/{name}/budget", tags=["steering"], summary="Take from the budget of deactivations")
async def take_leave(at: AtDesk, by: Caller, name: TenantName, wish: LeaveWish) -> Leave:
    """For a job that `agent run-job` runs: one person is counted when `approvals` is empty, nobody otherwise."""
    leave = await at.take_leave(name, wish.key, wish.action, wish.people)
    codes = [item.code for item in leave.approvals]
    _log.info("budget-asked", by=by, tenant=name, key=wish.key, waits_for=codes)
    return leave


@router.post("/v1/tenants/{name}/pause", tags=["steering"], summary="Pause a tenant")
async def pause(at: AtDesk, by: Caller, name: TenantName, wish: PauseWish) -> TenantView:
    """Start no more of its jobs; what runs is finished."""
    view = await at.pause(name, wish.reason, _aware(wish.until))
    _log.info("tenant-paused", by=by, tenant=name)
    return view


@router.post("/v1/tenants/{name}/resume", tags=["steering"], summary="Resume a tenant")
async def resume(at: AtDesk, by: Caller, name: TenantName) -> TenantView:
    """Start its jobs again."""
    view = await at.resume(name)
    _log.info("tenant-resumed", by=by, tenant=name)
    return view


@router.get("/v1/status", tags=["status"], summary="The agent at a glance")
async def status(at: AtDesk) -> Status:
    """Tenants, depths, what runs, the browser."""
    return await at.status()


def _logged(event: str, by: str, job: JobView) -> JobView:
    _log.info(event, by=by, job_number=job.id, tenant=job.tenant)
    return job


def _aware(at: datetime | None) -> datetime | None:
    """The time, if it says its offset. Raises Refused("bad-request")."""
    if at is not None and at.tzinfo is None:
        raise bad_request("a time with its offset, such as 2026-12-01T06:00:00+00:00", at.isoformat())
    return at

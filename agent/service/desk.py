"""What an operator can ask of the agent, whether over HTTP or of a queue that nobody has open."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter

import agent
from agent.errors import Mender, Refused
from agent.handover.instructions import instructions
from agent.intake.batch import Placed
from agent.intake.gist import gist
from agent.intake.submission import new_jobs
from agent.jobs.model import email_of
from agent.policy.approval import approval_of, askers_of, refuse_approver, refuse_unnamed
from agent.policy.budget import over_budget
from agent.probe.report import KeptProbes
from agent.queue.admission import job_of
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import FlowHealth, JobState, NewJob, Spending, Spent
from agent.schedule.overstaying import overstays
from agent.service import flow_desk
from agent.service.flow_views import FlowHistory, FlowList, FlowReleased, FlowSeen, flow_view
from agent.service.operators import Operators
from agent.service.views import (
    DepthView,
    EventList,
    EventView,
    FlowView,
    JobList,
    JobView,
    Leave,
    OverdueView,
    Preview,
    PreviewRow,
    ProbeView,
    Receipt,
    Receipts,
    RunningView,
    Status,
    TenantView,
    time_of,
)
from agent.settings import Settings

LIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


@dataclass(frozen=True)
class Submission:
    """Jobs to be accepted together."""

    placed: tuple[Placed, ...]
    tenant: str | None = None  # for jobs that name none
    batch: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class AtWork:
    """What only the running agent knows of itself; each is asked when somebody looks."""

    started_at: float
    worker: Callable[[], Any]  # a dataclass: browser, sessions, draining, ...
    inbox_trouble: Callable[[], str] = str
    clock_trouble: Callable[[], str] = str


class Desk(Protocol):
    """The desk at which jobs are handed in and asked after. Every method may raise AgentError."""

    async def preview(self, submission: Submission) -> Preview:
        """What accepting these jobs would mean; accepts nothing."""

    async def submit(self, submission: Submission) -> Receipts:
        """Accept all of them, on disk, or none."""

    async def jobs(self, which: JobFilter) -> JobList:
        """Jobs, by number."""

    async def job(self, job_id: int) -> JobView:
        """One job with all that is known of it."""

    async def events(self, job_id: int) -> EventList:
        """A job's history."""

    async def cancel(self, job_id: int) -> JobView:
        """Cancel: at once, or at the next step boundary."""

    async def retry(self, job_id: int) -> JobView:
        """Run a dead, held or waiting job again."""

    async def approve(self, job_id: int) -> JobView:
        """Approve what waits, as it was planned."""

    async def resolve(self, job_id: int) -> JobView:
        """Let the agent check by reading whether it is done meanwhile."""

    async def hand_over(self, job_id: int, reason: str) -> JobView:
        """Turn a job into a task for a person."""

    async def take_leave(self, tenant: str, key: str, action: str, people: int | None) -> Leave:
        """Take from a tenant's budget for one person whom a job outside the queue is about to inactivate."""

    async def pause(self, tenant: str, why: str, until: datetime | None) -> TenantView:
        """Start no more jobs of a tenant."""

    async def resume(self, tenant: str) -> TenantView:
        """Start them again."""

    async def flows(self, tenant: str | None) -> FlowList:
        """Every way of writing, with its state in each tenant."""

    async def flow_history(self, tenant: str, flow: str) -> FlowHistory:
        """One flow with all that is known of it."""

    async def flow_seen(self, tenant: str, flow: str, found: FlowSeen) -> FlowView:
        """What a command of this machine has found of a flow."""

    async def quarantine_flow(self, tenant: str, flow: str, why: str) -> FlowView:
        """Take a flow out of use."""

    async def release_flow(self, tenant: str, flow: str, why: str) -> FlowReleased:
        """Use it again."""

    async def status(self) -> Status:
        """The agent at a glance."""


class QueueDesk:
    """The desk on an open queue; ``by`` is who stands at it."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        by: str,
        operators: Operators,
        at_work: AtWork | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._by = by
        self._operators = operators
        self._at_work = at_work
        self._clock = clock

    async def preview(self, submission: Submission) -> Preview:
        """See :meth:`Desk.preview`."""
        rows = []
        for placed, new in zip(submission.placed, self._new_jobs(submission), strict=True):
            waits_for, supersedes = await self._before(new)
            rows.append(
                PreviewRow(
                    place=placed.place,
                    tenant=new.tenant,
                    action=new.op,
                    person=email_of(placed.job),
                    gist=gist(placed.job),
                    priority=new.priority,
                    waits_for=waits_for,
                    supersedes=supersedes,
                )
            )
        return Preview(jobs=tuple(rows))

    async def submit(self, submission: Submission) -> Receipts:
        """See :meth:`Desk.submit`."""
        accepted = await self._queue.submit(self._new_jobs(submission))
        return Receipts(batch=submission.batch, jobs=tuple(Receipt.of(item) for item in accepted))

    async def jobs(self, which: JobFilter) -> JobList:
        """See :meth:`Desk.jobs`."""
        found = await self._queue.jobs(which)
        full = len(found) == which.limit and not which.newest_first
        return JobList(jobs=tuple(JobView.of(item) for item in found), next_after=found[-1].id if full else None)

    async def job(self, job_id: int) -> JobView:
        """See :meth:`Desk.job`."""
        return JobView.of(await self._queue.job(job_id), whole=True)

    async def events(self, job_id: int) -> EventList:
        """See :meth:`Desk.events`."""
        return EventList(events=tuple(EventView.of(item) for item in await self._queue.events(job_id)))

    async def cancel(self, job_id: int) -> JobView:
        """See :meth:`Desk.cancel`."""
        return JobView.of(await self._queue.cancel(job_id, self._by))

    async def retry(self, job_id: int) -> JobView:
        """See :meth:`Desk.retry`."""
        return JobView.of(await self._queue.retry(job_id, self._by))

    async def approve(self, job_id: int) -> JobView:
        """Approve what waits. Refused("four-eyes") for who asked, Refused("token-needed") for who could be anybody."""
        refuse_unnamed(self._by, has_operators=bool(self._operators.all()))
        record = await self._queue.job(job_id)
        tenant = self._settings.tenants.get(record.tenant)
        if tenant is not None:
            askers = askers_of(record, job_of(record), await self._queue.events(job_id))
            refuse_approver(askers, self._by, tenant.policy)
        return JobView.of(await self._queue.approve(job_id, self._by, approval_of(record.hold_data)))

    async def resolve(self, job_id: int) -> JobView:
        """See :meth:`Desk.resolve`; needs the agent, since it is the one that reads."""
        if self._at_work is None:
            raise Refused(
                "agent-needed",
                "Only the running agent can look into the Directory whether the job is done.",
                expected="`agent run` at work, then the same command again",
                mender=Mender.OPERATOR,
            )
        return JobView.of(await self._queue.resolve(job_id, self._by))

    async def hand_over(self, job_id: int, reason: str) -> JobView:
        """See :meth:`Desk.hand_over`."""
        record = await self._queue.job(job_id)
        _, tenant = self._settings.tenant(record.tenant)
        told = instructions(job_of(record), None, None, tenant, job_id)
        return JobView.of(await self._queue.hand_over(job_id, self._by, reason, told.model_dump(mode="json")))

    async def take_leave(self, tenant: str, key: str, action: str, people: int | None) -> Leave:
        """See :meth:`Desk.take_leave`; ``people`` is how many there are in the tenant, where that is known."""
        _, found = self._settings.tenant(tenant)

        async def spend(wanted: Sequence[Spending]) -> Sequence[Spent]:
            return await self._queue.spend_outside(tenant, key, wanted)

        return Leave(approvals=await over_budget(spend, action, people, found.policy))

    async def pause(self, tenant: str, why: str, until: datetime | None) -> TenantView:
        """See :meth:`Desk.pause`."""
        return TenantView.of(await self._queue.pause(tenant, self._by, why, until.timestamp() if until else None))

    async def resume(self, tenant: str) -> TenantView:
        """See :meth:`Desk.resume`."""
        return TenantView.of(await self._queue.resume(tenant, self._by))

    async def flows(self, tenant: str | None) -> FlowList:
        """See :meth:`Desk.flows`."""
        return await flow_desk.flow_list(self._queue, tenant)

    async def flow_history(self, tenant: str, flow: str) -> FlowHistory:
        """See :meth:`Desk.flow_history`."""
        return await flow_desk.flow_history(self._queue, tenant, flow)

    async def flow_seen(self, tenant: str, flow: str, found: FlowSeen) -> FlowView:
        """See :meth:`Desk.flow_seen`."""
        return await flow_desk.seen(self._queue, tenant, flow, self._by, found)

    async def quarantine_flow(self, tenant: str, flow: str, why: str) -> FlowView:
        """See :meth:`Desk.quarantine_flow`."""
        return await flow_desk.quarantine(self._queue, tenant, flow, self._by, why)

    async def release_flow(self, tenant: str, flow: str, why: str) -> FlowReleased:
        """See :meth:`Desk.release_flow`. Refused("token-needed") for who could be anybody, as for an approval."""
        refuse_unnamed(self._by, has_operators=bool(self._operators.all()))
        return await flow_desk.release(self._queue, tenant, flow, self._by, why)

    async def status(self) -> Status:
        """See :meth:`Desk.status`."""
        running = await self._queue.jobs(JobFilter(states=frozenset({JobState.RUNNING}), limit=200))
        overdue = await overstays(self._queue, self._clock())
        worker = _plain(self._at_work.worker()) if self._at_work else {}
        return Status(
            version=agent.__version__,
            agent_runs=self._at_work is not None,
            draining=bool(worker.pop("draining", False)),
            no_room=str(worker.pop("no_room", "")),
            started_at=time_of(self._at_work.started_at) if self._at_work else None,
            tenants=tuple(TenantView.of(item) for item in await self._queue.tenants()),
            depths=tuple(
                DepthView(
                    tenant=item.tenant,
                    priority=item.priority,
                    state=item.state,
                    held=item.held,
                    count=item.count,
                    oldest_at=time_of(item.oldest_at),
                )
                for item in await self._queue.depths()
            ),
            running=tuple(_running(JobView.of(item)) for item in running),
            flows=tuple(
                flow_view(item) for item in await self._queue.flow_states() if item.state is not FlowHealth.HEALTHY
            ),
            probes=_probes(self._settings),
            overdue=tuple(OverdueView.of(item.grant, item.job) for item in overdue),
            worker=worker,
            inbox_trouble=self._at_work.inbox_trouble() if self._at_work else "",
        )

    def _new_jobs(self, submission: Submission) -> tuple[NewJob, ...]:
        return new_jobs(
            submission.placed,
            self._settings,
            self._by,
            tenant=submission.tenant,
            batch=submission.batch,
            not_before=submission.not_before.timestamp() if submission.not_before else 0.0,
        )

    async def _before(self, new: NewJob) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Live jobs of the person that would come first, and those that would become pointless."""
        live = await self._queue.jobs(JobFilter(tenant=new.tenant, person=new.person, states=LIVE, limit=50))
        pointless = {
            item.id for item in live if new.supersedes and item.yields_to_offboard and item.state is JobState.QUEUED
        }
        return tuple(item.id for item in live if item.id not in pointless), tuple(sorted(pointless))


def _running(job: JobView) -> RunningView:
    return RunningView(
        id=job.id,
        tenant=job.tenant,
        person=job.person,
        action=job.action,
        started_at=job.started_at,
        progress=job.progress,
    )


def _probes(settings: Settings) -> tuple[ProbeView, ...]:
    kept = KeptProbes(settings.paths.state)
    last = ((kept.last(name), kept.last_success(name)) for name in sorted(settings.tenants))
    return tuple(ProbeView.of(report, success) for report, success in last if report is not None)


_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def _plain(status: Any) -> dict[str, Any]:
    """A worker's status as JSON has it."""
    data = asdict(status) if is_dataclass(status) and not isinstance(status, type) else dict(status)
    plain: dict[str, Any] = _ANY.dump_python(data, mode="json")
    return plain

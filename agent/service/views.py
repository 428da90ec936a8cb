"""What the interface shows: jobs, events, receipts, tenants, the state of the agent; the same over HTTP and locally."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent.policy.check import ApprovalNeeded
from agent.probe.report import ProbeReport, Verdict
from agent.queue.record import (
    SNAPSHOT_PERSON,
    Accepted,
    FlowHealth,
    Grant,
    Hold,
    JobEvent,
    JobRecord,
    JobState,
    Mode,
    TenantState,
)


class View(BaseModel):
    """Something shown; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def time_of(seconds: float | None) -> datetime | None:
    """Seconds since the epoch as a time in UTC; None and 0 ("at once") as None."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


class Trouble(View):
    """What stood in the way."""

    kind: str = Field(description="refused, failed, uncertain, poison or expired.", examples=["failed"])
    code: str = Field(description="Stable code, see errors.md.", examples=["unresolved-names"])
    message: str = Field(description="In words.", examples=["The tenant has no project '24-999'."])


class JobView(View):
    """One job of the queue."""

    id: int = Field(description="The job's number.", examples=[417])
    tenant: str = Field(description="Whose Directory.", examples=["northwind"])
    person: str | None = Field(description="Address of the person; null for a snapshot.", examples=["ana@example.com"])
    action: str = Field(description="What is to be done.", examples=["provision"])
    state: JobState = Field(description="Where the job is.", examples=["queued"])
    hold: Hold | None = Field(description="Why a queued job waits for a person.", examples=[None])
    hold_reason: str = Field(description="That reason in words.", examples=[""])
    hold_data: dict[str, Any] = Field(description="The plan that waits, or the instructions of a hand-over.")
    priority: int = Field(description="Smaller is sooner: 10 offboard, 30 revoke, 50 the rest, 90 bulk.", examples=[50])
    batch: str | None = Field(description="What was submitted together.", examples=["joiners-2026-11"])
    key: str | None = Field(description="The idempotency key.", examples=["hr-2026-00417-provision"])
    created_by: str = Field(description="Who submitted it.", examples=["hr-feed"])
    created_at: datetime = Field(description="When it was accepted.")
    not_before: datetime | None = Field(description="Not run before this; null is at once.", examples=[None])
    needed_by: datetime | None = Field(description="When it must be done at the latest.", examples=[None])
    not_after: datetime | None = Field(
        description="Given up if nothing was written by then; null is never.", examples=[None]
    )
    started_at: datetime | None = Field(description="When its last run began.", examples=[None])
    finished_at: datetime | None = Field(description="When it ended.", examples=[None])
    checking: bool = Field(description="The next run only reads: whether the wish is fulfilled.", examples=[False])
    attempt: int = Field(description="Runs that counted so far.", examples=[0])
    max_attempts: int = Field(description="Runs after which it is dead.", examples=[8])
    cancelling: bool = Field(description="Somebody asked to cancel it while it runs.", examples=[False])
    superseded_by: int | None = Field(description="The offboarding that made it pointless.", examples=[None])
    approved_by: str | None = Field(description="Who approved it.", examples=[None])
    progress: dict[str, Any] = Field(description="The step under way, or the last one.")
    result: dict[str, Any] = Field(description="The outcome of the last run.")
    trouble: Trouble | None = Field(description="What stood in the way of the last run.")
    evidence: str | None = Field(description="Evidence folder of the last run, on the agent's machine.")
    job: dict[str, Any] | None = Field(
        default=None, description="The job as submitted; only where one job is asked for."
    )

    @classmethod
    def of(cls, record: JobRecord, *, whole: bool = False) -> JobView:
        """The view of a record; ``whole`` with the job itself."""
        return cls(
            id=record.id,
            tenant=record.tenant,
            person=None if record.person == SNAPSHOT_PERSON else record.person,
            action=record.op,
            state=record.state,
            hold=record.hold,
            hold_reason=record.hold_reason,
            hold_data=dict(record.hold_data),
            priority=record.priority,
            batch=record.batch,
            key=record.request_key,
            created_by=record.created_by,
            created_at=datetime.fromtimestamp(record.created_at, UTC),
            not_before=time_of(record.not_before),
            needed_by=time_of(record.needed_by),
            not_after=time_of(record.give_up_at),
            started_at=time_of(record.started_at),
            finished_at=time_of(record.finished_at),
            checking=record.mode is Mode.CHECK,
            attempt=record.attempt,
            max_attempts=record.max_attempts,
            cancelling=record.cancel,
            superseded_by=record.superseded_by,
            approved_by=record.approved_by,
            progress=dict(record.progress),
            result=dict(record.result),
            trouble=_trouble(record),
            evidence=record.evidence,
            job=dict(record.args) if whole else None,
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing is to come any more, unless somebody redrives it."""
        return not self.state.is_live


def _trouble(record: JobRecord) -> Trouble | None:
    if record.error_kind is None:
        return None
    return Trouble(kind=record.error_kind, code=record.error_code or "", message=record.error or "")


class JobList(View):
    """Jobs by number; ``next_after`` continues the list where there are more."""

    jobs: tuple[JobView, ...]
    next_after: int | None = Field(default=None, description="Value of `after` for the next page.", examples=[None])


class EventView(View):
    """One line of a job's history."""

    at: datetime = Field(description="When.")
    kind: str = Field(description="What happened.", examples=["claimed"])
    attempt: int = Field(description="In which run.", examples=[1])
    data: dict[str, Any] = Field(description="Particulars.")

    @classmethod
    def of(cls, event: JobEvent) -> EventView:
        """The view of an event."""
        at = datetime.fromtimestamp(event.at, UTC)
        return cls(at=at, kind=event.kind, attempt=event.attempt, data=dict(event.data))


class EventList(View):
    """A job's history, oldest first."""

    events: tuple[EventView, ...]


class Receipt(View):
    """One job is accepted: it is on disk."""

    id: int = Field(description="The job's number.", examples=[417])
    key: str | None = Field(description="The idempotency key.", examples=["hr-2026-00417-provision"])
    joined: bool = Field(description="The wish was in the queue already; nothing was added.", examples=[False])
    superseded: tuple[int, ...] = Field(description="Jobs that this one made pointless.", examples=[[]])

    @classmethod
    def of(cls, accepted: Accepted) -> Receipt:
        """The view of the queue's receipt."""
        return cls(id=accepted.id, key=accepted.request_key, joined=accepted.joined, superseded=accepted.superseded)


class Receipts(View):
    """What became of a batch: all of it was accepted."""

    batch: str | None = Field(description="The batch's name.", examples=["joiners-2026-11"])
    jobs: tuple[Receipt, ...]


class PreviewRow(View):
    """What accepting one job would mean; nothing was put into the queue."""

    place: str = Field(description="Where it was read.", examples=["people.csv line 2"])
    tenant: str = Field(description="Whose Directory.", examples=["northwind"])
    action: str = Field(description="What is to be done.", examples=["provision"])
    person: str | None = Field(description="Whom.", examples=["ana@example.com"])
    gist: str = Field(description="The wish in a few words.", examples=["Field Staff, 2 projects, invitation"])
    priority: int = Field(description="Smaller is sooner.", examples=[50])
    waits_for: tuple[int, ...] = Field(description="Jobs of the person that come first.", examples=[[]])
    supersedes: tuple[int, ...] = Field(description="Jobs that would become pointless.", examples=[[]])


class Preview(View):
    """What accepting the batch would mean."""

    jobs: tuple[PreviewRow, ...]


class TenantView(View):
    """A tenant as the queue sees it."""

    name: str = Field(description="The tenant.", examples=["northwind"])
    max_running: int = Field(description="Jobs at once.", examples=[2])
    paused: bool = Field(description="Whether no job is started.", examples=[False])
    why: str = Field(description="Why it is paused.", examples=[""])
    paused_by: str = Field(description="`breaker` (the agent itself), or a person.", examples=[""])
    until: datetime | None = Field(
        description="When the pause ends by itself; null: a person ends it.", examples=[None]
    )

    @classmethod
    def of(cls, state: TenantState) -> TenantView:
        """The view of a tenant."""
        return cls(
            name=state.name,
            max_running=state.max_running,
            paused=state.paused,
            why=state.why,
            paused_by=state.paused_by,
            until=time_of(state.not_before),
        )


class DepthView(View):
    """How many jobs of a tenant are in a state at a priority."""

    tenant: str
    priority: int
    state: JobState
    held: bool
    count: int
    oldest_at: datetime | None = Field(description="Since when the oldest is due.")


class RunningView(View):
    """A job under way."""

    id: int
    tenant: str
    person: str | None
    action: str
    started_at: datetime | None
    progress: dict[str, Any]


class Leave(View):
    """Whether one more person may be inactivated: at once, and then it is counted, or after an approval."""

    approvals: tuple[ApprovalNeeded, ...] = Field(description="Why somebody has to say yes first; empty: go ahead.")


class OverdueView(View):
    """Access whose end has passed and that is still there."""

    grant: int = Field(description="Its number.", examples=[7])
    tenant: str = Field(description="Whose Directory.", examples=["northwind"])
    person: str = Field(description="Whose access.", examples=["ana@example.com"])
    kind: str = Field(description="account or project.", examples=["project"])
    what: dict[str, Any] = Field(description="Which project.")
    ended_at: datetime | None = Field(description="When it should have ended.")
    job: int | None = Field(description="The job that should take it away.", examples=[418])
    state: JobState | None = Field(description="How that job stands.", examples=["cancelled"])

    @classmethod
    def of(cls, grant: Grant, job: JobRecord | None) -> OverdueView:
        """The view of a grant that overstays."""
        return cls(
            grant=grant.id,
            tenant=grant.tenant,
            person=grant.person,
            kind=grant.kind,
            what=dict(grant.what),
            ended_at=time_of(grant.expires_at),
            job=job.id if job is not None else None,
            state=job.state if job is not None else None,
        )


class FlowView(View):
    """One way of writing, as it is in one tenant."""

    tenant: str = Field(description="The tenant.", examples=["northwind"])
    flow: str = Field(description="The flow.", examples=["add_user"])
    state: FlowHealth = Field(description="healthy, degraded or quarantined.", examples=["quarantined"])
    since: datetime | None = Field(None, description="Since when; null: nothing was ever said of it.")
    by: str = Field("", description="worker, probe, or a person.", examples=["worker"])
    why: str = Field("", description="In words.")
    code: str = Field("", description="Stable code, see errors.md.", examples=["shape-changed"])
    region: str = Field("", description="The part of the page.", examples=["add_user.form"])
    findings: tuple[str, ...] = Field((), description="What was not as known, the worst first.")
    generation: str = Field("", description="Of the pages.", examples=["legacy"])
    evidence: str = Field("", description="Evidence folder, on the agent's machine.")
    job: int | None = Field(None, description="The job that met it.", examples=[417])
    succeeded_at: datetime | None = Field(None, description="The last write that was kept.")
    looks_well_at: datetime | None = Field(None, description="Seen as known since it was quarantined: look, release.")


class ProbeView(View):
    """The last nightly look at a tenant's flows; it wrote nothing."""

    tenant: str = Field(description="The tenant.", examples=["northwind"])
    at: datetime = Field(description="When it began.")
    succeeded_at: datetime | None = Field(description="When one last came to its end.")
    healthy: int = Field(description="Flows as known.", examples=[13])
    degraded: int = Field(description="Flows with changes that no write depends on.", examples=[0])
    dangerous: int = Field(description="Flows where a write could mean something else.", examples=[0])
    unvisited: int = Field(description="Flows that could not be looked at.", examples=[1])
    changed: tuple[str, ...] = Field(description="The flows that are not quite as known, the worst first.")
    trouble: str = Field("", description="Why it did not come to its end.")

    @classmethod
    def of(cls, report: ProbeReport, succeeded_at: datetime | None) -> ProbeView:
        """The view of a report."""
        trouble = report.trouble
        return cls(
            tenant=report.tenant,
            at=report.at,
            succeeded_at=succeeded_at,
            healthy=report.count(Verdict.HEALTHY),
            degraded=report.count(Verdict.DEGRADED),
            dangerous=report.count(Verdict.DANGEROUS),
            unvisited=report.count(Verdict.UNVISITED),
            changed=tuple(flow.flow for flow in report.changed),
            trouble=f"{trouble.code}: {trouble.message}" if trouble is not None else "",
        )


class Status(View):
    """The agent at a glance."""

    version: str = Field(examples=["0.3.0"])
    agent_runs: bool = Field(description="False when the command line looked into the queue by itself.")
    draining: bool = Field(default=False, description="The agent is stopping: it takes no more jobs.")
    no_room: str = Field(default="", description="Why no job is started, for want of room for evidence.")
    started_at: datetime | None = Field(default=None, description="When this agent was started.")
    tenants: tuple[TenantView, ...]
    depths: tuple[DepthView, ...]
    running: tuple[RunningView, ...]
    flows: tuple[FlowView, ...] = Field(default=(), description="Flows that are degraded or quarantined.")
    probes: tuple[ProbeView, ...] = Field(default=(), description="The last probe of each tenant that has had one.")
    overdue: tuple[OverdueView, ...] = Field(default=(), description="Access that has outlived its end.")
    worker: dict[str, Any] = Field(default_factory=dict, description="Browser and sessions.")
    inbox_trouble: str = Field(default="", description="Why the inbox cannot work at present.")

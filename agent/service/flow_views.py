"""What the interface shows of flows: how each is in each tenant, how it came to that, and what waits because of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.queue.record import FlowEvent, FlowHealth, FlowReport, FlowState
from agent.service.views import FlowView, View

MOST_WORDS, MOST_FINDINGS = 2000, 100  #: of what a command tells of a flow


class FlowList(View):
    """Every way of writing, in every tenant that was asked for."""

    flows: tuple[FlowView, ...]


class FlowEventView(View):
    """One line of a flow's history."""

    at: datetime = Field(description="When.")
    state: FlowHealth = Field(description="What it was from then on.", examples=["quarantined"])
    by: str = Field(description="worker, probe, or a person.", examples=["worker"])
    why: str = Field(description="In words.")
    code: str = Field(description="Stable code, see errors.md.", examples=["shape-changed"])
    region: str = Field(description="The part of the page.", examples=["add_user.form"])
    findings: tuple[str, ...] = Field(description="What was not as known.")
    generation: str = Field(description="Of the pages.", examples=["legacy"])
    evidence: str = Field(description="Evidence folder, on the agent's machine.")
    job: int | None = Field(description="The job that met it.", examples=[417])

    @classmethod
    def of(cls, event: FlowEvent) -> FlowEventView:
        """The view of an event."""
        return cls(
            at=datetime.fromtimestamp(event.at, UTC),
            state=event.state,
            by=event.by,
            why=event.why,
            code=event.code,
            region=event.region,
            findings=event.findings,
            generation=event.generation,
            evidence=event.evidence,
            job=event.job_id,
        )


class FlowHistory(View):
    """One flow with its history, newest first, and the jobs that wait for a person because of it."""

    flow: FlowView
    events: tuple[FlowEventView, ...]
    waiting_jobs: tuple[int, ...] = Field(description="Numbers of jobs that were handed over for want of it.")


class FlowReleased(View):
    """A flow is used again."""

    flow: FlowView
    waiting_jobs: tuple[int, ...] = Field(
        description="Jobs that were handed over for want of it: `retry` each, or `resolve` what was done by hand."
    )


class FlowSeen(BaseModel):
    """What a job outside the queue, or a probe, has found of a flow. It never ends a quarantine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: FlowHealth = Field(description="How it was found.", examples=["degraded"])
    source: Literal["run-job", "probe"] = Field(description="Which command has looked.", examples=["probe"])
    why: str = Field("", max_length=MOST_WORDS, description="In words.")
    code: str = Field("", max_length=60, description="Stable code, see errors.md.", examples=["shape-changed"])
    region: str = Field("", max_length=120, description="The part of the page.", examples=["add_user.form"])
    findings: tuple[str, ...] = Field(
        (), max_length=MOST_FINDINGS, description="What was not as known, the worst first."
    )
    generation: str = Field("", max_length=40, description="Of the pages.", examples=["legacy"])
    evidence: str = Field("", max_length=4096, description="Evidence folder.")
    wrote: bool = Field(False, description="A write went through it and was kept.")
    suspicion: bool = Field(False, description="Perhaps this once only: quarantined when another job says the same.")

    def report(self, flow: str, by: str) -> FlowReport:
        """As the queue takes it."""
        told_by = by if self.source == "run-job" else f"{self.source} ({by})"
        return FlowReport(flow=flow, by=told_by, **self.model_dump(exclude={"source"}))


def flow_view(state: FlowState) -> FlowView:
    """The view of a flow of which something is on record."""
    return FlowView(
        tenant=state.tenant,
        flow=state.flow,
        state=state.state,
        since=_time(state.since),
        by=state.by,
        why=state.why,
        code=state.code,
        region=state.region,
        findings=state.findings,
        generation=state.generation,
        evidence=state.evidence,
        job=state.job_id,
        succeeded_at=_time(state.succeeded_at),
        looks_well_at=_time(state.looks_well_at),
    )


def never_used(tenant: str, flow: str) -> FlowView:
    """The view of a flow of which nobody has said anything: taken for healthy."""
    return FlowView(tenant=tenant, flow=flow, state=FlowHealth.HEALTHY)


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None

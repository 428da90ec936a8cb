"""Flows as the worker keeps them: which may not be used now, and what a run has to say of those that it used."""

from __future__ import annotations

from collections.abc import Mapping

from agent.execute.needed_flows import Quarantined
from agent.execute.outcome import Outcome
from agent.queue.interface import Queue
from agent.queue.record import WORKER, FlowHealth, FlowReport


def quarantined_in(queue: Queue, tenant: str) -> Quarantined:
    """Asks the queue, each time anew, which flows of the tenant are quarantined."""

    async def ask() -> Mapping[str, str]:
        states = await queue.flow_states(tenant)
        return {item.flow: item.why for item in states if item.state is FlowHealth.QUARANTINED}

    return ask


def reports_of(
    outcome: Outcome, *, by: str = WORKER, evidence: str = "", job_id: int | None = None
) -> tuple[FlowReport, ...]:
    """What this run has found of its flows, for the record."""
    return tuple(
        FlowReport(
            flow=use.flow,
            state=FlowHealth(use.state),
            by=by,
            why=use.why,
            code=use.code,
            region=use.region,
            findings=use.findings,
            generation=use.generation,
            evidence=evidence if use.state != "healthy" else "",
            job_id=job_id if use.state != "healthy" else None,
            wrote=use.wrote,
            suspicion=use.suspicion,
        )
        for use in outcome.flows
    )

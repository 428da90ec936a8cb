"""The part of the desk that looks after flows: how they are, taken out of use and released by people, told by machines.

Every function may raise AgentError; a flow or tenant that is not known is refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from agent.errors import Mender, Refused
from agent.execute.needed_flows import WRITING_FLOWS
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import FlowHealth, FlowReport, Hold, JobState
from agent.service.flow_views import (
    FlowEventView,
    FlowHistory,
    FlowList,
    FlowReleased,
    FlowSeen,
    flow_view,
    never_used,
)
from agent.service.views import FlowView

_PAGE = 500


def known_flow(name: str) -> str:
    """The name, if a flow has it. Raises Refused("unknown-flow")."""
    if name in WRITING_FLOWS:
        return name
    near = get_close_matches(name, WRITING_FLOWS, n=1)
    raise Refused(
        "unknown-flow",
        f"There is no flow {name!r}." + (f" Did you mean {near[0]}?" if near else ""),
        expected=", ".join(WRITING_FLOWS),
        seen=name,
        mender=Mender.OPERATOR,
    )


async def flow_list(queue: Queue, tenant: str | None) -> FlowList:
    """All flows of all tenants, or of one."""
    names = [state.name for state in await queue.tenants() if tenant in (None, state.name)]
    if tenant is not None and not names:
        raise Refused("unknown-tenant", f"The queue knows no tenant {tenant!r}.", mender=Mender.OPERATOR)
    found = {(state.tenant, state.flow): flow_view(state) for state in await queue.flow_states(tenant)}
    return FlowList(
        flows=tuple(
            found.get((name, flow)) or never_used(name, flow) for name in sorted(names) for flow in WRITING_FLOWS
        )
    )


async def flow_history(queue: Queue, tenant: str, flow: str) -> FlowHistory:
    """One flow with all that is known of it."""
    shown = {view.flow: view for view in (await flow_list(queue, tenant)).flows}
    view = shown[known_flow(flow)]
    events = await queue.flow_events(tenant, flow)
    return FlowHistory(
        flow=view,
        events=tuple(FlowEventView.of(event) for event in events),
        waiting_jobs=await waiting_for(queue, tenant, flow),
    )


async def waiting_for(queue: Queue, tenant: str, flow: str) -> tuple[int, ...]:
    """The jobs that wait for a person for want of this flow."""
    which = JobFilter(tenant=tenant, states=frozenset({JobState.QUEUED}), held=True, limit=_PAGE)
    found: list[int] = []
    while True:
        page = await queue.jobs(which)
        found += [job.id for job in page if job.hold is Hold.HAND_OVER and flow in job.hold_data.get("flows", ())]
        if len(page) < _PAGE:
            return tuple(found)
        which = replace(which, after_id=page[-1].id)


async def quarantine(queue: Queue, tenant: str, flow: str, by: str, why: str) -> FlowView:
    """A person takes a flow out of use."""
    told = FlowReport(known_flow(flow), FlowHealth.QUARANTINED, by, why, code="by-hand")
    return flow_view(await queue.set_flow_state(tenant, told))


async def release(queue: Queue, tenant: str, flow: str, by: str, why: str) -> FlowReleased:
    """A person has looked, and puts it into use again."""
    released = await queue.release_flow(tenant, known_flow(flow), by, why)
    return FlowReleased(flow=flow_view(released), waiting_jobs=await waiting_for(queue, tenant, flow))


async def seen(queue: Queue, tenant: str, flow: str, by: str, found: FlowSeen) -> FlowView:
    """A command of this machine has looked at a flow, or written through it."""
    return flow_view(await queue.set_flow_state(tenant, found.report(known_flow(flow), by)))

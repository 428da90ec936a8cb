"""A workplace on the sandbox, and a person and a project that are there for the probe alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from agent.probe.gate import ProbeGate
from agent.probe.probe import Probe
from agent.probe.report import FlowProbe, ProbeReport
from agent.probe.walks import WALKS
from agent.settings.probe import TenantProbe
from flows.names import Flow
from tests.browser.conftest import Sandbox
from tests.browser.jobs.conftest import ENGINEER, Desk, desk, warm_browser

__all__ = ["desk", "warm_browser"]

PERSON = "probe.person@example.com"
INACTIVE = "priya.raman@example.com"

Look = Callable[..., Awaitable[ProbeReport]]


def truth(sandbox: Sandbox) -> Any:
    """All that a write could change: the world, and the mails that were sent."""
    return sandbox.get("/state")["companies"], sandbox.get("/outbox"), sandbox.get("/events")


def writes(sandbox: Sandbox) -> list[str]:
    """Requests to the app host that were not reading ones."""
    return [
        f"{item['method']} {item['path']}"
        for item in sandbox.get("/requests")
        if item["host"] == "app" and item["method"] not in ("GET", "HEAD")
    ]


def found(report: ProbeReport, flow: Flow) -> FlowProbe:
    """What a report says of a flow."""
    return next(item for item in report.flows if item.flow == flow)


@pytest.fixture
async def look(desk: Desk) -> AsyncIterator[Look]:
    """Probe the tenant once, signed in before."""
    desk.put(PERSON, values={"first_name": "Pro", "last_name": "Be"}, memberships={"24-001": ENGINEER})
    first, _ = desk.place.probing("sandbox", ProbeGate())
    await first.open()  # the sign-in shows in the world; what comes after finds the session as it was kept
    await first.close()
    sessions = []

    async def looked(
        flows: Sequence[Flow] = tuple(WALKS),
        person: str | None = PERSON,
        inactive: str | None = INACTIVE,
        most_page_loads: int = 500,
    ) -> ProbeReport:
        gate = ProbeGate()
        session, account = desk.place.probing("sandbox", gate)
        sessions.append(session)
        await session.open()
        desk.sandbox.forget_requests()
        named = TenantProbe(person=person, inactive_person=inactive, project=None)
        return await Probe("sandbox", session, gate, account, named, most_page_loads, flows).run()

    yield looked
    for session in sessions:
        await session.close()

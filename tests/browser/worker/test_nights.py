"""The canary's night in a worker at work: begun by itself, beside a job, and seen by whoever looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from agent.probe.report import KeptProbes
from agent.queue.record import PROBE, FlowHealth
from agent.service.desk import QueueDesk
from agent.service.operators import Operators
from agent.settings.probe import ProbeSettings, TenantProbe
from tests.browser.flows.conftest import options_of
from tests.browser.jobs.conftest import ENGINEER
from tests.browser.worker.conftest import PATIENCE_S, Hall, all_done, provisioning

PERSON = "probe.person@example.com"


async def _until_all_is_on_record(hall: Hall) -> None:
    """The last flow that a probe looks at."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if "group_edit" in {state.flow for state in await hall.queue.flow_states("sandbox")}:
                return
            await asyncio.sleep(0.2)


async def test_a_night_run_shows_in_the_status_and_takes_a_changed_flow_out_of_use(hall: Hall) -> None:
    """Due since yesterday: begun at the first look, on the worker's own sign-in; a job that comes goes on beside it."""
    hall.sandbox.post(
        "/people",
        [{"email_address": PERSON, "values": {"last_name": "Be"}, "memberships": {"24-001": ENGINEER}}],
    )
    tenant = hall.settings.tenants["sandbox"].model_copy(update={"probe": TenantProbe(person=PERSON)})
    update = {"probe": ProbeSettings(at="02:30", jitter_minutes=0), "tenants": {"sandbox": tenant}}
    hall.settings = hall.settings.model_copy(update=update)
    kept = KeptProbes(hall.settings.paths.state)
    kept.since("sandbox", datetime.now(UTC) - timedelta(days=2))  # thought of two days ago, and not come about yet
    with options_of(hall.sandbox, drift={"only": ["save_buttons_swapped"]}):
        async with hall.working() as worker:
            await worker.probe()
            (number,) = await hall.submit(provisioning(1, invitation=False))
            await _until_all_is_on_record(hall)
            records = await hall.until_over(number)

    assert all_done(records)
    report = kept.last("sandbox")
    assert report is not None
    assert report.trouble is None
    states = {state.flow: state for state in await hall.queue.flow_states("sandbox")}
    assert states["edit_user"].state is FlowHealth.QUARANTINED
    assert states["edit_user"].by == PROBE
    assert states["inactivate"].state is FlowHealth.HEALTHY
    assert hall.passwords_typed() == 1, "the probe and the job share one sign-in"
    status = await QueueDesk(hall.settings, hall.queue, "helen", Operators(hall.settings.paths.state)).status()
    (shown,) = status.probes
    assert (shown.tenant, shown.succeeded_at, shown.changed[0]) == ("sandbox", report.at, "edit_user")
    assert "edit_user" in {flow.flow for flow in status.flows}

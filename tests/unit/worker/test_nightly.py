"""The canary's nights: begun when due, put on record flow by flow, and never in the way of work."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.errors import Failed
from agent.probe.gate import ProbeGate
from agent.probe.report import FlowProbe, KeptProbes, ProbeReport, Trouble, Verdict
from agent.queue.record import PROBE, FlowHealth
from agent.settings.probe import ProbeSettings
from agent.worker import nightly
from agent.worker.nightly import NightProbes
from agent.worker.telemetry import NoTelemetry
from tests.unit.worker.conftest import Bench

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
NIGHT = datetime(2026, 11, 23, 2, 30, tzinfo=UTC).timestamp()
DAY = 86_400.0


class Figures(NoTelemetry):
    """What was counted last."""

    last: tuple[str, float, int] | None = None
    failed: bool | None = None

    def probe_seen(self, tenant: str, succeeded_at: float, findings: int, *, failed: bool) -> None:
        self.last, self.failed = (tenant, succeeded_at, findings), failed


class Night:
    """Probes that find what the test says, and a clock that is set by hand."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.now = NOON
        self.began: list[float] = []
        self.flows: tuple[FlowProbe, ...] = (FlowProbe(flow="add_user", verdict=Verdict.HEALTHY),)
        self.trouble: Trouble | None = None
        self.gate: Any = None
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.at_work: set[str] = set()
        self.paused: list[str] = []
        self.figures = Figures()
        shop = bench.shop
        shop.clock = lambda: self.now
        shop.telemetry = self.figures
        night = self

        class Found:
            def __init__(self, tenant: str, session: Any, gate: Any, *_: Any, **__: Any) -> None:
                self.tenant = tenant
                night.gate = gate

            async def run(self) -> ProbeReport:
                night.began.append(night.now)
                await night.may_end.wait()
                at = datetime.fromtimestamp(night.now, UTC)
                return ProbeReport(tenant=self.tenant, at=at, flows=night.flows, trouble=night.trouble)

        monkeypatch.setattr(nightly, "Probe", Found)
        self.settings(at="02:30", jitter_minutes=0)
        self.probes = NightProbes(shop, lambda: self.at_work, self.paused.append)

    def settings(self, **probe: Any) -> None:
        """Other settings of the probe."""
        shop = self.bench.shop
        shop.settings = shop.settings.model_copy(update={"probe": ProbeSettings(**probe)})

    async def look(self, at: float) -> int:
        """Look at this time, and wait for what was begun; how many probes there were so far."""
        self.now = at
        await self.probes.look()
        await self.probes.wait()
        return len(self.began)

    async def told(self) -> list[tuple[str, str]]:
        """Kind and code of each notice about a probe as a whole."""
        notices = await self.bench.queue.notices_due()
        return [(item.kind, item.data["code"]) for item in notices if item.kind != "flow"]

    async def states(self) -> dict[str, FlowHealth]:
        """How the flows stand in the queue."""
        return {item.flow: item.state for item in await self.bench.queue.flow_states("sandbox")}


@pytest.fixture
def night(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Night:
    """The first look was at noon."""
    return Night(bench, monkeypatch)


async def test_it_begins_in_the_night_and_once(night: Night) -> None:
    """However often one looks; the next one a day later."""
    assert await night.look(NOON) == 0
    assert await night.look(NIGHT - 1) == 0
    assert await night.look(NIGHT) == 1
    assert await night.look(NIGHT + 60) == 1
    assert await night.look(NIGHT + DAY - 1) == 1
    assert await night.look(NIGHT + DAY) == 2
    assert isinstance(night.gate, ProbeGate)


async def test_a_restart_neither_forgets_nor_repeats(night: Night) -> None:
    """What is remembered stands on disk."""
    await night.look(NOON)
    await night.look(NIGHT)
    night.probes = NightProbes(night.bench.shop, lambda: night.at_work, night.paused.append)
    assert await night.look(NIGHT + 120) == 1


async def test_nights_that_were_missed_are_made_up_for_by_one(night: Night) -> None:
    """A week of downtime."""
    await night.look(NOON)
    assert await night.look(NIGHT + 7 * DAY + 3600) == 1
    assert await night.look(NIGHT + 7 * DAY + 7200) == 1


async def test_where_it_is_switched_off_nothing_begins(night: Night) -> None:
    """By hand it can be started all the same."""
    night.settings(at="never")
    await night.look(NOON)
    assert await night.look(NIGHT + DAY) == 0


async def test_it_waits_for_the_work_of_its_tenant(night: Night) -> None:
    """And begins when that is done."""
    await night.look(NOON)
    night.at_work = {"sandbox"}
    assert await night.look(NIGHT) == 0
    night.at_work = set()
    assert await night.look(NIGHT + 60) == 1


async def test_a_paused_tenant_is_left_alone(night: Night) -> None:
    """Whatever the reason of the pause, a person is looking."""
    await night.look(NOON)
    await night.bench.queue.pause("sandbox", "helen", "the account is being changed")
    assert await night.look(NIGHT) == 0
    await night.bench.queue.resume("sandbox", "helen")
    assert await night.look(NIGHT + 60) == 1


async def test_an_agent_that_stops_begins_none_and_ends_the_one_under_way(night: Night) -> None:
    """It comes again after the next start."""
    await night.look(NOON)
    night.may_end.clear()
    night.now = NIGHT
    await night.probes.look()
    await asyncio.sleep(0)
    await night.probes.stop()
    night.bench.shop.draining.asked = True
    night.may_end.set()
    begun = await night.look(NIGHT + 60)
    assert begun <= 1
    assert KeptProbes(night.bench.shop.settings.paths.state).last("sandbox") is None


async def test_a_danger_takes_the_flow_out_of_use_and_people_are_told_once(night: Night) -> None:
    """Before a leaver meets it."""
    night.flows = (
        FlowProbe(flow="inactivate", verdict=Verdict.DANGEROUS, code="shape-changed", findings=("other words",)),
    )
    await night.look(NOON)
    await night.look(NIGHT)
    await night.look(NIGHT + DAY)

    (state,) = await night.bench.queue.flow_states("sandbox")
    assert (state.flow, state.state, state.by, state.findings) == (
        "inactivate",
        FlowHealth.QUARANTINED,
        PROBE,
        ("other words",),
    )
    assert len(await night.bench.queue.flow_events("sandbox", "inactivate")) == 1
    assert night.figures.last == ("sandbox", NIGHT + DAY, 1)


async def test_where_the_settings_say_so_a_danger_is_only_told(night: Night) -> None:
    """Some would rather have the job stop."""
    night.settings(at="02:30", jitter_minutes=0, quarantine=False)
    night.flows = (FlowProbe(flow="inactivate", verdict=Verdict.DANGEROUS, code="shape-changed"),)
    await night.look(NOON)
    await night.look(NIGHT)

    assert await night.states() == {"inactivate": FlowHealth.DEGRADED}


async def test_a_flow_that_is_well_again_is_proposed_and_not_released(night: Night) -> None:
    """Releasing is for a person who has looked."""
    night.flows = (FlowProbe(flow="invite", verdict=Verdict.DANGEROUS, code="shape-changed"),)
    await night.look(NOON)
    await night.look(NIGHT)
    night.flows = (FlowProbe(flow="invite", verdict=Verdict.HEALTHY),)
    await night.look(NIGHT + DAY)

    (state,) = await night.bench.queue.flow_states("sandbox")
    assert state.state is FlowHealth.QUARANTINED
    assert state.looks_well_at is not None


async def test_a_probe_that_fails_is_tried_again_after_an_hour(night: Night) -> None:
    """Not every minute; and its last success stays what it was."""
    night.trouble = Trouble(code="service-error", message="Procore answers with an error page.")
    await night.look(NOON)
    assert await night.look(NIGHT) == 1
    assert await night.look(NIGHT + 600) == 1
    night.trouble = None
    assert await night.look(NIGHT + 3601) == 2
    assert await night.look(NIGHT + 7300) == 2
    assert night.figures.last == ("sandbox", NIGHT + 3601, 0)
    assert night.paused == []


async def test_a_rejected_sign_in_pauses_the_tenant(night: Night) -> None:
    """The next one to try could lock the account; whoever resumes has looked."""
    night.trouble = Trouble(code="password-rejected", message="Procore rejected the password.")
    await night.look(NOON)
    await night.look(NIGHT)

    (state,) = await night.bench.queue.tenants()
    assert state.paused
    assert "password-rejected" in state.why
    assert night.paused == ["sandbox"]
    assert await night.told() == [("paused", "password-rejected")]
    assert await night.look(NIGHT + DAY) == 1


async def test_a_session_that_cannot_be_had_is_no_end_of_the_agent(night: Night) -> None:
    """Credentials that are missing: it stands as the last probe, people are told, and it is tried again later."""
    night.bench.shop.trouble = Failed("credentials-missing", "No credentials are stored.")
    await night.look(NOON)
    assert await night.look(NIGHT) == 0
    last = KeptProbes(night.bench.shop.settings.paths.state).last("sandbox")
    assert last is not None
    assert last.trouble == Trouble(code="credentials-missing", message="No credentials are stored.")
    assert await night.told() == [("probe", "credentials-missing")]
    assert night.figures.failed is True
    night.bench.shop.trouble = None
    assert await night.look(NIGHT + 3601) == 1
    assert night.figures.failed is False


async def test_a_probe_that_fails_is_told_once_a_day_and_cause(night: Night) -> None:
    """An outage of a night is one notice, not one an hour; another cause is another one."""
    night.trouble = Trouble(code="service-error", message="Procore answers with an error page.")
    await night.look(NOON)
    await night.look(NIGHT)
    await night.look(NIGHT + 3700)
    assert await night.told() == [("probe", "service-error")]
    night.trouble = Trouble(code="probe-too-long", message="It was given up.")
    await night.look(NIGHT + 7400)
    await night.look(NIGHT + DAY)
    assert await night.told() == [("probe", code) for code in ("service-error", "probe-too-long", "probe-too-long")]

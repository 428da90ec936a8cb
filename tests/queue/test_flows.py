"""The state of each way of writing, for both adapters: who may change it, what is kept of it, who is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import Refused
from agent.queue.ending import Done, Ending, Held
from agent.queue.interface import ClaimLost, NotPossibleNow, Queue
from agent.queue.ledger import flows as ledger_flows
from agent.queue.record import PROBE, WORKER, FlowHealth, FlowReport, Hold
from tests.queue.places import NOON, Place
from tests.queue.wishes import TROUBLE, wish

pytestmark = pytest.mark.asyncio

WELL = FlowReport("add_user", FlowHealth.HEALTHY, WORKER, generation="legacy", wrote=True)
CHANGED = FlowReport(
    "add_user",
    FlowHealth.QUARANTINED,
    WORKER,
    "Two labels are swapped.",
    "shape-changed",
    "add_user.form",
    ("swapped: last_name, first_name",),
    "legacy",
    "/evidence/1",
    1,
)
RENAMED = replace(CHANGED, state=FlowHealth.DEGRADED, code="shape-degraded", findings=("renamed: fax_number",))


async def lines(queue: Queue) -> list[tuple[str, str]]:
    """The history of Add User, oldest first."""
    return [(event.state.value, event.by) for event in reversed(await queue.flow_events("north", "add_user"))]


async def subjects(queue: Queue) -> list[str]:
    """What the mail channel is told."""
    return [notice.subject for notice in await queue.notices_due(100) if notice.channel == "webhook:desk"]


async def test_a_flow_of_which_nothing_was_said_has_no_state(queue: Queue) -> None:
    """And a first good word is no change."""
    assert await queue.flow_states() == ()
    state = await queue.set_flow_state("north", WELL)
    assert (state.state, state.succeeded_at, state.generation) == (FlowHealth.HEALTHY, NOON, "legacy")
    assert await lines(queue) == []


async def test_a_quarantine_is_kept_with_all_that_a_person_needs_to_judge_it(place: Place, queue: Queue) -> None:
    """Also by the next process, and of this tenant alone."""
    await queue.set_flow_state("north", CHANGED)
    await place.die(queue)
    after = await place.open({"north": 2, "south": 1})
    (state,) = await after.flow_states("north")
    assert await after.flow_states("south") == ()
    assert (state.state, state.since, state.by, state.why) == (FlowHealth.QUARANTINED, NOON, WORKER, CHANGED.why)
    assert (state.code, state.region, state.findings) == (CHANGED.code, CHANGED.region, CHANGED.findings)
    assert (state.evidence, state.job_id, state.generation) == ("/evidence/1", 1, "legacy")
    assert await lines(after) == [("quarantined", "worker")]


@pytest.mark.parametrize("said", [WELL, replace(WELL, by=PROBE, wrote=False), RENAMED, replace(WELL, by="mia")])
async def test_only_a_release_ends_a_quarantine(place: Place, queue: Queue, said: FlowReport) -> None:
    """Whoever says that all is well, a probe or a job that was on its way, proposes it at most."""
    await queue.set_flow_state("north", CHANGED)
    place.clock.now += 60
    state = await queue.set_flow_state("north", said)
    assert (state.state, state.since) == (FlowHealth.QUARANTINED, NOON)
    assert state.looks_well_at == (NOON + 60 if said.state is FlowHealth.HEALTHY else None)
    assert await lines(queue) == [("quarantined", "worker")]


async def test_a_release_says_who_and_why(place: Place, queue: Queue) -> None:
    """The last success stays on record, the finding goes into the history."""
    await queue.set_flow_state("north", WELL)
    await queue.set_flow_state("north", CHANGED)
    place.clock.now += 60
    state = await queue.release_flow("north", "add_user", "mia", "Looked at the picture: a new help text.")
    assert (state.state, state.since, state.by, state.findings) == (FlowHealth.HEALTHY, NOON + 60, "mia", ())
    assert (state.succeeded_at, state.generation) == (NOON, "legacy")
    assert await lines(queue) == [("quarantined", "worker"), ("healthy", "mia")]
    released, quarantined = await queue.flow_events("north", "add_user")
    assert (released.why, quarantined.findings) == ("Looked at the picture: a new help text.", CHANGED.findings)


async def test_what_is_not_quarantined_cannot_be_released(queue: Queue) -> None:
    """A slip of the name is told."""
    await queue.set_flow_state("north", RENAMED)
    for flow in ("add_user", "invite"):
        with pytest.raises(NotPossibleNow) as refused:
            await queue.release_flow("north", flow, "mia", "I looked.")
        assert refused.value.code == "flow-not-quarantined"


async def test_a_flow_of_a_tenant_that_is_not_there_is_refused(queue: Queue) -> None:
    """As for a pause."""
    with pytest.raises(Refused, match="no tenant 'west'"):
        await queue.set_flow_state("west", CHANGED)


async def test_a_degraded_flow_is_well_again_once_it_is_seen_so(place: Place, queue: Queue) -> None:
    """By a job or by the probe."""
    await queue.set_flow_state("north", RENAMED)
    place.clock.now += 60
    state = await queue.set_flow_state("north", replace(WELL, by=PROBE, wrote=False))
    assert (state.state, state.since, state.code, state.findings) == (FlowHealth.HEALTHY, NOON + 60, "", ())
    assert await lines(queue) == [("degraded", "worker"), ("healthy", "probe")]


async def test_the_same_finding_is_on_record_and_told_once(place: Place, queue: Queue) -> None:
    """A hundred jobs that see one renamed label are one line and one notice; another finding is a line, no notice."""
    for _ in range(3):
        place.clock.now += 60
        await queue.set_flow_state("north", replace(RENAMED, wrote=True))
    (state,) = await queue.flow_states()
    assert (state.since, state.succeeded_at) == (NOON + 60, NOON + 180)
    await queue.set_flow_state("north", replace(RENAMED, findings=("renamed: city",)))
    assert await lines(queue) == [("degraded", "worker")] * 2
    assert (await queue.flow_states())[0].since == NOON + 60
    assert len(await subjects(queue)) == 1
    await queue.set_flow_state("north", CHANGED)
    assert [("quarantined" in subject) for subject in await subjects(queue)] == [False, True]
    await queue.release_flow("north", "add_user", "mia", "I looked.")
    assert len(await subjects(queue)) == 2


async def test_what_may_be_one_persons_doing_is_quarantined_when_the_next_job_has_it_too(queue: Queue) -> None:
    """Not when the same job meets it again, nor when a write went well in between."""
    odd = FlowReport("edit_user", FlowHealth.DEGRADED, WORKER, code="control-mismatch", job_id=1, suspicion=True)
    for job, expected in ((1, FlowHealth.DEGRADED), (1, FlowHealth.DEGRADED)):
        assert (await queue.set_flow_state("north", replace(odd, job_id=job))).state is expected
    await queue.set_flow_state("north", replace(WELL, flow="edit_user"))
    assert (await queue.set_flow_state("north", replace(odd, job_id=2))).state is FlowHealth.DEGRADED
    assert (await queue.set_flow_state("north", replace(odd, job_id=3))).state is FlowHealth.QUARANTINED


async def test_the_end_of_a_run_and_its_findings_are_one_transaction(place: Place, queue: Queue) -> None:
    """No job is handed over for a flow that is not on record as quarantined; a lost claim reports nothing."""
    await queue.submit([wish("ana"), wish("bo")])
    claim = await place.try_claim(queue)
    assert claim is not None
    held = Held(Hold.HAND_OVER, "by hand", trouble=TROUBLE)
    await queue.finish(claim, Ending(held, flows=(CHANGED, replace(WELL, flow="invite"))))
    assert {state.flow: state.state.value for state in await queue.flow_states("north")} == {
        "add_user": "quarantined",
        "invite": "healthy",
    }
    assert not any(tenant.paused for tenant in await queue.tenants())
    other = await place.try_claim(queue)
    assert other is not None, "the tenant's other jobs go on"
    stale = replace(other, fence=other.fence - 1)
    with pytest.raises(ClaimLost):
        await queue.finish(stale, Ending(Done(), flows=(replace(CHANGED, flow="edit_user"),)))
    assert {state.flow for state in await queue.flow_states("north")} == {"add_user", "invite"}


async def test_old_history_is_forgotten_but_not_the_last_word(place: Place, queue: Queue) -> None:
    """How a flow came to its present state can always be seen."""
    await queue.set_flow_state("north", CHANGED)
    await queue.release_flow("north", "add_user", "mia", "I looked.")
    place.clock.now += 100 * 86_400
    await queue.maintain(90 * 86_400)
    assert await lines(queue) == [("healthy", "mia")]


async def test_a_ledger_that_lets_a_machine_lift_a_quarantine_is_caught(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted violation: the rule is taken out, and the question asked above is answered wrongly."""
    await queue.set_flow_state("north", CHANGED)
    monkeypatch.setattr(ledger_flows, "_seen_while_quarantined", lambda ledger, present, told: _as_told(present, told))
    state = await queue.set_flow_state("north", WELL)
    with pytest.raises(AssertionError):
        assert state.state is FlowHealth.QUARANTINED


def _as_told(present: object, told: FlowReport) -> object:
    return replace(present, state=told.state)  # type: ignore[type-var]  # a FlowState

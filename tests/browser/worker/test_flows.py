"""A page that has changed takes one flow out of use until a person releases it; the worker goes on with all else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.execute.needed_flows import nothing_quarantined
from agent.jobs.model import Job
from agent.queue.record import FlowHealth, FlowReport, Hold, JobState
from tests.browser.worker.conftest import Hall, about, provisioning, someone

COST_CENTER = {"field": "cost_center", "text": "Cost Center"}


def offboarding(number: int) -> Job:
    """Somebody leaves who has nothing left but the account: inactivating is all there is to do."""
    return about(number, "offboard")


def bare_person(hall: Hall, number: int) -> None:
    """An active user without any access."""
    values = {"first_name": "Wilma", "last_name": f"Orker{number}"}
    start = {"email_address": someone(number), "is_active": True, "memberships": {}, "values": values}
    hall.sandbox.post("/people", [start])


async def states(hall: Hall) -> dict[str, str]:
    """The flows of the tenant."""
    return {state.flow: state.state.value for state in await hall.queue.flow_states("sandbox")}


async def is_paused(hall: Hall) -> bool:
    """Whether the tenant is."""
    return any(tenant.paused for tenant in await hall.queue.tenants())


def is_active(hall: Hall, number: int) -> bool:
    """The truth about the account."""
    person = hall.person(someone(number))
    return person is not None and bool(person["is_active"])


@pytest.fixture
def steady(hall: Hall) -> Iterator[Hall]:
    """The hall, whose pages are as they were when the test ends."""
    try:
        yield hall
    finally:
        hall.sandbox.post("/options", {"drift": None})


async def test_a_required_field_more_takes_add_user_out_of_use_and_nothing_else(hall: Hall) -> None:
    """The joiner waits for a person, the leaver and the report do not; released, the joiner is created once."""
    bare_person(hall, 81)
    hall.sandbox.post("/faults", [{"operation": "popup", "effect": "unknown_field", "times": 99, **COST_CENTER}])
    joiner, leaver, report = await hall.submit(provisioning(80), offboarding(81), about(81, "read"))
    async with hall.working():
        joined, left, _ = await hall.until_over(joiner, leaver, report)
        assert (joined.hold, joined.error_code, joined.attempt) == (Hold.HAND_OVER, "flow-quarantined", 0)
        assert joined.hold_data["flows"] == ["add_user"]
        assert left.state is JobState.DONE, left.error
        assert not is_active(hall, 81)
        assert hall.creations(someone(80)) == 0
        found = await states(hall)
        assert (found["add_user"], found["inactivate"]) == ("quarantined", "healthy")
        assert not await is_paused(hall)

        (second,) = await hall.submit(provisioning(82))
        (waiting,) = await hall.until_over(second)
        assert (waiting.hold, waiting.error_code) == (Hold.HAND_OVER, "flow-quarantined")
        assert "Add User" in str(waiting.hold_data["steps"])

        hall.sandbox.forget_faults()
        await hall.queue.release_flow("sandbox", "add_user", "helen", "Procore took the field away again.")
        for number in (joiner, second):
            await hall.queue.retry(number, "helen")
        records = await hall.until_over(joiner, second)
    assert [record.state for record in records] == [JobState.DONE] * 2, [record.error for record in records]
    assert [hall.creations(someone(number)) for number in (80, 82)] == [1, 1]
    assert (await states(hall))["add_user"] == "healthy"


async def test_a_form_that_cannot_even_be_read_keeps_nobody_else_waiting(hall: Hall) -> None:
    """The tenant's names are told without it, so that the leaver, who comes first, is offboarded."""
    bare_person(hall, 90)
    hall.sandbox.post(
        "/faults", [{"operation": "popup", "effect": "remove_hook", "hook": 'id="new_user"', "times": 99}]
    )
    joiner, leaver = await hall.submit(provisioning(89), offboarding(90))
    async with hall.working():
        joined, left = await hall.until_over(joiner, leaver)
    assert left.state is JobState.DONE, left.error
    assert (joined.hold, joined.hold_data.get("flows")) == (Hold.HAND_OVER, ["add_user"])
    assert not await is_paused(hall)


async def test_swapped_labels_are_found_before_anything_is_filled(steady: Hall) -> None:
    """The dangerous kind of drift: the same clicks would be another write. The leaver does not wait for it."""
    hall = steady
    bare_person(hall, 84)
    hall.sandbox.post("/options", {"drift": {"only": ["labels_swapped"]}})
    joiner, leaver = await hall.submit(provisioning(83), offboarding(84))
    async with hall.working():
        joined, left = await hall.until_over(joiner, leaver)
    assert "labels_swapped" in hall.sandbox.get("/drift")["met"], "else this test proves nothing"
    assert (joined.hold, joined.error_code) == (Hold.HAND_OVER, "flow-quarantined")
    assert hall.creations(someone(83)) == 0
    assert left.state is JobState.DONE, left.error
    (flow,) = [state for state in await hall.queue.flow_states("sandbox") if state.flow == "add_user"]
    assert (flow.state, flow.code, flow.region) == (FlowHealth.QUARANTINED, "shape-changed", "add_user.form")
    assert flow.findings
    assert await asyncio.to_thread(Path(flow.evidence).is_dir)
    assert not await is_paused(hall)


async def test_a_further_field_that_may_stay_empty_degrades_the_flow_and_the_job_is_done(steady: Hall) -> None:
    """It is told, and over with the next job that sees the page as known."""
    hall = steady
    hall.sandbox.post("/options", {"drift": {"only": ["optional_field_added"]}})
    (number,) = await hall.submit(provisioning(88))
    async with hall.working():
        (record,) = await hall.until_over(number)
    assert (record.state, (await states(hall)).get("add_user")) == (JobState.DONE, "degraded"), record.error
    hall.sandbox.post("/options", {"drift": None})
    (number,) = await hall.submit(provisioning(85))
    async with hall.working():
        (record,) = await hall.until_over(number)
    assert record.state is JobState.DONE, record.error
    assert (await states(hall))["add_user"] == "healthy"


async def test_a_list_that_cannot_be_read_still_pauses_the_tenant(hall: Hall) -> None:
    """It belongs to no flow: every job would stop there."""
    hall.sandbox.post("/faults", [{"operation": "list", "effect": "remove_hook", "hook": 'data-props="', "times": 99}])
    (number,) = await hall.submit(provisioning(86))
    async with hall.working():
        await hall.until(lambda jobs: jobs[0].error_code is not None, number)
    record = await hall.queue.job(number)
    assert (record.state, record.hold, record.attempt) == (JobState.QUEUED, None, 0)
    assert await is_paused(hall)
    assert await states(hall) == {}


async def test_a_leaver_loses_what_can_be_taken_and_a_person_gets_the_rest(hall: Hall) -> None:
    """With Save of the Edit page out of use the projects go and the account is inactivated; released, the rest goes."""
    name = {"first_name": "Wilma", "last_name": "Orker91"}
    values = {**name, "default_template": "Project Manager - Internal"}
    held = {"memberships": {"24-001": "Read Only - Internal", "24-002": "Read Only - Internal"}}
    start = {"email_address": someone(91), "is_active": True, "values": values, **held}
    hall.sandbox.post("/people", [start])
    await hall.queue.set_flow_state("sandbox", FlowReport("edit_user", FlowHealth.QUARANTINED, "mia", "It looks odd."))
    (number,) = await hall.submit(offboarding(91))
    async with hall.working():
        (record,) = await hall.until_over(number)
        left = hall.person(someone(91))
        assert (record.hold, record.error_code) == (Hold.HAND_OVER, "flow-quarantined"), record.error
        assert record.hold_data["flows"] == ["edit_user"]
        assert left is not None
        assert (left["is_active"], left["memberships"]) == (False, [])
        assert left["default_template"]
        await hall.queue.release_flow("sandbox", "edit_user", "helen", "Looked at it.")
        await hall.queue.retry(number, "helen")
        (record,) = await hall.until_over(number)
    left = hall.person(someone(91))
    assert record.state is JobState.DONE, record.error
    assert left is not None
    assert (left["is_active"], left["memberships"], left["default_template"]) == (False, [], None)


async def test_a_worker_that_ignores_the_record_is_caught(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted violation: a flow that somebody has quarantined is written through, and the oracle sees it."""
    monkeypatch.setattr("agent.worker.claimed.quarantined_in", lambda *_: nothing_quarantined)
    bare_person(hall, 87)
    await hall.queue.set_flow_state("sandbox", FlowReport("inactivate", FlowHealth.QUARANTINED, "mia", "It looks odd."))
    (number,) = await hall.submit(offboarding(87))
    async with hall.working():
        (record,) = await hall.until_over(number)
    with pytest.raises(AssertionError):
        assert (record.hold, is_active(hall, 87)) == (Hold.HAND_OVER, True)

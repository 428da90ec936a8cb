"""What the queue hands out outside a tenant's write window."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.policy.windows import REMOVING
from agent.queue.ending import Done, Ending
from agent.queue.interface import READING_OPS, Openings
from tests.unit.schedule.conftest import Office, new

EXEMPT = READING_OPS | REMOVING
ACTIONS: dict[str, dict[str, Any]] = {
    "update": {"company_access": "none"},
    "provision": {},
    "offboard": {},
    "remove_from_projects": {"projects": ["24-017"]},
    "read": {},
}


async def claimed(office: Office, openings: Openings) -> set[str]:
    """The actions that are handed out, one person each."""
    for action, fields in ACTIONS.items():
        person: dict[str, Any] = {"email": f"{action}@example.com"}
        if action == "provision":
            person["attributes"] = {"last_name": "A"}
        await office.queue.submit([new(action, action, person=person, **fields)])
    found = set()
    for _ in ACTIONS:
        with_limit = asyncio.wait_for(office.queue.next_claim("worker-1", openings), 0.5)
        try:
            found.add((await with_limit).job.op)
        except TimeoutError:
            break
    return found


@pytest.mark.parametrize(
    ("openings", "expected"),
    [
        (Openings(), {"update", "provision", "offboard", "remove_from_projects"}),
        (Openings(frozenset({"acme"}), EXEMPT), {"offboard", "remove_from_projects", "read"}),
        (Openings(frozenset({"acme"}), EXEMPT, frozenset({"acme"})), {"read"}),
        (Openings(frozenset({"other"}), EXEMPT, frozenset({"other"})), {"update", "provision", "offboard"}),
    ],
    ids=["open", "closed", "closed for removals too", "another tenant's hours"],
)
async def test_outside_the_window_only_the_exempt_run(office: Office, openings: Openings, expected: set[str]) -> None:
    """Leavers run unless told otherwise, reads always; an open tenant hands out anything."""
    assert await claimed(office, openings) >= expected
    if openings.closed == {"acme"}:
        left = {record.op for record in await office.work_off()}
        assert left == set(ACTIONS) - expected


@pytest.mark.parametrize(
    ("openings", "expected"),
    [
        (Openings(frozenset({"acme"}), EXEMPT), ["change_email", "offboard"]),
        (Openings(frozenset({"acme"}), EXEMPT, frozenset({"acme"})), []),
    ],
    ids=["removals at any time", "removals inside the window too"],
)
async def test_a_leaver_does_not_wait_for_the_window_of_an_earlier_job(
    office: Office, openings: Openings, expected: list[str]
) -> None:
    """What stands before an offboard of the same person runs with it; alone it would have waited."""
    await office.queue.submit([new("change_email", "a", new_email="ana.new@example.com")])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(office.queue.next_claim("worker-1", openings), 0.3)
    await office.queue.submit([new("offboard", "b")])
    found = []
    for _ in expected:
        claim = await asyncio.wait_for(office.queue.next_claim("worker-1", openings), 5)
        found.append(claim.job.op)
        await office.queue.finish(claim, Ending(Done()))
    assert found == expected
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(office.queue.next_claim("worker-1", openings), 0.3)

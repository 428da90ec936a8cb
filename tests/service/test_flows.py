"""Flows over HTTP: looked at, taken out of use, released, and told of by commands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from agent.queue.ending import Ending, Held, Trouble
from agent.queue.record import WORKER, FlowHealth, FlowReport, Hold
from agent.service import flow_desk
from agent.service.flow_views import FlowSeen
from agent.service.reach import desk_at_hand
from tests.service.conftest import Served, job

CHANGED = FlowReport(
    "add_user",
    FlowHealth.QUARANTINED,
    WORKER,
    "Swapped.",
    "shape-changed",
    "add_user.form",
    ("swapped: a, b",),
    "legacy",
)


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    """This machine's user, at the unix socket."""
    with served.on_socket() as client:
        yield client


def report(served: Served, told: FlowReport = CHANGED) -> None:
    """The worker has found something."""
    served.does(served.queue.set_flow_state("acme", told))


def handed_over(served: Served, api: httpx.Client, key: str, flows: list[str]) -> int:
    """A job that a person does for want of these flows."""
    number: int = api.post("/v1/jobs", json=[job(key, f"{key}@example.com")]).json()["jobs"][0]["id"]

    async def hold() -> None:
        claim = await served.queue.next_claim("test")
        trouble = Trouble("failed", "flow-quarantined", "By hand.")
        await served.queue.finish(claim, Ending(Held(Hold.HAND_OVER, "By hand.", {"flows": flows}, trouble)))

    served.does(hold())
    return number


def test_every_way_of_writing_is_listed_for_each_tenant(served: Served, api: httpx.Client) -> None:
    """Also those that were never used; reading is none of them."""
    report(served)
    flows = api.get("/v1/flows").json()["flows"]
    assert {flow["tenant"] for flow in flows} >= {"acme"}
    own = {flow["flow"]: flow for flow in api.get("/v1/flows", params={"tenant": "acme"}).json()["flows"]}
    assert len(own) == 14
    assert "read" not in own
    assert (own["add_user"]["state"], own["add_user"]["findings"]) == ("quarantined", ["swapped: a, b"])
    assert (own["invite"]["state"], own["invite"]["since"]) == ("healthy", None)


def test_a_flow_is_shown_with_its_history_and_what_waits_because_of_it(served: Served, api: httpx.Client) -> None:
    """Not with jobs that wait for something else."""
    report(served)
    mine = handed_over(served, api, "a", ["add_user"])
    handed_over(served, api, "b", ["invite"])
    shown = api.get("/v1/tenants/acme/flows/add_user").json()
    assert shown["waiting_jobs"] == [mine]
    assert [(event["state"], event["by"]) for event in shown["events"]] == [("quarantined", "worker")]


def test_a_release_says_which_jobs_wait(served: Served, api: httpx.Client) -> None:
    """And is on record with who and why; a second one is refused."""
    report(served)
    mine = handed_over(served, api, "a", ["add_user", "invite"])
    released = api.post("/v1/tenants/acme/flows/add_user/release", json={"reason": "I looked."}).json()
    assert (released["flow"]["state"], released["waiting_jobs"]) == ("healthy", [mine])
    assert released["flow"]["by"].startswith("local:")
    again = api.post("/v1/tenants/acme/flows/add_user/release", json={"reason": "I looked."})
    assert (again.status_code, again.json()["code"]) == (409, "flow-not-quarantined")


def test_a_release_takes_a_token_once_there_are_operators(served: Served, api: httpx.Client) -> None:
    """As an approval does: a user of the machine could be anybody."""
    report(served)
    token = served.token("ana")
    refused = api.post("/v1/tenants/acme/flows/add_user/release", json={"reason": "I looked."})
    assert (refused.status_code, refused.json()["code"]) == (401, "token-needed")
    with served.on_socket(token) as client:
        assert (
            client.post("/v1/tenants/acme/flows/add_user/release", json={"reason": "Looked."}).json()["flow"]["by"]
            == "ana"
        )


def test_a_flow_is_taken_out_of_use_by_hand(api: httpx.Client) -> None:
    """And stands in the status, where nobody may overlook it; one that is well does not."""
    api.post("/v1/tenants/acme/flows/invite/quarantine", json={"reason": "Mails go astray."})
    (shown,) = api.get("/v1/status").json()["flows"]
    assert (shown["flow"], shown["state"], shown["why"]) == ("invite", "quarantined", "Mails go astray.")


def test_the_agent_is_alive_and_ready_while_a_flow_is_quarantined(served: Served, api: httpx.Client) -> None:
    """Restarting it would mend nothing; the figure says so instead."""
    report(served)
    assert api.get("/healthz").status_code == 200
    assert api.get("/readyz").status_code == 200
    figures = api.get("/metrics").text
    assert 'agent_flow_state{flow="add_user",state="quarantined",tenant="acme"} 1.0' in figures


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("acme/flows/add_users", "unknown-flow"),
        ("acne/flows/add_user", "unknown-tenant"),
        ("acme/flows/read", "unknown-flow"),
    ],
)
def test_a_slip_of_the_name_is_told(api: httpx.Client, path: str, expected: str) -> None:
    """404, by whichever door."""
    for answer in (
        api.get(f"/v1/tenants/{path}"),
        api.post(f"/v1/tenants/{path}/quarantine", json={"reason": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, expected)


def test_what_a_command_has_seen_never_ends_a_quarantine(served: Served) -> None:
    """`agent run-job` and `agent probe` tell; people release."""
    report(served)

    async def tell() -> Any:
        async with desk_at_hand(served.settings, None) as desk:
            return await desk.flow_seen("acme", "add_user", FlowSeen(state=FlowHealth.HEALTHY, source="probe"))

    view = asyncio.run(tell())
    assert view.state is FlowHealth.QUARANTINED
    assert view.looks_well_at is not None


def test_a_list_that_forgets_what_waits_is_caught(
    served: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted violation: the question above would be answered wrongly."""

    async def nobody(*_: object) -> tuple[int, ...]:
        return ()

    report(served)
    mine = handed_over(served, api, "a", ["add_user"])
    monkeypatch.setattr(flow_desk, "waiting_for", nobody)
    with pytest.raises(AssertionError):
        assert api.get("/v1/tenants/acme/flows/add_user").json()["waiting_jobs"] == [mine]

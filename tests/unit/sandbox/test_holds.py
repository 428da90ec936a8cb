"""Held requests: they stand on the side that was asked for, are told, and end as the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from fixtures.sandbox.control import build_app
from fixtures.sandbox.faults import Fault
from fixtures.sandbox.seed import SERVICE_ACCOUNT

from .conftest import Visitor
from .test_faults import ANN, ann, plant, save_title

PATIENCE = 10


@pytest.fixture
async def control(visitor: Visitor) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the control plane; the visitor is signed in."""
    await visitor.sign_in()
    transport = httpx.ASGITransport(app=build_app(visitor.deployment))
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
        yield client


async def standing(control: httpx.AsyncClient, count: int = 1) -> list[dict[str, Any]]:
    """What stands, as soon as so many requests do."""
    told: list[dict[str, Any]] = (await control.get("/held", params={"wait": PATIENCE, "count": count})).json()
    return told


@pytest.mark.parametrize(("when", "title"), [("before", ""), ("after", "Held")])
async def test_a_request_stands_on_the_side_that_was_asked_for(
    visitor: Visitor, control: httpx.AsyncClient, when: str, title: str
) -> None:
    """Before: nothing is applied while it stands. After: it is applied. Released, it comes to its ordinary end."""
    was = ann(visitor).job_title
    plant(visitor, "save_user", "hold", when=when)
    saving = asyncio.create_task(save_title(visitor, "Held"))
    (held,) = await standing(control)
    assert (held["when"], held["operation"], held["method"], held["people"]) == (when, "save_user", "POST", [ANN])
    assert ann(visitor).job_title == (title or was)
    assert not saving.done()
    assert (await control.post("/held/release")).json() == {"released": 1}
    assert (await saving).status_code == 200
    assert ann(visitor).job_title == "Held"
    assert (await control.get("/held")).json() == []


async def test_one_of_two_can_be_let_go(visitor: Visitor, control: httpx.AsyncClient) -> None:
    """An id picks one; without an id all go."""
    plant(visitor, "history", "hold", when="before", times=2)
    address = f"{visitor.directory}/users/{ann(visitor).user_id}/change_history"
    readings = [asyncio.create_task(visitor.http.get(address)) for _ in range(2)]
    held = await standing(control, 2)
    assert (await control.post("/held/release", json={"id": held[0]["id"]})).json() == {"released": 1}
    done, left = await asyncio.wait(readings, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(left)) == (1, 1)
    assert (await control.post("/held/release")).json() == {"released": 1}
    await asyncio.gather(*left)


async def test_a_sign_in_can_be_held(visitor: Visitor, control: httpx.AsyncClient) -> None:
    """The sign-in host has the same effect."""
    plant(visitor, "sign_in_password", "hold", when="after")
    visitor.http.cookies.clear()
    visitor.deployment.change_options({"mfa": "off"})  # a code is good for one sign-in, and this noon stands still
    signing_in = asyncio.create_task(visitor.sign_in())
    (held,) = await standing(control)
    assert (held["operation"], held["people"]) == ("sign_in_password", [])
    await control.post("/held/release")
    assert "header-avatar" in (await signing_in).text


async def test_an_entry_that_never_comes_counts(visitor: Visitor, control: httpx.AsyncClient) -> None:
    """`any` matches reads and writes alike, so that a sweep knows how many requests a job makes."""
    plant(visitor, "any", "hold", when="before", nth=1000)
    before = len([r for r in visitor.deployment.requests if r.operation != "static"])
    await save_title(visitor, "Counted")
    after = [r for r in visitor.deployment.requests if r.operation != "static"]
    (entry,) = visitor.deployment.faults.report()["faults"]
    assert entry["matched"] == len(after) - before
    assert {r.method for r in after[before:]} == {"GET", "POST"}


async def test_waiting_ends_without_anything_held(control: httpx.AsyncClient) -> None:
    """A wait that is over answers with nothing."""
    assert (await control.get("/held", params={"wait": 0.01})).json() == []


@pytest.mark.parametrize("wrong", [{"then": "explode"}, {"side": "after"}])
async def test_a_wrong_release_is_refused(control: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    """422 and the reason; nothing is released."""
    assert (await control.post("/held/release", json=wrong)).status_code == 422


def test_a_hold_has_to_say_on_which_side() -> None:
    """There is no side that a test would always mean."""
    with pytest.raises(ValidationError, match="needs when"):
        Fault(operation="any", effect="hold")


async def test_requests_tell_whom_they_were_about_and_when_they_ended(
    visitor: Visitor, control: httpx.AsyncClient
) -> None:
    """Two requests about one person at the same time can be seen afterwards."""
    await save_title(visitor, "Seen")
    (save,) = [r for r in (await control.get("/requests")).json() if r["operation"] == "save_user"]
    assert save["people"] == [ANN]
    assert save["at"] <= save["ended_at"]
    assert save["login"] == SERVICE_ACCOUNT


async def test_events_tell_each_change_and_each_mail_once(visitor: Visitor, control: httpx.AsyncClient) -> None:
    """A planted second mail is seen as a second event."""
    path = f"/users/{ann(visitor).user_id}/invite"
    await save_title(visitor, "Once")
    await visitor.post(path)

    async def told(kind: str) -> list[dict[str, Any]]:
        events = (await control.get("/events", params={"person": ANN})).json()
        return [e for e in events if e["kind"] == kind]

    assert len(await told("mail")) == 1
    assert [(e["from"], e["to"]) for e in await told("change") if e["field"] == "Job Title"][-1][1] == "Once"
    await visitor.post(path)
    assert len(await told("mail")) == 2


async def test_latency_delays_every_answer(visitor: Visitor, control: httpx.AsyncClient) -> None:
    """With an hour's latency no answer comes; without, it does."""
    await control.post("/options", json={"latency": 60})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(visitor.http.get(visitor.directory + "/groups/users"), 0.05)
    await control.post("/options", json={"latency": 0})
    assert (await visitor.http.get(visitor.directory + "/groups/users")).status_code == 200

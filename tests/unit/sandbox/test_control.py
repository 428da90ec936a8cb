"""The control plane: the truth for tests, and starting states without the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from fixtures.sandbox.control import build_app
from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.seed import SERVICE_ACCOUNT


@pytest.fixture
async def control(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the control plane."""
    transport = httpx.ASGITransport(app=build_app(deployment))
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
        yield client


async def person(control: httpx.AsyncClient, email: str) -> dict[str, Any]:
    """What the state says about one address."""
    told: dict[str, Any] = (await control.get("/state", params={"person": email})).json()
    return told


async def test_the_state_names_everything(control: httpx.AsyncClient) -> None:
    """Companies with people, templates and memberships by name; one address with login and mails."""
    state = (await control.get("/state")).json()
    assert [company["name"] for company in state["companies"]] == ["Harborlight Builders", "Northgate Civil"]
    assert len(state["companies"][0]["users"]) == 40
    victor = (await person(control, "victor.hale@example.com"))["user"]
    assert victor["company"] == "Summit Electric"
    assert victor["default_template"] == "Subcontractor - External"
    assert [m["template"] for m in victor["memberships"]] == ["Subcontractor - External"] * 3
    assert (await person(control, "nobody@example.com"))["user"] is None


async def test_people_can_be_put_in_and_changed(control: httpx.AsyncClient) -> None:
    """A starting state in one call: new and existing people, a contact, dormant projects, a password."""
    answer = await control.post(
        "/people",
        json=[
            {
                "email_address": "leaver@example.com",
                "values": {
                    "first_name": "Lea",
                    "last_name": "Verne",
                    "company": "Summit Electric, Reno",
                    "company_template": "Field Staff",
                    "default_template": "Project Manager - Internal",
                    "add_to_new_projects": True,
                },
                "memberships": {"24-001": "Tower Crane Operators", "24-002": None},
                "is_active": False,
                "password": "seed",
                "totp": True,
            },
            {"email_address": "ann.lee@example.com", "values": {"tools": {"Reports": "Read Only"}}, "invited": False},
            {"email_address": "leaver@example.com", "kind": "contact", "values": {"last_name": "Verne"}},
        ],
    )
    assert answer.status_code == 200, answer.text
    told = await person(control, "leaver@example.com")
    assert told["user"]["is_active"] is False
    assert told["user"]["company"] == "Summit Electric"
    assert {m["number"]: m["template"] for m in told["user"]["memberships"]} == {
        "24-001": "Tower Crane Operators",
        "24-002": None,
    }
    assert [contact["name"] for contact in told["contacts"]] == ["Verne"]
    assert (told["login"]["has_password"], told["login"]["has_totp"]) == (True, True)
    ann = (await person(control, "ann.lee@example.com"))["user"]
    assert (ann["company_template"], ann["levels"]["Reports"]) == (None, "Read Only")
    assert ann["welcome_email_sent_at"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/people", [{"email_address": "x@example.com", "values": {"company": "Summit Electric"}}]),
        ("/people", [{"email_address": "x@example.com", "values": {"company_template": "Nope"}}]),
        ("/people", [{"email_address": "x@example.com", "values": {"shoe_size": 43}}]),
        ("/people", [{"email_address": "ann.lee@example.com", "values": {"email_address": "joann.lee@example.com"}}]),
        ("/faults", [{"operation": "save_user", "effect": "vanish"}]),
        ("/options", {"languages": "de"}),
        ("/reset", {"people": 30_000}),
        ("/people", "not a list"),
    ],
    ids=["double company", "template", "field", "taken address", "effect", "option", "too many", "shape"],
)
async def test_a_wrong_request_says_why(control: httpx.AsyncClient, path: str, body: object) -> None:
    """422 with the reason, and not a silent nothing."""
    answer = await control.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]


async def test_a_reset_forgets_everything(control: httpx.AsyncClient) -> None:
    """People, faults, mails, clock and options; the same seed gives the same state again."""
    before = (await control.get("/state")).json()
    await control.post("/people", json=[{"email_address": "x@example.com"}])
    await control.post("/faults", json=[{"operation": "invite", "effect": "sign_out"}])
    await control.post("/clock", json={"advance": 3600})
    await control.post("/projects", json=[{"number": "99-001", "name": "Test Site"}])
    await control.post("/reset", json={})
    assert (await control.get("/state")).json() == before
    assert (await control.get("/faults")).json() == {"faults": [], "never_fired": []}
    await control.post("/reset", json={"seed": 8, "people": 20, "options": {"companies": 3}})
    state = (await control.get("/state")).json()
    assert (state["seed"], len(state["companies"][0]["users"]), len(state["companies"])) == (8, 20, 3)


async def test_a_project_of_the_control_plane_takes_those_on_all_new_projects(control: httpx.AsyncClient) -> None:
    """As one started in the tenant would."""
    (project,) = (await control.post("/projects", json=[{"number": "99-001", "name": "Test Site"}])).json()
    victor = (await person(control, "victor.hale@example.com"))["user"]
    assert project["project_id"] in [m["project_id"] for m in victor["memberships"]]


async def test_options_change_while_running(control: httpx.AsyncClient, deployment: Deployment) -> None:
    """Required fields reach the tenant's field set at once."""
    await control.post("/options", json={"required_fields": ["last_name", "email_address", "job_title"]})
    tenant = next(iter(deployment.world.tenants.values()))
    assert tenant.field_set.required == ("last_name", "email_address", "job_title")
    assert (await control.get("/options")).json()["required_fields"] == list(tenant.field_set.required)


async def test_companies_can_be_switched_off(control: httpx.AsyncClient) -> None:
    """A company by name and town, new or known."""
    await control.post("/vendors", json=[{"name": "Summit Electric", "city": "Reno", "is_active": False}])
    await control.post("/vendors", json=[{"name": "New Roofing"}])
    vendors = (await control.get("/state")).json()["companies"][0]["vendors"]
    status = {(v["name"], v["city"]): v["is_active"] for v in vendors}
    assert status["Summit Electric", "Reno"] is False
    assert status["Summit Electric", "Denver"] is True
    assert status["New Roofing", ""] is True


async def test_credentials_are_told(control: httpx.AsyncClient) -> None:
    """Whoever may steer the sandbox may sign in to it."""
    known = {entry["email"]: entry for entry in (await control.get("/credentials")).json()}
    assert known[SERVICE_ACCOUNT]["totp_secret"]
    assert known["nora.quist@example.com"]["totp_secret"] is None

"""Pages that change under us: which mutations come, what they do to a page, and what the control plane tells of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.running import RunningSandbox
from fixtures.sandbox import control
from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.drift.engine import REGISTRY, Drift, DriftSetting
from fixtures.sandbox.options import Options
from fixtures.sandbox.world.world import Tenant

from .conftest import Visitor, token_of
from .markup import elements_of, find
from .test_contract import TABLE, missing, page_of
from .test_mfe import headers, tool
from .test_people import cast
from .test_project_pages import home_of
from .test_status_and_projects import project

NAMES = [mutation.name for mutation in REGISTRY]


def drift_of(visitor: Visitor, *only: str, seed: int = 1, level: int = 1) -> Drift:
    """Let the tenant drift, by names or by seed and level."""
    visitor.deployment.change_options({"drift": {"seed": seed, "level": level, "only": list(only)}})
    assert visitor.deployment.drift is not None
    return visitor.deployment.drift


async def tour(visitor: Visitor) -> None:
    """Every kind of page with a form or a list, in both generations."""
    victor = cast(visitor.tenant, "victor.hale@example.com")
    home, user = home_of(visitor), f"{visitor.directory}/users/{victor.user_id}"
    legacy = [
        f"{visitor.directory}/groups/users",
        f"{visitor.directory}/popup_add_person",
        f"{user}/edit",
        f"{home}/groups/users",
        f"{home}/popup_add_person",
        f"{home}/users/{victor.user_id}/edit",
        f"{home}/bulk_add",
    ]
    for address in legacy:
        assert (await visitor.http.get(address)).status_code == 200
    generations = ("company_directory", "project_directory")
    visitor.deployment.change_options(dict.fromkeys(generations, "mfe"))
    person = f"{tool(visitor, None)}/edit_person/{victor.person_id}"
    assert (await visitor.http.get(person)).status_code == 200
    for base in (tool(visitor, None), tool(visitor)):
        sent = await headers(visitor, base)
        assert (await visitor.http.get(f"{base}/-internal/rows/users", headers=sent)).is_success
    visitor.deployment.change_options(dict.fromkeys(generations, "legacy"))


@pytest.mark.parametrize("name", NAMES)
async def test_every_mutation_finds_its_place(visitor: Visitor, name: str) -> None:
    """On a tour through the pages each one is met, in each generation that it claims."""
    await visitor.sign_in()
    drift = drift_of(visitor, name)
    await tour(visitor)
    mutation = next(m for m in REGISTRY if m.name == name)
    assert {page.generation for page in drift.served} == set(mutation.generations)
    assert drift.told()["met"] == [name]
    assert all(page.dangerous is mutation.dangerous for page in drift.served)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_levels_bring_what_they_say(level: int) -> None:
    """Nothing of a higher level; at 4 and 5 something dangerous, below nothing; each seed at least one of its own."""
    for seed in range(40):
        active = Drift(DriftSetting(seed=seed, level=level)).active
        assert max(mutation.level for mutation in active) == level
        assert any(mutation.dangerous for mutation in active) is (level >= 4)


def test_every_mutation_comes_with_some_seed() -> None:
    """Forty seeds at each level bring the whole registry."""
    settings = [DriftSetting(seed=seed, level=level) for level in range(1, 6) for seed in range(40)]
    assert {mutation.name for setting in settings for mutation in Drift(setting).active} == set(NAMES)


def test_a_name_that_is_none_is_refused() -> None:
    """A test that asks for a mutation gets it or an error, never nothing."""
    with pytest.raises(ValueError, match="no mutation is called 'gone'"):
        Options.model_validate({"drift": {"only": ["gone"]}})


def test_the_same_seed_gives_the_same_pages() -> None:
    """Two tenants with one seed serve the same text, load by load; another seed serves another."""
    page = (
        '<main id="main" class="x"><p class="field-hint">old</p><div class="tableRow__src-Table__abcde"></div></main>'
    )
    settings = [
        DriftSetting(seed=seed, only=("banner_added", "classes_rehashed", "help_reworded")) for seed in (3, 3, 4)
    ]
    first, again, other = [
        [Drift.mutate(drift, "list", "legacy", page)[0] for _ in range(3)] for drift in map(Drift, settings)
    ]
    assert first == again
    assert first != other
    assert len(set(first)) == 3, "classes change at each load"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["company_list", "project_list", "project_mfe"])
async def test_harmless_drift_leaves_every_hook(visitor: Visitor, name: str, seed: int) -> None:
    """Levels 1 and 2: the contract's hooks are all there, whatever else has changed."""
    await visitor.sign_in()
    drift = drift_of(visitor, seed=seed, level=2)
    page = await page_of(visitor, name)
    assert drift.served
    assert missing(page, name) == []
    assert len(TABLE) > 100


async def test_nothing_drifts_without_being_asked(visitor: Visitor, deployment: Deployment) -> None:
    """No drift, no trace of it."""
    await visitor.sign_in()
    await visitor.http.get(visitor.directory + "/groups/users")
    assert deployment.drift is None
    assert {request.drift for request in deployment.requests} == {()}


async def test_a_new_required_field_is_insisted_on(visitor: Visitor) -> None:
    """A save without it is refused and writes nothing; with it, it goes through."""
    await visitor.sign_in()
    drift_of(visitor, "required_field_added")
    victor = cast(visitor.tenant, "victor.hale@example.com")
    path = f"/users/{victor.user_id}"
    refused = await visitor.post(path, **{"user[job_title]": "Rigger"})
    assert "Please fix the errors below" in refused.text
    assert cast(visitor.tenant, "victor.hale@example.com").job_title == victor.job_title
    await visitor.post(path, **{"user[job_title]": "Rigger", "user[cost_center]": "1"})
    assert cast(visitor.tenant, "victor.hale@example.com").job_title == "Rigger"


async def test_a_widened_removal_takes_every_project(visitor: Visitor) -> None:
    """The window says so, and the write does it: who does not read it does harm."""
    await visitor.sign_in()
    drift_of(visitor, "confirmation_widened")
    victor = cast(visitor.tenant, "victor.hale@example.com")
    assert len(victor.memberships) == 3
    page = await visitor.http.get(f"{visitor.directory}/users/{victor.user_id}/edit")
    assert "loses access to every project" in page.text
    await visitor.post(f"/users/{victor.user_id}/projects/{project(visitor.tenant, 0).project_id}/remove")
    assert cast(visitor.tenant, "victor.hale@example.com").memberships == {}


async def test_a_foreign_list_says_whose_it_is_to_those_who_look(visitor: Visitor, deployment: Deployment) -> None:
    """The address is right, the people are another company's; only the page's own globals betray it."""
    await visitor.sign_in()
    drift_of(visitor, "foreign_people")
    page = await visitor.http.get(visitor.directory + "/groups/users")
    other: Tenant = list(deployment.world.tenants.values())[1]
    assert page.url.path.startswith(f"/{visitor.tenant.company_id}/")
    assert "victor.hale@example.com" not in page.text
    assert f'"companyId": "{other.company_id}"' in page.text


async def test_a_foreign_list_is_noted_only_where_it_was_shown(visitor: Visitor) -> None:
    """A page that is not touched is not counted as one on which a job would have met it."""
    await visitor.sign_in()
    drift = drift_of(visitor, "foreign_people")
    await visitor.http.get(f"{visitor.directory}/users/{cast(visitor.tenant, 'victor.hale@example.com').user_id}/edit")
    assert not drift.served
    neighbours = await visitor.http.get(f"{home_of(visitor)}/groups/users")
    assert [page.mutations for page in drift.served] == [("foreign_people",)]
    assert f'"projectID": "{project(visitor.tenant, 1).project_id}"' in neighbours.text


async def test_crossed_links_lead_to_the_neighbour(visitor: Visitor) -> None:
    """The row says one address and leads to another person."""
    await visitor.sign_in()
    drift_of(visitor, "edit_links_crossed")
    page = await visitor.http.get(visitor.directory + "/groups/users")
    first, second = find(elements_of(page.text), 'a[data-pendo="user-edit-button"]')[:2]
    for link, other in ((first, second), (second, first)):
        email = link.attributes["data-qa"].removesuffix(" Edit")
        assert f"/users/{cast(visitor.tenant, email).user_id}/" in other.attributes["href"]


async def test_swapped_templates_keep_their_ids(visitor: Visitor) -> None:
    """What one chooses by name is another template: only the id tells."""
    await visitor.sign_in()
    form = (await visitor.http.get(f"{home_of(visitor)}/popup_add_person")).text
    drift_of(visitor, "templates_swapped")
    drifted = (await visitor.http.get(f"{home_of(visitor)}/popup_add_person")).text
    before, after = (dict(re.findall(r'<option value="(\d+)">([^<]+)</option>', text)) for text in (form, drifted))
    assert before.keys() == after.keys()
    assert sum(before[key] != after[key] for key in before) == 2


async def test_save_that_invites_sends_a_mail(visitor: Visitor, deployment: Deployment) -> None:
    """The button called Save carries the other button's order."""
    await visitor.sign_in()
    drift_of(visitor, "save_buttons_swapped")
    victor = cast(visitor.tenant, "victor.hale@example.com")
    page = await visitor.http.get(f"{visitor.directory}/users/{victor.user_id}/edit")
    buttons = find(elements_of(page.text), 'button[name="commit"]')
    save = next(button for button in buttons if button.text.strip() == "Save")
    form = {"authenticity_token": token_of(page.text), "commit": save.attributes["value"]}
    await visitor.http.post(f"{visitor.directory}/users/{victor.user_id}", data=form)
    assert [mail.to for mail in deployment.world.outbox] == [victor.email_address]


async def test_the_control_plane_tells_what_was_served(visitor: Visitor, deployment: Deployment) -> None:
    """The registry, the mutations in force, and each page that bore one; the request log names them, too."""
    await visitor.sign_in()
    plane = httpx.AsyncClient(transport=httpx.ASGITransport(app=control.build_app(deployment)), base_url="http://c")
    async with plane:
        assert (await plane.get("/drift")).json()["setting"] is None
        setting = {"drift": {"only": ["labels_swapped"]}}
        assert (await plane.post("/options", json=setting)).status_code == 200
        await visitor.http.get(visitor.directory + "/popup_add_person")
        told: dict[str, Any] = (await plane.get("/drift")).json()
        assert [m["name"] for m in told["active"]] == ["labels_swapped"]
        assert [(p["operation"], p["mutations"], p["dangerous"]) for p in told["served"]] == [
            ("popup", ["labels_swapped"], True)
        ]
        assert len(told["registry"]) == len(REGISTRY)
        log = (await plane.get("/requests")).json()
        assert [r["operation"] for r in log if r["drift"]] == ["popup"]
        await plane.request("DELETE", "/drift")
        assert (await plane.get("/drift")).json()["served"] == []
        wrong = await plane.post("/options", json={"drift": {"level": 6}})
        assert wrong.status_code == 422
    json.dumps(told)


def test_the_command_line_lets_pages_drift() -> None:
    """`--drift SEED --level N` is in force from the first page on."""
    with RunningSandbox(40, 7, "--drift", "3", "--level", "2") as running:
        told = running.get("/drift")
    assert told["setting"] == {"seed": 3, "level": 2, "only": []}
    assert max(mutation["level"] for mutation in told["active"]) == 2


def test_the_documents_name_every_mutation() -> None:
    """The reference's table is the registry's."""
    text = (Path(__file__).parents[3] / "docs/reference/sandbox.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in text] == []

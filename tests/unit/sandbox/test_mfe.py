"""The new generation over HTTP, without a browser: which generation answers, and what its own script is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.faults import Fault

from .conftest import Visitor
from .test_people import cast
from .test_project_pages import home_of
from .test_status_and_projects import project

AMARA = "amara.diallo@example.com"


def tool(visitor: Visitor, place: int | None = 0) -> str:
    """Address of the new Directory, of a project or with None of the company."""
    company = f"{visitor.deployment.origins.app}/webclients/host/companies/{visitor.tenant.company_id}"
    part = "" if place is None else f"/projects/{project(visitor.tenant, place).project_id}"
    return f"{company}{part}/tools/directory"


async def headers(visitor: Visitor, address: str) -> dict[str, str]:
    """What the page's own script sends."""
    page = (await visitor.http.get(f"{address}/users")).text
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None
    return {"X-CSRF-Token": found.group(1)}


async def rows(visitor: Visitor, address: str, query: str = "is_active=active") -> list[dict[str, Any]]:
    """Rows of the users grid."""
    answer = await visitor.http.get(f"{address}/-internal/rows/users?{query}", headers=await headers(visitor, address))
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


@pytest.fixture
def both_new(deployment: Deployment) -> Deployment:
    """Both Directories in the new generation."""
    deployment.change_options({"company_directory": "mfe", "project_directory": "mfe"})
    return deployment


async def test_each_page_has_its_own_generation(visitor: Visitor, deployment: Deployment) -> None:
    """The company stays legacy while its projects are new, and either address leads to the one in force."""
    deployment.change_options({"project_directory": "mfe"})
    await visitor.sign_in()
    new = await visitor.http.get(home_of(visitor) + "/groups/users")
    assert new.url.path.endswith("/tools/directory/users")
    assert 'data-qa="project-level-environment"' in new.text
    assert (await visitor.http.get(tool(visitor, None))).url.path.endswith("/company/directory/groups/users")
    deployment.change_options({"project_directory": "legacy"})
    assert (await visitor.http.get(tool(visitor) + "/users")).url.path.endswith("/project/directory/groups/users")


async def test_the_default_is_the_legacy_company_directory(visitor: Visitor) -> None:
    """Nothing changes for a tenant that asks for nothing."""
    await visitor.sign_in()
    page = await visitor.http.get(visitor.directory)
    assert page.url.path.endswith("/groups/users")
    assert '<div id="root" data-props=' in page.text


async def test_the_script_addresses_are_closed_to_others(visitor: Visitor, both_new: Deployment) -> None:
    """Without the page's token there is neither a read nor a write, and answers say what they are for."""
    await visitor.sign_in()
    address = tool(visitor)
    refused = await visitor.http.get(f"{address}/-internal/rows/users")
    assert refused.status_code == 403
    served = await visitor.http.get(f"{address}/-internal/rows/users", headers=await headers(visitor, address))
    assert served.status_code == 200
    assert "own script" in served.headers["x-sandbox-internal"]
    written = await visitor.http.post(f"{address}/-internal/users/bulk_remove", data={"user_ids[]": "1"})
    assert "Nothing was saved" in written.text


async def test_a_grid_shows_users_and_contacts_by_status(visitor: Visitor, both_new: Deployment) -> None:
    """Type and User Status stand for the old tabs; without a filter everybody is there."""
    await visitor.sign_in()
    address = tool(visitor, None)
    active, inactive, everybody = [
        await rows(visitor, address, q) for q in ("is_active=active", "is_active=inactive", "")
    ]
    assert {row["reference_user"] for row in active} == {"User", "Contact"}
    assert "priya.raman@example.com" in [row["email"] for row in inactive]
    assert not {row["email"] for row in active if row["user_id"]} & {row["email"] for row in inactive if row["user_id"]}
    assert len(everybody) == len(active) + len(inactive)


async def test_the_page_tells_its_columns_and_menus(visitor: Visitor, both_new: Deployment) -> None:
    """Columns as captured, the Add menu as far as the operator may."""
    await visitor.sign_in("ops.granular@example.com")
    page = (await visitor.http.get(tool(visitor) + "/users")).text
    found = re.search(r'id="directory-model">(.*?)</script>', page)
    assert found is not None
    model = json.loads(found.group(1))
    assert [c["id"] for c in model["columns"]][:3] == ["name", "email", "mobile_phone"]
    assert [item["value"] for item in model["add"]] == ["user", "group", "bulk_add"]
    assert model["may"]["inactivate"] is False


async def test_a_fault_meets_the_write_of_a_grid(visitor: Visitor, both_new: Deployment) -> None:
    """Operations have the same names as in the legacy pages, and the log says whom they are about."""
    await visitor.sign_in()
    address = tool(visitor)
    sent = await headers(visitor, address)
    both_new.faults.plant([Fault(operation="cell_save", effect="refuse_text", text="Not today.", user=AMARA)])
    amara = cast(visitor.tenant, AMARA)
    here = project(visitor.tenant, 0).project_id
    added = await visitor.http.post(
        f"{address}/-internal/users", data={"existing_id": str(amara.user_id)}, headers=sent
    )
    assert added.status_code == 200
    assert here in cast(visitor.tenant, AMARA).memberships
    cell = {"field": "job_title", "value": "Rigger"}
    path = f"{address}/-internal/users/{amara.user_id}/cell"
    refused = await visitor.http.post(path, data=cell, headers=sent)
    assert (refused.status_code, refused.json()["message"]) == (422, "Not today.")
    assert (await visitor.http.post(path, data=cell, headers=sent)).json()["value"] == "Rigger"
    posts = [(r.operation, r.people) for r in both_new.requests if r.method == "POST" and r.host == "app"]
    assert posts == [("member_create", (AMARA,)), ("cell_save", (AMARA,)), ("cell_save", (AMARA,))]


async def test_an_unknown_field_is_demanded_by_the_panel(visitor: Visitor, both_new: Deployment) -> None:
    """The fault draws the field in the panel, and a save without it is refused with an error on it."""
    await visitor.sign_in()
    address = tool(visitor, None)
    fault = Fault(operation="list", effect="unknown_field", field="cost_code", text="Cost Code")
    both_new.faults.plant([fault])
    page = await visitor.http.get(f"{address}/users")
    assert 'data-field="cost_code"' in page.text
    sent = {"X-CSRF-Token": re.findall(r'csrf-token" content="([^"]+)"', page.text)[0]}
    form = {"last_name": "Okafor", "email_address": "n.okafor@example.com"}
    refused = await visitor.http.post(f"{address}/-internal/users", data=form, headers=sent)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["cost_code"])
    given = await visitor.http.post(f"{address}/-internal/users", data={**form, "cost_code": "7"}, headers=sent)
    assert given.is_success


async def test_a_stale_list_lags_in_the_grid_too(visitor: Visitor, both_new: Deployment) -> None:
    """The fault holds for rows that a script fetches."""
    await visitor.sign_in()
    address = tool(visitor, None)
    sent = await headers(visitor, address)
    both_new.faults.plant([Fault(operation="bulk_inactivate", effect="stale_list", seconds=60)])
    user_id = str(cast(visitor.tenant, AMARA).user_id)
    await visitor.http.post(f"{address}/-internal/users/bulk_inactivate", data={"user_ids[]": user_id}, headers=sent)
    assert not cast(visitor.tenant, AMARA).is_active
    assert AMARA in [row["email"] for row in await rows(visitor, address)]
    both_new.clock.advance(61)
    assert AMARA not in [row["email"] for row in await rows(visitor, address)]


async def test_the_project_level_cannot_inactivate(visitor: Visitor, both_new: Deployment) -> None:
    """There is no such address below a project."""
    await visitor.sign_in()
    address = tool(visitor)
    user_id = str(cast(visitor.tenant, "victor.hale@example.com").user_id)
    answer = await visitor.http.post(
        f"{address}/-internal/users/bulk_inactivate",
        data={"user_ids[]": user_id},
        headers=await headers(visitor, address),
    )
    assert answer.status_code == 404
    assert cast(visitor.tenant, "victor.hale@example.com").is_active


async def test_a_group_is_saved_with_its_people_at_once(visitor: Visitor, both_new: Deployment) -> None:
    """Name, description and people in one save; a second one of the name is refused with an error on the field."""
    await visitor.sign_in()
    address = tool(visitor)
    sent = await headers(visitor, address)
    victor = str(cast(visitor.tenant, "victor.hale@example.com").user_id)
    form = {"name": "Crane Crew", "description": "", "user_ids[]": victor}
    assert (await visitor.http.post(f"{address}/-internal/distribution_groups", data=form, headers=sent)).is_success
    assert visitor.tenant.groups[max(visitor.tenant.groups)].user_ids == (int(victor),)
    twin = await visitor.http.post(f"{address}/-internal/distribution_groups", data=form, headers=sent)
    assert (twin.status_code, list(twin.json()["errors"])) == (422, ["name"])

"""The legacy project Directory over HTTP, without a browser: addresses, rights, requests that are named."""

from __future__ import annotations

import re

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.faults import Fault
from fixtures.sandbox.world.model import Project
from fixtures.sandbox.world.world import Tenant

from .conftest import Visitor
from .test_people import cast, template_id
from .test_status_and_projects import project

OPERATOR = "ops.granular@example.com"


def home_of(visitor: Visitor, place: int = 0) -> str:
    """Address of a project's legacy Directory."""
    here: Project = project(visitor.tenant, place)
    return f"{visitor.deployment.origins.app}/{here.project_id}/project/directory"


async def send(visitor: Visitor, address: str, **fields: str) -> str:
    """Post a form with the session's token, and the text of the page one lands on."""
    page = await visitor.http.get(home_of(visitor) + "/groups/users")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token is not None
    return (await visitor.http.post(address, data={"authenticity_token": token.group(1), **fields})).text


async def test_the_tool_root_leads_to_the_users(visitor: Visitor) -> None:
    """And the page says which project it is of."""
    await visitor.sign_in()
    page = await visitor.http.get(home_of(visitor))
    assert page.url.path.endswith("/project/directory/groups/users")
    assert f"<title>Directory • {project(visitor.tenant, 0).name}</title>" in page.text
    assert f'"projectID": "{project(visitor.tenant, 0).project_id}"' in page.text


async def test_whoever_is_not_on_the_project_is_denied(visitor: Visitor) -> None:
    """The known flash at the company home, status 200."""
    await visitor.sign_in(OPERATOR)
    page = await visitor.http.get(home_of(visitor, 9) + "/groups/users")
    assert "have access to that part of the site" in page.text
    assert page.url.path.endswith("/company/home/list")


async def test_a_foreign_project_is_not_found(visitor: Visitor, deployment: Deployment) -> None:
    """A project of a company in which one has no user."""
    await visitor.sign_in()
    other = list(deployment.world.tenants.values())[1]
    foreign = next(iter(other.projects))
    page = await visitor.http.get(f"{deployment.origins.app}/{foreign}/project/directory/groups/users")
    assert page.status_code == 404


async def test_the_list_shows_the_template_of_this_project(visitor: Visitor, tenant: Tenant) -> None:
    """Not the person's default template."""
    await visitor.sign_in()
    page = await visitor.http.get(home_of(visitor) + "/groups/users?search=victor.hale")
    assert "Permission Template (Assigned)" in page.text
    assert re.search(r'permission_template_cell"[^>]*><span>Subcontractor - External</span>', page.text)


async def test_every_write_has_a_name_and_is_about_people(visitor: Visitor, deployment: Deployment) -> None:
    """The request log speaks of operations, so a test does not depend on addresses."""
    await visitor.sign_in()
    home, amara = home_of(visitor), cast(visitor.tenant, "amara.diallo@example.com")
    crane = str(template_id(visitor.tenant, "Tower Crane Operators"))
    await send(visitor, f"{home}/bulk_add", **{f"users[{amara.user_id}][permission_template_id]": crane})
    await send(visitor, f"{home}/users/{amara.user_id}", commit="save_and_invite", **{"user[job_title]": "Rigger"})
    await send(visitor, f"{home}/users/{amara.user_id}/remove")
    await send(visitor, f"{home}/distribution_groups", **{"distribution_group[name]": "Crane Crew"})
    posts = [r for r in deployment.requests if r.method == "POST" and r.host == "app"]
    assert [(r.operation, r.people) for r in posts] == [
        ("bulk_add", (amara.email_address,)),
        ("member_save", (amara.email_address,)),
        ("member_remove", (amara.email_address,)),
        ("group_create", ()),
    ]
    assert cast(visitor.tenant, "amara.diallo@example.com").job_title == "Rigger"
    assert [mail.to for mail in deployment.world.outbox] == [amara.email_address]


async def test_a_fault_is_keyed_by_the_new_operations(visitor: Visitor, deployment: Deployment) -> None:
    """The planted refusal meets the save of a member on this project, and only that."""
    await visitor.sign_in()
    number = project(visitor.tenant, 0).number
    deployment.faults.plant(
        [Fault(operation="member_remove", effect="refuse_text", text="Open items stand in the way.", project=number)]
    )
    victor = cast(visitor.tenant, "victor.hale@example.com")
    text = await send(visitor, f"{home_of(visitor)}/users/{victor.user_id}/remove")
    assert "Open items stand in the way." in text
    assert cast(visitor.tenant, "victor.hale@example.com") == victor
    assert deployment.faults.report()["never_fired"] == []


async def test_the_group_of_another_project_is_not_found(visitor: Visitor) -> None:
    """A group's page answers under its own Directory only."""
    await visitor.sign_in()
    await send(visitor, f"{home_of(visitor)}/distribution_groups", **{"distribution_group[name]": "Crane Crew"})
    group = max(visitor.tenant.groups)
    assert (await visitor.http.get(f"{home_of(visitor)}/distribution_groups/{group}/edit")).status_code == 200
    assert (await visitor.http.get(f"{home_of(visitor, 1)}/distribution_groups/{group}/edit")).status_code == 404


async def test_the_export_is_of_the_project(visitor: Visitor) -> None:
    """One line per active member, with the template on this project."""
    await visitor.sign_in()
    text = (await visitor.http.get(home_of(visitor) + "/export.csv?group=users")).text
    here = project(visitor.tenant, 0).project_id
    members = [u for u in visitor.tenant.users.values() if u.is_active and here in u.memberships]
    assert len(text.splitlines()) == len(members) + 1
    assert "victor.hale@example.com" in text
    assert "amara.diallo@example.com" not in text


async def test_a_members_history_keeps_silent_about_other_projects(visitor: Visitor) -> None:
    """Rows of this project and of the person; none of another project."""
    await visitor.sign_in()
    home, victor = home_of(visitor), cast(visitor.tenant, "victor.hale@example.com")
    other = project(visitor.tenant, 2)
    await visitor.post(f"/users/{victor.user_id}/projects/{other.project_id}/remove")
    page = (await visitor.http.get(f"{home}/users/{victor.user_id}/change_history")).text
    assert "Created" in page
    assert other.label not in page
    assert other.label in (await visitor.http.get(f"{visitor.directory}/users/{victor.user_id}/change_history")).text

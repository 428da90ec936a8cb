"""What differs from tenant to tenant: a second factor in mid-session, an identity provider, granular rights."""

from __future__ import annotations

import re

import pytest

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.seed import SERVICE_ACCOUNT, credentials
from fixtures.sandbox.world import people, project_members, projects
from fixtures.sandbox.world.errors import Denied
from fixtures.sandbox.world.rights import Actor
from fixtures.sandbox.world.world import OPERATOR_PERMISSIONS, Tenant, World

from .conftest import Visitor, actor_of, token_of
from .test_mfe import tool
from .test_people import cast
from .test_status_and_projects import project

OPERATOR = "ops.granular@example.com"


async def test_a_session_is_asked_for_its_code_again(visitor: Visitor, deployment: Deployment) -> None:
    """After so many seconds any page leads to the code; with it one is back where one wanted to go."""
    deployment.change_options({"mfa_reattest_after": 600})
    await visitor.sign_in()
    deployment.clock.advance(601)
    asked = await visitor.http.get(visitor.directory + "/groups/companies")
    assert asked.url.path == "/two_factor/verify"
    back = await visitor.send(asked, code=visitor.code())
    assert back.url.path.endswith("/groups/companies")
    assert 'id="header-avatar"' in back.text


async def test_a_save_into_the_reattestation_saves_nothing(visitor: Visitor, deployment: Deployment) -> None:
    """The form is lost; its page comes back with another token."""
    await visitor.sign_in()
    deployment.change_options({"mfa_reattest_requests": 3})
    victor = cast(visitor.tenant, "victor.hale@example.com")
    page = await visitor.http.get(f"{visitor.directory}/users/{victor.user_id}/edit")
    address = f"{visitor.directory}/users/{victor.user_id}"
    form = {"authenticity_token": token_of(page.text), "user[job_title]": "Rigger"}
    asked = await visitor.http.post(address, data=form, headers={"referer": str(page.url)})
    assert asked.url.path == "/two_factor/verify"
    deployment.change_options({"mfa_reattest_requests": None})
    deployment.clock.advance(30)
    back = await visitor.send(asked, code=visitor.code())
    assert back.url.path.endswith(f"/users/{victor.user_id}/edit")
    assert token_of(back.text) != token_of(page.text)
    assert cast(visitor.tenant, "victor.hale@example.com").job_title == victor.job_title
    assert "mfa_reattestation" in {effect for request in deployment.requests for effect in request.effects}


async def test_whoever_has_no_second_factor_is_not_asked(visitor: Visitor, deployment: Deployment) -> None:
    """Nothing to ask for."""
    deployment.change_options({"mfa_reattest_requests": 1})
    await visitor.sign_in("nora.quist@example.com")
    for _ in range(3):
        page = await visitor.http.get(deployment.origins.app + "/")
        assert page.url.path.endswith("/company/home/list")


async def test_an_sso_domain_is_handed_to_the_provider(visitor: Visitor, deployment: Deployment) -> None:
    """No password box: another host asks, and its word lets one in without a second factor."""
    deployment.change_options({"sso_domains": ["example.com"]})
    password = {entry["email"]: entry["password"] for entry in credentials(deployment.world)}[SERVICE_ACCOUNT] or ""
    page = await visitor.to_password(SERVICE_ACCOUNT, "/")
    assert page.url.host == "idp.sandbox.localhost"
    assert 'id="password"' not in page.text
    state = re.findall(r'name="state" value="([^"]+)"', page.text)[0]
    wrong = {"state": state, "username": SERVICE_ACCOUNT, "passcode": "no"}
    refused = await visitor.http.post(deployment.origins.idp + "/sso/sign_in", data=wrong)
    assert "not correct" in refused.text
    right = {**wrong, "passcode": password}
    inside = await visitor.http.post(deployment.origins.idp + "/sso/sign_in", data=right)
    assert 'id="header-avatar"' in inside.text
    assert "sign_in_provider" in {request.operation for request in deployment.requests if request.host == "idp"}


async def test_the_password_form_refuses_an_sso_address(visitor: Visitor, deployment: Deployment) -> None:
    """Even the right password, and without counting it as a failed one."""
    page = await visitor.to_password(SERVICE_ACCOUNT)
    deployment.change_options({"sso_domains": ["EXAMPLE.com"]})
    password = {entry["email"]: entry["password"] for entry in credentials(deployment.world)}[SERVICE_ACCOUNT] or ""
    refused = await visitor.send(page, password=password)
    assert "identity provider" in refused.text
    login = deployment.world.login(SERVICE_ACCOUNT)
    assert login is not None
    assert login.failed_attempts == 0


async def test_an_assertion_counts_once(visitor: Visitor, deployment: Deployment) -> None:
    """A made-up or used one leads to the start."""
    page = await visitor.http.get(deployment.origins.sign_in + "/sso/consume?assertion=made-up")
    assert 'id="sign_in_form"' in page.text


@pytest.mark.parametrize(
    ("missing", "act"),
    [
        ("add_from_company_directory", lambda a, p, u: project_members.add_member(a, p, u, None)),
        ("remove_users", lambda a, p, u: project_members.remove_members(a, p, [u])),
        ("project_assignment", lambda a, p, u: projects.add_project(a, u, p, None)),
        ("remove_project_assignment", lambda a, p, u: projects.remove_project(a, u, p)),
    ],
)
def test_each_granular_permission_opens_its_own_door(
    world: World, tenant: Tenant, deployment: Deployment, missing: str, act: object
) -> None:
    """With all of them the operator may; with the one taken away it is denied."""
    assert callable(act)
    here, tomasz = project(tenant, 0).project_id, cast(tenant, "tomasz.wilk@example.com").user_id
    act(actor_of(world, tenant, OPERATOR), here, tomasz)
    deployment.change_options({"operator_permissions": [p for p in OPERATOR_PERMISSIONS if p != missing]})
    with pytest.raises(Denied):
        act(actor_of(world, tenant, OPERATOR), here, tomasz)


def test_future_projects_are_a_permission_of_their_own(
    world: World, tenant: Tenant, operator: Actor, deployment: Deployment
) -> None:
    """By default denied, as documented for the older granular right."""
    ann = cast(tenant, "ann.lee@example.com").user_id
    with pytest.raises(Denied):
        people.update_user(operator, ann, {"add_to_new_projects": True})
    deployment.change_options({"operator_permissions": [*OPERATOR_PERMISSIONS, "future_projects"]})
    assert people.update_user(actor_of(world, tenant, OPERATOR), ann, {"add_to_new_projects": True}).add_to_new_projects


async def test_the_redesigned_projects_tab_is_queued_too(visitor: Visitor, deployment: Deployment) -> None:
    """The same address, another page; its save is asynchronous as the old one's."""
    deployment.change_options({"projects_tab": "new", "assignment_delay": 5.0})
    await visitor.sign_in()
    ann, fourth = cast(visitor.tenant, "ann.lee@example.com"), project(visitor.tenant, 3)
    page = await visitor.http.get(f"{visitor.directory}/users/{ann.user_id}/projects")
    assert 'data-qa="edit-projects"' in page.text
    assert 'id="user_projects"' not in page.text
    after = await visitor.post(f"/users/{ann.user_id}/projects/assign", **{"add[]": str(fourth.project_id)})
    assert 'data-qa="projects-pending"' in after.text
    assert fourth.project_id not in cast(visitor.tenant, "ann.lee@example.com").memberships
    deployment.clock.advance(6)
    await visitor.http.get(visitor.directory)
    assert fourth.project_id in cast(visitor.tenant, "ann.lee@example.com").memberships


@pytest.mark.parametrize(
    ("language", "word"),
    [("en-US", "Bulk Add from Co."), ("en-GB", "Bulk Add from Var."), ("de", "Projektverzeichnis")],
)
async def test_the_new_pages_speak_the_tenants_language(
    visitor: Visitor, deployment: Deployment, language: str, word: str
) -> None:
    """Labels differ, hooks do not."""
    deployment.change_options({"language": language})
    await visitor.sign_in()
    legacy = await visitor.http.get(
        f"{deployment.origins.app}/{project(visitor.tenant, 0).project_id}/project/directory"
    )
    assert word in legacy.text
    assert 'data-pendo="project-area-sidebar-bulk-add"' in legacy.text
    deployment.change_options({"project_directory": "mfe"})
    new = await visitor.http.get(tool(visitor) + "/users")
    assert ("Weitere Filter" if language == "de" else "More Filters") in new.text
    assert 'data-qa="data-table-show-filters-button"' in new.text

"""The sandbox's sign-in host: two steps, second factor, lock, company picker, and nothing without a session."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.seed import SERVICE_ACCOUNT, credentials
from fixtures.sandbox.session import APP_COOKIE
from fixtures.sandbox.world.invitations import invite
from fixtures.sandbox.world.rights import Actor
from fixtures.sandbox.world.status import bulk_inactivate
from fixtures.sandbox.world.world import Tenant

from .conftest import NOON, Visitor, token_of

AVATAR = 'id="header-avatar"'
FORM = 'id="sign_in_form"'


async def test_signing_in_leads_to_the_page_one_wanted(visitor: Visitor) -> None:
    """E-mail, password, code, then the target on the app host, with the avatar that means signed in."""
    target = f"/{visitor.tenant.company_id}/company/directory/groups/inactive_users"
    page = await visitor.sign_in(target=target)
    assert (page.status_code, page.url.path, page.url.host) == (200, target, "us02.sandbox.localhost")
    assert AVATAR in page.text


async def test_without_a_session_every_page_is_the_sign_in_form(visitor: Visitor) -> None:
    """By a redirect to the sign-in host that carries the target."""
    page = await visitor.http.get(visitor.directory + "/groups/users?page=2")
    assert page.url.host == "login.sandbox.localhost"
    assert page.url.params["redirect"] == visitor.directory + "/groups/users?page=2"
    assert FORM in page.text
    assert AVATAR not in page.text


async def test_the_form_can_be_served_at_the_target(visitor: Visitor) -> None:
    """With the option, the same form comes with status 200 under the target's own address, and works."""
    visitor.deployment.change_options({"signin_at_target": True})
    target = "/" + visitor.directory.split("/", 3)[3] + "/groups/users"
    page = await visitor.http.get(visitor.deployment.origins.app + target)
    assert (page.status_code, page.url.path) == (200, target)
    assert f'action="{visitor.deployment.origins.sign_in}/sign_in/email?redirect=' in page.text
    assert AVATAR in (await visitor.sign_in(target=target)).text


async def test_a_wrong_password_is_answered_by_step_two(visitor: Visitor) -> None:
    """An alert, the same for an unknown address, and no session."""
    for email in (SERVICE_ACCOUNT, "nobody@example.com"):
        page = await visitor.send(await visitor.to_password(email), password="wrong")
        assert 'role="alert"' in page.text
        assert "not valid" in page.text
        assert 'id="password"' in page.text


async def test_three_wrong_passwords_lock_the_login(visitor: Visitor) -> None:
    """The right one is of no use then; the form has no password field; two are forgiven by a right one."""
    page = await visitor.to_password(SERVICE_ACCOUNT)
    for _ in range(2):
        page = await visitor.send(page, password="wrong")
    page = await visitor.send(page, password="wrong")
    assert 'data-qa="account-locked"' in page.text
    assert 'id="password"' not in page.text
    page = await visitor.to_password(SERVICE_ACCOUNT)
    assert 'data-qa="account-locked"' in page.text


async def test_two_wrong_passwords_are_forgiven_by_the_right_one(visitor: Visitor) -> None:
    """The count starts again after a success."""
    page = await visitor.to_password(SERVICE_ACCOUNT)
    for _ in range(2):
        page = await visitor.send(page, password="wrong")
    await visitor.sign_in()
    login = visitor.deployment.world.login(SERVICE_ACCOUNT)
    assert login is not None
    assert login.failed_attempts == 0


async def test_a_code_is_accepted_once(visitor: Visitor) -> None:
    """The same code again is rejected, until the next step."""
    await visitor.sign_in()
    await visitor.http.get(visitor.deployment.origins.app + "/sign_out")
    page = await visitor.sign_in()
    assert page.url.path == "/two_factor/verify"
    assert 'role="alert"' in page.text
    visitor.deployment.clock.advance(31)
    assert AVATAR in (await visitor.send(page, code=visitor.code())).text


async def test_enrolment_is_demanded_where_the_tenant_requires_it(visitor: Visitor) -> None:
    """Somebody without a second factor is stopped at the demand; without the requirement they get in."""
    visitor.deployment.change_options({"mfa": "required"})
    page = await visitor.sign_in("nora.quist@example.com")
    assert page.url.path == "/two_factor/setup"
    assert "<h1>Two-Factor Authentication Required</h1>" in page.text
    visitor.deployment.change_options({"mfa": "off"})
    assert AVATAR in (await visitor.sign_in("helen.brandt@example.com")).text


async def test_the_picker_asks_those_with_several_companies(visitor: Visitor) -> None:
    """A choice per company, a search box above ten, and the chosen company behind it."""
    visitor.deployment.change_options({"companies": 12})
    visitor.deployment.reset()
    page = await visitor.sign_in()
    assert page.url.path == "/companies"
    assert page.text.count('name="company_id"') == 12
    assert 'type="search"' in page.text
    tenants = list(visitor.deployment.world.tenants.values())
    page = await visitor.send(page, company_id=str(tenants[3].company_id))
    assert page.url.path.startswith(f"/{tenants[3].company_id}/")


@pytest.mark.parametrize(
    "evil", ["https://evil.test/", "//evil.test/", "http://us02.sandbox.localhost.evil.test/", "\\\\evil.test", "x"]
)
async def test_a_foreign_redirect_is_dropped(visitor: Visitor, evil: str) -> None:
    """After the sign-in one is at home, never elsewhere."""
    page = await visitor.http.get(f"{visitor.deployment.origins.sign_in}/?redirect={quote(evil, safe='')}")
    known = {entry["email"]: entry for entry in credentials(visitor.deployment.world)}[SERVICE_ACCOUNT]
    page = await visitor.send(page, email=SERVICE_ACCOUNT)
    page = await visitor.send(page, password=known["password"] or "")
    page = await visitor.send(page, code=visitor.code())
    assert page.url.host == "us02.sandbox.localhost"
    assert page.url.path == f"/{visitor.tenant.company_id}/company/home/list"


async def test_a_ticket_is_good_once(visitor: Visitor) -> None:
    """The address that sets the session's cookie cannot be used again."""
    page = await visitor.sign_in()
    entered = next(r for r in page.history if r.url.path == "/sessions/enter")
    visitor.http.cookies.clear()
    again = await visitor.http.get(entered.url)
    assert FORM in again.text


async def test_a_forged_form_is_not_accepted(visitor: Visitor) -> None:
    """No step goes on without its token."""
    page = await visitor.to_password(SERVICE_ACCOUNT)
    known = {entry["email"]: entry for entry in credentials(visitor.deployment.world)}[SERVICE_ACCOUNT]
    page = await visitor.http.post(
        visitor.deployment.origins.sign_in + "/sign_in/password",
        data={"password": known["password"] or "", "authenticity_token": "forged"},
    )
    assert page.url.path == "/"
    assert FORM in page.text


async def test_an_idle_session_ends_and_its_form_saves_nothing(visitor: Visitor, tenant: Tenant) -> None:
    """After the time-out the POST is answered by the sign-in form."""
    visitor.deployment.change_options({"idle_timeout": 600.0})
    await visitor.sign_in()
    page = await visitor.http.get(visitor.directory + "/popup_add_person")
    people = len(tenant.users)
    fields = {"user[last_name]": "Late", "user[email_address]": "late@example.com"}
    visitor.deployment.clock.advance(601)
    answer = await visitor.http.post(
        visitor.directory + "/users", data={"authenticity_token": token_of(page.text), **fields}
    )
    assert FORM in answer.text
    assert len(tenant.users) == people


async def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    """The cookie is worth nothing afterwards."""
    await visitor.sign_in()
    cookie = f"{APP_COOKIE}={visitor.http.cookies[APP_COOKIE]}"
    await visitor.http.get(visitor.deployment.origins.app + "/sign_out")
    page = await visitor.http.get(visitor.directory + "/groups/users", headers={"cookie": cookie})
    assert FORM in page.text


async def test_an_inactive_person_cannot_sign_in_and_loses_a_session(visitor: Visitor, tenant: Tenant) -> None:
    """Deactivation takes effect at once."""
    await visitor.sign_in("nora.quist@example.com")
    nora = tenant.user_by_email("nora.quist@example.com")
    assert nora is not None
    control = Actor.control_plane(visitor.deployment.world, tenant)
    bulk_inactivate(control, [nora.user_id])
    page = await visitor.http.get(visitor.deployment.origins.app + "/")
    assert FORM in page.text
    page = await visitor.sign_in("nora.quist@example.com")
    assert "no access to any company" in page.text


async def test_the_welcome_mail_leads_to_a_password_and_in(visitor: Visitor, tenant: Tenant, admin: Actor) -> None:
    """A person who was invited can choose a password, once, and sign in with it."""
    amara = tenant.user_by_email("amara.diallo@example.com")
    assert amara is not None
    link = visitor.deployment.origins.sign_in + invite(admin, amara.user_id).link
    page = await visitor.http.get(link)
    weak = {"authenticity_token": token_of(page.text), "password": "weak"}
    page = await visitor.http.post(link, data=weak)
    assert 'role="alert"' in page.text
    await visitor.http.post(link, data={"authenticity_token": token_of(page.text), "password": "Str0ng!word"})
    assert (await visitor.http.get(link)).status_code == 404
    page = await visitor.send(await visitor.to_password("amara.diallo@example.com"), password="Str0ng!word")
    assert AVATAR in page.text


async def test_cookies_are_for_the_server_alone(visitor: Visitor) -> None:
    """HttpOnly and SameSite=Lax on both hosts' cookies."""
    steps = [*(await visitor.to_password(SERVICE_ACCOUNT)).history, *(await visitor.sign_in()).history]
    given = [value for r in steps for value in r.headers.get_list("set-cookie") if "Max-Age=0" not in value]
    assert len(given) == 2
    assert all("HttpOnly" in value and "SameSite=lax" in value for value in given)


def test_the_clock_of_these_tests_stands(deployment: Deployment) -> None:
    """A code cannot expire between two lines of a test."""
    assert deployment.clock.now() == NOON

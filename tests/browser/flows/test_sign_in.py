"""Signing in: rarely, on known hosts only, and never a second try with a rejected secret."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Route

from agent.errors import AgentError, Failed, SignedOut, SignInRejected, UnknownPage
from flows import Catalogue, TenantAddress, open_directory
from flows.page import sign_in as sign_in_module
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    IMPATIENT,
    SERVICE_ACCOUNT,
    Account,
    Opener,
    RecordingGate,
    account_of,
    options_of,
    plan_fault,
    tenant_of,
)


def sign_in_posts(sandbox: Sandbox) -> list[str]:
    """What was sent to the sign-in host."""
    return [item["path"] for item in sandbox.get("/requests") if item["host"] == "sign_in" and item["method"] == "POST"]


def assert_password_sent_once(sandbox: Sandbox) -> None:
    """By the sign-in host's own log, not by what the agent says of itself."""
    assert len([path for path in sign_in_posts(sandbox) if "password" in path]) == 1


async def test_one_sign_in_asks_for_each_secret_once(open_it: Opener, sandbox: Sandbox) -> None:
    """E-mail, password, code: three steps, three requests."""
    account = account_of(sandbox)

    await open_it(account=account)

    assert (account.passwords_asked, account.codes_asked) == (1, 1)
    assert len(sign_in_posts(sandbox)) == 3


async def test_a_good_session_is_used_as_it_is(open_it: Opener, sandbox: Sandbox) -> None:
    """A stored session costs one page load and no secret at all."""
    await open_it()
    sandbox.forget_requests()
    account = account_of(sandbox)

    await open_it(account=account)

    assert (account.passwords_asked, account.codes_asked) == (0, 0)
    requests = sandbox.get("/requests")
    assert [item["operation"] for item in requests if item["method"] == "GET" and item["operation"] == "list"] == [
        "list"
    ]
    assert {item["host"] for item in requests} == {"app"}


async def test_the_form_under_the_targets_own_address_is_filled(open_it: Opener, sandbox: Sandbox) -> None:
    """The address still names the Directory while the form is shown [C]."""
    sandbox.post("/options", {"signin_at_target": True})

    directory = await open_it()

    assert (await directory.fingerprint()).signed_in_as == SERVICE_ACCOUNT


async def test_an_account_without_authenticator_needs_no_code(open_it: Opener, sandbox: Sandbox) -> None:
    """Where the company does not demand one."""
    sandbox.post("/options", {"mfa": "off"})
    account = account_of(sandbox)

    await open_it(account=account)

    assert account.codes_asked == 0


@pytest.mark.parametrize("companies", [3, 14])
async def test_the_company_is_chosen_by_its_id(open_it: Opener, sandbox: Sandbox, companies: int) -> None:
    """An account in several companies gets a list, a long one with a search box."""
    sandbox.post("/reset", {"options": {"companies": companies}})
    try:
        directory = await open_it()
        assert (await directory.fingerprint()).company_id == tenant_of(sandbox).company_id
        assert len([path for path in sign_in_posts(sandbox) if "companies" in path]) == 1
    finally:
        sandbox.post("/reset", {"options": {"companies": 1}})


async def test_a_rejected_password_is_sent_once(open_it: Opener, sandbox: Sandbox) -> None:
    """Procore may lock at three: the second try is a person's decision."""
    account = replace(account_of(sandbox), secret_password="Wrong-horse-1!")

    with pytest.raises(SignInRejected) as failure:
        await open_it(account=account)

    assert failure.value.code == "password-rejected"
    assert account.passwords_asked == 1
    assert_password_sent_once(sandbox)


async def test_a_second_try_with_a_rejected_password_is_caught(
    open_it: Opener, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted violation: a sign-in that tries twice is seen by the host's own count of attempts."""
    account = replace(account_of(sandbox), secret_password="Wrong-horse-1!")
    refuse = sign_in_module._refuse

    def insist(screen: Any, page: dict[str, Any], done: set[Any]) -> None:
        refuse(screen, page, done if account.passwords_asked >= 2 else set())

    monkeypatch.setattr(sign_in_module, "_refuse", insist)
    with pytest.raises(SignInRejected):
        await open_it(account=account)

    assert account.passwords_asked == 2
    with pytest.raises(AssertionError):
        assert_password_sent_once(sandbox)


async def test_a_rejected_code_is_sent_once(open_it: Opener, sandbox: Sandbox) -> None:
    """The same for the one-time code."""
    account = replace(account_of(sandbox), totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")

    with pytest.raises(SignInRejected) as failure:
        await open_it(account=account)

    assert failure.value.code == "code-rejected"
    assert account.codes_asked == 1


@pytest.mark.parametrize(
    ("email", "options", "code"),
    [
        ("lena.fischer@example.com", {}, "account-locked"),
        ("nora.quist@example.com", {"mfa": "required"}, "mfa-enrolment"),
    ],
)
async def test_what_only_a_person_can_mend_is_said(
    open_it: Opener, sandbox: Sandbox, email: str, options: dict[str, str], code: str
) -> None:
    """Locked, or to be enrolled: no click further."""
    sandbox.post("/options", options)
    try:
        with pytest.raises(SignInRejected) as failure:
            await open_it(email)
    finally:
        sandbox.post("/options", {"mfa": "enrolled"})

    assert failure.value.code == code


async def test_a_code_that_is_not_stored_is_said(open_it: Opener, sandbox: Sandbox) -> None:
    """Procore asks and the keyring has none."""
    with pytest.raises(SignInRejected) as failure:
        await open_it(account=replace(account_of(sandbox), totp_secret=None))

    assert failure.value.code == "code-missing"


async def test_another_company_is_not_entered(sandbox: Sandbox, context: BrowserContext, gate: RecordingGate) -> None:
    """The settings name a company that the account does not belong to."""
    tenant = replace(tenant_of(sandbox), company_id="562949953999999")
    hurried = replace(IMPATIENT, page=4)

    with pytest.raises(AgentError) as failure:
        await open_directory(await context.new_page(), tenant, gate, account_of(sandbox), Catalogue.load(), hurried)

    assert failure.value.code == "unknown-page"


async def test_an_account_without_the_directory_is_denied(open_it: Opener) -> None:
    """A redirect and a flash with status 200 [C]: a refusal all the same."""
    with pytest.raises(Failed) as failure:
        await open_it("nora.quist@example.com")

    assert failure.value.code == "denied"


async def test_a_session_lost_between_two_pages_is_told_apart(open_it: Opener, sandbox: Sandbox) -> None:
    """Signed out is not an unknown page: the caller signs in once more and looks again."""
    directory = await open_it()
    sandbox.post("/sign_out", {"login": SERVICE_ACCOUNT})

    with pytest.raises(SignedOut):
        await directory.find("ada.byron@example.com")


async def test_an_idle_session_ends_and_is_opened_again(open_it: Opener, sandbox: Sandbox) -> None:
    """A session that ended by itself is SignedOut, and one new sign-in goes on from there."""
    account = account_of(sandbox)
    with options_of(sandbox, mfa="off"):  # a code counts once, and the next one is half a minute away
        directory = await open_it()
        with options_of(sandbox, idle_timeout=0.001), pytest.raises(SignedOut):
            await directory.find("ada.byron@example.com")
        again = await open_it(account=account)

    assert account.passwords_asked == 1
    assert (await again.find(SERVICE_ACCOUNT)).matches


SMALL_TENANT = TenantAddress("https://login.example.test", "https://app.example.test", "1")

LOOKALIKE = """<!doctype html><form id="sign_in_form" method="post" action="{action}">
<label>Email <input id="email" type="email" name="email"></label><button type="submit">Continue</button></form>"""


@pytest.mark.parametrize(
    ("served_at", "action"),
    [
        ("https://login.evil.test/", "https://login.evil.test/go"),
        ("https://app.example.test/", "https://login.evil.test/go"),
        ("http://app.example.test/", "https://app.example.test/go"),
    ],
)
async def test_nothing_is_typed_on_a_host_that_is_not_allowed(
    context: BrowserContext, gate: RecordingGate, served_at: str, action: str
) -> None:
    """Neither the page nor the form's target may be another host, nor in clear text: not even the address is typed."""
    page = await context.new_page()
    seen: list[str] = []

    async def answer(route: Route) -> None:
        seen.append(f"{route.request.method} {route.request.url}")
        if served_at.startswith("http://") or route.request.url.startswith(served_at):
            await route.fulfill(body=LOOKALIKE.format(action=action), content_type="text/html")
        else:
            await route.fulfill(body=f"<script>location.replace('{served_at}')</script>", content_type="text/html")

    await page.route("**/*", answer)
    app = "http://app.example.test" if served_at.startswith("http://") else "https://app.example.test"
    tenant = replace(SMALL_TENANT, app_url=app)
    account = Account("svc@example.com", "Secret-1!", None)

    with pytest.raises(SignInRejected) as failure:
        await open_directory(page, tenant, gate, account, Catalogue.load(), IMPATIENT)

    assert failure.value.code == "unexpected-host"
    assert await page.input_value("#email") == ""
    assert account.passwords_asked == 0
    assert not [item for item in seen if item.startswith("POST")]


async def test_a_sign_in_screen_that_is_not_known_stops(context: BrowserContext, gate: RecordingGate) -> None:
    """A hand-over to an identity provider, a captcha, a notice: a person looks at it."""
    page = await context.new_page()

    async def answer(route: Route) -> None:
        await route.fulfill(body="<h1>Prove that you are human</h1>", content_type="text/html")

    await page.route("**/*", answer)
    account = Account("svc@example.com", "Secret-1!", None)

    with pytest.raises(UnknownPage):
        await open_directory(page, SMALL_TENANT, gate, account, Catalogue.load(), replace(IMPATIENT, page=2))

    assert account.passwords_asked == 0


async def test_no_secret_is_in_the_error_of_a_sign_in_that_breaks(
    open_it: Opener, sandbox: Sandbox, context: BrowserContext
) -> None:
    """Playwright's own messages quote what was to be typed."""
    plan_fault(sandbox, "sign_in_password", "drop_response")
    account = account_of(sandbox)

    with pytest.raises(AgentError) as failure:
        await open_it(account=account)

    told = f"{failure.value!r} {failure.value.diagnostics()} {failure.value.__cause__!r} {failure.value.__context__!r}"
    assert account.secret_password not in told

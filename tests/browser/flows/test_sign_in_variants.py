"""Sign-ins that not every company has: an identity provider, and the one-time code again in the middle of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.async_api import BrowserContext, Playwright, Route

from agent.domain.person import NewUser, UserChange
from agent.errors import Failed, SignedOut, SignInRejected
from agent.worker.troubles import SIGN_IN
from fixtures.running import browser_path
from flows import Catalogue, Directory, TenantAddress, open_directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    IMPATIENT,
    SERVICE_ACCOUNT,
    Account,
    Opener,
    RecordingGate,
    account_of,
    job_title,
    make_person,
    options_of,
    tenant_of,
    writes_in,
)


def posts_to(sandbox: Sandbox, host: str) -> list[str]:
    """What was sent to a host, by its own log."""
    return [item["path"] for item in sandbox.get("/requests") if item["host"] == host and item["method"] == "POST"]


class ChallengedOnce(Account):
    """The service account; once its code has been asked for, the company asks for no further one."""

    def __init__(self, sandbox: Sandbox) -> None:
        known = account_of(sandbox)
        super().__init__(known.email, known.secret_password, known.totp_secret)
        self._sandbox = sandbox

    def totp(self) -> str | None:
        self._sandbox.post("/options", {"mfa_reattest_after": None})
        return super().totp()


def new_code_counts(sandbox: Sandbox) -> None:
    """Play the half-minute that passes until the authenticator shows another code."""
    sandbox.post("/people", [{"email_address": SERVICE_ACCOUNT, "totp": True}])


@pytest.fixture(autouse=True)
def asked_never_again(sandbox: Sandbox) -> Iterator[None]:
    """The options of this file are gone after each test."""
    with options_of(sandbox, mfa_reattest_after=None, sso_domains=[]):
        yield


async def test_an_account_that_signs_in_elsewhere_is_said_and_nothing_typed_there(
    open_it: Opener, sandbox: Sandbox
) -> None:
    """After the e-mail step the browser is at the identity provider: the agent stops, and tries no password."""
    sandbox.post("/options", {"sso_domains": ["example.com"]})
    sandbox.forget_requests()
    account = account_of(sandbox)

    with pytest.raises(SignInRejected) as failure:
        await open_it(account=account)

    assert failure.value.code == "sso-account"
    assert failure.value.code in SIGN_IN, "the tenant must stop: the next job would only do the same"
    assert "idp.sandbox.localhost" in failure.value.seen
    assert account.passwords_asked == account.codes_asked == 0
    assert posts_to(sandbox, "sign_in") == ["/sign_in/email"]
    assert posts_to(sandbox, "idp") == []


async def test_a_provider_that_the_browser_may_not_reach_is_said_all_the_same(
    playwright: Playwright, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The agent's own browser resolves the tenant's hosts only: the hand-over ends in an error page of the browser."""
    sandbox.post("/options", {"sso_domains": ["example.com"]})
    rules = "MAP * ~NOTFOUND, EXCLUDE login.sandbox.localhost, EXCLUDE us02.sandbox.localhost"
    account = account_of(sandbox)
    browser = await playwright.chromium.launch(
        executable_path=browser_path(), args=["--disable-http2", f"--host-resolver-rules={rules}"]
    )
    try:
        page = await browser.new_page()
        with pytest.raises(SignInRejected) as failure:
            await open_directory(page, tenant_of(sandbox), gate, account, Catalogue.load(), IMPATIENT)
    finally:
        await browser.close()

    assert failure.value.code == "sso-account"
    assert account.passwords_asked == 0


async def test_a_provider_that_looks_like_the_sign_in_gets_no_password(
    context: BrowserContext, gate: RecordingGate
) -> None:
    """The same form, the same fields, at another host: the address bar decides."""
    page = await context.new_page()
    form = """<!doctype html><form id="sign_in_form" method="post" action="{action}">
      <input type="{kind}" name="it"><button type="submit">Continue</button></form>"""
    elsewhere: list[str] = []

    async def answer(route: Route) -> None:
        url = route.request.url
        if "provider.example.test" in url:
            elsewhere.append(route.request.method)
            body = form.format(action="https://provider.example.test/in", kind="password")
        elif route.request.method == "POST":
            body = "<script>location.replace('https://provider.example.test/')</script>"
        else:
            body = form.format(action="https://login.example.test/email", kind="email")
        await route.fulfill(body=body, content_type="text/html")

    await page.route("**/*", answer)
    tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")
    account = Account("svc@example.com", "Secret-1!", None)

    with pytest.raises(SignInRejected) as failure:
        await open_directory(page, tenant, gate, account, Catalogue.load(), IMPATIENT)

    assert failure.value.code == "sso-account"
    assert account.passwords_asked == 0
    assert elsewhere == ["GET"]
    assert await page.input_value("input") == ""


async def test_the_code_asked_for_in_mid_session_reads_as_signed_out(directory: Directory, sandbox: Sandbox) -> None:
    """Whoever looks at a page meets the challenge instead: no unknown page, and nothing is typed."""
    sandbox.post("/options", {"mfa_reattest_after": 0.001})

    with pytest.raises(SignedOut):
        await directory.find(EMAIL)


async def test_the_code_is_answered_without_the_password(
    open_it: Opener, sandbox: Sandbox, directory: Directory
) -> None:
    """The session is still the same person's: only the code is asked for, once, and one is back at the pages."""
    sandbox.post("/options", {"mfa_reattest_after": 0.001})
    with pytest.raises(SignedOut):
        await directory.find(EMAIL)
    new_code_counts(sandbox)
    account = ChallengedOnce(sandbox)

    again = await open_it(account=account)

    assert (await again.fingerprint()).signed_in_as == SERVICE_ACCOUNT
    assert (account.passwords_asked, account.codes_asked) == (0, 1)


async def test_a_code_that_was_used_is_not_sent_again(open_it: Opener, sandbox: Sandbox, directory: Directory) -> None:
    """The challenge comes back with an error: a person looks, since a third try may lock the account."""
    sandbox.post("/options", {"mfa_reattest_after": 0.001})
    account = account_of(sandbox)  # whose code of this half-minute has served for the sign-in already

    with pytest.raises(SignInRejected) as failure:
        await open_it(account=account)

    assert failure.value.code == "code-rejected"
    assert (account.passwords_asked, account.codes_asked) == (0, 1)


async def test_a_form_sent_into_the_challenge_is_lost_and_told_so(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Signed out, nothing saved: whoever asked looks again and decides; the flow repeats nothing."""
    user_id = await make_person(sandbox, job_title="Engineer")
    ask_at_save(sandbox, gate)

    with pytest.raises(SignedOut):
        await directory.save_user(user_id, UserChange(attributes={"job_title": "Foreman"}))

    assert job_title(sandbox) == "Engineer"
    assert len(gate.asked) == len(writes_in(sandbox)) == 1


def ask_at_save(sandbox: Sandbox, gate: RecordingGate) -> None:
    """Have the very next request challenged once the gate has let a write pass."""
    let_pass = gate.before

    async def before(*args: object, **more: object) -> None:
        await let_pass(*args, **more)  # type: ignore[arg-type]  # as it was called
        sandbox.post("/options", {"mfa_reattest_after": 0.001})

    gate.before = before  # type: ignore[method-assign]  # the moment before the click


async def test_add_user_met_by_the_challenge_reads_as_signed_out(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Its window is loaded by the page's own script, which gets the challenge in place of the form."""
    sandbox.post("/options", {"mfa_reattest_after": 0.001})

    with pytest.raises(SignedOut):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert gate.asked == []


async def test_a_provider_in_the_settings_is_no_surprise(
    context: BrowserContext, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Even a host that the settings allow gets nothing of which the form is not known."""
    sandbox.post("/options", {"sso_domains": ["example.com"]})
    tenant = replace(tenant_of(sandbox), allowed_hosts=frozenset({"idp.sandbox.localhost"}))
    account = account_of(sandbox)

    with pytest.raises(Failed) as failure:
        await open_directory(
            await context.new_page(), tenant, gate, account, Catalogue.load(), replace(IMPATIENT, page=2)
        )

    assert failure.value.code == "unknown-page"
    assert account.passwords_asked == 0

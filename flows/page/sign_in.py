"""Sign in as the service account: e-mail, password, one-time code, company.

Source: Procore's MFA and SSO articles [D]; the pages themselves are inferred [I].

The account is precious: a password or a code is sent once. Whatever rejects it ends the attempt for a person to look
at, since Procore may lock the account at the third wrong password [D].
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import ElementHandle, Locator, Page, Request
from playwright.async_api import Error as BrowserError

from agent.errors import Failed, Mender, SignInRejected, UnknownPage
from flows.interface import SignInCredentials
from flows.page.limits import is_browser_lost, is_navigated_away
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.tab import Tab


class _Screen(StrEnum):
    """What the sign-in host shows."""

    EMAIL = "email"  #: first step
    PASSWORD = "password"  # noqa: S105 - the name of a screen
    CODE = "code"  #: the one-time code of the authenticator
    COMPANY = "company"  #: the account is in several companies
    ENROLMENT = "enrolment"  #: the account must set up an authenticator first
    LOCKED = "locked"  #: three wrong passwords
    SIGNED_IN = "signed in"
    OTHER = "other"


_SCREEN = Reading(
    None,
    r"""
    const shown = (key) => key.some(visible);
    const action = (el) => (el && el.form ? el.form.action : "");
    const email = many("sign_in.email").find(visible), password = many("sign_in.password").find(visible);
    const code = many("sign_in.code").find(visible);
    const alert = many("sign_in.alert").filter(visible).map(words).join(" ");
    const found = many("shell.avatar").length ? ["signed in", null] : shown(many("sign_in.locked")) ? ["locked", null]
      : code ? ["code", code] : password ? ["password", password] : email ? ["email", email]
      : many("sign_in.companies").length ? ["company", many("sign_in.companies")[0]]
      : many("sign_in.heading").some((el) => pattern("sign_in.enrolment").test(words(el))) ? ["enrolment", null]
      : ["other", null];
    return { screen: found[0], action: action(found[1]), alert, heading: words(many("sign_in.heading")[0]) };
    """,
)


async def sign_in(tab: Tab, credentials: SignInCredentials) -> None:
    """From any sign-in screen to a page of the app host. Returns when the header shows that somebody is signed in.

    Raises SignInRejected with code "password-rejected", "code-rejected", "code-missing", "account-locked",
    "mfa-enrolment", "company-not-offered", "sso-account" (the e-mail step has led to an identity provider) or
    "unexpected-host" (a secret would have left for a host that the tenant's settings do not allow): in the last two
    cases nothing was typed there. UnknownPage for a screen that is not known.
    """
    with _followed(tab.page) as way:
        await _sign_in(tab, credentials, way)


async def _sign_in(tab: Tab, credentials: SignInCredentials, way: list[str]) -> None:
    done: set[_Screen] = set()
    while True:
        screen, page = await _settled(tab, done, way)
        if screen is _Screen.SIGNED_IN:
            return
        _refuse(screen, page, done)
        if screen is _Screen.EMAIL:
            await _send_email(tab, page, credentials.email, way)
        elif screen is _Screen.PASSWORD:
            await _send(tab, page, "sign_in.password", credentials.password(), "sign_in.submit")
        elif screen is _Screen.CODE:
            code = credentials.totp()
            if code is None:
                raise _rejected(
                    "code-missing", "Procore asks for a one-time code and no authenticator is stored for the account."
                )
            await _send(tab, page, "sign_in.code", code, "sign_in.code_submit")
        else:
            await _choose_company(tab)
        done.add(screen)


def _refuse(screen: _Screen, page: dict[str, Any], done: set[_Screen]) -> None:
    if screen is _Screen.LOCKED:
        raise _rejected("account-locked", "The service account is locked; a Company Admin has to unlock it.", page)
    if screen is _Screen.ENROLMENT:
        raise _rejected("mfa-enrolment", "Procore demands that the account sets up two-factor authentication.", page)
    if screen not in done:
        return
    if screen is _Screen.PASSWORD:
        raise _rejected("password-rejected", "Procore rejected the password of the service account.", page)
    if screen is _Screen.CODE:
        raise _rejected("code-rejected", "Procore rejected the one-time code of the service account.", page)
    raise UnknownPage(
        "unknown-page",
        "The sign-in goes in circles.",
        expected="the next step",
        seen=f"{screen.value} again: {page['alert'] or page['heading']}",
    )


async def _settled(tab: Tab, done: set[_Screen], way: list[str]) -> tuple[_Screen, dict[str, Any]]:
    """The screen, once it is a known one. A screen in between (redirects, slow scripts) is waited out."""
    patience = Patience(tab.timeouts.page)
    while True:
        page = await tab.read(_SCREEN)
        screen = _Screen(page["screen"])
        if _Screen.EMAIL in done:
            _refuse_identity_provider(tab, way)
        if screen is not _Screen.OTHER:
            return screen, page
        if patience.is_over:
            raise UnknownPage(
                "unknown-page",
                "The sign-in shows a screen that is not known.",
                expected="sign_in.email, sign_in.password, sign_in.code, sign_in.companies or shell.avatar",
                seen=f"{tab.path}: {page['heading'] or page['alert'] or 'nothing known'}"
                + (f" (after {', '.join(sorted(done))})" if done else ""),
            )
        await patience.pause()


@contextmanager
def _followed(page: Page) -> Iterator[list[str]]:
    """The addresses that the tab is sent to, also those that the browser may not reach."""
    way: list[str] = []

    def note(request: Request) -> None:
        if request.is_navigation_request() and request.frame.parent_frame is None:
            way.append(request.url)

    page.on("request", note)
    try:
        yield way
    finally:
        page.remove_listener("request", note)


async def _send_email(tab: Tab, page: dict[str, Any], email: str, way: list[str]) -> None:
    """The first step; the agent's browser resolves no host but the tenant's, so a hand-over may show as a failure."""
    try:
        await _send(tab, page, "sign_in.email", email, "sign_in.submit")
    except Failed as error:
        if error.code == "sign-in-interrupted":
            _refuse_identity_provider(tab, way)
        raise


def _refuse_identity_provider(tab: Tab, way: list[str]) -> None:
    """After the e-mail step only an identity provider is elsewhere [D]: the address belongs to an SSO-targeted domain.

    Its form may look like any other; nothing is read from it and nothing typed.
    """
    if way and not tab.tenant.may_receive_credentials(way[-1]):
        raise _rejected(
            "sso-account",
            "Procore hands the service account over to single sign-on; the agent types no password there.",
            seen=f"after the e-mail address: {urlsplit(way[-1]).hostname}",
        )


async def _send(tab: Tab, page: dict[str, Any], field: str, value: str, button: str) -> None:
    """Type a value into the document that was looked at, and no other, and send its form.

    The field is held by handle: should another document come in between, the handle is dead and nothing is typed.
    """
    handle = await _handle(tab, tab.at(field))
    for address in (tab.page.url, page["action"]):
        if not tab.tenant.may_receive_credentials(address):
            raise _rejected(
                "unexpected-host",
                "The sign-in has left the hosts that the tenant's settings allow; nothing was typed.",
                seen=address.split("?", 1)[0],
            )
    try:
        await asyncio.wait_for(handle.fill(value), tab.timeouts.control)
    except (BrowserError, TimeoutError) as error:
        # The browser's message holds what was to be typed: not even its first line may get out.
        code = "browser-lost" if is_browser_lost(error) else "sign-in-interrupted"
        raise Failed(
            code, "The sign-in form could not be filled in.", expected=field, seen="the browser refused"
        ) from None
    await _submit(tab, tab.at(button).first)


async def _handle(tab: Tab, place: Locator) -> ElementHandle:
    return await tab.act("finding the sign-in field", lambda: place.element_handle())


async def _submit(tab: Tab, button: Locator) -> None:
    """Click and wait for the next document."""
    limit = tab.timeouts.answer

    async def go() -> None:
        async with tab.page.expect_navigation(wait_until="domcontentloaded", timeout=limit * 1000):
            await button.click()

    try:
        await asyncio.wait_for(go(), limit + tab.timeouts.margin)
    except (BrowserError, TimeoutError) as error:
        if is_navigated_away(error):
            return
        code = "browser-lost" if is_browser_lost(error) else "sign-in-interrupted"
        raise Failed(
            code, "The sign-in got no answer.", expected="the next sign-in step", seen=type(error).__name__
        ) from None


async def _choose_company(tab: Tab) -> None:
    """Choose the tenant's company by its id, never by its name; the list may have a search box above it [D]."""
    wanted = tab.at("sign_in.company", company_id=tab.tenant.company_id)
    if await tab.act("looking for the company", wanted.count) != 1:
        raise _rejected(
            "company-not-offered",
            "The service account does not belong to the tenant's company.",
            seen=f"no company {tab.tenant.company_id} in the list",
        )
    await tab.act("choosing the company", lambda: wanted.press("Space"))
    if not await tab.act("reading the company", wanted.is_checked):
        raise UnknownPage("control-mismatch", "The company could not be chosen.", expected="chosen", seen="not chosen")
    await _submit(tab, tab.at("sign_in.code_submit").first)


def _rejected(code: str, message: str, page: dict[str, Any] | None = None, *, seen: str = "") -> SignInRejected:
    return SignInRejected(
        code,
        message,
        expected="to be signed in",
        seen=seen or (page["alert"] or page["heading"] if page else ""),
        mender=Mender.ADMINISTRATOR
        if code in {"account-locked", "company-not-offered", "sso-account"}
        else Mender.OPERATOR,
    )

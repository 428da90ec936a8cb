"""A signed-in Directory on the sandbox, a gate that remembers, and small pages of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyotp
import pytest
from playwright.async_api import BrowserContext, Page, Route

from agent.domain.touch import Target
from flows import Catalogue, Directory, TenantAddress, Timeouts, open_directory
from flows.page.tab import Tab
from tests.browser.conftest import Sandbox

SERVICE_ACCOUNT = "svc.provisioning@example.com"
EMAIL = "ada.byron@example.com"  # the person that most tests are about
IMPATIENT = Timeouts(page=10, answer=5, hook=1.5, control=2, submit=1.5, margin=2)


@dataclass
class RecordingGate:
    """A gate that lets everything pass and remembers what it was asked and told."""

    asked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    refuse_with: Exception | None = None
    meanwhile: Callable[[Page], Awaitable[None]] | None = None  # happens to the page while the gate is asked

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """Asked before a write."""
        self.asked.append(intent)
        if self.meanwhile is not None:
            await self.meanwhile(page)
        if self.refuse_with is not None:
            raise self.refuse_with

    async def after(self, page: Page, intent: str) -> None:
        """Told that an answer came."""
        self.told.append(intent)


@dataclass
class Account:
    """Credentials of one of the sandbox's accounts; counts how often a secret was asked for."""

    email: str
    secret_password: str
    totp_secret: str | None
    passwords_asked: int = 0
    codes_asked: int = 0

    def password(self) -> str:
        """The password."""
        self.passwords_asked += 1
        return self.secret_password

    def totp(self) -> str | None:
        """A code."""
        self.codes_asked += 1
        return pyotp.TOTP(self.totp_secret).now() if self.totp_secret else None


def account_of(sandbox: Sandbox, email: str = SERVICE_ACCOUNT) -> Account:
    """The credentials that the sandbox has made up for an address."""
    known = next(item for item in sandbox.get("/credentials") if item["email"] == email)
    return Account(email, known["password"], known["totp_secret"])


def tenant_of(sandbox: Sandbox) -> TenantAddress:
    """The sandbox's first company."""
    company = sandbox.get("/state")["companies"][0]
    return TenantAddress(sandbox.sign_in_url, sandbox.app_url, str(company["company_id"]))


def person_in(sandbox: Sandbox, email: str) -> dict[str, Any]:
    """The truth about a user."""
    user: dict[str, Any] = sandbox.get("/state", person=email)["user"]
    return user


async def make_person(
    sandbox: Sandbox,
    email: str = EMAIL,
    *,
    is_active: bool = True,
    memberships: dict[str, str | None] | None = None,
    **values: Any,
) -> str:
    """Put a person into the world without the pages; the user id."""
    start = {"email_address": email, "is_active": is_active, "memberships": memberships or {}}
    sandbox.post("/people", [{**start, "values": {"first_name": "Ada", "last_name": "Byron", **values}}])
    return str(person_in(sandbox, email)["user_id"])


def job_title(sandbox: Sandbox) -> str:
    """The truth about the person's job title."""
    return str(person_in(sandbox, EMAIL)["job_title"])


def has_memberships(sandbox: Sandbox, count: int) -> bool:
    """Whether the person has so many memberships by now."""
    return len(person_in(sandbox, EMAIL)["memberships"]) == count


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the sandbox to get there."""
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.05)


def plan_fault(sandbox: Sandbox, operation: str, effect: str, **more: Any) -> None:
    """Plan one fault."""
    sandbox.post("/faults", [{"operation": operation, "effect": effect, **more}])


def writes_in(sandbox: Sandbox) -> list[str]:
    """Paths of all requests to the app host that are not GET."""
    return [item["path"] for item in sandbox.get("/requests") if item["host"] == "app" and item["method"] != "GET"]


@contextmanager
def options_of(sandbox: Sandbox, **options: Any) -> Iterator[None]:
    """The tenant with these options; as it was afterwards, since a reset of the world keeps them."""
    before = sandbox.get("/options")
    sandbox.post("/options", options)
    try:
        yield
    finally:
        sandbox.post("/options", {name: before[name] for name in options})


@pytest.fixture(params=["legacy", "mfe"])
def generation(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    """The company Directory in each generation of pages. To be named before whatever opens the Directory: by
    ``usefixtures``, or as an argument."""
    with options_of(sandbox, company_directory=request.param):
        yield str(request.param)


def assert_nothing_written(sandbox: Sandbox, gate: RecordingGate) -> None:
    """No write was asked for, and by the sandbox's own log none arrived."""
    assert gate.asked == []
    assert writes_in(sandbox) == []


@pytest.fixture
def gate() -> RecordingGate:
    """A gate that remembers."""
    return RecordingGate()


Opener = Callable[..., Awaitable[Directory]]


@pytest.fixture
def open_it(sandbox: Sandbox, context: BrowserContext, gate: RecordingGate) -> Opener:
    """Open the Directory as an account, on a new tab."""

    async def opened(
        email: str = SERVICE_ACCOUNT, *, account: Account | None = None, timeouts: Timeouts = IMPATIENT
    ) -> Directory:
        page = await context.new_page()
        who = account or account_of(sandbox, email)
        return await open_directory(page, tenant_of(sandbox), gate, who, Catalogue.load(), timeouts)

    return opened


@pytest.fixture
async def directory(open_it: Opener, sandbox: Sandbox) -> Directory:
    """The Directory, signed in as the service account, with an empty log of requests."""
    opened = await open_it()
    sandbox.forget_requests()
    return opened


SMALL_ACCOUNT = "svc@example.com"
SHELL = """<!doctype html><html lang="en"><head><title>Directory • Small Co</title>
<script>var Procore = { Environment: { companyId: 1, locale: "en" } };</script></head><body class="directory-scope">
<button aria-label="Account &amp; Profile"><span id="header-avatar" data-login="svc@example.com"></span></button>
%s</body></html>"""


@dataclass
class SmallSite:
    """Pages of our own, answered without a network; what was posted is remembered."""

    tab: Tab
    pages: dict[str, str] = field(default_factory=dict)
    posted: list[str] = field(default_factory=list)

    async def show(self, body: str, path: str = "/page") -> Tab:
        """Serve a body inside the shell of a page and open it."""
        self.pages[path] = SHELL % body
        await self.tab.open(path)
        return self.tab


@pytest.fixture
async def small_site(page: Page) -> SmallSite:
    """A tab on a site that exists in this test only."""
    tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")
    site = SmallSite(Tab(page, tenant, Catalogue.load(), IMPATIENT))

    async def answer(route: Route) -> None:
        path = route.request.url.split("://", 1)[1].split("/", 1)[1]
        if route.request.method != "GET":
            site.posted.append(path)
        body = site.pages.get("/" + path)
        if body is None:
            await route.fulfill(status=404, body="none", content_type="text/html")
        else:
            await route.fulfill(body=body, content_type="text/html; charset=utf-8")

    await page.route("**/*", answer)
    return site

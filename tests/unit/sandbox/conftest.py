"""A sandbox in this process, and a visitor who uses it over ASGI as a browser would, without one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape

import httpx
import pyotp
import pytest

from fixtures.sandbox.deployment import Deployment
from fixtures.sandbox.hosts import Hosts
from fixtures.sandbox.options import NO_DELAYS, Options
from fixtures.sandbox.seed import SERVICE_ACCOUNT, credentials
from fixtures.sandbox.world.clock import Clock
from fixtures.sandbox.world.rights import Actor
from fixtures.sandbox.world.world import Tenant, World

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def token_of(page: str) -> str:
    """The authenticity token of the first form on a page."""
    found = re.search(r'name="authenticity_token" value="([^"]+)"', page)
    assert found is not None, "no form on this page"
    return found.group(1)


def action_of(page: str) -> str:
    """The address to which the first form of a page is sent."""
    found = re.search(r'<form[^>]* action="([^"]+)"', page)
    assert found is not None, "no form on this page"
    return unescape(found.group(1))


@dataclass
class Visitor:
    """Somebody with cookies who follows redirects on both hosts."""

    deployment: Deployment
    http: httpx.AsyncClient

    @property
    def tenant(self) -> Tenant:
        """The first company, as it is now."""
        return next(iter(self.deployment.world.tenants.values()))

    @property
    def directory(self) -> str:
        """Address of the first company's Directory."""
        return f"{self.deployment.origins.app}/{self.tenant.company_id}/company/directory"

    async def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Fill in the first form of a page and send it."""
        return await self.http.post(action_of(page.text), data={"authenticity_token": token_of(page.text), **fields})

    async def to_password(self, email: str, target: str = "/") -> httpx.Response:
        """Open a page without a session and type the address."""
        page = await self.http.get(self.deployment.origins.app + target)
        return await self.send(page, email=email)

    async def sign_in(self, email: str = SERVICE_ACCOUNT, target: str = "/") -> httpx.Response:
        """Sign in with what the seed says, second factor included, and return the page one lands on."""
        known = {entry["email"]: entry for entry in credentials(self.deployment.world)}[email]
        page = await self.send(await self.to_password(email, target), password=known["password"] or "")
        if page.url.path == "/two_factor/verify":
            page = await self.send(page, code=self.code(email))
        return page

    def code(self, email: str = SERVICE_ACCOUNT) -> str:
        """The code that an authenticator app shows at the sandbox's present time."""
        login = self.deployment.world.login(email)
        assert login is not None
        assert login.totp_secret is not None
        return pyotp.TOTP(login.totp_secret).at(self.deployment.clock.now())

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form to a Directory address with the session's right token."""
        home = await self.http.get(self.directory + "/groups/users")
        token = re.search(r'name="csrf-token" content="([^"]+)"', home.text)
        assert token is not None
        return await self.http.post(self.directory + path, data={"authenticity_token": token.group(1), **fields})


@pytest.fixture
def deployment() -> Deployment:
    """A sandbox of forty people at a noon that stands still."""
    options = Options.model_validate(NO_DELAYS)
    return Deployment(seed=7, people=40, options=options, clock=Clock(lambda: NOON))


@pytest.fixture
def world(deployment: Deployment) -> World:
    """The world of the deployment."""
    return deployment.world


@pytest.fixture
def tenant(world: World) -> Tenant:
    """The first company."""
    return next(iter(world.tenants.values()))


@pytest.fixture
def admin(world: World, tenant: Tenant) -> Actor:
    """The service account, a Company Directory Admin."""
    return actor_of(world, tenant, SERVICE_ACCOUNT)


@pytest.fixture
def operator(world: World, tenant: Tenant) -> Actor:
    """The operator with the granular right only."""
    return actor_of(world, tenant, "ops.granular@example.com")


@pytest.fixture
async def visitor(deployment: Deployment) -> AsyncIterator[Visitor]:
    """Somebody who is not signed in yet."""
    transport = httpx.ASGITransport(app=Hosts(deployment))
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as http:
        yield Visitor(deployment, http)


def actor_of(world: World, tenant: Tenant, email: str) -> Actor:
    """The operator with this address."""
    user = tenant.user_by_email(email)
    assert user is not None
    return Actor.signed_in(world, tenant, user)

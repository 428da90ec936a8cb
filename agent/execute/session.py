"""What the runner needs of a signed-in session; :mod:`agent.browser.session` has one with a browser behind it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from playwright.async_api import BrowserContext, Page

from flows import Directory


class OpenedSession(Protocol):
    """A session that is signed in."""

    @property
    def directory(self) -> Directory:
        """The tenant's Directory."""

    @property
    def context(self) -> BrowserContext:
        """The browser context, to be recorded."""

    @property
    def page(self) -> Page:
        """The page that the Directory works on."""

    @property
    def browser_version(self) -> str:
        """For evidence."""

    @property
    def typed_password(self) -> bool:
        """Whether the password was typed for it; False when a session of before served."""


class JobSession(Protocol):
    """The session of one tenant, kept from job to job."""

    @property
    def tenant(self) -> str:
        """The tenant's name in the settings."""

    async def open(self) -> OpenedSession:
        """Signed in, with as little ado as possible. Raises SignInRejected and other Failed."""

    async def renew(self) -> OpenedSession:
        """Sign in again, or start the browser again; once per job, never more."""

    def reading_only(self) -> AbstractAsyncContextManager[list[str]]:
        """While inside, nothing that could write leaves the browser; yields the list of what was held back."""

"""What the scripts of both generations share: the sign-in, and who is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from playwright.async_api import Locator, Page, expect

PATIENCE_MS = 8_000
"""For every click and every message. Playwright's default is 30 s; the sandbox answers in milliseconds."""
Task = Mapping[str, Any]


class Script(ABC):
    """A signed-in page, and a method per action.

    PlaywrightError or AssertionError where something to click or a message is missing.
    """

    def __init__(self, page: Page, app: str, company: str, projects: Mapping[str, tuple[str, str]]) -> None:
        self.page = page
        self.app = app.rstrip("/")
        self.company = company
        self.projects = projects  # number -> (id, name)
        page.set_default_timeout(PATIENCE_MS)

    async def sign_in(self, address: str, email: str, password: str) -> None:
        """Sign in, and choose the company."""
        page = self.page
        await page.goto(address)
        await page.get_by_label("Email").fill(email)
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Log In").click()
        await page.get_by_label("Harborlight Builders").check()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("button", name="Account & Profile")).to_be_visible()

    async def run(self, action: str, task: Task) -> None:
        """Carry out one task."""
        await getattr(self, action)(task)

    async def message(self, words: str) -> None:
        """Success, as a script knows it."""
        await expect(self.page.get_by_text(words).first).to_be_visible(timeout=PATIENCE_MS)

    def text_field(self, label: str) -> Locator:
        """A text field by the name that it has for a screen reader."""
        return self.page.get_by_role("textbox", name=label, exact=True)

    async def fill_fields(self, attributes: Mapping[str, str]) -> None:
        """The text fields of a form by their labels."""
        for field, value in attributes.items():
            await self.text_field(LABELS[field]).fill(value)

    async def choose(self, label: str, option: str) -> None:
        """One choice of a select of the design system."""
        await self.page.get_by_role("button", name=label, exact=True).click()
        await self.page.get_by_role("option", name=option, exact=True).click()

    @abstractmethod
    async def open_person(self, email: str, *, active: bool = True) -> None:
        """The page where the person is edited, by way of the list."""

    async def change_email(self, task: Task) -> None:
        await self.open_person(task["email"])
        await self.text_field("Email Address").fill(task["new_email"])
        await self.save()

    @abstractmethod
    async def save(self) -> None:
        """Save the person's page."""


LABELS = {
    "first_name": "First Name",
    "last_name": "Last Name",
    "job_title": "Job Title",
    "mobile_phone": "Cell Phone",
    "city": "City",
}


def searched(text: str) -> str:
    """For an address."""
    return quote(text, safe="")

"""A person at the sandbox's pages: signs in, opens lists and people, and may ask the control plane for the truth."""

from __future__ import annotations

from typing import Any

import httpx
import pyotp
from playwright.sync_api import Locator, Page, expect

SERVICE = "svc.provisioning@example.com"
MENU = '[data-qa="core-select-menu"]'


class Control:
    """The control plane."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        response = self._client.get(path)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        """The JSON of a POST that must succeed."""
        response = self._client.post(path, json=body)
        assert response.status_code < 400, response.text
        return response.json()

    def user(self, email: str) -> Any:
        """The truth about a user, None when there is none."""
        return self.get(f"/state?person={email}")["user"]

    def company_id(self) -> int:
        """The company that the tests work in."""
        return int(self.get(f"/state?person={SERVICE}")["company_id"])


class Office:
    """A browser at the pages."""

    def __init__(self, page: Page, control: Control, addresses: dict[str, str]) -> None:
        self.page = page
        self.control = control
        self.app = addresses["app"]
        self.sign_in_host = addresses["sign_in"]
        self.directory = f"{self.app}/{control.company_id()}/company/directory"

    def sign_in(self, email: str = SERVICE, until: Locator | None = None) -> None:
        """Both steps and, where one is asked for, the code; until the header shows who is signed in, or until this."""
        account = next(entry for entry in self.control.get("/credentials") if entry["email"] == email)
        self.page.goto(self.sign_in_host)
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_role("button", name="Continue").click()
        self.page.get_by_label("Password").fill(account["password"])
        self.page.get_by_role("button", name="Log In").click()
        if account["totp_secret"]:
            self.page.locator("input[name=code]").fill(pyotp.TOTP(account["totp_secret"]).now())
            self.page.get_by_role("button", name="Continue").click()
        expect(until or self.page.locator("#header-avatar")).to_be_visible()

    def open_list(self, group: str, query: str = "") -> None:
        """One list page."""
        self.page.goto(f"{self.directory}/groups/{group}{query}")

    def open_user(self, email: str, tab: str = "edit") -> None:
        """The Edit page of a person, or a tab."""
        self.page.goto(f"{self.directory}/users/{self.control.user(email)['user_id']}/{tab}")

    def open_add_user(self) -> Locator:
        """The form of the Add User window."""
        self.page.get_by_role("link", name="Add User").click()
        form = self.page.locator("#new_user")
        expect(form).to_be_visible()
        return form

    def pick(self, within: Locator, hook: str, typed: str, text: str, hint: str = "") -> None:
        """Choose in a design-system select: open, type where there is a search box, click."""
        within.locator(f'[data-qa="{hook}"] [role=button]').click()
        menu = self.page.locator(MENU)
        if typed:
            menu.get_by_role("searchbox").fill(typed)
            expect(menu).to_have_attribute("aria-busy", "false")
        options = menu.get_by_role("option").filter(has_text=text)
        (options.filter(has_text=hint) if hint else options).first.click()
        expect(menu).to_have_count(0)

    def flash(self) -> Locator:
        """The text of the flash on the page."""
        return self.page.locator("#alert_wrapper .alert_text")

    def project_row(self, section: str, project: str) -> Locator:
        """The row of a project (by its name) in `current_projects` or `other_projects`."""
        cell = self.page.locator('[data-qa="project-name"]').get_by_text(project, exact=True)
        return self.page.locator(f"#{section} tr[data-project-id]").filter(has=cell)

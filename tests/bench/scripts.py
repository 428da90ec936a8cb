"""What the scripts beside us share: a warm, signed-in page and the clicks of the Directory, as codegen writes them.

Written from docs/reference/assumed-pages.md, like the flows, with ordinary locators and no checks.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Page, async_playwright

from fixtures.running import browser_path


class Script:
    """A browser, one context, one page, signed in."""

    page: Page

    async def open(self, setup: dict[str, Any]) -> None:
        self.stack = AsyncExitStack()
        playwright = await self.stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=browser_path())
        self.stack.push_async_callback(browser.close)
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        self.page = page = await context.new_page()
        self.directory = f"{setup['app'].rstrip('/')}/{setup['company_id']}/company/directory"
        await page.goto(setup["sign_in"])
        await page.locator("#email").fill(setup["email"])
        await page.locator("#sign_in_form button[type=submit]").click()
        await page.locator("#password").fill(setup["password"])
        await page.locator("#sign_in_form button[type=submit]").click()
        await page.locator("#header-avatar").wait_for()

    async def close(self) -> None:
        if hasattr(self, "stack"):
            await self.stack.aclose()

    async def list_page(self, listing: str, search: str, per_page: int = 150) -> None:
        query = urlencode({"page": 1, "per_page": per_page, "search": search, "group_by": "", "sort": "name"})
        await self.page.goto(f"{self.directory}/groups/{listing}?{query}", wait_until="domcontentloaded")
        await self.page.locator("#root").wait_for(state="attached")

    async def create(self, person: dict[str, Any]) -> str:
        """Add User; the new user's page address."""
        page = self.page
        await page.locator("#popup_add_person").click()
        await page.locator("#user_first_name").fill(person["first_name"])
        await page.locator("#user_last_name").fill(person["last_name"])
        await page.locator("#user_email_address").fill(person["email"])
        await page.locator("#user_job_title").fill(person["job_title"])
        await page.locator('[data-qa="user-vendor-select"] [role=button]').click()
        await page.locator('[data-qa="core-select-menu"] input[type=search]').fill(person["company"])
        value = json.dumps(person["company_id"])
        await page.locator(f"[role=option][data-value='{value}']").click()
        for hook, template in (
            ("user-default-template-select", person["default_template"]),
            ("user-company-template-select", person["company_template"]),
        ):
            await page.locator(f'[data-qa="{hook}"] [role=button]').click()
            await page.get_by_role("option", name=template, exact=True).click()
        await page.locator("#new_user [type=submit]").click()
        await page.locator("#edit_user").wait_for(state="attached")
        return page.url.split("?")[0].removesuffix("/edit")

    async def add_to_project(self, project_id: str, template: str) -> None:
        page = self.page
        row = page.locator(f'#other_projects tr[data-project-id="{project_id}"]')
        await row.get_by_role("button", name="Add").click()
        await page.locator("#add_project_template").select_option(label=template)
        await page.locator(".ui-dialog").get_by_role("button", name="Add", exact=True).click()
        await page.locator(f'#current_projects tr[data-project-id="{project_id}"]').wait_for()

    async def invite(self, user: str) -> None:
        """The button of the row; the list must be shown."""
        user_id = user.rsplit("/", 1)[1]
        await self.page.locator(f'form[action$="/users/{user_id}/invite"] button').click()
        await self.page.locator('[data-pendo="shared-users-reinvite-button"]').first.wait_for()


class BareScript(Script):
    """(b) The same pages and clicks as the agent's job, with nothing recorded and nothing checked."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        await self.list_page("users", "", per_page=5)
        for search in (person["email"], person["last_name"]):
            for listing in ("users", "inactive_users", "reference_users", "inactive_reference_users"):
                await self.list_page(listing, search)
        await self.list_page("companies", person["company"])
        user = await self.create(person)
        for project in person["projects"]:
            await self.add_to_project(project["id"], project["template"])
        await self.list_page("users", person["email"])
        await self.invite(user)
        await self.page.goto(f"{user}/edit", wait_until="domcontentloaded")
        await self.page.locator("#edit_user").wait_for(state="attached")
        await self.page.goto(f"{user}/change_history", wait_until="domcontentloaded")
        await self.page.locator("#change_history").wait_for(state="attached")
        return {}


class CarelessScript(Script):
    """(c) The shortest way: clicks only, no look before or after."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        await self.list_page("users", person["email"])
        user = await self.create(person)
        for project in person["projects"]:
            await self.add_to_project(project["id"], project["template"])
        await self.list_page("users", person["email"])
        await self.invite(user)
        return {}

"""The actions on the pages of the new generation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote_plus

from playwright.async_api import Locator

from tests.drift.bare.script import Script, Task


class MfeScript(Script):
    """Grids, side panels, a person's page; projects on their own pages."""

    async def open_list(self, search: str = "", project: str | None = None) -> None:
        where = f"/projects/{self.projects[project][0]}" if project else ""
        await self.page.goto(f"{self.app}/webclients/host/companies/{self.company}{where}/tools/directory/users")
        await self.page.locator('[data-qa="loaded"]').wait_for(state="attached")
        if search:
            async with self.rows_loaded(f"search={quote_plus(search)}"):
                await self.page.get_by_role("searchbox", name="Search", exact=True).fill(search)

    @asynccontextmanager
    async def rows_loaded(self, asked: str) -> AsyncIterator[None]:
        """Wait until the rows that were asked for inside have come and are drawn."""
        async with self.page.expect_response(lambda answer: "/rows/" in answer.url and asked in answer.url):
            yield
        await self.page.evaluate("new Promise(requestAnimationFrame)")

    def row(self, email: str) -> Locator:
        return self.page.get_by_role("row").filter(has=self.page.get_by_text(email, exact=True))

    async def row_menu(self, email: str, entry: str) -> None:
        """The pinned half of a row has no name in it: it is found by the row's index."""
        index = await self.row(email).get_attribute("row-index")
        await self.page.locator(f'[row-index="{index}"]').get_by_role("button", name="More Options").click()
        await self.page.get_by_role("menuitem", name=entry, exact=True).click()

    async def show_inactive(self) -> None:
        async with self.rows_loaded("search="):
            await self.page.get_by_role("button", name="Active", exact=True).click()

    async def open_person(self, email: str, *, active: bool = True) -> None:
        await self.open_list(email)
        if not active:
            await self.show_inactive()
        await self.row(email).get_by_role("link").click()
        await self.page.locator('[data-qa="loaded"]').wait_for(state="attached")

    async def save(self) -> None:
        await self.page.get_by_role("button", name="Save", exact=True).click()
        await self.message("User was successfully updated")

    async def provision(self, task: Task) -> None:
        page = self.page
        await self.open_list()
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("menuitem", name="Add User").click()
        await self.fill_fields(task["attributes"])
        await self.text_field("Email Address").fill(task["email"])
        if task["default_template"]:
            await self.choose("Project Permissions Template (Default)", task["default_template"])
        await self.choose("Company Permissions Template", task["company_template"])
        await page.get_by_role("button", name="Create").click()
        await self.message("User was successfully created")
        for number, template in task["projects"].items():
            await self.add_project(task["email"], number, template)
        await self.invite(task)

    async def update(self, task: Task) -> None:
        await self.open_person(task["email"])
        await self.fill_fields(task["attributes"])
        await self.choose("Company Permissions Template", task["company_template"])
        await self.save()

    async def offboard(self, task: Task) -> None:
        for number in task["projects"]:
            await self.remove_project(task["email"], number)
        await self.open_person(task["email"])
        await self.strip()
        await self.open_list(task["email"])
        await self.row_menu(task["email"], "Inactivate")
        await self.page.get_by_role("dialog").get_by_role("button", name="Inactivate", exact=True).click()
        await self.message("inactivated")

    async def reactivate(self, task: Task) -> None:
        for number in task["dormant"]:
            await self.remove_project(task["email"], number, active=False)
        await self.open_person(task["email"], active=False)
        await self.strip()
        await self.open_list(task["email"])
        await self.show_inactive()
        await self.row_menu(task["email"], "Reactivate")
        await self.page.get_by_role("dialog").get_by_role("button", name="Reactivate", exact=True).click()
        await self.message("reactivated")
        for number, template in task["projects"].items():
            await self.add_project(task["email"], number, template)

    async def add_to_projects(self, task: Task) -> None:
        for number, template in task["change"].items():
            await self.open_list(task["email"], number)
            await self.row(task["email"]).get_by_role("link").click()
            await self.page.get_by_label("Permissions Template").select_option(template)
            await self.save()
        for number, template in task["add"].items():
            await self.add_project(task["email"], number, template)

    async def remove_from_projects(self, task: Task) -> None:
        for number in task["projects"]:
            await self.remove_project(task["email"], number)

    async def invite(self, task: Task) -> None:
        await self.open_list(task["email"])
        await self.row_menu(task["email"], "Invite")
        await self.message("Welcome e-mail sent")

    async def add_project(self, email: str, number: str, template: str) -> None:
        page = self.page
        await self.open_list(project=number)
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("menuitem", name="Add User").click()
        panel = page.get_by_role("dialog", name="Add User")
        await panel.get_by_role("searchbox").first.fill(email)
        await panel.get_by_role("button").filter(has=page.get_by_text(email, exact=True)).click()
        await self.choose("Permission Template", template)
        await panel.get_by_role("button", name="Save").click()
        await self.message("added")

    async def remove_project(self, email: str, number: str, *, active: bool = True) -> None:
        await self.open_list(email, number)
        if not active:
            await self.show_inactive()
        await self.row_menu(email, "Remove from Project")
        await self.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
        await self.message("removed")

    async def strip(self) -> None:
        """No company template, no default template, no new projects."""
        page = self.page
        await page.get_by_role("button", name="Clear Company Permissions Template").click()
        await page.get_by_role("button", name="Clear Default Permission Template").click()
        await page.get_by_label("to all new projects").uncheck(force=True)
        await self.save()

    async def bulk_add_to_project(self, task: Task) -> None:
        page = self.page
        await self.open_list(project=task["project"])
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("menuitem", name="Bulk Add").click()
        for email, name, template in task["people"]:
            await page.get_by_label("Find people or companies").fill(email)
            found = page.get_by_role("listitem").filter(has=page.get_by_text(email, exact=True))
            await found.get_by_role("button").click()
            await page.get_by_label(f"Permission Template: {name}", exact=True).select_option(template)
        await page.get_by_role("button", name="Add to Project").click()
        await self.message("added to the project")

    async def bulk_remove_from_project(self, task: Task) -> None:
        for email, _ in task["people"]:
            await self.remove_project(email, task["project"])

    async def distribution_group(self, task: Task) -> None:
        page = self.page
        await self.open_list(project=task["project"])
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("menuitem", name="Add Distribution Group").click()
        panel = page.get_by_role("dialog", name="Add Distribution Group")
        await panel.get_by_role("textbox", name="Name", exact=True).fill(task["name"])
        for email, _ in task["people"]:
            await panel.get_by_role("searchbox").fill(email)
            await panel.get_by_role("button").filter(has=page.get_by_text(email, exact=True)).click()
        await panel.get_by_role("button", name="Save").click()
        await self.message("successfully saved")

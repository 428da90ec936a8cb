"""The actions on the pages of the older generation."""

from __future__ import annotations

from playwright.async_api import expect

from tests.drift.bare.script import Script, Task, searched


class LegacyScript(Script):
    """Lists, Add User window, Edit page."""

    async def open_list(self, search: str, listing: str = "users") -> None:
        await self.page.goto(f"{self.app}/{self.company}/company/directory/groups/{listing}?search={searched(search)}")

    async def open_person(self, email: str, *, active: bool = True) -> None:
        await self.open_list(email, "users" if active else "inactive_users")
        row = self.page.locator('[data-qa="tableRow"]').filter(has=self.page.get_by_text(email, exact=True))
        await row.get_by_role("link", name="Edit").click()

    async def save(self) -> None:
        await self.page.get_by_role("button", name="Save", exact=True).click()
        await self.message("User was successfully updated")

    async def provision(self, task: Task) -> None:
        page = self.page
        await self.open_list("")
        await page.get_by_role("link", name="Add User").click()
        await self.fill_fields(task["attributes"])
        await self.text_field("Email Address").fill(task["email"])
        if task["default_template"]:
            await self.choose("Project Permissions Template (Default)", task["default_template"])
        await self.choose("Company Permissions Template", task["company_template"])
        await page.get_by_role("button", name="Create").click()
        await self.message("User was successfully created")
        for number, template in task["projects"].items():
            await self.add_project(number, template)
        await self.send_invitation()

    async def update(self, task: Task) -> None:
        await self.open_person(task["email"])
        await self.fill_fields(task["attributes"])
        await self.page.get_by_label("Company Permissions Template", exact=True).select_option(task["company_template"])
        await self.save()

    async def offboard(self, task: Task) -> None:
        page = self.page
        await self.open_person(task["email"])
        await self.remove_all()
        await self.strip()
        await self.open_list(task["email"])
        await page.get_by_role("checkbox", name=task["name"], exact=True).check(force=True)
        await page.get_by_role("button", name="Bulk Actions").click()
        await page.get_by_role("menuitem", name="Inactivate").click()
        await page.get_by_role("button", name="Inactivate", exact=True).click()
        await self.message("inactivated")

    async def reactivate(self, task: Task) -> None:
        page = self.page
        await self.open_person(task["email"], active=False)
        await self.remove_all()
        await self.strip()
        await self.open_list(task["email"], "inactive_users")
        await page.get_by_role("checkbox", name=task["name"], exact=True).check(force=True)
        await page.get_by_role("button", name="Bulk Actions").click()
        await page.get_by_role("menuitem", name="Reactivate").click()
        await page.locator(".confirm-window").get_by_role("button", name="Reactivate", exact=True).click()
        await self.message("reactivated")
        await self.open_person(task["email"])
        for number, template in task["projects"].items():
            await self.add_project(number, template)

    async def add_to_projects(self, task: Task) -> None:
        await self.open_person(task["email"])
        for number, template in task["change"].items():
            row = self.page.get_by_role("row").filter(has_text=number)
            await row.get_by_role("button", name="Change Template").click()
            await row.get_by_label("Permission Template").select_option(template)
            await row.get_by_role("button", name="Apply").click()
            await self.message("successfully")
        for number, template in task["add"].items():
            await self.add_project(number, template)

    async def remove_from_projects(self, task: Task) -> None:
        await self.open_person(task["email"])
        for number in task["projects"]:
            name = f"Remove {task['name']} from {self.projects[number][1]}"
            await self.page.get_by_role("button", name=name).click()
            await self.page.get_by_role("button", name="OK", exact=True).click()
            await self.message("removed")

    async def invite(self, task: Task) -> None:
        await self.open_person(task["email"])
        await self.send_invitation()

    async def send_invitation(self) -> None:
        await self.page.get_by_role("button", name="Save and Send Invitation To Procore").click()
        await self.message("Welcome e-mail sent")

    async def add_project(self, number: str, template: str) -> None:
        page = self.page
        row = page.get_by_role("row").filter(has_text=number)
        await row.get_by_role("button", name="Add", exact=True).click()
        window = page.get_by_role("dialog", name="Add to Project")
        await window.get_by_label("Permission Template").select_option(template)
        await window.get_by_role("button", name="Add", exact=True).click()
        await self.message("added")

    async def remove_all(self) -> None:
        await self.page.get_by_role("button", name="Remove All", exact=True).click()
        await self.page.get_by_role("button", name="OK", exact=True).click()
        await self.message("removed")

    async def strip(self) -> None:
        """No company template, no default template, no new projects."""
        page = self.page
        await page.get_by_label("Company Permissions Template", exact=True).select_option(
            "Do Not Apply a Permission Template"
        )
        await page.get_by_role("button", name="Select Default Template").click()
        window = page.get_by_role("dialog", name="Select Default Permission Template")
        await window.get_by_label("Permission Template").select_option("None")
        await window.get_by_role("button", name="Apply").click()
        await page.get_by_label("to All New Projects").uncheck(force=True)
        await self.save()

    async def bulk_add_to_project(self, task: Task) -> None:
        page = self.page
        await page.goto(f"{self.app}/{self.projects[task['project']][0]}/project/directory/bulk_add")
        for email, name, template in task["people"]:
            await page.get_by_label("Find people or companies").fill(email)
            found = page.get_by_role("listitem").filter(has=page.get_by_text(email, exact=True))
            await found.get_by_role("button").click()
            await page.get_by_label(f"Permission Template: {name}", exact=True).select_option(template)
        await page.get_by_role("button", name="Add to Project").click()
        await self.message("added to the project")

    async def bulk_remove_from_project(self, task: Task) -> None:
        page = self.page
        await page.goto(f"{self.app}/{self.projects[task['project']][0]}/project/directory/groups/users")
        for _, name in task["people"]:
            await page.get_by_role("checkbox", name=name, exact=True).check(force=True)
        await page.get_by_role("button", name="Bulk Actions").click()
        await page.get_by_role("menuitem", name="Remove from Project").click()
        await page.get_by_role("button", name="Remove", exact=True).click()
        await self.message("removed")

    async def distribution_group(self, task: Task) -> None:
        page = self.page
        await page.goto(f"{self.app}/{self.projects[task['project']][0]}/project/directory/groups/users")
        await page.get_by_role("link", name="Add Distribution Group").click()
        await self.text_field("Name").fill(task["name"])
        await page.get_by_role("button", name="Create").click()
        for email, name in task["people"]:
            await page.get_by_role("button", name=f"Add a User to {task['name']}").click()
            await page.get_by_role("listbox").get_by_role("searchbox").fill(email)
            await page.get_by_role("option").filter(has=page.get_by_text(email, exact=True)).click()
            await page.get_by_role("button", name="Add", exact=True).click()
            await expect(page.get_by_role("button", name=f"Remove {name}", exact=True)).to_be_visible()

"""The new generation in a browser: a grid that lies to a careless script, and pages that a person can use."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.pages.office import Office
from tests.pages.test_fit_for_people import NAMELESS

AMARA = "amara.diallo@example.com"
MEMBERS = 63


class NewOffice(Office):
    """The same person at the new pages."""

    tools = ""

    def open(self, tab: str = "users") -> None:
        """One tab, once it says that it is loaded."""
        self.page.goto(f"{self.tools}/{tab}")
        expect(self.page.locator('[data-qa="loaded"]')).to_be_attached()

    def row_menu(self, index: int = 0) -> Locator:
        """Open the menu of a row, which hangs in the pinned twin."""
        self.page.locator(f'[row-index="{index}"] [data-qa="companies-table-actions"]').click()
        return self.page.get_by_role("menuitem")

    def search(self, text: str, total: int) -> None:
        """Type into the search and wait for its rows."""
        self.page.locator('[data-qa="core-typeahead-input"]').fill(text)
        expect(self.page.locator('[data-qa="data-table-range"]')).to_have_text(f"{min(1, total)}-{total} of {total}")

    def toast(self) -> Locator:
        """What the page says last."""
        return self.page.locator(".Toastify__toast").last


def new_office(office: Office, level: str) -> NewOffice:
    """The Company Directory Admin at the new Directory of the company or of the first project."""
    office.control.post("/options", {"company_directory": "mfe", "project_directory": "mfe", "mfe_delay": 0.1})
    state: Any = office.control.get("/state")["companies"][0]
    new = NewOffice(office.page, office.control, {"app": office.app, "sign_in": office.sign_in_host})
    below = f"/projects/{state['projects'][0]['project_id']}" if level == "project" else ""
    new.tools = f"{office.app}/webclients/host/companies/{state['company_id']}{below}/tools/directory"
    new.sign_in()
    return new


@pytest.fixture
def project(office: Office) -> NewOffice:
    """The first project with exactly 63 active people in its grid, without Amara."""
    users = office.control.get("/state")["companies"][0]["users"]
    people = [u["email_address"] for u in users if u["is_active"] and u["email_address"] != AMARA]
    on = {"24-001": "Read Only - Internal"}
    office.control.post("/people", [{"email_address": email, "memberships": on} for email in people[:MEMBERS]])
    office.control.post("/people", [{"email_address": email, "memberships": {}} for email in people[MEMBERS:]])
    return new_office(office, "project")


@pytest.fixture
def company(office: Office) -> NewOffice:
    """The new Directory of the company."""
    return new_office(office, "company")


def test_the_grid_lies_about_its_rows(project: NewOffice) -> None:
    """17 rows are in the DOM, each twice, and two headers; only aria-rowcount and the pager tell the truth."""
    project.open()
    page = project.page
    grid = page.get_by_role("treegrid")
    total = int(grid.get_attribute("aria-rowcount") or 0) - 1
    assert total >= MEMBERS
    expect(page.locator('[data-qa="data-table-range"]')).to_have_text(f"1-{total} of {total}")
    assert page.get_by_role("row").count() == 2 * 17 + 2
    assert page.locator('[row-index="0"]').count() == 2
    assert page.locator('[row-index="0"]').first.get_attribute("row-id") == "0"
    assert page.locator('[row-index="0"]').first.get_attribute("aria-rowindex") == "2"
    expect(page.locator(f'[row-index="{total - 1}"]')).to_have_count(0)
    page.locator(".grid-viewport").evaluate("viewport => { viewport.scrollTop = viewport.scrollHeight; }")
    expect(page.locator(f'[row-index="{total - 1}"]')).to_have_count(2)
    expect(page.locator('[row-index="0"]')).to_have_count(0)


def test_a_stray_click_edits_and_leaving_saves(project: NewOffice) -> None:
    """Hazard 16: click, type, click elsewhere, and it is written; Escape writes nothing."""
    project.open()
    project.search("victor.hale", 1)
    cell = project.page.locator('[row-index="0"] [col-id="job_title"]')
    cell.click()
    cell.get_by_role("textbox").fill("Rigger")
    project.page.get_by_role("heading", name="Project Directory").click()
    expect(project.toast()).to_have_text("User was successfully updated")
    assert project.control.user("victor.hale@example.com")["job_title"] == "Rigger"
    cell.click()
    cell.get_by_role("textbox").fill("Nonsense")
    project.page.keyboard.press("Escape")
    expect(cell).to_have_text("Rigger")
    assert project.control.user("victor.hale@example.com")["job_title"] == "Rigger"


def test_active_is_a_filter_that_is_on(company: NewOffice) -> None:
    """Inactive people are absent until somebody looks for them; the chip says why."""
    company.open()
    page = company.page
    company.search("priya.raman", 0)
    page.get_by_role("button", name="More Filters").click()
    page.locator('[data-qa="data-table-filter-input-is_active"] [role=button]').click()
    page.get_by_role("option", name="Inactive").click()
    expect(page.locator('[data-qa="data-table-range"]')).to_have_text("1-1 of 1")
    expect(page.get_by_role("button", name="Active", exact=True)).to_have_attribute("aria-pressed", "false")
    expect(page.locator('[row-index="0"] [col-id="name"]').first).to_contain_text("Inactive")
    page.locator('[data-qa="data-table-remove-all-filters"]').click()
    page.locator('[data-qa="core-typeahead-input"]').fill("")
    state = company.control.get("/state")["companies"][0]
    total = len(state["users"]) + len(state["contacts"])
    expect(page.locator('[data-qa="data-table-range"]')).to_have_text(f"1-100 of {total}")
    page.get_by_role("button", name="Next page").click()
    expect(page.locator('[data-qa="data-table-range"]')).to_have_text(f"101-{total} of {total}")


def test_the_add_menu_hangs_at_the_end_of_the_body(project: NewOffice) -> None:
    """Values are JSON text with their quotes; the last item is a link to the older page."""
    project.open()
    page = project.page
    page.get_by_role("button", name="Add", exact=True).click()
    items = page.locator('body > [data-qa="core-overlay-trigger-overlay-wrapper"] [role="menu"] [role="menuitem"]')
    assert [item.get_attribute("data-value") for item in items.all()] == [
        '"user"',
        '"company"',
        '"group"',
        '"bulk_add"',
    ]
    assert (items.last.locator("a").get_attribute("href") or "").endswith("/project/directory/bulk_add")


def test_an_existing_person_is_added_in_the_panel(project: NewOffice) -> None:
    """Look for, choose, give a template, Save; the page stays and says so."""
    project.open()
    page = project.page
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("menuitem", name="Add User").click()
    panel = page.get_by_role("dialog", name="Add User")
    panel.locator('[data-qa="existing-person-search"]').press_sequentially("amara")
    panel.locator('[data-qa="existing-person"]').click()
    panel.locator('[data-field="permission_template_id"] [role=button]').click()
    page.get_by_role("option", name="Tower Crane Operators").click()
    panel.get_by_role("button", name="Save").click()
    expect(project.toast()).to_have_text("User was successfully added to the project")
    assert [m["template"] for m in project.control.user(AMARA)["memberships"]] == ["Tower Crane Operators"]


def test_the_row_menu_removes_after_a_question(project: NewOffice) -> None:
    """The menu's hook speaks of companies on the users tab, too; the question names the person."""
    project.open()
    project.search("victor.hale", 1)
    menu = project.row_menu()
    expect(menu).to_have_text(["Edit", "Re-invite", "Remove from Project"])
    menu.filter(has_text="Remove from Project").click()
    window = project.page.get_by_role("dialog", name="Remove from Project")
    expect(window).to_contain_text("victor.hale@example.com")
    window.get_by_role("button", name="Remove", exact=True).click()
    expect(project.toast()).to_have_text("Users were successfully removed from the project")
    assert project.control.user("victor.hale@example.com")["memberships"] == []


def test_people_are_inactivated_and_brought_back_in_bulk(company: NewOffice) -> None:
    """At the company only; the restore trap is the same as in the legacy pages."""
    company.open()
    company.search("victor.hale", 1)
    company.page.locator('[data-qa="rowCheckbox"]').check()
    company.page.locator('[data-bulk="inactivate"]').click()
    company.page.get_by_role("dialog").get_by_role("button", name="Inactivate").click()
    expect(company.toast()).to_have_text("Users were successfully inactivated")
    assert company.control.user("victor.hale@example.com")["is_active"] is False
    company.page.locator("[data-quick]").click()
    expect(company.page.locator('[row-index="0"] [col-id="name"]').first).to_contain_text("Inactive")
    company.row_menu().filter(has_text="Reactivate").click()
    company.page.get_by_role("dialog").get_by_role("button", name="Reactivate").click()
    expect(company.toast()).to_have_text("Users were successfully reactivated")
    assert company.control.user("victor.hale@example.com")["is_active"] is True


def test_a_person_is_created_and_changed_at_the_company(company: NewOffice) -> None:
    """Errors stand at their fields; the person's page saves without being left."""
    company.open()
    page = company.page
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("menuitem", name="Add User").click()
    panel = page.get_by_role("dialog", name="Add User")
    panel.get_by_role("button", name="Create").click()
    expect(panel.locator('[data-field="last_name"] .field-error')).to_have_text("can't be blank")
    panel.get_by_label("Last Name").fill("Okafor")
    panel.get_by_label("Email Address").fill("n.okafor@example.com")
    panel.get_by_role("button", name="Create").click()
    expect(company.toast()).to_have_text("User was successfully created")
    company.search("okafor", 1)
    page.get_by_role("link", name="Okafor").click()
    page.get_by_label("Job Title").fill("Rigger")
    page.get_by_role("button", name="Save and Send Invitation").click()
    expect(company.toast()).to_contain_text("Welcome e-mail sent to n.okafor@example.com")
    assert company.control.user("n.okafor@example.com")["job_title"] == "Rigger"


def test_a_group_is_managed_in_its_panel(project: NewOffice) -> None:
    """Name, people, Save; then Delete from the row's menu."""
    project.open("distribution_groups")
    page = project.page
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("menuitem", name="Add Distribution Group").click()
    panel = page.get_by_role("dialog", name="Add Distribution Group")
    panel.get_by_label("Name").fill("Crane Crew")
    panel.get_by_role("searchbox").press_sequentially("victor")
    panel.locator('[data-qa="group-candidate"]').click()
    panel.get_by_role("button", name="Save").click()
    expect(project.toast()).to_have_text("Distribution group was successfully saved")
    project.search("crane", 1)
    expect(page.locator('[row-index="0"] [col-id="members"]')).to_have_text("1")
    project.row_menu().filter(has_text="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(project.toast()).to_have_text("Distribution group was successfully deleted")


def test_the_end_of_a_session_shows_the_sign_in(project: NewOffice) -> None:
    """A save from an open page is not lost in silence: the page becomes the sign-in form, and nothing is written."""
    project.open()
    project.search("victor.hale", 1)
    project.control.post("/sign_out", {"login": "svc.provisioning@example.com"})
    project.row_menu().filter(has_text="Re-invite").click()
    expect(project.page.locator("#sign_in_form")).to_be_visible()
    assert project.control.get("/outbox") == []


@pytest.mark.parametrize("tab", ["users", "companies", "distribution_groups"])
def test_nothing_is_nameless_and_everything_fits_a_phone(company: NewOffice, tab: str) -> None:
    """Every control has a name; at 390 pixels no page is wider than the screen; the banner is there."""
    company.page.set_viewport_size({"width": 390, "height": 844})
    company.open(tab)
    assert company.page.evaluate(NAMELESS) == []
    assert company.page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(company.page.get_by_text("Sandbox, not Procore")).to_be_visible()

"""The legacy project Directory as a person uses it: Add User, bulk add, removal, groups."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.pages.office import Office
from tests.pages.test_fit_for_people import NAMELESS
from tests.pages.test_lists import tick

AMARA = "amara.diallo@example.com"


@pytest.fixture
def project(office: Office) -> Office:
    """The Company Directory Admin at the first project's Users list."""
    office.sign_in()
    first = office.control.get("/state")["companies"][0]["projects"][0]
    office.directory = f"{office.app}/{first['project_id']}/project/directory"
    office.open_list("users")
    return office


def membership(office: Office, email: str) -> object:
    """Somebody's template on project 24-001, or "none" without a membership."""
    found = [m for m in office.control.user(email)["memberships"] if m["number"] == "24-001"]
    return found[0]["template"] if found else "none"


def test_an_existing_person_is_found_and_added(project: Office) -> None:
    """Type a part of the name, choose, give a template: the person's page opens."""
    page = project.page
    form = project.open_add_user()
    form.locator("#existing_person_search").press_sequentially("amara")
    form.locator('[data-qa="existing-person"]').click()
    expect(form.get_by_label("Last Name")).to_be_hidden()
    form.get_by_label("Permission Template").select_option(label="Tower Crane Operators")
    form.get_by_role("button", name="Save").click()
    expect(project.flash()).to_have_text("User was successfully added to the project")
    expect(page.get_by_role("heading", name="Amara Diallo")).to_be_visible()
    assert membership(project, AMARA) == "Tower Crane Operators"


def test_a_form_with_an_error_comes_back_in_its_window(project: Office) -> None:
    """A taken address is an error on the field, and what was typed is still there."""
    form = project.open_add_user()
    form.get_by_label("Last Name").fill("Diallo")
    form.get_by_label("Email Address").fill(AMARA)
    form.get_by_role("button", name="Save").click()
    expect(project.page.locator("#user_email_address_error")).to_have_text("has already been taken")
    expect(project.page.locator("#new_user").get_by_label("Last Name")).to_have_value("Diallo")
    assert membership(project, AMARA) == "none"


def test_bulk_actions_remove_and_never_inactivate(project: Office) -> None:
    """The window names the people; afterwards they are off the project and active."""
    tick(project, "victor.hale@example.com")
    page = project.page
    page.get_by_role("button", name="Bulk Actions").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Remove from Project", "Invite"])
    page.get_by_role("menuitem", name="Remove from Project").click()
    window = page.locator(".confirm-window").filter(has=page.get_by_role("heading", name="Remove User(s) from Project"))
    window.get_by_role("button", name="Remove", exact=True).click()
    expect(project.flash()).to_have_text("Users were successfully removed from the project")
    assert membership(project, "victor.hale@example.com") == "none"
    assert project.control.user("victor.hale@example.com")["is_active"] is True


def test_a_company_brings_all_its_people_to_the_bulk_add(project: Office) -> None:
    """Bluewater's people come at once; a red X drops one; Clear All everybody."""
    page = project.page
    page.get_by_role("link", name="Bulk Add from Co. Directory").click()
    page.get_by_label("Find people or companies").fill("bluewater")
    page.get_by_role("button", name="Add Bluewater Mechanical").click()
    rows = page.locator('[data-qa="bulk-add-row"]')
    state = project.control.get("/state")["companies"][0]["users"]
    people = [u["email_address"] for u in state if u["company"] == "Bluewater Mechanical" and u["is_active"]]
    expect(rows).to_have_count(len(people))
    rows.first.get_by_role("button").click()
    expect(rows).to_have_count(len(people) - 1)
    page.get_by_role("button", name="Clear All").click()
    expect(rows).to_have_count(0)
    expect(page.get_by_role("button", name="Add to Project")).to_be_disabled()


def test_a_bulk_add_gives_template_and_notification(project: Office) -> None:
    """The row's choices are what is written."""
    page = project.page
    page.goto(f"{project.directory}/bulk_add")
    page.get_by_label("Find people or companies").fill("amara")
    page.get_by_role("button", name="Add Amara Diallo").click()
    row = page.locator('[data-qa="bulk-add-row"]')
    row.get_by_label("Permission Template").select_option(label="Read Only - Internal")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Add to Project").click()
    expect(project.flash()).to_have_text("1 people were successfully added to the project")
    assert membership(project, AMARA) == "Read Only - Internal"
    assert [mail["kind"] for mail in project.control.get("/outbox")] == ["project_notification"]


def test_a_member_is_saved_and_removed_after_ok(project: Office) -> None:
    """Do Not Apply a Template takes it away; Cancel keeps the member, OK removes."""
    project.open_user("victor.hale@example.com")
    page = project.page
    page.get_by_label("Project Permissions Template", exact=True).select_option(label="Do Not Apply a Template")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(project.flash()).to_have_text("User was successfully updated")
    assert membership(project, "victor.hale@example.com") is None
    page.get_by_role("button", name="Remove from Project").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert membership(project, "victor.hale@example.com") is None
    page.get_by_role("button", name="Remove from Project").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    expect(page).to_have_url(re.compile("/groups/users$"))
    assert membership(project, "victor.hale@example.com") == "none"


def test_a_group_is_made_filled_and_deleted(project: Office) -> None:
    """Create, Update, a member in and out, Delete with its OK."""
    page = project.page
    page.get_by_role("link", name="Add Distribution Group").click()
    page.get_by_label("Name").fill("Crane Crew")
    page.get_by_role("button", name="Create").click()
    page.get_by_label("Description").fill("Everybody at the crane")
    page.get_by_role("button", name="Update").click()
    expect(project.flash()).to_have_text("Distribution group was successfully updated")
    project.pick(page.locator("#add_group_member"), "group-user-select", "victor", "Victor Hale")
    page.locator("#add_group_member").get_by_role("button", name="Add", exact=True).click()
    expect(page.locator('[data-qa="member-email"]')).to_have_text("victor.hale@example.com")
    page.get_by_role("button", name="Remove Victor Hale").click()
    expect(page.locator('[data-qa="member-email"]')).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    expect(project.flash()).to_have_text("Distribution group was successfully deleted")


@pytest.mark.parametrize("path", ["groups/users", "groups/distribution_groups", "popup_add_person", "bulk_add", "{me}"])
def test_nothing_is_nameless_and_everything_fits_a_phone(project: Office, path: str) -> None:
    """Every control has a name; at 390 pixels no page is wider than the screen; the banner is there."""
    project.page.set_viewport_size({"width": 390, "height": 844})
    me = f"users/{project.control.user('victor.hale@example.com')['user_id']}/edit"
    project.page.goto(f"{project.directory}/{path.format(me=me)}")
    assert project.page.evaluate(NAMELESS) == []
    assert project.page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(project.page.get_by_text("Sandbox, not Procore")).to_be_visible()

"""The redesigned Projects tab in a browser: edit, review with Undo, save; and the menu behind the ellipsis."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.pages.office import Office

ANN = "ann.lee@example.com"


@pytest.fixture
def tab(office: Office) -> Office:
    """Ann's Projects tab in the redesign."""
    office.control.post("/options", {"projects_tab": "new", "assignment_delay": 0.0})
    office.sign_in()
    office.open_user(ANN, "projects")
    return office


def numbers(office: Office) -> list[str]:
    """The projects that Ann is on."""
    return [membership["number"] for membership in office.control.user(ANN)["memberships"]]


def test_nothing_is_sent_before_the_review_is_saved(tab: Office) -> None:
    """One added, one removed, one taken back in the review."""
    page = tab.page
    page.get_by_role("button", name="Edit Projects").click()
    rows = page.locator("tr[data-project-id]")
    rows.nth(0).get_by_role("button").click()
    rows.nth(3).get_by_role("button").click()
    rows.nth(4).get_by_role("button").click()
    page.get_by_role("button", name="Next", exact=True).last.click()
    review = page.locator('[data-qa="review-row"]')
    expect(review).to_have_count(3)
    review.last.get_by_role("button").click()
    expect(review).to_have_count(2)
    assert numbers(tab) == ["24-001"]
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.flash()).to_contain_text("being processed")
    page.reload()
    assert numbers(tab) == ["24-004"]


def test_ticked_projects_are_edited_together(tab: Office) -> None:
    """Ticks, Edit, Apply: the same decision for all of them."""
    page = tab.page
    page.get_by_role("button", name="Edit Projects").click()
    for place in (5, 6, 7):
        page.locator("tr[data-project-id]").nth(place).get_by_role("checkbox").check()
    page.locator('[data-qa="bulk-edit-button"]').click()
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(page.locator('[data-qa="assignment-state"]').get_by_text("To be added")).to_have_count(3)


def test_the_menu_changes_templates_and_future_projects(tab: Office) -> None:
    """Each entry opens a window of its own and saves at once."""
    page = tab.page
    page.locator('[data-qa="projects-more"]').click()
    page.get_by_role("menuitem", name="Edit Permission Template on Assigned Projects").click()
    page.get_by_role("dialog").get_by_label("Permission Template").select_option(label="Read Only - Internal")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.flash()).to_have_text("Permission template was successfully changed")
    assert [m["template"] for m in tab.control.user(ANN)["memberships"]] == ["Read Only - Internal"]
    page.locator('[data-qa="projects-more"]').click()
    page.get_by_role("menuitem", name="Manage Future Projects").click()
    page.get_by_role("dialog").get_by_text("Add user to all new projects").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.flash()).to_have_text("User was successfully updated")
    assert tab.control.user(ANN)["add_to_new_projects"] is True


def test_an_sso_address_is_signed_in_elsewhere(office: Office) -> None:
    """A third host name on the same port, with a form of its own."""
    office.control.post("/options", {"sso_domains": ["example.com"]})
    accounts = {entry["email"]: entry["password"] for entry in office.control.get("/credentials")}
    page = office.page
    page.goto(office.sign_in_host)
    page.get_by_label("Email").fill("helen.brandt@example.com")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Harborlight Identity")).to_be_visible()
    page.get_by_label("Network password").fill(accounts["helen.brandt@example.com"])
    page.get_by_role("button", name="Sign on").click()
    expect(page.locator("#header-avatar")).to_have_attribute("data-login", "helen.brandt@example.com")

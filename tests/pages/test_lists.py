"""The list pages: search, tabs, ticks, bulk actions, invitations, reactivation, export."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import expect

from tests.pages.office import Office

MEMBERSHIPS_OF_PRIYA = 5


def tick(office: Office, email: str) -> None:
    """Tick a row as a person does: by what one sees."""
    row = office.page.locator('[data-qa="tableRow"]').filter(has=office.page.locator(f'[data-qa="{email} Edit"]'))
    row.locator(".row-check > span").click()


def test_search_acts_on_enter_and_lists_fifty_at_most(directory: Office) -> None:
    """Hazard 12: typing changes nothing; after Enter both pagers say 50 of 50, as if there were no more."""
    page = directory.page
    box = page.get_by_placeholder("Search", exact=True)
    box.press_sequentially("example.com")
    expect(page).not_to_have_url(re.compile("search=example"))
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"search=example\.com"))
    expect(page.get_by_text("Displaying 1 - 50 of 50")).to_have_count(2)
    assert page.locator('[data-qa="tableRow"]').count() == 50


def test_a_search_by_part_finds_more_than_one(directory: Office) -> None:
    """Part of an address matches others: ann.lee is found inside joann.lee."""
    directory.open_list("users", "?search=ann.lee@example.com")
    emails = directory.page.locator("[data-pendo=user-edit-button]")
    expect(emails).to_have_count(2)


def test_bulk_inactivate_spares_whom_one_drops_from_the_window(directory: Office) -> None:
    """The window has no dialog role (hazard 7), lists the ticked people, and an X takes one out."""
    page = directory.page
    for email in ("victor.hale@example.com", "amara.diallo@example.com"):
        tick(directory, email)
    page.get_by_role("button", name="Bulk Actions").click()
    item = page.get_by_role("menuitem", name="Inactivate")
    expect(item).to_have_attribute("data-value", '"inactivate"')
    item.click()
    window = page.locator(".confirm-window").filter(has=page.get_by_role("heading", name="Inactivate Users"))
    assert page.get_by_role("dialog").count() == 0
    window.get_by_role("button", name="Remove Amara Diallo").click()
    window.get_by_role("button", name="Inactivate").click()
    expect(directory.flash()).to_have_text("Users were successfully inactivated")
    assert directory.control.user("victor.hale@example.com")["is_active"] is False
    assert directory.control.user("amara.diallo@example.com")["is_active"] is True


def test_reactivation_brings_everything_back(directory: Office) -> None:
    """The restore trap: projects and templates return without a further question."""
    directory.open_list("inactive_users")
    page = directory.page
    user_id = directory.control.user("priya.raman@example.com")["user_id"]
    page.locator(f'div[data-id="{user_id}"] [data-pendo="shared-users-reactivate-button"]').click()
    window = page.locator(".confirm-window").filter(has=page.get_by_role("heading", name="Reactivate User"))
    expect(window).to_contain_text("Priya Raman")
    window.get_by_role("button", name="Reactivate").click()
    expect(directory.flash()).to_have_text("User was successfully reactivated")
    user = directory.control.user("priya.raman@example.com")
    assert (user["is_active"], len(user["memberships"])) == (True, MEMBERSHIPS_OF_PRIYA)


def test_reactivation_waits_for_the_company(directory: Office) -> None:
    """A person of an inactive company stays inactive, and the flash says what has to be done first."""
    directory.open_list("inactive_users", "?search=owen.castell")
    directory.page.get_by_role("button", name="Reactivate").click()
    directory.page.locator(".confirm-window").get_by_role("button", name="Reactivate").click()
    expect(directory.flash()).to_contain_text("Ironwood Concrete is inactive")
    assert directory.control.user("owen.castell@example.com")["is_active"] is False


def test_invite_sends_one_mail_and_becomes_re_invite(directory: Office) -> None:
    """The row's form is outside the row, before it; afterwards the same place says Re-Invite."""
    user_id = directory.control.user("amara.diallo@example.com")["user_id"]
    button = directory.page.locator(f'form[action$="/users/{user_id}/invite"] button')
    expect(button).to_have_text("Invite")
    button.click()
    expect(directory.flash()).to_have_text("Welcome e-mail sent to amara.diallo@example.com")
    expect(button).to_have_text("Re-Invite")
    assert [mail["to"] for mail in directory.control.get("/outbox")] == ["amara.diallo@example.com"]


def test_a_flash_fades_by_itself(directory: Office) -> None:
    """Hazard 10: it is there, and a moment later it is gone without anybody closing it."""
    directory.control.post("/options", {"flash_seconds": 0.5})
    directory.page.locator('form[action$="/invite"] button').first.click()
    expect(directory.flash()).to_be_visible()
    expect(directory.flash()).to_have_count(0)


def test_every_tab_claims_to_be_selected(directory: Office) -> None:
    """Hazard 11: only the address tells which list is shown; the last tabs are behind More."""
    page = directory.page
    selected = page.locator('[data-pendo$="-tab"][aria-selected="true"]')
    assert selected.count() == 7
    assert page.get_by_role("tab").count() == 0
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Inactive Users").click()
    expect(page).to_have_url(re.compile("/groups/inactive_users"))


@pytest.mark.parametrize("group", ["reference_users", "companies", "distribution_groups", "inactive_companies"])
def test_the_other_lists_have_rows(directory: Office, group: str) -> None:
    """Each list shows its rows under the address that names it."""
    directory.open_list(group)
    assert directory.page.locator('[data-qa="tableRow"]').count() > 0


def test_contacts_are_another_record_than_users_of_the_same_address(directory: Office) -> None:
    """A contact's row carries a person id and leads to the small form of a contact."""
    directory.open_list("reference_users", "?search=tomasz.wilk")
    directory.page.locator('[data-pendo="person-edit-button"]').click()
    expect(directory.page).to_have_url(re.compile(r"/edit_person/\d+$"))
    directory.page.get_by_label("Classification").fill("Foreperson")
    directory.page.get_by_role("button", name="Save").click()
    expect(directory.flash()).to_have_text("Contact was successfully updated")


def test_the_directory_is_exported_as_csv(directory: Office) -> None:
    """Export, CSV: the documented headings, and one line per active user."""
    page = directory.page
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    with download.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    users = directory.control.get("/state")["companies"][0]["users"]
    assert len(rows) == sum(user["is_active"] for user in users)
    assert rows[0]["Person/Vendor"] == "Person"


def test_columns_follow_the_tenants_order(directory: Office) -> None:
    """Columns can be reordered: cells have to be found by name."""
    directory.control.post("/options", {"column_order": ["phone_fax_email", "name"]})
    directory.open_list("users")
    cells = directory.page.locator('[data-qa="tableRow"]').first.locator("> [data-qa$=_cell]")
    names = [cell.get_attribute("data-qa") for cell in cells.all()]
    assert names[:4] == ["checkboxes_cell", "phone_fax_email_cell", "name_cell", "edit_btn_cell"]


def test_a_company_is_added_after_the_promo(directory: Office) -> None:
    """Hazard 17: the promo has to be answered before the name can be typed."""
    directory.control.post("/options", {"promo_in_add_company": True})
    directory.open_list("companies")
    page = directory.page
    page.get_by_role("button", name="Add Company").click()
    assert page.get_by_placeholder("Enter company name").count() == 0
    page.get_by_role("button", name="Get Started").click()
    page.get_by_placeholder("Enter company name").fill("Quarrystone Masonry")
    page.get_by_role("button", name="Create New Company").click()
    expect(page.get_by_role("heading", name="Quarrystone Masonry")).to_be_visible()

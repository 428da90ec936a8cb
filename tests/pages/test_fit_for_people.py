"""A person with a small screen, a keyboard or a screen reader can use the pages, and sees that this is not Procore."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.pages.office import Office

PAGES = [
    "groups/users",
    "groups/inactive_users",
    "groups/companies",
    "popup_add_person",
    "configure_tab",
    "users/{uid}",
    "users/{uid}/edit",
    "users/{uid}/projects",
    "users/{uid}/change_history",
]
NAMELESS = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, [role=button]')]
  .filter((e) => e.getClientRects().length)
  .filter((e) => !(e.labels?.length || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')
                   || e.textContent.trim()))
  .map((e) => e.outerHTML.slice(0, 120))"""


def open_path(office: Office, path: str) -> None:
    """A page below the Directory; `{uid}` is somebody with projects."""
    office.page.goto(f"{office.directory}/{path.format(uid=office.control.user('victor.hale@example.com')['user_id'])}")


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_nameless_and_everything_fits_a_phone(directory: Office, path: str) -> None:
    """Every control has a name; at 390 pixels no page is wider than the screen; the banner is there."""
    directory.page.set_viewport_size({"width": 390, "height": 844})
    open_path(directory, path)
    assert directory.page.evaluate(NAMELESS) == []
    assert directory.page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(directory.page.get_by_text("Sandbox, not Procore")).to_be_visible()


def test_escape_closes_a_window_and_returns_the_focus(directory: Office) -> None:
    """A keyboard user ends where they began."""
    directory.page.locator("#popup_add_person").focus()
    directory.page.keyboard.press("Enter")
    expect(directory.page.get_by_label("First Name")).to_be_focused()
    directory.page.keyboard.press("Escape")
    expect(directory.page.locator("#new_user")).to_have_count(0)
    expect(directory.page.locator("#popup_add_person")).to_be_focused()


def test_the_account_menu_signs_out(directory: Office) -> None:
    """The menu names the account and ends the session."""
    directory.page.get_by_role("button", name="Account & Profile").click()
    menu = directory.page.get_by_role("menu")
    expect(menu).to_contain_text("svc.provisioning@example.com")
    menu.get_by_role("menuitem", name="Sign Out").click()
    expect(directory.page.locator("#sign_in_form")).to_be_visible()
    directory.open_list("users")
    expect(directory.page.locator("#header-avatar")).to_have_count(0)

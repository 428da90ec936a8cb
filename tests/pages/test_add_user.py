"""The Add User window and its design-system selects."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from tests.pages.office import MENU, Office


def test_a_person_is_added_with_company_and_templates_and_no_mail_is_sent(directory: Office) -> None:
    """Create leads to the new person's Edit page; every chosen value is there; adding invites nobody."""
    form = directory.open_add_user()
    form.get_by_label("First Name").fill("Nia")
    form.get_by_label("Last Name").fill("Okafor")
    form.get_by_label("Email Address").fill("n.okafor@example.com")
    form.get_by_label("Job Title").fill("Foreman")
    directory.pick(form, "user-vendor-select", "summit", "Summit Electric", hint="Reno")
    directory.pick(form, "user-default-template-select", "", "Foreman / Superintendent - Internal")
    directory.pick(form, "user-company-template-select", "", "Field Staff")
    form.get_by_text("Is Employee").click()
    form.get_by_role("button", name="Create").click()
    expect(directory.page).to_have_url(re.compile(r"/users/\d+/edit$"))
    expect(directory.flash()).to_have_text("User was successfully created")
    user = directory.control.user("n.okafor@example.com")
    state = directory.control.get("/state")["companies"][0]
    reno = next(v for v in state["vendors"] if v["name"] == "Summit Electric" and v["city"] == "Reno")
    assert reno["vendor_id"] == user["vendor_id"]
    assert user["default_template"] == "Foreman / Superintendent - Internal"
    assert (user["company_template"], user["is_employee"], user["job_title"]) == ("Field Staff", True, "Foreman")
    assert directory.control.get("/outbox") == []


def test_errors_come_back_into_the_open_window_with_what_was_typed(directory: Office) -> None:
    """Hazards 8 and 9: the browser blocks nothing, the field says what is wrong, and nothing was created."""
    form = directory.open_add_user()
    expect(form.get_by_label("Last Name")).to_have_attribute("aria-required", "true")
    form.get_by_label("First Name").fill("Nia")
    form.get_by_label("Email Address").fill("priya.raman@example.com")
    directory.pick(form, "user-vendor-select", "blue", "Bluewater Mechanical")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_role("alert")).to_contain_text("Please fix the errors below")
    expect(form.get_by_label("First Name")).to_have_value("Nia")
    expect(form.get_by_label("Last Name")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Last Name")).to_have_accessible_description("can't be blank")
    expect(form.get_by_label("Email Address")).to_have_accessible_description("has already been taken")
    expect(form.locator('[data-qa="user-vendor-select"] [role=button]')).to_have_text("Bluewater Mechanical")
    assert directory.control.user("priya.raman@example.com")["is_active"] is False


def test_a_click_on_the_backdrop_drops_what_was_typed(directory: Office) -> None:
    """Hazard 6: the form is gone at once, its frame stays a moment longer, and a new window is empty."""
    form = directory.open_add_user()
    form.get_by_label("Last Name").fill("Okafor")
    directory.page.locator(".ui-widget-overlay").click(position={"x": 10, "y": 300})
    expect(form).to_have_count(0)
    assert directory.page.locator(".ui-dialog").count() == 1
    expect(directory.page.locator(".ui-dialog")).to_have_count(0)
    expect(directory.open_add_user().get_by_label("Last Name")).to_have_value("")


def test_old_options_stay_while_the_company_query_runs(directory: Office) -> None:
    """Hazard 3: until the answer is there, the options of the former query can be seen and clicked."""
    directory.control.post("/options", {"select_delay": 0.6})
    form = directory.open_add_user()
    form.locator('[data-qa="user-vendor-select"] [role=button]').click()
    menu = directory.page.locator(MENU)
    expect(menu).to_have_attribute("aria-busy", "false")
    expect(menu.get_by_role("searchbox")).to_be_focused()
    menu.get_by_role("searchbox").fill("summit")
    expect(menu).to_have_attribute("aria-busy", "true")
    assert menu.get_by_role("option", name="Bluewater").count() == 1
    expect(menu).to_have_attribute("aria-busy", "false")
    expect(menu.get_by_role("option")).to_have_count(2)
    assert menu.get_by_role("option", name="Bluewater").count() == 0


def test_long_selects_hold_24_options_in_the_page(directory: Office) -> None:
    """Hazards 1, 2, 13: the menu is outside the form, tells the true number, and values are JSON text with quotes."""
    directory.control.post("/vendors", [{"name": f"Zenith Interiors {n:02d}"} for n in range(60)])
    form = directory.open_add_user()
    form.locator('[data-qa="user-vendor-select"] [role=button]').click()
    menu = directory.page.locator(f"body > {MENU}")
    expect(menu.get_by_role("option")).to_have_count(24)
    first = menu.get_by_role("option").first
    assert int(first.get_attribute("aria-setsize") or 0) > 60
    assert re.fullmatch(r'"\d+"', first.get_attribute("data-value") or "")
    assert menu.get_by_role("option", name="Zenith Interiors 59").count() == 0
    menu.get_by_role("searchbox").fill("interiors 59")
    expect(menu.get_by_role("option")).to_have_count(1)
    assert form.get_by_role("option", name="Zenith").count() == 0


def test_a_select_works_from_the_keyboard(directory: Office) -> None:
    """Enter opens and chooses, arrows move, Escape closes the menu and not the window; a cleared one asks again."""
    form = directory.open_add_user()
    trigger = form.locator('[data-qa="user-company-template-select"] [role=button]')
    trigger.focus()
    trigger.press("Enter")
    expect(directory.page.locator(MENU)).to_be_visible()
    directory.page.keyboard.press("Escape")
    expect(directory.page.locator(MENU)).to_have_count(0)
    expect(form).to_be_visible()
    trigger.press("Enter")
    directory.page.keyboard.press("ArrowDown")
    directory.page.keyboard.press("Enter")
    expect(trigger).not_to_contain_text("Select a Permission Template")
    expect(trigger).to_be_focused()
    form.get_by_role("button", name="Clear Company Permissions Template").click()
    expect(trigger).to_have_text("Select a Permission Template")


def test_boxes_lie_under_what_one_clicks(directory: Office) -> None:
    """Hazard 5: ticking an input itself times out, in rows and in forms; clicking the label ticks it."""
    row_box = directory.page.locator('[data-qa="tableRow"] input[type="checkbox"]').first
    with pytest.raises(PlaywrightTimeout):
        row_box.check(timeout=400)
    form = directory.open_add_user()
    box = form.locator("#user_is_employee")
    with pytest.raises(PlaywrightTimeout):
        box.check(timeout=400)
    form.get_by_text("Is Employee").click()
    expect(box).to_be_checked()


def test_company_as_a_label_is_ambiguous_on_the_page(directory: Office) -> None:
    """Hazard 4: even the exact label has two bearers, the list's grouping and the form's field."""
    form = directory.open_add_user()
    assert directory.page.get_by_label("Company", exact=True).count() == 2
    assert form.get_by_label("Company", exact=True).count() == 1
    assert form.get_by_label("Company").count() > 1


def test_the_submit_button_and_required_fields_follow_the_tenant(directory: Office) -> None:
    """Tenants differ in the button's word and in what they demand."""
    directory.control.post(
        "/options", {"add_button_label": "Add", "required_fields": ["last_name", "email_address", "job_title"]}
    )
    form = directory.open_add_user()
    form.get_by_label("Last Name").fill("Okafor")
    form.get_by_label("Email Address").fill("n.okafor@example.com")
    form.get_by_role("button", name="Add", exact=True).click()
    expect(form.get_by_label("Job Title")).to_have_accessible_description("can't be blank")
    assert directory.control.user("n.okafor@example.com") is None


def test_a_further_required_field_is_shown_and_demanded(directory: Office) -> None:
    """The fault plants a field nobody knows: the form is refused without it, and accepted with it."""
    directory.control.post(
        "/faults", [{"operation": "popup", "effect": "unknown_field", "field": "cost_center", "text": "Cost Center"}]
    )
    form = directory.open_add_user()
    form.get_by_label("Last Name").fill("Okafor")
    form.get_by_label("Email Address").fill("n.okafor@example.com")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_label("Cost Center")).to_have_accessible_description("can't be blank")
    form.get_by_label("Cost Center").fill("4711")
    form.get_by_role("button", name="Create").click()
    expect(directory.page).to_have_url(re.compile(r"/users/\d+/edit$"))

"""Operators with fewer rights, languages, overlays, errors: what a page shows when the day is not an ordinary one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.pages.office import MENU, Office

OPERATOR = "ops.granular@example.com"
VICTOR = "victor.hale@example.com"


def test_a_granular_operator_sees_what_they_may_use(office: Office) -> None:
    """Assignable templates only, own projects only, no e-mail, no default template, no radio table, no Unlock."""
    office.sign_in(OPERATOR)
    page = office.page
    office.open_user(VICTOR)
    expect(page.get_by_label("Email Address")).to_be_disabled()
    expect(page.get_by_label("Active?")).to_be_disabled()
    expect(page.get_by_label("Job Title")).to_be_enabled()
    expect(page.get_by_role("button", name="Select Default Template")).to_have_count(0)
    page.locator("#user_company_permission_template_id").select_option("none")
    expect(page.locator("#company_tool_permissions")).to_have_count(0)
    own = {m["name"] for m in office.control.user(OPERATOR)["memberships"]}
    for row in page.locator("tr[data-project-id] [data-qa=project-name]").all():
        assert row.inner_text() in own
    office.open_list("users")
    form = office.open_add_user()
    form.locator('[data-qa="user-company-template-select"] [role=button]').click()
    assert page.locator(MENU).get_by_role("option", name="Company Admin").count() == 0


def test_a_granular_operator_saves_what_they_may(office: Office) -> None:
    """The form of the Edit page, sent as it is, is accepted: it holds nothing the operator may not write."""
    office.sign_in(OPERATOR)
    office.open_user(VICTOR)
    office.page.get_by_label("Job Title").fill("Rigger")
    office.page.get_by_role("button", name="Save", exact=True).click()
    expect(office.flash()).to_have_text("User was successfully updated")
    assert office.control.user(VICTOR)["job_title"] == "Rigger"


def test_the_company_template_section_is_hidden_for_company_admins(office: Office) -> None:
    """A granular operator does not even see what a Company Admin holds."""
    office.sign_in(OPERATOR)
    office.open_user("helen.brandt@example.com")
    expect(office.page.locator("#edit_user")).to_be_visible()
    expect(office.page.locator("#company_permissions")).to_have_count(0)


def test_no_reactivation_for_a_granular_operator(office: Office) -> None:
    """They see inactive people, and no button to bring one back."""
    office.sign_in(OPERATOR)
    office.open_list("inactive_users")
    assert office.page.locator('[data-qa="tableRow"]').count() > 0
    assert office.page.get_by_role("button", name="Reactivate").count() == 0


@pytest.mark.parametrize(
    "path",
    ["/company/directory", "/company/directory/groups/inactive_users", "/company/directory/popup_add_person"],
)
def test_denied_is_a_redirect_and_a_flash(office: Office, path: str) -> None:
    """Status 200, the company home, and a sentence that fades: nothing else says that one was denied."""
    office.sign_in("nora.quist@example.com")
    response = office.page.goto(f"{office.app}/{office.control.company_id()}{path}")
    assert response is not None
    assert response.status == 200
    expect(office.page).to_have_url(re.compile("/company/home/list$"))
    expect(office.flash()).to_have_text("You don't have access to that part of the site")


def test_an_admin_can_lock_themselves_out(directory: Office) -> None:
    """Self-demotion is possible: the next page is already denied."""
    directory.open_user("svc.provisioning@example.com")
    directory.page.locator("#user_company_permission_template_id").select_option(label="Field Staff")
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.page).to_have_url(re.compile("/company/home/list$"))
    expect(directory.flash().last).to_have_text("You don't have access to that part of the site")


def test_pages_speak_the_tenants_language(directory: Office) -> None:
    """Labels and the locale of the page change; addresses and hooks do not."""
    directory.control.post("/options", {"language": "de"})
    directory.open_list("users")
    expect(directory.page.locator("#popup_add_person")).to_have_text("Benutzer hinzufügen")
    assert directory.page.evaluate("Procore.Environment.locale") == "de"
    directory.control.post("/options", {"language": "en-GB"})
    directory.open_user(VICTOR)
    expect(directory.page.get_by_label("Postcode")).to_be_visible()
    assert directory.page.evaluate("Procore.Environment.locale") == "en-GB"


@pytest.mark.parametrize(
    ("effect", "layer", "button"),
    [
        ("announcement", "#announcement-overlay", "Got it"),
        ("guided_tour", "#pendo-guide-container", "Close"),
        ("cookie_consent", "#consent_blackbar", "Accept"),
    ],
)
def test_known_overlays_close_by_their_own_button(directory: Office, effect: str, layer: str, button: str) -> None:
    """Hazard 17: the layer is in the way until its button is pressed; then it is gone."""
    directory.control.post("/faults", [{"operation": "edit_page", "effect": effect}])
    directory.open_user(VICTOR)
    overlay = directory.page.locator(layer)
    expect(overlay).to_be_visible()
    overlay.get_by_role("button", name=button).click()
    expect(overlay).to_have_count(0)
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.flash()).to_have_text("User was successfully updated")


def test_an_unknown_window_stands_in_the_way(directory: Office) -> None:
    """A window with a text of its own, which no click elsewhere closes."""
    directory.control.post(
        "/faults", [{"operation": "edit_page", "effect": "unknown_dialog", "title": "Contract", "text": "Renew now?"}]
    )
    directory.open_user(VICTOR)
    window = directory.page.get_by_role("dialog", name="Contract")
    expect(window).to_contain_text("Renew now?")
    window.get_by_role("button", name="Cancel").click()
    expect(window).to_have_count(0)


def test_a_page_of_another_generation_has_no_legacy_root(directory: Office) -> None:
    """The fault shows the new front end: its own root, and nothing a legacy flow could take for its page."""
    directory.control.post("/faults", [{"operation": "list", "effect": "unknown_page"}])
    directory.open_list("users")
    expect(directory.page.locator('[data-qa="project-level-environment"]')).to_be_visible()
    expect(directory.page.locator("#root")).to_have_count(0)


def test_a_lost_form_token_saves_nothing(directory: Office) -> None:
    """Hazard 18: a stale token leads back with a flash."""
    directory.open_user(VICTOR)
    directory.control.post("/faults", [{"operation": "save_user", "effect": "stale_csrf"}])
    directory.page.get_by_label("Job Title").fill("Rigger")
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.page.locator("#alert_wrapper .alert-error")).to_be_visible()
    assert directory.control.user(VICTOR)["job_title"] == "Crane Operator"


@pytest.mark.parametrize("in_place", [False, True])
def test_add_user_after_the_session_ended_leads_to_the_sign_in(directory: Office, in_place: bool) -> None:
    """The window does not open on somebody who is signed out; the sign-in form is shown as a page of its own."""
    directory.control.post("/options", {"signin_at_target": in_place})
    directory.control.post("/sign_out", {"login": "svc.provisioning@example.com"})
    directory.page.get_by_role("link", name="Add User").click()
    expect(directory.page.locator("#sign_in_form")).to_be_visible()
    expect(directory.page.locator("#header-avatar")).to_have_count(0)


@pytest.mark.parametrize("path", ["/nowhere", "/company/directory/users/1/edit", "/company/directory/groups/nobody"])
def test_an_unknown_address_is_a_formatted_404(directory: Office, path: str) -> None:
    """Not found is a page with a headline and status 404."""
    response = directory.page.goto(f"{directory.app}/{directory.control.company_id()}{path}")
    assert response is not None
    assert response.status == 404
    expect(directory.page.get_by_role("heading", name="The page you were looking for")).to_be_visible()


def test_the_template_export_is_mailed(directory: Office) -> None:
    """Reporting, Template Assignment Export-CSV: the link arrives by mail and leads to the file."""
    page = directory.page
    page.get_by_role("link", name="Permissions").click()
    page.get_by_role("button", name="Reporting").click()
    page.get_by_role("menuitem", name="Template Assignment Export-CSV").click()
    expect(directory.flash()).to_contain_text("A link will be sent")
    (mail,) = directory.control.get("/outbox")
    with page.expect_download() as download:
        page.evaluate("(link) => { window.location.href = link; }", mail["link"])
    assert download.value.path().read_text("utf-8").startswith("Company,Project Name,Project ID,Template")


def test_the_company_picker_is_searched_and_a_hidden_company_stays_chosen(office: Office) -> None:
    """Above ten companies there is a search box, which hides what does not match and changes no choice."""
    office.control.post("/reset", {"options": {"companies": 12}})
    try:
        office.sign_in(until=office.page.get_by_role("heading", name="Select a Company"))
        page, company = office.page, office.control.company_id()
        page.get_by_role("radio").last.check()
        chosen = page.locator("input[name=company_id]:checked").input_value()
        page.get_by_role("searchbox", name="Search").fill("  NORTHGATE civ ")
        expect(page.get_by_role("radio")).to_have_count(1)
        expect(page.get_by_role("radio", name="Northgate Civil")).to_be_visible()
        assert page.locator("input[name=company_id]:checked").input_value() == chosen
        page.get_by_role("searchbox").fill("no such company")
        expect(page.get_by_role("radio")).to_have_count(0)
        page.get_by_role("searchbox").fill("")
        expect(page.get_by_role("radio")).to_have_count(12)
        page.locator(f'input[name=company_id][value="{company}"]').check()
        page.get_by_role("button", name="Continue").click()
        expect(page).to_have_url(re.compile(f"/{company}/"))
    finally:
        office.control.post("/reset", {"options": {"companies": 1}})

"""The pages of one person: Edit, Projects tab, Change History."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.pages.office import SERVICE, Office

VICTOR = "victor.hale@example.com"


def projects_of(office: Office, email: str) -> dict[str, Any]:
    """Project name to template name, from the control plane."""
    return {m["name"]: m["template"] for m in office.control.user(email)["memberships"]}


def test_a_save_changes_what_was_changed_and_history_says_so(directory: Office) -> None:
    """One field, one row of Change History: who, from, to; the newest first."""
    directory.open_user(VICTOR)
    directory.page.get_by_label("Job Title").fill("Rigger")
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.flash()).to_have_text("User was successfully updated")
    directory.page.get_by_role("link", name="Change History").click()
    row = directory.page.locator('[data-qa="change-row"]').first
    expect(row.locator('[data-qa="change-field"]')).to_have_text("Job Title")
    expect(row.locator('[data-qa="change-from"]')).to_have_text("Crane Operator")
    expect(row.locator('[data-qa="change-to"]')).to_have_text("Rigger")
    expect(row.locator('[data-qa="change-by"]')).to_have_attribute("data-login", SERVICE)


def test_change_template_for_one_project_and_for_all(directory: Office) -> None:
    """Apply changes the one row; with the box ticked it changes every project."""
    first, *_ = projects_of(directory, VICTOR)
    directory.open_user(VICTOR)
    row = directory.project_row("current_projects", first)
    row.get_by_role("button", name="Change Template").click()
    row.get_by_role("combobox").select_option(label="Project Manager - Internal")
    row.get_by_role("button", name="Apply").click()
    expect(row.locator('[data-qa="project-template"]')).to_have_text("Project Manager - Internal")
    changed = [name for name, template in projects_of(directory, VICTOR).items() if "Manager" in str(template)]
    assert changed == [first]
    row.get_by_role("button", name="Change Template").click()
    row.get_by_text("Apply this template to all projects").click()
    row.get_by_role("button", name="Apply").click()
    expect(directory.flash()).to_have_text("Permission template was successfully changed")
    assert set(projects_of(directory, VICTOR).values()) == {"Project Manager - Internal"}


def test_removing_asks_first(directory: Office) -> None:
    """Cancel keeps the project, OK removes it at once, Remove All empties the table."""
    first, *others = projects_of(directory, VICTOR)
    directory.open_user(VICTOR)
    page = directory.page
    page.get_by_role("button", name=f"Remove Victor Hale from {first}").click()
    page.get_by_role("button", name="Cancel").click()
    assert list(projects_of(directory, VICTOR)) == [first, *others]
    page.get_by_role("button", name=f"Remove Victor Hale from {first}").click()
    page.get_by_role("button", name="OK").click()
    expect(directory.flash()).to_have_text("Project was successfully removed")
    assert list(projects_of(directory, VICTOR)) == others
    page.get_by_role("button", name="Remove All").click()
    page.get_by_role("button", name="OK").click()
    expect(directory.flash()).to_have_text("All projects were successfully removed")
    assert projects_of(directory, VICTOR) == {}


def test_adding_a_project_preselects_the_default_template(directory: Office) -> None:
    """Add opens a window with the person's default template; a project's own template is offered there only."""
    directory.open_user("amara.diallo@example.com")
    page = directory.page
    state = directory.control.get("/state")["companies"][0]
    own = next(t for t in state["templates"] if t["kind"] == "project_specific")
    project = next(p for p in state["projects"] if p["project_id"] == own["project_id"])
    other = next(p for p in state["projects"] if p["project_id"] != own["project_id"] and p["is_active"])
    directory.project_row("other_projects", other["name"]).get_by_role("button", name="Add").click()
    window = page.get_by_role("dialog", name="Add to Project")
    assert own["name"] not in window.get_by_role("combobox").inner_text()
    page.keyboard.press("Escape")
    expect(page.locator(".ui-dialog")).to_have_count(0)
    directory.project_row("other_projects", project["name"]).get_by_role("button", name="Add").click()
    expect(window.get_by_role("combobox")).to_have_value("")
    window.get_by_role("combobox").select_option(label=own["name"])
    window.get_by_role("button", name="Add").click()
    expect(directory.flash()).to_have_text("Project was successfully added")
    assert projects_of(directory, "amara.diallo@example.com") == {project["name"]: own["name"]}


def test_the_default_template_is_saved_by_save_only(directory: Office) -> None:
    """Apply in the window fills the form; the world changes at Save."""
    directory.open_user("amara.diallo@example.com")
    page = directory.page
    expect(page.locator('[data-qa="default-template-name"]')).to_have_text("None")
    page.get_by_role("button", name="Select Default Template").click()
    window = page.get_by_role("dialog", name="Select Default Permission Template")
    window.get_by_role("combobox").select_option(label="Project Manager - Internal")
    window.get_by_role("button", name="Apply").click()
    expect(page.locator('[data-qa="default-template-name"]')).to_have_text("Project Manager - Internal")
    assert directory.control.user("amara.diallo@example.com")["default_template"] is None
    page.get_by_text("Add Amara Diallo to All New Projects").click()
    expect(page.locator(".ui-dialog")).to_have_count(0)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.flash()).to_have_text("User was successfully updated")
    user = directory.control.user("amara.diallo@example.com")
    assert (user["default_template"], user["add_to_new_projects"]) == ("Project Manager - Internal", True)


def test_directory_admin_greys_the_other_tools(directory: Office) -> None:
    """Without a template the radio table appears; Directory = Admin makes a Company Admin."""
    directory.open_user(VICTOR)
    page = directory.page
    table = page.locator("#company_tool_permissions")
    expect(table).to_be_hidden()
    page.locator("#user_company_permission_template_id").select_option("none")
    expect(table).to_be_visible()
    table.locator('tr[data-tool="reports"]').get_by_label("Standard").check()
    table.locator('tr[data-tool="directory"]').get_by_label("Admin").check()
    expect(table.locator('tr[data-tool="reports"]').get_by_label("Standard")).to_be_disabled()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.flash()).to_have_text("User was successfully updated")
    user = directory.control.user(VICTOR)
    assert (user["company_template"], user["is_company_admin"]) == (None, True)
    expect(table.locator('tr[data-tool="directory"]').get_by_label("Admin")).to_be_checked()


def test_unticking_active_inactivates_and_the_page_says_so(directory: Office) -> None:
    """The older way of deactivation: Active? off, Save."""
    directory.open_user(VICTOR)
    directory.page.get_by_text("Active?").click()
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.page.locator('[data-qa="inactive-banner"]')).to_be_visible()
    expect(directory.page.locator("#user-page")).to_have_attribute("data-active", "false")
    assert directory.control.user(VICTOR)["is_active"] is False


def test_save_and_invite_sends_one_mail(directory: Office) -> None:
    """The second button saves and invites; the checkbox of newer pages does the same."""
    directory.open_user(VICTOR)
    directory.page.get_by_role("button", name="Save and Send Invitation To Procore").click()
    expect(directory.flash().last).to_have_text(f"Welcome e-mail sent to {VICTOR}")
    directory.control.post("/options", {"invite_style": "checkbox"})
    directory.open_user(VICTOR)
    directory.page.get_by_text("Send Invitation To Procore").click()
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(directory.flash().last).to_have_text(f"Welcome e-mail sent to {VICTOR}")
    assert [mail["to"] for mail in directory.control.get("/outbox")] == [VICTOR, VICTOR]


def test_a_locked_account_is_unlocked(directory: Office) -> None:
    """The banner with Unlock Account is there for locked people only, and gone afterwards."""
    directory.open_user(VICTOR)
    expect(directory.page.locator('[data-qa="locked-banner"]')).to_have_count(0)
    directory.open_user("lena.fischer@example.com")
    directory.page.get_by_role("button", name="Unlock Account").click()
    expect(directory.flash()).to_have_text("Account was unlocked")
    expect(directory.page.locator('[data-qa="locked-banner"]')).to_have_count(0)


def test_an_address_that_cannot_change_is_refused_beside_the_field(directory: Office) -> None:
    """Somebody who has signed in and belongs to two companies keeps the address; the page keeps what was typed."""
    directory.open_user("jonas.bergqvist@example.com")
    field = directory.page.get_by_label("Email Address")
    field.fill("jonas@example.com")
    directory.page.get_by_role("button", name="Save", exact=True).click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("jonas@example.com")
    assert directory.control.user("jonas@example.com") is None


def test_the_projects_tab_is_worked_through_later(directory: Office) -> None:
    """Save Changes answers at once, the pending mark stands meanwhile, and the change is there after its time."""
    directory.control.post("/options", {"assignment_delay": 600})
    first, *_ = projects_of(directory, VICTOR)
    directory.open_user(VICTOR, "projects")
    page = directory.page
    page.get_by_label(first, exact=True).first.uncheck()
    page.get_by_role("button", name="Save Changes").click()
    expect(directory.flash()).to_contain_text("This may take a few minutes")
    expect(page.locator('[data-qa="projects-pending"]')).to_be_visible()
    assert first in projects_of(directory, VICTOR)
    directory.control.post("/clock", {"advance": 700})
    page.reload()
    expect(page.locator('[data-qa="projects-pending"]')).to_have_count(0)
    assert first not in projects_of(directory, VICTOR)


def test_ticks_survive_turning_the_page(directory: Office) -> None:
    """A tick on page 1 is saved from page 2, where its box is not."""
    directory.control.post(
        "/projects", [{"number": f"31-{number:03d}", "name": f"Pier {number:03d}"} for number in range(70)]
    )
    email = "amara.diallo@example.com"
    directory.open_user(email, "projects")
    page = directory.page
    name = page.locator('[data-qa="project-name"]').first.inner_text()
    page.get_by_label(name, exact=True).first.check()
    page.get_by_role("link", name="Next").click()
    expect(page.locator('[data-qa="selection-note"]')).to_contain_text("1")
    page.get_by_label("Pier 069", exact=True).first.check()
    page.get_by_role("button", name="Save Changes").click()
    expect(directory.flash()).to_be_visible()
    page.reload()
    assert set(projects_of(directory, email)) == {name, "Pier 069"}


def test_the_assigned_toggle_shows_memberships_only(directory: Office) -> None:
    """Show assigned only leaves the person's projects."""
    directory.open_user(VICTOR, "projects")
    directory.page.get_by_role("link", name="Show assigned only").click()
    expect(directory.page.locator("tr[data-project-id]")).to_have_count(len(projects_of(directory, VICTOR)))

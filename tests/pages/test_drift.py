"""Drifting pages in a browser: what is harmless harms nobody, and what is dangerous does what it says."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.pages.office import Office
from tests.pages.test_mfe import NewOffice, new_office


def let_drift(office: Office, **setting: object) -> None:
    """Let the tenant's pages drift from now on."""
    office.control.post("/options", {"drift": setting})


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_person_adds_a_user_on_harmlessly_drifting_pages(directory: Office, seed: int) -> None:
    """Level 2: by role and label, as a person reads them, everything goes on as before."""
    let_drift(directory, seed=seed, level=2)
    directory.open_list("users")
    form = directory.open_add_user()
    form.get_by_label("First Name").fill("Nadia")
    form.get_by_label("Last Name").fill("Okafor")
    form.get_by_label("Email Address").fill("n.okafor@example.com")
    form.get_by_role("button", name="Create").click()
    expect(directory.page.get_by_role("heading", name="Nadia Okafor", exact=True)).to_be_visible()
    assert directory.control.user("n.okafor@example.com") is not None
    assert directory.control.get("/drift")["served"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_grid_works_on_harmlessly_drifting_pages(office: Office, seed: int) -> None:
    """Level 2 in the new generation: search, edit a cell, remove from the project."""
    project: NewOffice = new_office(office, "project")
    let_drift(project, seed=seed, level=2)
    project.open()
    project.search("victor.hale", 1)
    cell = project.page.locator('[row-index="0"] [col-id="job_title"]')
    cell.click()
    cell.get_by_role("textbox").fill("Rigger")
    project.page.keyboard.press("Enter")
    expect(project.toast()).to_have_text("User was successfully updated")
    project.row_menu().filter(has_text="Remove from Project").click()
    project.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(project.toast()).to_have_text("Users were successfully removed from the project")
    user = project.control.user("victor.hale@example.com")
    assert (user["job_title"], "24-001" in [m["number"] for m in user["memberships"]]) == ("Rigger", False)


def test_an_inverted_question_does_the_opposite(directory: Office) -> None:
    """OK keeps, as the window says; Cancel removes."""
    let_drift(directory, only=["question_inverted"])
    directory.open_user("victor.hale@example.com")
    page = directory.page
    row = page.locator("#current_projects tr[data-project-id]").first
    row.get_by_role("button", name="Remove Victor Hale from").click()
    expect(page.get_by_role("dialog")).to_contain_text("Keep access to this project?")
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(directory.control.user("victor.hale@example.com")["memberships"]) == 3
    row.get_by_role("button", name="Remove Victor Hale from").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(directory.flash()).to_have_text("Project was successfully removed")
    assert len(directory.control.user("victor.hale@example.com")["memberships"]) == 2


def test_shifted_menus_are_about_the_neighbour(office: Office) -> None:
    """The menu beside a row names the next person in its question: who reads it does no harm."""
    company: NewOffice = new_office(office, "company")
    let_drift(company, only=["menus_shifted"])
    company.open()
    names = company.page.locator('[role="row"][row-index="1"] [col-id="name"] a').inner_text()
    company.row_menu(0).filter(has_text="Inactivate").click()
    expect(company.page.get_by_role("dialog")).to_contain_text(names)

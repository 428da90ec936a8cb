"""Add User in the new generation: a side panel over the users' grid, saved without leaving the page [I]."""

from __future__ import annotations

import asyncio
import time

from agent.domain.names import normal_email
from agent.domain.person import NewUser
from agent.errors import Failed
from flows.interface import CommitGate
from flows.legacy.person_form import fill_attributes, fill_company
from flows.mfe.menus import entry_of, open_add_menu
from flows.mfe.panel import FormHeld, panel, read_form, select_of
from flows.mfe.people import everybody_like, open_users, with_address
from flows.mfe.person_page import open_person_page
from flows.names import Flow
from flows.page import overlays
from flows.page.commit_by_script import commit_by_script
from flows.page.controls import choose_by_name, set_text
from flows.page.sending import lost
from flows.page.tab import Tab
from flows.shapes import examine

FORM = "add-user-form"  # its data-qa
PANEL = panel("Add User")

_COMPANY = select_of(FORM, "vendor_id", "Company")
_DEFAULT_TEMPLATE = select_of(FORM, "default_template_id", "Project Permissions Template (Default)")
_COMPANY_TEMPLATE = select_of(FORM, "company_template_id", "Company Permissions Template")
_PAUSE_SECONDS = 0.3


async def visit_add_user(tab: Tab) -> FormHeld:
    """Open the panel and read its form; nothing is filled (one page load)."""
    await open_users(tab)
    await overlays.clear(tab)
    entries = await open_add_menu(tab)
    await examine(tab, Flow.ADD_USER, "add_menu.entries", touches={"user"})
    _, place = entry_of(tab, entries, "user", "menu.add_user")
    await tab.act("choosing Add User", tab.page.locator(place).click)
    return (await read_form(tab, FORM, layers=PANEL))[1]


async def create_user(tab: Tab, gate: CommitGate, account: str, new: NewUser) -> str:
    """Fill the panel, save it, and return the new user's id, which is looked up afterwards: the page does not tell it.

    "Apply Permission Template Later" stands where no template is given. The invitation is a separate act [D].
    SaveRejected carries the messages of the fields. AnswerLost also when the page said "saved" and the person is not
    found: then nobody knows.
    """
    held = await visit_add_user(tab)
    (await overlays.clear(tab, layers=PANEL)).refuse_before_write(tab.tenant, account)
    touches = {"email_address", *new.attributes, "company", "default_template", "company_template", "submit"}
    ids = {"form": FORM}
    await examine(tab, Flow.ADD_USER, "mfe_add_user.form", touches=touches, ids=ids, layers=PANEL)
    await set_text(tab, tab.at("mfe_form.field", form=FORM, field="email_address"), "Email Address", new.email)
    await fill_attributes(tab, "mfe_form.field", held.fields, new.attributes, form=FORM)
    if new.company is not None:
        await fill_company(tab, _COMPANY, new.company)
    await choose_by_name(tab, _DEFAULT_TEMPLATE, new.default_project_template)
    await choose_by_name(tab, _COMPANY_TEMPLATE, new.company_template)
    _, held = await read_form(tab, FORM, layers=PANEL)
    held.refuse_others(
        {"email_address": new.email, **new.attributes},
        {"default_template_id": new.default_project_template, "company_template_id": new.company_template},
    )
    intent = f"Create the user {new.email}"
    submit = tab.selector("mfe_form.submit", form=FORM)
    await commit_by_script(tab, gate, submit, intent, account=account, layers=PANEL)
    return await _new_id(tab, new.email, intent)


async def _new_id(tab: Tab, email: str, intent: str) -> str:
    """The id of the user who was just created. Lists may lag behind a write, so it is looked for more than once."""
    deadline = time.monotonic() + tab.timeouts.hook
    while True:
        try:
            people = await everybody_like(tab, normal_email(email))
            found = [person for person in with_address(people, email) if person.is_user and person.person_id]
            if len(found) == 1 and found[0].person_id:
                page = await open_person_page(tab, found[0].person_id)
                if normal_email(page.email) == normal_email(email) and page.user_id:
                    return page.user_id
        except Failed as error:
            raise lost(intent, f"saved, as the page says, and then: {error.message}") from error
        if time.monotonic() > deadline:
            raise lost(intent, f"saved, as the page says, and {len(found)} users of this address are listed")
        await asyncio.sleep(_PAUSE_SECONDS)

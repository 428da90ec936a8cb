"""Add User: the window over a list (SUP "Add a User Account to the Company Directory" [D], markup [I])."""

from __future__ import annotations

import re
from collections.abc import Collection

from agent.domain.person import NewUser
from agent.errors import Failed, UnknownPage
from flows.interface import CommitGate
from flows.legacy.listing import open_list
from flows.legacy.person_form import Fields, fill_attributes, fill_company
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import DesignSelect, choose_by_name, set_text
from flows.page.reading import Reading
from flows.page.shell import Layer, Shell
from flows.page.tab import Tab
from flows.shapes import examine

_COMPANY = DesignSelect("add_user.vendor_box", "add_user.vendor_value", "Company")
_DEFAULT_TEMPLATE = DesignSelect(
    "add_user.default_template_box", "add_user.default_template_value", "Project Permissions Template (Default)"
)
_COMPANY_TEMPLATE = DesignSelect(
    "add_user.company_template_box", "add_user.company_template_value", "Company Permissions Template"
)
_WINDOW = (Layer("add_user.window"),)

FORM = Reading(
    "add_user.form",
    r"""
    const form = one("add_user.form");
    one("add_user.submit", form);
    return fields(form);
    """,
    name="add_user_form",
)


async def open_form(tab: Tab) -> Fields:
    """Open the window and read its fields (no page load from a fresh list, else one; and the window's own request).

    Waits for the form, not for the window around it, whose shell comes earlier and stays longer (hazard 6).
    """
    return (await _opened_form(tab))[1]


async def _opened_form(tab: Tab) -> tuple[Shell, Fields]:
    if not tab.is_fresh_at(f"{tab.tenant.directory_path}/groups/"):
        await open_list(tab, "users", per_page=1)
    await overlays.clear(tab)
    await tab.act("opening Add User", tab.at("add_user.open").click)
    try:
        shell, raw = await tab.read_all(FORM, layers=_WINDOW)
    except UnknownPage:
        (await tab.shell(layers=_WINDOW)).refuse_unknown_layers()
        raise
    return shell, Fields(raw)


async def visit_add_user(tab: Tab, account: str, *, touches: Collection[str] = ("email_address",)) -> Fields:
    """Open the window, ready to be filled: known account, language and shape. Company and templates always count."""
    shell, fields = await _opened_form(tab)
    (await overlays.cleared(tab, shell, layers=_WINDOW)).refuse_before_write(tab.tenant, account)
    everywhere = {"company", "default_template", "company_template", "submit"}
    await examine(tab, Flow.ADD_USER, "add_user.form", touches={*touches, *everywhere}, layers=_WINDOW)
    return fields


async def create_user(tab: Tab, gate: CommitGate, account: str, new: NewUser) -> str:
    """Fill the window, send it, and return the new user's id, taken from the address that answered.

    "Apply Permission Template Later" stands where no template is given. The invitation is a separate act [D].
    SaveRejected carries the messages of the fields: a duplicate address reads in many ways, so the caller decides by
    looking the address up.
    """
    fields = await visit_add_user(tab, account, touches={"email_address", *new.attributes})
    await set_text(tab, tab.at("add_user.field", field="email_address"), "Email Address", new.email)
    await fill_attributes(tab, "add_user.field", fields, new.attributes)
    if new.company is not None:
        await fill_company(tab, _COMPANY, new.company)
    await choose_by_name(tab, _DEFAULT_TEMPLATE, new.default_project_template)
    await choose_by_name(tab, _COMPANY_TEMPLATE, new.company_template)
    await _read_back(tab, new)
    landing = re.compile(rf"^{re.escape(tab.tenant.directory_path)}/users/(\d+)(?:/edit)?$")
    path = await commit(
        tab,
        gate,
        tab.selector("add_user.submit"),
        f"Create the user {new.email}",
        account=account,
        lands=landing,
        layers=_WINDOW,
    )
    found = landing.search(path)
    if found is None:  # commit has just matched it
        raise Failed("unknown-page", "The new user's page was not opened.", expected=landing.pattern, seen=path)
    return found.group(1)


async def _read_back(tab: Tab, new: NewUser) -> None:
    """The whole form once more, right before it is sent: nothing that was typed may have been dropped (hazard 6)."""
    fields = Fields(await tab.read(FORM, layers=_WINDOW))
    wanted = {"email_address": new.email, **new.attributes}
    held = {name: fields.attribute(name) for name in wanted}
    if held != wanted:
        raise UnknownPage(
            "control-mismatch",
            "The Add User form does not hold what was put into it.",
            expected=str(wanted),
            seen=str(held),
        )

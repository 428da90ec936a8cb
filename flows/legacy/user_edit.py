"""Save changes of a user on the Edit page (SUP "Edit a User Account in the Company Directory" [D])."""

from __future__ import annotations

from collections.abc import Collection

from agent.domain.names import normal_email, normal_name
from agent.domain.person import Person, UserChange
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.company_access import set_company_access
from flows.legacy.edit_page import EDIT_PAGE, EditPage, lands_on_edit_page, read_edit_page, ready_edit_page
from flows.legacy.person_form import fill_attributes, fill_company
from flows.names import Flow
from flows.page.commit import commit
from flows.page.controls import DesignSelect, NativeSelect, choose_native_by_name, set_checkbox, set_text
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.shapes import examine

_INVITATION = "send_invitation"
_COMPANY = DesignSelect("edit_user.vendor_box", "edit_user.vendor_value", "Company Name")


async def save_user(tab: Tab, gate: CommitGate, account: str, user_id: str, change: UserChange) -> None:
    """Put the change into the form, read it back, and press Save once (no page load from a fresh page, else one)."""
    page = await visit_edit_user(tab, user_id, account, touches=_touched(change))
    if change.email is not None:
        await _set_email(tab, page, change.email)
    await fill_attributes(tab, "edit_user.field", page.fields, change.attributes)
    if change.company is not None:
        await fill_company(tab, _COMPANY, change.company)
    if change.company_access is not None:
        await set_company_access(tab, page, change.company_access)
    if change.default_project_template is not None:
        await _set_default_template(tab, change.default_project_template or None)
    if change.add_to_new_projects is not None:
        box = tab.at("edit_user.new_projects")
        await set_checkbox(tab, box, "Add to All New Projects", change.add_to_new_projects)
    if (invitation := page.fields.visible(_INVITATION)) is not None and invitation.checked:
        # Newest pages have a checkbox in place of the second button [D]; an invitation is a step of its own.
        await set_checkbox(tab, tab.at("edit_user.send_invitation"), "Send Invitation To Procore", False)
    refuse_mismatch(page.person(), (await read_edit_page(tab, user_id)).person(), change)
    await commit(
        tab,
        gate,
        tab.selector("edit_user.save"),
        f"Save the user {page.email}",
        account=account,
        lands=lands_on_edit_page(tab, user_id),
    )


async def visit_edit_user(tab: Tab, user_id: str, account: str, *, touches: Collection[str] = ("save",)) -> EditPage:
    """The Edit page, ready to be filled: the right person, known account, language and shape."""
    page = await ready_edit_page(tab, user_id, account)
    ids = {"user_id": user_id}
    await examine(tab, Flow.EDIT_USER, "edit_user.form", touches=touches, ids=ids, names=page.names)
    return page


def _touched(change: UserChange) -> set[str]:
    """The controls of the form that a change sets or clicks."""
    touched = {*change.attributes, "save"}
    if change.email is not None:
        touched.add("email_address")
    if change.company is not None:
        touched.add("company")
    if change.company_access is not None:
        touched |= {"company_template", "level_none", "level_read_only", "level_standard", "level_admin"}
    if change.default_project_template is not None:
        touched |= {"default_template", "default_template_open"}
    if change.add_to_new_projects is not None:
        touched.add("add_to_new_projects")
    return touched


def refuse_mismatch(before: Person, held: Person, change: UserChange) -> None:
    """The form, read as a person, must be the person before plus the change and nothing else.

    Company access and default template are compared where they are set; here, that they stay when they should.
    """
    wanted = before.model_dump(mode="json", exclude={"read_only_fields", "company"})
    seen = held.model_dump(mode="json", exclude={"read_only_fields", "company"})
    wanted["company"] = before.company.id if before.company else ""
    seen["company"] = held.company.id if held.company else ""
    wanted["attributes"] |= change.attributes
    if change.email is not None:
        wanted["email"] = change.email
    if change.company is not None:
        wanted["company"] = change.company.id
    if change.add_to_new_projects is not None:
        wanted["add_to_new_projects"] = change.add_to_new_projects
    for part in ("company_access", "default_project_template"):
        if getattr(change, part) is not None:
            wanted[part] = seen[part]
    differing = [name for name in wanted if wanted[name] != seen[name]]
    if differing:
        raise UnknownPage(
            "control-mismatch",
            "The Edit page does not hold exactly what was put into it.",
            expected="; ".join(f"{name}={wanted[name]}" for name in differing),
            seen="; ".join(f"{name}={seen[name]}" for name in differing),
        )


async def _set_email(tab: Tab, page: EditPage, email: str) -> None:
    if normal_email(page.email) == normal_email(email):
        return
    if page.person().read_only_fields & {"email"}:
        raise Failed(
            "field-read-only",
            "The service account may not change e-mail addresses.",
            expected="a field that can be changed",
            seen="a field that is disabled",
            mender=Mender.ADMINISTRATOR,
        )
    await set_text(tab, tab.at("edit_user.field", field="email_address"), "Email Address", email)


async def _set_default_template(tab: Tab, template: str | None) -> None:
    """New Project Settings > Select Default Template > Apply, which sets the form and saves nothing yet [I]."""
    await tab.act("opening Select Default Template", tab.at("edit_user.default_template_open").click)
    await tab.appears("the window Select Default Template", tab.css("default_template.select"))
    touches, layers = {"template", "apply"}, (Layer("default_template.window"),)
    await examine(tab, Flow.EDIT_USER, "default_template.window", touches=touches, layers=layers)
    select = NativeSelect(tab.css("default_template.select"), "Select Default Permission Template")
    await choose_native_by_name(tab, select, template)
    await tab.act("applying the default template", tab.at("default_template.apply").click)
    await tab.act("closing the window", lambda: tab.at("default_template.select").wait_for(state="hidden"))
    fields = EditPage(await tab.read(EDIT_PAGE))
    held = fields.person().default_project_template
    if normal_name(held or "") != normal_name(template or ""):
        raise UnknownPage(
            "control-mismatch",
            "The default template on the page is not the one chosen.",
            expected=template or "none",
            seen=held or "none",
        )

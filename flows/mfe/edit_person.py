"""One Save of a person's page in the new generation, sent by the page's script [I]."""

from __future__ import annotations

from collections.abc import Mapping

from agent.domain.access import AccessLevel, CompanyAccess
from agent.domain.names import normal_email, normal_name
from agent.domain.person import UserChange
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.edit_page import DIRECTORY_TOOL, level_of, level_value
from flows.legacy.person_form import fill_attributes, fill_company
from flows.legacy.user_edit import refuse_mismatch
from flows.mfe.panel import select_of
from flows.mfe.person_page import FORM, PersonPage, read_person_page, ready_person_page
from flows.names import Flow
from flows.page.commit_by_script import commit_by_script
from flows.page.controls import NativeSelect, choose_by_name, choose_native, set_checkbox, set_text
from flows.page.tab import Tab
from flows.shapes import examine

_INVITATION = "send_invitation"
_COMPANY = select_of(FORM, "vendor_id", "Company Name")
_COMPANY_TEMPLATE = select_of(FORM, "company_template_id", "Company Permissions Template")
_DEFAULT_TEMPLATE = select_of(FORM, "default_template_id", "Default Permission Template")


async def save_user(tab: Tab, gate: CommitGate, account: str, person_id: str, user_id: str, change: UserChange) -> None:
    """Put the change into the form, read it back, and press Save once (one page load).

    The page shows the levels of the company tools only where no company template is set. So levels in place of a
    template are two saves, each through the gate: one that takes the template away, with all the rest of the change,
    and one that gives the levels.
    """
    page = await ready_person_page(tab, person_id, user_id, account)
    access = change.company_access
    hides_levels = access is not None and bool(access.levels) and page.form.chosen("company_template_id") is not None
    if hides_levels:
        first = change.model_copy(update={"company_access": CompanyAccess()})
        await _save(tab, gate, account, page, first)
        page = await ready_person_page(tab, person_id, user_id, account)
        change = UserChange(company_access=access)
    await _save(tab, gate, account, page, change)


async def _save(tab: Tab, gate: CommitGate, account: str, page: PersonPage, change: UserChange) -> None:
    names = [page.email, f"{page.form.fields.attribute('first_name')} {page.form.fields.attribute('last_name')}"]
    await examine(tab, Flow.EDIT_USER, "mfe_person.form", touches=_touched(change), names=names)
    if change.email is not None:
        await _set_email(tab, page, change.email)
    await fill_attributes(tab, "mfe_form.field", page.form.fields, change.attributes, form=FORM)
    if change.company is not None:
        await fill_company(tab, _COMPANY, change.company)
    if change.company_access is not None:
        await _set_company_access(tab, page, change.company_access)
    if change.default_project_template is not None:
        _refuse_closed(page, "default_template_id", "Default Permission Template")
        await choose_by_name(tab, _DEFAULT_TEMPLATE, change.default_project_template or None)
    if change.add_to_new_projects is not None:
        box = tab.at("mfe_form.field", form=FORM, field="add_to_new_projects")
        await set_checkbox(tab, box, "Add to All New Projects", change.add_to_new_projects)
    if (invitation := page.form.fields.visible(_INVITATION)) is not None and invitation.checked:
        # A variant of the page has a checkbox in place of the second button; an invitation is a step of its own.
        await set_checkbox(tab, tab.at("mfe_person.send_invitation"), "Send Invitation To Procore", False)
    held = await read_person_page(tab, page.raw["personId"], page.user_id)
    refuse_mismatch(page.person(()), held.person(()), change)
    if change.company_access is not None:
        _refuse_other_access(held, change.company_access)
    await commit_by_script(tab, gate, tab.selector("mfe_person.save"), f"Save the user {page.email}", account=account)


def _touched(change: UserChange) -> set[str]:
    """The controls of the form that a change sets or clicks."""
    parts = {
        "email_address": change.email,
        "company": change.company,
        "company_template": change.company_access,
        "levels": change.company_access,
        "default_template": change.default_project_template,
        "add_to_new_projects": change.add_to_new_projects,
    }
    return {"save", *change.attributes, *(part for part, wanted in parts.items() if wanted is not None)}


async def _set_email(tab: Tab, page: PersonPage, email: str) -> None:
    if normal_email(page.email) == normal_email(email):
        return
    _refuse_closed(page, "email_address", "Email Address")
    await set_text(tab, tab.at("mfe_form.field", form=FORM, field="email_address"), "Email Address", email)


def _refuse_closed(page: PersonPage, field: str, label: str) -> None:
    if page.form.is_closed(field):
        raise Failed(
            "field-read-only",
            f"The page does not let the service account change {label}.",
            expected="a field that can be changed",
            seen="a field that is disabled or not shown",
            mender=Mender.ADMINISTRATOR,
        )


async def _set_company_access(tab: Tab, page: PersonPage, access: CompanyAccess) -> None:
    """Choose the template; or none, and a level for each tool where the page shows them."""
    _refuse_closed(page, "company_template_id", "Company Permissions Template")
    await choose_by_name(tab, _COMPANY_TEMPLATE, access.template)
    if access.template is None and page.raw["tools"]:
        await _set_levels(tab, page, access)


async def _set_levels(tab: Tab, page: PersonPage, access: CompanyAccess) -> None:
    """Tool by tool, Directory first when it loses Admin and last when it gains it: Admin there greys the rest [D]."""
    wanted = _wanted_levels(page, access)
    is_admin_wanted = wanted.get(DIRECTORY_TOOL) is AccessLevel.ADMIN
    rows = page.raw["tools"]
    for row in sorted(rows, key=lambda item: (item["tool"] == DIRECTORY_TOOL) is is_admin_wanted):
        if is_admin_wanted and row["tool"] != DIRECTORY_TOOL and row["disabled"]:
            continue  # greyed: a Company Admin has Admin there whatever the row says [D]
        select = NativeSelect(tab.css("mfe_person.tool_level", tool=row["tool"]), row["label"])
        if row["level"] != level_value(wanted[row["tool"]]):
            await choose_native(tab, select, level_value(wanted[row["tool"]]))


def _wanted_levels(page: PersonPage, access: CompanyAccess) -> Mapping[str, AccessLevel]:
    """The level of each tool of the page, by its key; tools that are left out get None."""
    wanted = {row["tool"]: AccessLevel.NONE for row in page.raw["tools"]}
    for label, level in access.levels.items():
        fitting = [row["tool"] for row in page.raw["tools"] if normal_name(row["label"]) == normal_name(label)]
        if len(fitting) != 1:
            raise Failed(
                "choice-not-offered",
                f"The page has no company tool {label!r}.",
                expected=label,
                seen=", ".join(row["label"] for row in page.raw["tools"]),
                mender=Mender.REQUESTER,
            )
        wanted[fitting[0]] = level
    return wanted


def _refuse_other_access(held: PersonPage, access: CompanyAccess) -> None:
    """The form must hold the wanted template, or none and the wanted levels; rows that are greyed say nothing."""
    template = held.form.chosen("company_template_id")
    wrong = {}
    if normal_name(template[1] if template else "") != normal_name(access.template or ""):
        wrong["template"] = template[1] if template else "none"
    if access.template is None:
        wanted = _wanted_levels(held, access)
        wrong |= {
            row["label"]: row["level"]
            for row in held.raw["tools"]
            if not row["disabled"] and level_of(row["level"]) is not wanted[row["tool"]]
        }
    if wrong:
        raise UnknownPage(
            "control-mismatch",
            "The page does not hold the company permissions that were put into it.",
            expected=access.template or str({tool: level.label for tool, level in access.levels.items()}),
            seen=str(wrong),
        )

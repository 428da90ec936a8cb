"""A member's page in a project: change the template, remove the person (SUP "Edit a User Account in the Project
Directory", "Remove a User Account from a Project Directory" [D], markup [I]).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_email, normal_name
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.edit_page import edit_path
from flows.legacy.person_form import Fields
from flows.legacy.project_add import template_words
from flows.legacy.project_list import lands_on_users, project_path, refuse_other_project
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import NativeSelect, choose_native_by_name, set_checkbox
from flows.page.reading import Reading
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_REMOVE = "Remove from Project"
_TEMPLATE = "user[permission_template_id]"
_INVITATION = "send_invitation"

MEMBER_PAGE = Reading(
    "user_page.root",
    r"""
    const page = one("user_page.root"), form = one("edit_user.form"), template = maybe("member_page.template");
    return {
      userId: page.dataset.userId, personId: page.dataset.personId || "", projectId: page.dataset.projectId || "",
      active: page.dataset.active === "true", name: words(maybe("member_page.name")), fields: fields(form),
      template: template && { value: template.value, text: words(template.selectedOptions[0]),
        disabled: template.disabled },
      vendor: words(maybe("edit_user.vendor_box", form)),
    };
    """,
    name="member_page",
)


@dataclass(frozen=True)
class MemberPage:
    """What one loaded page of a member says."""

    raw: Mapping[str, Any]
    fields: Fields

    @property
    def user_id(self) -> str:
        """Whose page it is."""
        return str(self.raw["userId"])

    @property
    def name(self) -> str:
        """What the page calls the person."""
        return str(self.raw["name"])

    @property
    def email(self) -> str:
        """The address that the page shows for the person."""
        return self.fields.attribute("email_address") or ""

    @property
    def template(self) -> str | None:
        """The template on this project; None for none."""
        shown = self.raw["template"]
        return shown["text"] if shown and shown["value"] else None


async def change_template(
    tab: Tab, gate: CommitGate, account: str, project: Project, user_id: str, email: str, template: str | None
) -> None:
    """Choose the template and Save, never one of the saves that send an e-mail (one page load)."""
    page = await visit_member_edit(tab, account, project, user_id, email)
    shown = page.raw["template"]
    if shown is None or shown["disabled"]:
        raise Failed(
            "field-not-shown" if shown is None else "field-read-only",
            "The page does not let the service account change this member's template.",
            expected="Project Permissions Template",
            seen="no such field" if shown is None else "a field that is disabled",
            mender=Mender.ADMINISTRATOR,
        )
    select = NativeSelect(tab.css("member_page.template"), "Project Permissions Template")
    await choose_native_by_name(tab, select, template)
    if (invitation := page.fields.visible(_INVITATION)) is not None and invitation.checked:
        # Newest pages have a checkbox in place of the second button [D]; an e-mail is a step of its own.
        await set_checkbox(tab, tab.at("edit_user.send_invitation"), "Send Invitation To Procore", False)
    _refuse_mismatch(page, await _read(tab, project, user_id, email), template)
    await commit(
        tab,
        gate,
        tab.selector("edit_user.save"),
        f"Give {email} {template_words(template)} in {project.label}",
        account=account,
        lands=re.compile(f"^{re.escape(_path(tab, project, user_id))}$"),
    )


async def remove_member(tab: Tab, gate: CommitGate, account: str, project: Project, user_id: str, email: str) -> None:
    """Remove from Project, then OK in the window, which must name this person (one page load)."""
    await visit_member_remove(tab, account, project, user_id, email)
    await commit(
        tab,
        gate,
        button(tab, _REMOVE, "OK"),
        f"Remove {email} from {project.label}",
        account=account,
        lands=lands_on_users(tab, project),
        layers=window(_REMOVE),
    )


async def visit_member_edit(tab: Tab, account: str, project: Project, user_id: str, email: str) -> MemberPage:
    """The member's page, ready to be filled (one page load)."""
    page = await visit_member(tab, account, project, user_id, email)
    ids, names = {"project_id": project.id, "user_id": user_id}, [page.name, email]
    touches = {"template", "save"}
    await examine(tab, Flow.MEMBER_EDIT, "member_page.form", touches=touches, ids=ids, names=names)
    return page


async def visit_member(tab: Tab, account: str, project: Project, user_id: str, email: str) -> MemberPage:
    """Open the member's page (one page load), ready to be written from. Failed("not-found") for nobody of the project,
    UnknownPage when it is somebody else's page or another project's."""
    await tab.open(_path(tab, project, user_id))
    shell, _ = await tab.read_all(MEMBER_PAGE)
    (await overlays.cleared(tab, shell)).refuse_before_write(tab.tenant, account)
    page = await _read(tab, project, user_id, email)
    tab.trust()
    return page


async def open_person(tab: Tab, project: Project, person_id: str, email: str) -> MemberPage:
    """The member's page by the person's id, for reading (one page load). UnknownPage when it is somebody else's."""
    await tab.open(f"{project_path(project)}/edit_person/{person_id}")
    shell, raw = await tab.read_all(MEMBER_PAGE)
    refuse_other_project(tab, shell, project, raw["projectId"])
    page = MemberPage(raw, Fields(raw["fields"]))
    if raw["personId"] != person_id or normal_email(page.email) != normal_email(email):
        raise UnknownPage(
            "person-mismatch",
            "The page is not the one of the person asked for.",
            expected=f"person {person_id} with {email}",
            seen=f"person {raw['personId']} with {page.email or 'no address'}",
        )
    return page


async def visit_member_remove(tab: Tab, account: str, project: Project, user_id: str, email: str) -> MemberPage:
    """Open the window "Remove from Project" on the member's page; nothing is sent yet."""
    page = await visit_member(tab, account, project, user_id, email)
    await tab.act("pressing Remove from Project", tab.at("member_page.remove").click)
    text, _ = await confirm_window(tab, _REMOVE)
    if not any(told and told in text for told in (page.name, email)):
        raise UnknownPage(
            "person-mismatch",
            "The window names somebody else than the person asked for.",
            expected=page.name or email,
            seen=text[:200],
        )
    names, layers = [page.name, email, project.name, project.label], window(_REMOVE)
    await examine(tab, Flow.MEMBER_REMOVE, "member_remove.window", touches={"confirm"}, names=names, layers=layers)
    return page


def _path(tab: Tab, project: Project, user_id: str) -> str:
    return f"{project_path(project)}{edit_path(tab, user_id).removeprefix(tab.tenant.directory_path)}"


async def _read(tab: Tab, project: Project, user_id: str, email: str) -> MemberPage:
    shell, raw = await tab.read_all(MEMBER_PAGE)
    refuse_other_project(tab, shell, project, raw["projectId"])
    page = MemberPage(raw, Fields(raw["fields"]))
    if raw["userId"] != user_id or normal_email(page.email) != normal_email(email):
        raise UnknownPage(
            "person-mismatch",
            "The page is not the one of the person asked for.",
            expected=f"user {user_id} with {email}",
            seen=f"user {raw['userId']} with {page.email or 'no address'}",
        )
    return page


def _refuse_mismatch(before: MemberPage, held: MemberPage, template: str | None) -> None:
    """Nothing but the template may differ, and no e-mail may be asked for."""

    def others(page: MemberPage) -> dict[tuple[str, str], tuple[str, bool]]:
        return {
            (field.name, field.type): (field.value, field.checked)
            for field in page.fields.all
            if field.name not in {_TEMPLATE, _INVITATION}
        }

    invitation = held.fields.visible(_INVITATION)
    is_wanted = normal_name(held.template or "") == normal_name(template or "")
    if not is_wanted or others(before) != others(held) or (invitation is not None and invitation.checked):
        differing = {name for (name, _), _ in others(before).items() ^ others(held).items()}
        raise UnknownPage(
            "control-mismatch",
            "The member's page does not hold what was put into it.",
            expected=f"{template_words(template)}, and nothing else changed",
            seen=f"{template_words(held.template)}; changed: {', '.join(sorted(differing)) or 'nothing'}",
        )

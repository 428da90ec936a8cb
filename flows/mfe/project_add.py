"""Add User in a project of the new generation: a side panel that searches existing people first [I].

As in the older window, a person whom the company has is chosen by user id, and nobody is ever created.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.domain.project import NewMember
from agent.errors import UnknownPage
from flows.interface import CommitGate
from flows.legacy.project_add import (
    APART,
    already_member,
    choose_person,
    refuse_more,
    refuse_other_form,
    template_words,
)
from flows.mfe.menus import entry_of, open_add_menu
from flows.mfe.panel import panel, select_of
from flows.mfe.project_people import ProjectPages, everybody_with
from flows.names import Flow
from flows.page import overlays
from flows.page.commit_by_script import commit_by_script
from flows.page.controls import choose_by_name, held_value
from flows.page.reading import Reading
from flows.page.tab import Tab
from flows.shapes import examine

_FORM = "add-user-form"  # its data-qa
_PANEL = panel("Add User")
_TEMPLATE = "permission_template_id"
_SELECT = select_of(_FORM, _TEMPLATE, "Permission Template")

FORM = Reading(
    "project_panel.search",
    APART
    + r"""
    const form = one("project_panel.form"), search = one("project_panel.search");
    const chosen = one("project_panel.chosen", form);
    return {
      fields: fields(form).map((field) => ({ ...field, shown: visible(document.getElementById(field.id)) })),
      searched: search.value, chosen: visible(chosen) ? apart(chosen) : "",
      people: many("project_panel.candidate", form).filter(visible)
        .map((el) => ({ id: el.dataset.userId, text: apart(el) })),
    };
    """,
    name="project_panel",
    generation="mfe",
)


async def add_member(pages: ProjectPages, gate: CommitGate, account: str, new: NewMember) -> None:
    """Choose the person by user id, then the template, and Save (one page load; see the older flow for refusals)."""
    refuse_more(new)
    tab = pages.tab
    untouched = await visit_member_add(pages, account, new.email)
    await choose_person(tab, new, _form, search="project_panel.search", candidate="project_panel.candidate_of")
    await choose_by_name(tab, _SELECT, new.template)
    refuse_other_form(await _form(tab), untouched, new, existing="existing_id", template=_TEMPLATE)
    if (await held_value(tab, _SELECT))[0] == "" and new.template is not None:
        raise UnknownPage(
            "control-mismatch",
            "The panel does not hold the template that was chosen.",
            expected=new.template,
            seen="no template",
        )
    await commit_by_script(
        tab,
        gate,
        tab.selector("mfe_form.submit", form=_FORM),
        f"Add {new.email} to {pages.project.label} with {template_words(new.template)}",
        account=account,
        layers=_PANEL,
    )


async def visit_member_add(pages: ProjectPages, account: str, email: str) -> Mapping[str, Any]:
    """Open the panel over the grid, which must not show this address yet; nothing is chosen in it (one page load).

    Returns the form as it is before anybody touches it.
    """
    tab = pages.tab
    if await everybody_with(pages, email):
        raise already_member(pages.project, (email,))
    await overlays.clear(tab)
    entries = await open_add_menu(tab)
    await examine(tab, Flow.MEMBER_ADD, "add_menu.entries", touches={"user"})
    _, place = entry_of(tab, entries, "user", "menu.add_user")
    await tab.act("choosing Add User", tab.page.locator(place).click)
    try:
        shell, form = await tab.read_all(FORM, layers=_PANEL)
    except UnknownPage:
        (await tab.shell(layers=_PANEL)).refuse_unknown_layers()
        raise
    (await overlays.cleared(tab, shell, layers=_PANEL)).refuse_before_write(tab.tenant, account)
    touches = {"search", "existing", "template", "submit"}
    await examine(tab, Flow.MEMBER_ADD, "project_panel.form", touches=touches, layers=_PANEL)
    untouched: Mapping[str, Any] = form
    return untouched


async def _form(tab: Tab) -> dict[str, Any]:
    form: dict[str, Any] = await tab.read(FORM, layers=_PANEL)
    return form

"""Add User in a project: choose a person whom the company has (SUP "Add a User Account to the Project Directory" [D]).

The window searches existing people first [D]; its markup is inferred [I]. The fields of a new person stay empty: this
flow never creates anybody.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_email
from agent.domain.person import Listing
from agent.domain.project import NewMember
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.project_list import open_project_list, project_path, refuse_capped
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import NativeSelect, choose_native_by_name, set_text
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.shapes import examine

_WINDOW = (Layer("add_user.window"),)
_TEMPLATE = "Permission Template"
_EXISTING = "user[existing_id]"
_RENEWED = "authenticity_token"  # by the page, at any time

#: reads the form as it is now: its fields, what was searched, who is offered and who is chosen
FormOf = Callable[[Tab], Awaitable[Mapping[str, Any]]]

# The words of an element with a space between those of different parts: a name and an address stand side by side.
APART = r"""
    const apart = (el) => {
      const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT), texts = [];
      while (walker.nextNode()) texts.push(walker.currentNode.data.trim());
      return texts.filter(Boolean).join(" ");
    };
"""

FORM = Reading(
    "project_add.search",
    APART
    + r"""
    const form = one("add_user.form"), search = one("project_add.search"), chosen = one("project_add.chosen", form);
    one("add_user.submit", form);
    return {
      fields: fields(form).map((field) => ({ ...field, shown: visible(document.getElementById(field.id)) })),
      searched: search.value, chosen: visible(chosen) ? apart(chosen) : "",
      people: many("project_add.candidate", form).filter(visible)
        .map((el) => ({ id: el.dataset.userId, text: apart(el) })),
    };
    """,
    name="project_add_form",
)


async def add_member(tab: Tab, gate: CommitGate, account: str, project: Project, new: NewMember) -> None:
    """Choose the person by user id, then the template, and Save (one page load, and the window's own requests).

    Failed("already-member") when the list shows the person; Failed("choice-not-offered") when the window does not offer
    exactly this one: somebody inactive, or a granular account without the right.
    """
    refuse_more(new)
    untouched = await visit_member_add(tab, account, project, new.email)
    await choose_person(tab, new, _form, search="project_add.search", candidate="project_add.candidate_of")
    select = NativeSelect(tab.css("project_add.template"), _TEMPLATE)
    await choose_native_by_name(tab, select, new.template)
    refuse_other_form(await _form(tab), untouched, new, existing=_EXISTING, template="user[permission_template_id]")
    await commit(
        tab,
        gate,
        tab.selector("add_user.submit"),
        f"Add {new.email} to {project.label} with {template_words(new.template)}",
        account=account,
        lands=re.compile(f"^{re.escape(project_path(project))}/users/{re.escape(new.user_id)}/edit$"),
        layers=_WINDOW,
    )


async def visit_member_add(tab: Tab, account: str, project: Project, email: str) -> Mapping[str, Any]:
    """Open the window over the list of users, who must not have this address yet; nothing is chosen in it.

    Returns the form as it is before anybody touches it.
    """
    page = await open_project_list(tab, project, Listing.USERS.value, search=normal_email(email))
    refuse_capped(page, email)
    if any(normal_email(row.email) == normal_email(email) for row in page.sightings(Listing.USERS)):
        raise already_member(project, (email,))
    await overlays.clear(tab)
    await tab.act("opening Add User", tab.at("add_user.open").click)
    try:
        shell, form = await tab.read_all(FORM, layers=_WINDOW)
    except UnknownPage:
        (await tab.shell(layers=_WINDOW)).refuse_unknown_layers()
        raise
    (await overlays.cleared(tab, shell, layers=_WINDOW)).refuse_before_write(tab.tenant, account)
    touches, ids = {"search", "existing", "template", "submit"}, {"project_id": project.id}
    await examine(tab, Flow.MEMBER_ADD, "project_add.form", touches=touches, ids=ids, layers=_WINDOW)
    untouched: Mapping[str, Any] = form
    return untouched


async def choose_person(tab: Tab, new: NewMember, form_of: FormOf, *, search: str, candidate: str) -> None:
    """Search by the whole address and press the one person with this id; old answers stay while a query runs.

    ``search`` and ``candidate`` are catalogue keys: the box, and the person of a ``user_id``.
    """
    await set_text(tab, tab.at(search), "Find an existing person", normal_email(new.email))
    patience = Patience(tab.timeouts.control)
    while True:
        form = await form_of(tab)
        fitting = [person for person in form["people"] if person["id"] == new.user_id]
        if fitting and form["searched"] == normal_email(new.email):
            break
        if patience.is_over:
            raise not_offered_person("Add User", new.email, [person["text"] for person in form["people"]])
        await patience.pause()
    refuse_other_person(fitting[0]["text"], new)
    await tab.act(f"choosing {new.email}", tab.at(candidate, user_id=new.user_id).click)


def refuse_other_form(
    form: Mapping[str, Any], untouched: Mapping[str, Any], new: NewMember, *, existing: str, template: str
) -> None:
    """The form must hold exactly this person, nothing of a new one that somebody could see or has typed, and nothing
    that the page has ticked or filled by itself since it was ``untouched``, when its shape was compared."""
    held = next((field["value"] for field in form["fields"] if field["name"] == existing), "")
    refuse_other_person(form["chosen"], new)
    typed = [
        field["name"]
        for field in form["fields"]
        if field["type"] not in {"hidden", "checkbox"}
        and field["name"] != template
        and (field["shown"] or (field["value"] and not field["type"].startswith("select")))
    ]
    typed += sorted({name for name, _ in _sent_unseen(form) - _sent_unseen(untouched)} - {existing, template, _RENEWED})
    if held != new.user_id or typed:
        raise UnknownPage(
            "control-mismatch",
            "The window does not hold the person who was chosen, and only this one.",
            expected=f"user {new.user_id}, no field of a new person, and nothing that the page has set by itself",
            seen=f"user {held or 'none'}; {', '.join(typed) or 'no other field'}",
        )


def _sent_unseen(form: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What the form sends that nobody types: hidden fields, selects, and whatever is ticked."""
    return {
        (field["name"], field["value"])
        for field in form["fields"]
        if not field["disabled"]
        and (field["checked"] or field["type"] == "hidden" or field["type"].startswith("select"))
    }


def refuse_more(new: NewMember) -> None:
    """Failed when more is wanted of the addition than Add User knows."""
    if new.role or new.notify:
        raise Failed(
            "field-not-shown",
            "Add User knows no project role and no notification; Bulk Add does.",
            expected="no role and no notification",
            seen=f"role {new.role!r}, notify {new.notify}",
            mender=Mender.REQUESTER,
        )


async def _form(tab: Tab) -> dict[str, Any]:
    form: dict[str, Any] = await tab.read(FORM, layers=_WINDOW)
    return form


def template_words(template: str | None) -> str:
    """A template in a sentence."""
    return f"the template {template!r}" if template else "no template"


def already_member(project: Project, emails: tuple[str, ...]) -> Failed:
    """Somebody is in the project already: the page would leave the template as it is."""
    return Failed(
        "already-member",
        f"{', '.join(emails)} {'is' if len(emails) == 1 else 'are'} in {project.label} already, with a template that"
        " an addition does not change.",
        expected="people who are not in the project",
        seen=", ".join(emails),
        mender=Mender.REQUESTER,
    )


def not_offered_person(place: str, email: str, offered: list[str]) -> Failed:
    """The page does not offer this person to the account: inactive, or no right to."""
    return Failed(
        "choice-not-offered",
        f"{place} does not offer {email} to the service account.",
        expected=email,
        seen=", ".join(text for text in offered[:10]) or "nobody",
        mender=Mender.ADMINISTRATOR,
    )


def refuse_other_person(text: str, new: NewMember) -> None:
    """UnknownPage when what the page says of a person has another address than the wanted one."""
    if normal_email(new.email) not in {normal_email(word.strip("()<>,;")) for word in text.split()}:
        raise UnknownPage(
            "person-mismatch",
            "The page names somebody else than the person asked for.",
            expected=f"user {new.user_id} with {new.email}",
            seen=text or "nobody",
        )

"""The projects of a person as the Projects tab shows them, the older tab or the redesigned one [I]."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from agent.domain.access import Membership, Project
from agent.errors import Failed, UnknownPage
from flows.legacy.edit_page import edit_path
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.tab import Tab

MEMBERSHIPS = Reading(
    "projects_tab.either",
    r"""
    const page = one("user_page.root"), tab = one("projects_tab.either"), pager = pattern("list.pager");
    let total = null;
    const walker = document.createTreeWalker(tab, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && total === null; node = walker.nextNode()) {
      const hit = pager.exec(node.data.trim());
      if (hit) total = Number(hit[3].replace(/\D/g, ""));
    }
    const state = (row) => {
      const box = maybe("projects_tab.checkbox", row);
      return box ? (box.checked ? "ticked" : "not ticked") : words(one("projects_new.state", row));
    };
    const next = maybe("projects_new.next_page", tab), isNew = many("projects_new.root").length > 0;
    return { userId: page.dataset.userId, personId: page.dataset.personId || "", isNew, total,
      range: words(maybe("projects_new.range", tab)), more: next !== null && !next.disabled,
      rows: many("projects_tab.any_row").map((row) => ({ id: row.dataset.projectId, state: state(row),
        name: words(one("projects.name", row)), number: words(maybe("projects.number", row)),
        template: words(one("projects.template", row)) })) };
    """,
    name="memberships",
)


@dataclass(frozen=True)
class ShownProjects:
    """What the tab says: the person's other id, and the projects the person is on."""

    person_id: str
    memberships: tuple[Membership, ...]


async def read_projects(tab: Tab, user_id: str) -> ShownProjects:
    """The person's projects from a freshly opened Projects tab (one page load per 100; the redesigned tab shows every
    project and turns its pages by script).

    Failed("pager-mismatch") when not all of them are shown.
    """
    data = await _open(tab, user_id, 1)
    found: dict[str, Membership] = {}
    number = 1
    while True:
        found |= {row["id"]: _membership(row) for row in data["rows"] if _is_assigned(tab, row)}
        if data["isNew"]:
            if not data["more"]:
                break
            data = await _turn(tab, user_id, data["range"])
            continue
        if data["total"] is None or len(found) >= data["total"] or not data["rows"]:
            break
        number += 1
        data = await _open(tab, user_id, number)
    if not data["isNew"] and data["total"] is not None and len(found) != data["total"]:
        raise Failed(
            "pager-mismatch",
            "The Projects tab does not show all the person's projects.",
            expected=f"{data['total']} projects, as the pager says",
            seen=f"{len(found)} projects",
        )
    return ShownProjects(data["personId"], tuple(found.values()))


async def _open(tab: Tab, user_id: str, number: int) -> dict[str, Any]:
    query = urlencode({"page": number, "assigned": 1, "search": ""})
    await tab.open(f"{edit_path(tab, user_id).removesuffix('/edit')}/projects?{query}")
    return await _read(tab, user_id)


async def _turn(tab: Tab, user_id: str, before: str) -> dict[str, Any]:
    await tab.act("turning the page of projects", tab.at("projects_new.next_page").click)
    patience = Patience(tab.timeouts.control)
    while (data := await _read(tab, user_id))["range"] == before:
        if patience.is_over:
            raise UnknownPage("no-reaction", "The Projects tab does not turn.", expected="other rows", seen=before)
        await patience.pause()
    return data


async def _read(tab: Tab, user_id: str) -> dict[str, Any]:
    data: dict[str, Any] = await tab.read(MEMBERSHIPS)
    if data["userId"] != user_id:
        raise UnknownPage(
            "person-mismatch", "The page is another person's.", expected=f"user {user_id}", seen=str(data["userId"])
        )
    return data


def _is_assigned(tab: Tab, row: dict[str, Any]) -> bool:
    if row["state"] in ("ticked", "not ticked"):
        return bool(row["state"] == "ticked")
    keys = ("projects_new.assigned", "projects_new.not_assigned")
    yes, no = (re.search(tab.catalogue.text(key), row["state"]) for key in keys)
    if bool(yes) is bool(no):
        raise UnknownPage(
            "unknown-page",
            "A row of the Projects tab does not say whether the person is on the project.",
            expected="projects_new.assigned or projects_new.not_assigned",
            seen=row["state"] or "nothing",
        )
    return bool(yes)


def _membership(row: dict[str, Any]) -> Membership:
    project = Project(id=row["id"], name=row["name"], number=row["number"])
    return Membership(project=project, template=row["template"] or None)

"""A person's projects: sections of the Edit page, saved at once, and the Projects tab, saved some time later [D]."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from agent.domain.access import Project
from agent.domain.names import normal_name
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy import projects_tab_new
from flows.legacy.edit_page import EditPage, edit_path, lands_on_edit_page, ready_edit_page
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import NativeSelect, choose_native_by_name, set_checkbox
from flows.page.reading import Reading
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_ADD_WINDOW = (Layer("projects.add_window"),)
_REMOVE = "Remove from Project"
_REMOVE_ALL = "Remove All Projects"

PROJECTS_TAB_KIND = Reading(
    "projects_tab.either",
    r"""
    one("projects_tab.either");
    return many("projects_tab.form").length ? "old" : "new";
    """,
    name="projects_tab_kind",
)

PROJECTS_TAB = Reading(
    "projects_tab.form",
    r"""
    const page = one("user_page.root"), form = one("projects_tab.form");
    return { userId: page.dataset.userId, names: [...new Set(fields(form).map((field) => field.name))],
      more: many("projects_tab.turn", form).some((el) => words(el) === "Next"),
      rows: many("projects_tab.row").map((row) => {
        const box = one("projects_tab.checkbox", row);
        return { id: row.dataset.projectId, checked: box ? box.checked : false, was: box ? box.defaultChecked : false,
          disabled: box ? box.disabled : true };
      }) };
    """,
    name="projects_tab",
)


async def add_to_project(
    tab: Tab, gate: CommitGate, account: str, user_id: str, project: Project, template: str | None
) -> None:
    """Add, choose the template, Add (no page load from a fresh Edit page, else one; another to search a long table)."""
    page = await visit_add_to_project(tab, account, user_id, project)
    select = NativeSelect(tab.css("projects.add_template"), "Permission Template")
    await choose_native_by_name(tab, select, template)
    await commit(
        tab,
        gate,
        tab.selector("projects.add_confirm"),
        f"Add {page.email} to {project.label} with {_template_words(template)}",
        account=account,
        lands=lands_on_edit_page(tab, user_id),
        layers=_ADD_WINDOW,
    )


async def change_project_template(
    tab: Tab, gate: CommitGate, account: str, user_id: str, project: Project, template: str | None
) -> None:
    """Change Template in the project's row, for this project only ("Apply this template to all projects" stays off)."""
    page = await visit_project_template(tab, account, user_id, project)
    row = tab.at("projects.row_of", project_id=project.id)
    in_row = tab.css("projects.row_of", project_id=project.id)
    select = NativeSelect(tab.css_within(in_row, "projects.template_select"), "Permission Template")
    await choose_native_by_name(tab, select, template)
    for_all = row.locator(tab.selector("projects.apply_to_all"))
    await set_checkbox(tab, for_all, "Apply this template to all projects", False)
    await commit(
        tab,
        gate,
        f"{tab.selector('projects.row_of', project_id=project.id)} >> {tab.selector('projects.apply')}",
        f"Give {page.email} {_template_words(template)} in {project.label}",
        account=account,
        lands=lands_on_edit_page(tab, user_id),
    )


async def remove_from_project(tab: Tab, gate: CommitGate, account: str, user_id: str, project: Project) -> None:
    """The red X in the project's row, then OK in the window "Remove from Project"."""
    page = await visit_remove_from_project(tab, account, user_id, project)
    await commit(
        tab,
        gate,
        button(tab, _REMOVE, "OK"),
        f"Remove {page.email} from {project.label}",
        account=account,
        lands=lands_on_edit_page(tab, user_id),
        layers=window(_REMOVE),
    )


async def remove_from_all_projects(tab: Tab, gate: CommitGate, account: str, user_id: str) -> None:
    """Remove All, then OK in the window "Remove All Projects"."""
    page = await visit_remove_from_all_projects(tab, account, user_id)
    await commit(
        tab,
        gate,
        button(tab, _REMOVE_ALL, "OK"),
        f"Remove {page.email} from all {len(page.raw['memberships'])} projects",
        account=account,
        lands=lands_on_edit_page(tab, user_id),
        layers=window(_REMOVE_ALL),
    )


async def visit_add_to_project(tab: Tab, account: str, user_id: str, project: Project) -> EditPage:
    """Open the window "Add to Project"; nothing is chosen in it yet."""
    page = await ready_edit_page(tab, user_id, account)
    await _show_other_project(tab, page, user_id, account, project)
    await _examine(tab, "projects.other_row", {"add"}, page, project)
    opener = tab.at("projects.other_row", project_id=project.id).locator(tab.selector("projects.add"))
    await tab.act(f"opening Add to Project for {project.label}", opener.click)
    await tab.appears("the window Add to Project", tab.css("projects.add_template"))
    await _examine(tab, "projects.add_window", {"template", "add"}, page, project, _ADD_WINDOW)
    return page


async def visit_project_template(tab: Tab, account: str, user_id: str, project: Project) -> EditPage:
    """Open Change Template in the project's row; nothing is chosen in it yet."""
    page = await ready_edit_page(tab, user_id, account)
    _require_member(page, project)
    await _examine(tab, "projects.row", {"change_template"}, page, project)
    row = tab.at("projects.row_of", project_id=project.id)
    opener = row.locator(tab.selector("projects.change_template"))
    await tab.act(f"opening Change Template of {project.label}", opener.click)
    in_row = tab.css("projects.row_of", project_id=project.id)
    await tab.appears("the form Change Template", tab.css_within(in_row, "projects.template_select"))
    await _examine(tab, "projects.template_form", {"template", "apply_to_all", "apply"}, page, project)
    return page


async def visit_remove_from_project(tab: Tab, account: str, user_id: str, project: Project) -> EditPage:
    """Press the red X and read the window "Remove from Project", which must be about this project alone."""
    page = await ready_edit_page(tab, user_id, account)
    _require_member(page, project)
    await _examine(tab, "projects.row", {"remove"}, page, project)
    row = tab.at("projects.row_of", project_id=project.id)
    await tab.act(f"removing {project.label}", row.locator(tab.selector("projects.remove")).click)
    await confirm_window(tab, _REMOVE)
    await _examine(tab, "projects.remove_window", {"confirm"}, page, project, window(_REMOVE))
    return page


async def visit_remove_from_all_projects(tab: Tab, account: str, user_id: str) -> EditPage:
    """Press Remove All and read the window "Remove All Projects"."""
    page = await ready_edit_page(tab, user_id, account)
    await tab.act("pressing Remove All", tab.at("projects.remove_all").click)
    await confirm_window(tab, _REMOVE_ALL)
    await _examine(tab, "projects.remove_all_window", {"confirm"}, page, None, window(_REMOVE_ALL))
    return page


async def _examine(
    tab: Tab,
    region: str,
    touches: set[str],
    page: EditPage,
    project: Project | None,
    layers: tuple[Layer, ...] = (),
) -> None:
    """Compare a region about this person, and this project, with its known shape."""
    ids = {"user_id": page.raw["userId"], "project_id": project.id if project else ""}
    names = [*page.names, *([project.name, project.label] if project else [])]
    await examine(tab, Flow.CHANGE_PROJECTS, region, touches=touches, layers=layers, ids=ids, names=names)


async def assign_projects(
    tab: Tab, gate: CommitGate, account: str, user_id: str, add: Sequence[Project], remove: Sequence[Project]
) -> None:
    """One save of the Projects tab, whichever of the two this company has: the older one, or the redesigned one.

    The older one: tick and untick, then Save Changes. 100 projects a page [D], one page load each, until all are found.
    The page keeps ticks while one turns its pages by its own links, and only then [I]; where several pages were ticked,
    they are turned back and looked at again before the save. The change is applied later, each project on its own [D].
    """
    wanted = {project.id: True for project in add} | {project.id: False for project in remove}
    if not wanted:
        raise Failed(
            "nothing-to-send", "No project to add or remove.", expected="a change", seen="none", mender=Mender.DEVELOPER
        )
    intent = f"Change the projects of user {user_id}: add {len(add)}, remove {len(remove)}"
    if await open_projects_tab(tab, user_id) == "new":
        await projects_tab_new.assign(tab, gate, account, user_id, wanted, intent)
        return
    pages = await _tick_all(tab, user_id, account, dict(wanted))
    for ticked in reversed(pages[:-1]):
        await tab.follow("turning back a page of projects", tab.at("projects_tab.previous").first)
        _refuse_lost_ticks(await _read_projects_tab(tab, user_id), {key: wanted[key] for key in ticked})
    await commit(
        tab,
        gate,
        tab.selector("projects_tab.save"),
        intent,
        account=account,
        lands=re.compile(f"^{re.escape(tab.tenant.directory_path)}/users/{user_id}/projects$"),
    )


async def open_projects_tab(tab: Tab, user_id: str) -> str:
    """Load the first page of the person's Projects tab; which of the two it is: "old" or "new"."""
    query = urlencode({"page": 1, "assigned": 0, "search": ""})
    await tab.open(f"{edit_path(tab, user_id).removesuffix('/edit')}/projects?{query}")
    kind: str = await tab.read(PROJECTS_TAB_KIND)
    return kind


async def _tick_all(tab: Tab, user_id: str, account: str, left: dict[str, bool]) -> list[list[str]]:
    """Set the boxes, page after page; for each page from the first one ticked, the projects that were set there."""
    pages: list[list[str]] = []
    wanted = frozenset(left)
    while True:
        page = await visit_projects_tab(tab, user_id, account)
        _refuse_foreign_ticks(page, wanted)
        here = [row for row in page["rows"] if row["id"] in left]
        for row in here:
            if row["disabled"]:
                raise _closed_project(row["id"], "a box that is disabled")
            box = tab.at("projects_tab.box_of", project_id=row["id"])
            await set_checkbox(tab, box, f"project {row['id']}", left.pop(row["id"]))
        if here or pages:
            pages.append([row["id"] for row in here])
        if not left:
            return pages
        if not page["more"]:
            raise _closed_project(", ".join(left), "no such row on the Projects tab")
        await tab.follow("turning to the next page of projects", tab.at("projects_tab.next").first)


async def visit_projects_tab(tab: Tab, user_id: str, account: str) -> dict[str, Any]:
    """The page of the older Projects tab that is shown, ready to be ticked: known account, language and shape."""
    page = await _read_projects_tab(tab, user_id)
    (await overlays.clear(tab)).refuse_before_write(tab.tenant, account)
    await examine(tab, Flow.PROJECTS_TAB, "projects_tab.form", touches={"boxes", "save"}, ids={"user_id": user_id})
    return page


async def _read_projects_tab(tab: Tab, user_id: str) -> dict[str, Any]:
    page: dict[str, Any] = await tab.read(PROJECTS_TAB)
    if page["userId"] != user_id:
        raise UnknownPage(
            "person-mismatch",
            "The page is another person's.",
            expected=f"user {user_id}",
            seen=f"user {page['userId']}",
        )
    return page


def _refuse_foreign_ticks(page: dict[str, Any], wanted: frozenset[str]) -> None:
    """The page keeps what was ticked and not saved: what somebody left there would be saved along with ours."""
    foreign = [row["id"] for row in page["rows"] if row["checked"] != row["was"] and row["id"] not in wanted]
    if foreign:
        raise UnknownPage(
            "control-mismatch",
            "The Projects tab holds changes that nobody has saved, and that are not asked for.",
            expected="no box that is set otherwise than the page came with",
            seen=f"projects {', '.join(foreign)}",
        )


def _refuse_lost_ticks(page: dict[str, Any], wanted: dict[str, bool]) -> None:
    held = {row["id"]: row["checked"] for row in page["rows"] if row["id"] in wanted}
    if held != wanted:
        raise UnknownPage(
            "control-mismatch",
            "The Projects tab has lost the selection of an earlier page.",
            expected=str(wanted),
            seen=str(held),
        )


async def _show_other_project(tab: Tab, page: EditPage, user_id: str, account: str, project: Project) -> None:
    """Bring the project's row into the page: a company with more than 500 projects shows 100 at a time [I]."""
    if project.id in page.raw["others"]:
        return
    for words in dict.fromkeys(text for text in (project.number, project.name) if text):
        await tab.open(f"{edit_path(tab, user_id)}?{urlencode({'other_search': words})}")
        tab.trust()
        if project.id in (await ready_edit_page(tab, user_id, account)).raw["others"]:
            return
    raise _closed_project(project.label, "no such row under the projects the person does not belong to")


def _require_member(page: EditPage, project: Project) -> None:
    """The page has a row of this project, and the row bears its name."""
    row = next((row for row in page.raw["memberships"] if row["id"] == project.id), None)
    if row is None:
        raise _closed_project(project.label, "no such row under Current Project Settings")
    if project.name and normal_name(row["name"]) != normal_name(project.name):
        raise UnknownPage(
            "project-mismatch",
            "The row of the project bears another project's name.",
            expected=f"{project.id}: {project.name}",
            seen=row["name"],
        )


def _closed_project(project: str, seen: str) -> Failed:
    return Failed(
        "project-not-offered",
        f"The page does not let the service account change the project {project}.",
        expected=f"a row for {project}",
        seen=seen,
        mender=Mender.ADMINISTRATOR,
    )


def _template_words(template: str | None) -> str:
    return f"the template {template!r}" if template else "no template"

"""Distribution groups of the company or of a project (SUP "Add a Distribution Group", "Edit a Distribution Group" [D]).

The older pages save each part at once: name, description and each member by themselves. A company's group is shown in
a project that has one of its members, and is changed at the company only [D].
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_email, normal_name
from agent.domain.project import DistributionGroup, GroupChange, GroupMember
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.listing import PAGE_SIZE, ListPage, open_list
from flows.legacy.project_list import project_path, refuse_other_project
from flows.names import Flow
from flows.page import overlays
from flows.page.commit import commit
from flows.page.controls import DesignSelect, choose_by_value, set_text
from flows.page.reading import Reading
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_GROUPS = "distribution_groups"
_DELETE = "Delete Distribution Group"
_WINDOW = (Layer("new_group.window"),)
_PERSON = DesignSelect("group_page.user_box", "group_page.user_value", "Add a User")

GROUP_FORM = Reading(
    "new_group.form",
    r"""
    const form = one("new_group.form");
    one("new_group.submit", form);
    return { fields: fields(form) };
    """,
    name="new_group_form",
)

GROUP_ROWS = Reading(
    "list.root",
    r"""
    return many("list.row").map((row) => {
      const edit = maybe("group_list.edit_link", row);
      return { id: row.dataset.id, name: words(maybe("list.name_cell", row)),
        href: edit ? edit.getAttribute("href") : "",
        description: words(maybe("group_list.description_cell", row)) };
    });
    """,
    name="group_rows",
)

GROUP_PAGE = Reading(
    "group_page.root",
    r"""
    const page = one("group_page.root"), form = one("group_page.form");
    one("group_page.update", form);
    return { id: page.dataset.groupId, fields: fields(form), canDelete: maybe("group_page.delete") !== null,
      members: many("group_page.member").map((row) => ({ id: row.dataset.userId,
        name: words(one("group_page.member_name", row)), email: words(one("group_page.member_email", row)) })) };
    """,
    name="group_page",
)


@dataclass(frozen=True)
class GroupsPlace:
    """Whose groups: a project's, or the company's when there is none."""

    tab: Tab
    project: Project | None

    @property
    def directory(self) -> str:
        """Path of the Directory."""
        return project_path(self.project) if self.project else self.tab.tenant.directory_path

    @property
    def list_path(self) -> str:
        """Path of the list of groups."""
        return f"{self.directory}/groups/{_GROUPS}"

    def group_path(self, group_id: str) -> str:
        """Path of a group's page, without what follows it."""
        if not group_id.isascii() or not group_id.isdigit():
            raise Failed(
                "bad-group-id",
                "A group's id is a number.",
                expected="digits",
                seen=group_id,
                mender=Mender.DEVELOPER,
            )
        return f"{self.directory}/{_GROUPS}/{group_id}"

    @property
    def words(self) -> str:
        """In a sentence."""
        return self.project.label if self.project else "the company"


class LegacyGroups:
    """Implements :class:`flows.interface.Groups`."""

    def __init__(self, tab: Tab, gate: CommitGate, account: str, project: Project | None) -> None:
        self._tab = tab
        self._gate = gate
        self._account = account
        self._at = GroupsPlace(tab, project)

    async def list_groups(self) -> Sequence[DistributionGroup]:
        """A page load for each 150 groups. A project's row without Edit is one of the company's."""
        groups: dict[str, DistributionGroup] = {}
        number, read = 1, 0
        while True:
            page = await self._open_list(number)
            for row in await self._tab.read(GROUP_ROWS):
                group = self._listed(row)
                groups[group.id] = group
            read += len(page.rows)
            if read >= page.total or not page.rows:
                break
            number += 1
        if len(groups) != page.total:
            raise Failed(
                "pager-mismatch",
                "The list of groups changed while it was read, or does not show all its rows.",
                expected=f"{page.total} different rows, as the pager says",
                seen=f"{len(groups)} rows",
            )
        return tuple(groups.values())

    async def read_group(self, group_id: str) -> DistributionGroup:
        """One page load. Failed("not-found") for a company's group that is asked for in a project."""
        await self._tab.open(f"{self._at.group_path(group_id)}/edit")
        page = await self._read_page(group_id)
        self._tab.trust()
        return _group(page, self._at.project)

    async def create_group(self, name: str, change: GroupChange) -> str:
        """Add Distribution Group, the name, Create (one page load). Nothing else of ``change`` is written by this."""
        await visit_create_group(self._at, self._account)
        await set_text(self._tab, self._tab.at("new_group.name"), "Name", name)
        self._refuse_mismatch(await self._tab.read(GROUP_FORM, layers=_WINDOW), {"distribution_group[name]": name})
        landing = re.compile(f"^{re.escape(self._at.directory)}/{_GROUPS}/(\\d+)(?:/edit)?$")
        path = await commit(
            self._tab,
            self._gate,
            self._tab.selector("new_group.submit"),
            f"Create the distribution group {name!r} of {self._at.words}",
            account=self._account,
            lands=landing,
            layers=_WINDOW,
        )
        found = landing.search(path)
        if found is None:  # commit has just matched it
            raise Failed("unknown-page", "The new group's page was not opened.", expected=landing.pattern, seen=path)
        return found.group(1)

    async def save_group(self, group_id: str, change: GroupChange) -> None:
        """Remove members, change the texts, add members: one write each, and none for what is so already."""
        for person in change.remove:
            page = await self._ready(group_id)
            if any(member["id"] == person.user_id for member in page["members"]):
                await self._remove_member(group_id, page, person)
        if change.name is not None or change.description is not None:
            await self._save_texts(group_id, change)
        for person in change.add:
            page = await self._ready(group_id)
            if all(member["id"] != person.user_id for member in page["members"]):
                await self._add_member(group_id, page, person)

    async def delete_group(self, group_id: str, name: str) -> None:
        """Delete, then OK in the window, which must name the group (one page load)."""
        page = await self._ready(group_id, fresh=True)
        self._refuse_other_name(page, name)
        if not page["canDelete"]:
            raise Failed(
                "choice-not-offered",
                f"The page does not let the service account delete the distribution group {name!r}.",
                expected="Delete",
                seen="no such button",
                mender=Mender.ADMINISTRATOR,
            )
        await self._tab.act("pressing Delete", self._tab.at("group_page.delete").click)
        text, _ = await confirm_window(self._tab, _DELETE)
        if name not in text:
            raise UnknownPage(
                "group-mismatch",
                "The window would delete another group than the one asked for.",
                expected=name,
                seen=text[:200],
            )
        layers = window(_DELETE)
        region = "group_delete.window"
        await examine(self._tab, Flow.GROUP_EDIT, region, touches={"confirm"}, names=[name], layers=layers)
        await commit(
            self._tab,
            self._gate,
            button(self._tab, _DELETE, "OK"),
            f"Delete the distribution group {name!r} of {self._at.words}",
            account=self._account,
            lands=re.compile(f"^{re.escape(self._at.list_path)}$"),
            layers=window(_DELETE),
        )

    # --- steps ---

    async def _save_texts(self, group_id: str, change: GroupChange) -> None:
        page = await self._ready(group_id)
        held = _group(page, self._at.project)
        wanted = {
            "distribution_group[name]": held.name if change.name is None else change.name,
            "distribution_group[description]": held.description if change.description is None else change.description,
        }
        if wanted == {"distribution_group[name]": held.name, "distribution_group[description]": held.description}:
            return
        await self._examine("group_page.form", {"name", "description", "submit"}, group_id, [])
        for key, label, value in (
            ("group_page.name", "Name", change.name),
            ("group_page.description", "Description", change.description),
        ):
            if value is not None:
                await set_text(self._tab, self._tab.at(key), label, value)
        self._refuse_mismatch(await self._read_page(group_id), wanted)
        intent = f"Save name and description of the distribution group {wanted['distribution_group[name]']!r}"
        await self._send(group_id, self._tab.selector("group_page.update"), f"{intent} of {self._at.words}")

    async def _add_member(self, group_id: str, page: dict[str, Any], person: GroupMember) -> None:
        name = _group(page, self._at.project).name
        await self._examine("group_page.add_form", {"person", "submit"}, group_id, [name])
        email = normal_email(person.email)
        await choose_by_value(self._tab, _PERSON, person.user_id, email, hint=email)
        await self._send(
            group_id,
            self._tab.selector("group_page.add"),
            f"Add {person.email} to the distribution group {name!r} of {self._at.words}",
        )

    async def _remove_member(self, group_id: str, page: dict[str, Any], person: GroupMember) -> None:
        shown = next(member for member in page["members"] if member["id"] == person.user_id)
        if normal_email(shown["email"]) != normal_email(person.email):
            raise UnknownPage(
                "person-mismatch",
                "The row of the group is not the one of the person asked for.",
                expected=f"user {person.user_id} with {person.email}",
                seen=shown["email"] or "no address",
            )
        name = _group(page, self._at.project).name
        names = [shown["name"], person.email]
        await self._examine("group_page.member_form", {"remove"}, group_id, names, person.user_id)
        await self._send(
            group_id,
            self._tab.selector("group_page.remove_of", user_id=person.user_id),
            f"Remove {person.email} from the distribution group {name!r} of {self._at.words}",
        )

    async def _examine(
        self, region: str, touches: set[str], group_id: str, names: list[str], user_id: str = ""
    ) -> None:
        """Compare a part of the group's page with its known shape."""
        ids = {"directory": self._at.directory, "group_id": group_id, "user_id": user_id}
        await examine(self._tab, Flow.GROUP_EDIT, region, touches=touches, ids=ids, names=names)

    async def _send(self, group_id: str, control: str, intent: str) -> None:
        lands = re.compile(f"^{re.escape(self._at.group_path(group_id))}(?:/edit)?$")
        await commit(self._tab, self._gate, control, intent, account=self._account, lands=lands)

    async def _open_list(self, number: int = 1, per_page: int = PAGE_SIZE) -> ListPage:
        page = await open_list(
            self._tab, _GROUPS, page=number, per_page=per_page, props=True, directory=self._at.directory
        )
        if self._at.project is not None:
            refuse_other_project(self._tab, page.shell, self._at.project, str(page.props.get("projectId", "")))
        return page

    async def _ready(self, group_id: str, *, fresh: bool = False) -> dict[str, Any]:
        """The group's page, ready to be written from; no page load where the last write of a few seconds ago landed."""
        if fresh or not self._tab.is_fresh_at(self._at.group_path(group_id)):
            await self._tab.open(f"{self._at.group_path(group_id)}/edit")
        page = await self._read_page(group_id)
        self._tab.trust()
        (await overlays.clear(self._tab)).refuse_before_write(self._tab.tenant, self._account)
        return page

    async def _read_page(self, group_id: str) -> dict[str, Any]:
        shell, page = await self._tab.read_all(GROUP_PAGE)
        if self._at.project is not None:
            refuse_other_project(self._tab, shell, self._at.project)
        if page["id"] != group_id or not self._tab.path.startswith(self._at.group_path(group_id)):
            raise UnknownPage(
                "group-mismatch",
                "The page is not the one of the group asked for.",
                expected=f"group {group_id}",
                seen=f"group {page['id']} at {self._tab.path}",
            )
        data: dict[str, Any] = page
        return data

    def _listed(self, row: Mapping[str, str]) -> DistributionGroup:
        led_to = row["href"].partition("?")[0]
        if led_to and led_to != f"{self._at.group_path(row['id'])}/edit":
            raise UnknownPage(
                "group-mismatch",
                "A row of the list leads to another page than the group's.",
                expected=f"group_list.edit_link: {self._at.group_path(row['id'])}/edit",
                seen=led_to,
            )
        project_id = self._at.project.id if self._at.project is not None and led_to else None
        return DistributionGroup(id=row["id"], name=row["name"], description=row["description"], project_id=project_id)

    def _refuse_other_name(self, page: dict[str, Any], name: str) -> None:
        shown = _group(page, self._at.project).name
        if normal_name(shown) != normal_name(name):
            raise UnknownPage(
                "group-mismatch",
                "The group of this id has another name than the one asked for.",
                expected=name,
                seen=shown,
            )

    @staticmethod
    def _refuse_mismatch(page: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
        held = {name: value for name, value in _values(page).items() if name in wanted}
        if held != dict(wanted):
            raise UnknownPage(
                "control-mismatch",
                "The form of the group does not hold what was put into it.",
                expected=str(dict(wanted)),
                seen=str(held),
            )


async def visit_create_group(at: GroupsPlace, account: str) -> None:
    """Open the window "Add Distribution Group" over the list (one page load, and the window's own request)."""
    tab = at.tab
    await open_list(tab, _GROUPS, per_page=1, directory=at.directory)
    await overlays.clear(tab)
    await tab.act("opening Add Distribution Group", tab.at("new_group.open").click)
    try:
        shell, _ = await tab.read_all(GROUP_FORM, layers=_WINDOW)
    except UnknownPage:
        (await tab.shell(layers=_WINDOW)).refuse_unknown_layers()
        raise
    (await overlays.cleared(tab, shell, layers=_WINDOW)).refuse_before_write(tab.tenant, account)
    touches, ids = {"name", "submit"}, {"directory": at.directory}
    await examine(tab, Flow.GROUP_EDIT, "new_group.form", touches=touches, ids=ids, layers=_WINDOW)


def _values(page: Mapping[str, Any]) -> dict[str, str]:
    return {field["name"]: field["value"] for field in page["fields"]}


def _group(page: Mapping[str, Any], project: Project | None) -> DistributionGroup:
    values = _values(page)
    return DistributionGroup(
        id=page["id"],
        name=values.get("distribution_group[name]", "").strip(),
        description=values.get("distribution_group[description]", "").strip(),
        project_id=project.id if project else None,
        members=tuple(GroupMember(user_id=row["id"], email=row["email"], name=row["name"]) for row in page["members"]),
    )

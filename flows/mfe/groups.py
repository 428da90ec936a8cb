"""Distribution groups in the new generation: a grid, and a panel that saves everything at once [D] (hooks [I]).

No page of it shows a group's number, so a group is known by its name: no two of one Directory have the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_email
from agent.domain.project import DistributionGroup, GroupChange, GroupMember
from agent.errors import Failed, Mender, UnknownPage
from flows.interface import CommitGate
from flows.legacy.project_add import APART
from flows.legacy.project_list import new_project_path, refuse_other_project
from flows.mfe.grid import GridRow, all_rows, open_grid
from flows.mfe.menus import entry_of, open_add_menu, open_row_menu
from flows.mfe.panel import panel
from flows.mfe.people import directory_path
from flows.names import Flow
from flows.page import overlays
from flows.page.commit_by_script import commit_by_script
from flows.page.controls import set_text
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.page.windows import button, confirm_window, window
from flows.shapes import examine

_FORM = "group-form"  # its data-qa
_ADD = panel("Add Distribution Group")
_EDIT = panel("Edit Distribution Group")
_DELETE = "Delete Distribution Group"

GROUP_PANEL = Reading(
    "group_panel.form",
    APART
    + r"""
    const form = one("group_panel.form"), search = one("group_panel.search", form);
    const person = (el) => ({ id: el.dataset.userId, text: apart(el) });
    return { fields: fields(form), searched: search.value,
      members: many("group_panel.member", form).map((el) => ({ ...person(el), sent: many("group_panel.member_value", el)
        .map((input) => input.value) })),
      people: many("group_panel.candidate", form).filter(visible).map(person) };
    """,
    name="group_panel",
    generation="mfe",
)


class MfeGroups:
    """Implements :class:`flows.interface.Groups`; ``id`` of a group is its name."""

    def __init__(self, tab: Tab, gate: CommitGate, account: str, project: Project | None) -> None:
        self._tab = tab
        self._gate = gate
        self._account = account
        self._project = project

    async def list_groups(self) -> Sequence[DistributionGroup]:
        """One page load. A project's row without a menu is one of the company's."""
        rows = await self._rows()
        return tuple(
            DistributionGroup(
                id=_name(row),
                name=_name(row),
                description=row.cells.get("description", ""),
                project_id=self._project.id if self._project is not None and row.menus else None,
            )
            for row in rows
        )

    async def read_group(self, group_id: str) -> DistributionGroup:
        """Open the panel of the group and read it (one page load); it is left without saving."""
        await self._open_panel(group_id)
        return self._group(await self._panel(_EDIT))

    async def create_group(self, name: str, change: GroupChange) -> str:
        """Everything in one save (one page load)."""
        await self._rows()
        await overlays.clear(self._tab)
        _, place = entry_of(self._tab, await open_add_menu(self._tab), "group", "menu.add_group")
        await self._tab.act("choosing Add Distribution Group", self._tab.page.locator(place).click)
        await self._panel(_ADD)
        await self._fill(_ADD, change.model_copy(update={"name": name}), {})
        await self._save(_ADD, f"Create the distribution group {name!r} of {self._whose}{_counted(change)}")
        return name

    async def save_group(self, group_id: str, change: GroupChange) -> None:
        """The whole change in one save (one page load); none when everything is so already."""
        await self._open_panel(group_id)
        before = self._group(await self._panel(_EDIT))
        held = {person.user_id for person in before.members}
        needed = GroupChange(
            name=change.name if change.name != before.name else None,
            description=change.description if change.description != before.description else None,
            add=tuple(person for person in change.add if person.user_id not in held),
            remove=tuple(person for person in change.remove if person.user_id in held),
        )
        if needed == GroupChange():
            return
        await self._fill(_EDIT, needed, {person.user_id: person.email for person in before.members})
        await self._save(_EDIT, f"Save the distribution group {group_id!r} of {self._whose}{_counted(needed)}")

    async def delete_group(self, group_id: str, name: str) -> None:
        """The row's menu > Delete, and Delete in the dialog, which must name this group (one page load)."""
        rows = await self._rows()
        row = self._row(rows, group_id)
        await overlays.clear(self._tab)
        _, place = entry_of(self._tab, await open_row_menu(self._tab, row), "delete", "menu.delete")
        await self._tab.act("choosing Delete", self._tab.page.locator(place).click)
        text, _ = await confirm_window(self._tab, _DELETE)
        named = max((_name(other) for other in rows if _name(other) in text), key=len, default="")
        if named != name or _name(row) != name:
            raise UnknownPage(
                "group-mismatch",
                "The window would delete another group than the one asked for.",
                expected=name,
                seen=text[:200],
            )
        intent = f"Delete the distribution group {name!r} of {self._whose}"
        layers, region = window(_DELETE), "mfe_group_delete.window"
        await examine(self._tab, Flow.GROUP_EDIT, region, touches={"confirm"}, names=[name], layers=layers)
        place = button(self._tab, _DELETE, "Delete")
        await commit_by_script(self._tab, self._gate, place, intent, account=self._account, layers=window(_DELETE))

    # --- steps ---

    @property
    def _whose(self) -> str:
        return self._project.label if self._project else "the company"

    async def _rows(self) -> Sequence[GridRow]:
        path = new_project_path(self._tab, self._project) if self._project else directory_path(self._tab)
        page = await open_grid(self._tab, f"{path}/distribution_groups")
        if self._project is not None:
            refuse_other_project(self._tab, page.shell, self._project)
        rows = await all_rows(self._tab)
        if len({_name(row) for row in rows}) != len(rows):
            raise UnknownPage(
                "unknown-page",
                "Two distribution groups have one name, and the page tells them by nothing else.",
                expected="different names",
                seen=", ".join(sorted(_name(row) for row in rows)),
                mender=Mender.ADMINISTRATOR,
            )
        return rows

    def _row(self, rows: Sequence[GridRow], name: str) -> GridRow:
        found = next((row for row in rows if _name(row) == name), None)
        if found is None:
            raise Failed(
                "row-not-found",
                f"There is no distribution group {name!r} in {self._whose}.",
                expected=name,
                seen=", ".join(_name(row) for row in rows) or "no groups",
            )
        if not found.menus:
            raise Failed(
                "choice-not-offered",
                f"The distribution group {name!r} cannot be opened in {self._whose}: it is the company's, or the"
                " service account has no right to it.",
                expected="a menu in its row",
                seen="none",
                mender=Mender.ADMINISTRATOR,
            )
        return found

    async def _open_panel(self, name: str) -> None:
        row = self._row(await self._rows(), name)
        await overlays.clear(self._tab)
        _, place = entry_of(self._tab, await open_row_menu(self._tab, row), "edit", "menu.edit")
        await self._tab.act(f"choosing Edit of {name}", self._tab.page.locator(place).click)
        shown = _text(await self._panel(_EDIT), "name")
        if shown != name:
            raise UnknownPage(
                "group-mismatch", "The panel is about another group than its row.", expected=name, seen=shown
            )

    async def _panel(self, layers: tuple[Layer, ...]) -> dict[str, Any]:
        try:
            data: dict[str, Any] = await self._tab.read(GROUP_PANEL, layers=layers)
        except UnknownPage:
            (await self._tab.shell(layers=layers)).refuse_unknown_layers()
            raise
        return data

    async def _fill(self, layers: tuple[Layer, ...], change: GroupChange, held: Mapping[str, str]) -> None:
        """Put the change into the panel; ``held`` are the members before it, addresses by user id."""
        tab = self._tab
        (await overlays.clear(tab, layers=layers)).refuse_before_write(tab.tenant, self._account)
        touches = {"name", "description", "submit"}
        await examine(tab, Flow.GROUP_EDIT, "group_panel.form", touches=touches, layers=layers, names=held.values())
        before = await self._panel(layers)
        for field, label, value in (("name", "Name", change.name), ("description", "Description", change.description)):
            if value is not None:
                await set_text(tab, tab.at("mfe_form.field", form=_FORM, field=field), label, value)
        for person in change.remove:
            if normal_email(held[person.user_id]) != normal_email(person.email):
                raise _other_person(person, held[person.user_id])
            await tab.act(f"taking {person.email} out", tab.at("group_panel.remove_of", user_id=person.user_id).click)
        for person in change.add:
            await self._choose(layers, person)
        gone = {person.user_id for person in change.remove}
        wanted = (
            change.name if change.name is not None else _text(before, "name"),
            change.description if change.description is not None else _text(before, "description"),
            sorted({*held, *(person.user_id for person in change.add)} - gone),
        )
        after = await self._panel(layers)
        sent = sorted(value for member in after["members"] for value in member["sent"])
        if (_text(after, "name"), _text(after, "description"), sent) != wanted:
            raise UnknownPage(
                "control-mismatch",
                "The panel of the group does not hold what was put into it.",
                expected=str(wanted),
                seen=str((_text(after, "name"), _text(after, "description"), sent)),
            )

    async def _choose(self, layers: tuple[Layer, ...], person: GroupMember) -> None:
        """Search by the whole address and press the one person with this id."""
        email = normal_email(person.email)
        await set_text(self._tab, self._tab.at("group_panel.search"), "Manage Users", email)
        patience = Patience(self._tab.timeouts.control)
        while True:
            page = await self._panel(layers)
            fitting = [found for found in page["people"] if found["id"] == person.user_id]
            if fitting and page["searched"] == email:
                break
            if patience.is_over:
                raise Failed(
                    "choice-not-offered",
                    f"Manage Users does not offer {person.email} to the service account.",
                    expected=person.email,
                    seen=", ".join(found["text"] for found in page["people"][:10]) or "nobody",
                    mender=Mender.ADMINISTRATOR,
                )
            await patience.pause()
        if email not in _words(fitting[0]["text"]):
            raise _other_person(person, fitting[0]["text"])
        place = self._tab.at("group_panel.candidate_of", user_id=person.user_id)
        await self._tab.act(f"choosing {person.email}", place.click)

    async def _save(self, layers: tuple[Layer, ...], intent: str) -> None:
        place = self._tab.selector("mfe_form.submit", form=_FORM)
        await commit_by_script(self._tab, self._gate, place, intent, account=self._account, layers=layers)

    def _group(self, page: Mapping[str, Any]) -> DistributionGroup:
        members = []
        for row in page["members"]:
            address = next((word for word in row["text"].split() if "@" in word), "")
            if row["sent"] != [row["id"]]:
                raise UnknownPage(
                    "unknown-page",
                    "A member of the group is not sent as the person who is shown.",
                    expected=f"user {row['id']}",
                    seen=", ".join(row["sent"]) or "nobody",
                )
            name = " ".join(row["text"].partition(address)[0].split()) if address else row["text"]
            members.append(GroupMember(user_id=row["id"], email=address, name=name))
        name = _text(page, "name")
        return DistributionGroup(
            id=name,
            name=name,
            description=_text(page, "description"),
            project_id=self._project.id if self._project else None,
            members=tuple(members),
        )


def _name(row: GridRow) -> str:
    """A row of this grid leads nowhere: its name is the words of the cell."""
    return row.cell("name")


def _text(page: Mapping[str, Any], name: str) -> str:
    return next((field["value"].strip() for field in page["fields"] if field["name"] == name), "")


def _words(text: str) -> Collection[str]:
    return {normal_email(word.strip("()<>,;")) for word in text.split()}


def _counted(change: GroupChange) -> str:
    parts = [f"add {len(change.add)}"] if change.add else []
    parts += [f"remove {len(change.remove)}"] if change.remove else []
    return f": {', '.join(parts)}" if parts else ""


def _other_person(person: GroupMember, seen: str) -> UnknownPage:
    return UnknownPage(
        "person-mismatch",
        "The page names somebody else than the person asked for.",
        expected=f"user {person.user_id} with {person.email}",
        seen=seen or "nobody",
    )

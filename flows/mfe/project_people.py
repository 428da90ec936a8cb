"""Members of a project in the grid of the new generation: who is listed, where a row leads, which user that is.

Hooks of the grid are captured on this very page [C]. Its rows lead to ``edit_person/{person_id}`` on the older
addresses [C] and tell no user id; the page that they lead to does [I].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from agent.domain.access import Project
from agent.domain.names import normal_email
from agent.domain.project import Member
from agent.errors import Failed, UnknownPage
from flows.legacy.project_list import new_project_path, project_path, refuse_other_project
from flows.legacy.project_member import open_person
from flows.mfe.grid import GridRow, all_rows, open_grid, search, show_status
from flows.page.tab import Tab


@dataclass(frozen=True)
class ProjectPages:
    """One project in the new generation. ``user_ids`` are those of people whose page was opened, by person id."""

    tab: Tab
    project: Project
    user_ids: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Path of the project's Directory."""
        return new_project_path(self.tab, self.project)


@dataclass(frozen=True)
class ListedMember:
    """A row of the grid as a member."""

    row: GridRow
    person_id: str
    email: str
    active: bool
    contact: bool

    def member(self, user_id: str | None) -> Member:
        """As the rest of the house knows members; rows do not tell invitations, nor roles."""
        return Member(
            user_id=user_id,
            person_id=self.person_id,
            name=self.row.name,
            email=self.email,
            company=self.row.cell("vendor_name"),
            template=self.row.cell("permission_template") or None,
            active=self.active,
            contact=self.contact,
        )


async def open_members(pages: ProjectPages) -> None:
    """The grid of members as it begins, active people only (one page load).

    The rows that it draws first must be people of this project: a search in somebody else's list finds nobody, too.
    """
    page = await open_grid(pages.tab, f"{pages.path}/users")
    refuse_other_project(pages.tab, page.shell, pages.project)
    for row in page.rows:
        listed(pages, row)


def listed(pages: ProjectPages, row: GridRow) -> ListedMember:
    """A row as a member. UnknownPage when it leads elsewhere than to a person of this project, or is of no known
    type."""
    tab = pages.tab
    kind = row.cell("reference_user")
    user, contact = (re.search(tab.catalogue.text(key), kind) for key in ("grid.type_user", "grid.type_contact"))
    if (user is None) is (contact is None):
        raise UnknownPage(
            "unknown-page",
            f"The row of {row.name} is of a type that is not known.",
            expected="grid.type_user or grid.type_contact",
            seen=kind or "nothing",
        )
    place = re.search(f"^{re.escape(project_path(pages.project))}/edit_person/(\\d+)$", row.href)
    if place is None:
        raise UnknownPage(
            "project-mismatch",
            f"The row of {row.name} does not lead to a person of this project.",
            expected=f"{project_path(pages.project)}/edit_person/…",
            seen=row.href or "nowhere",
        )
    return ListedMember(
        row=row,
        person_id=place.group(1),
        email=row.cell("email"),
        active=re.search(tab.catalogue.text("grid.inactive"), row.note) is None,
        contact=contact is not None,
    )


async def everybody_with(pages: ProjectPages, email: str, *, active_only: bool = False) -> list[ListedMember]:
    """The users of this address, in the grid as it then stands (one page load). Contacts do not count."""
    await open_members(pages)
    if not active_only:
        await show_status(pages.tab, "")
    found = [listed(pages, row) for row in await search(pages.tab, normal_email(email))]
    return [item for item in found if not item.contact and normal_email(item.email) == normal_email(email)]


async def the_member(pages: ProjectPages, email: str) -> ListedMember:
    """The one active user of this address (one page load); the grid shows the row. Failed("row-not-found") for none."""
    found = await everybody_with(pages, email, active_only=True)
    if not found:
        raise Failed(
            "row-not-found",
            f"{email} is not among the project's active users.",
            expected=f"a row of {email}",
            seen="none",
        )
    _refuse_several(email, found)
    return found[0]


async def find_member(pages: ProjectPages, email: str) -> Member | None:
    """The one user of this address, active or not (one page load, and one for the user id)."""
    found = await everybody_with(pages, email)
    if not found:
        return None
    _refuse_several(email, found)
    return found[0].member(await user_id_of(pages, found[0]))


async def list_members(
    pages: ProjectPages, on_page: Callable[[int, int], None] | None, ids_of: Collection[str]
) -> Sequence[Member]:
    """Everybody (one page load, a request for each 100 rows, and a page load for each user id that is wanted)."""
    await open_members(pages)
    await show_status(pages.tab, "")
    people = [listed(pages, row) for row in await all_rows(pages.tab, on_page)]
    wanted = {normal_email(email) for email in ids_of}
    members = []
    for item in people:
        is_wanted = not item.contact and normal_email(item.email) in wanted
        known = None if item.contact else pages.user_ids.get(item.person_id)
        members.append(item.member(await user_id_of(pages, item) if is_wanted else known))
    return tuple(members)


async def user_id_of(pages: ProjectPages, item: ListedMember) -> str:
    """The user id of a member, from the page where the row leads (one page load; none for the second time).

    UnknownPage("person-mismatch") when that page is about somebody else.
    """
    if item.person_id not in pages.user_ids:
        page = await open_person(pages.tab, pages.project, item.person_id, item.email)
        pages.user_ids[item.person_id] = page.user_id
    return pages.user_ids[item.person_id]


def _refuse_several(email: str, found: Sequence[ListedMember]) -> None:
    if len(found) > 1:
        raise UnknownPage(
            "person-mismatch",
            f"The project lists {email} more than once.",
            expected="one user of this address",
            seen=", ".join(f"{item.row.name} (person {item.person_id})" for item in found),
        )

"""The lists of a project's Directory: who is in it, active or not, with the template on this project.

Addresses, tabs, rows and pager are captured on this very level [C]; as at the company otherwise
(:mod:`flows.legacy.listing`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_email, normal_name
from agent.domain.person import Listing, Sighting
from agent.domain.project import Member
from agent.errors import Failed, Mender, UnknownPage
from flows.legacy.listing import PAGE_SIZE, SEARCH_CAP, ListPage, open_list
from flows.page.shell import Shell
from flows.page.tab import Tab

_USERS = (Listing.USERS, Listing.INACTIVE_USERS)


def project_path(project: Project) -> str:
    """Path of the project's Directory on the older addresses [C]; Failed for an id that is no number."""
    if not project.id.isascii() or not project.id.isdigit():
        raise Failed(
            "bad-project-id",
            "A project id is a number.",
            expected="digits",
            seen=project.id,
            mender=Mender.DEVELOPER,
        )
    return f"/{project.id}/project/directory"


def new_project_path(tab: Tab, project: Project) -> str:
    """Path of the project's Directory in the new generation [C]."""
    project_path(project)
    return f"/webclients/host/companies/{tab.tenant.company_id}/projects/{project.id}/tools/directory"


def lands_on_users(tab: Tab, project: Project) -> re.Pattern[str]:
    """What the answer of a write looks like that leads to the list of users, whatever generation that list is of."""
    older, newer = re.escape(project_path(project)), re.escape(new_project_path(tab, project))
    return re.compile(f"^(?:{older}/groups/(?:users|inactive_users)|{newer}/users)$")


def refuse_other_project(tab: Tab, shell: Shell, project: Project, shown_id: str = "") -> None:
    """UnknownPage("project-mismatch") when the page is about another project or company than the one asked for.

    ``shown_id`` is what the page says of itself, where it does; its title names the project [C].
    """
    seen = []
    if shown_id and shown_id != project.id:
        seen.append(f"project {shown_id}")
    if shell.company_id and shell.company_id != tab.tenant.company_id:
        seen.append(f"company {shell.company_id}")
    title = re.search(tab.catalogue.text("list.title"), shell.title)
    if project.name and title and normal_name(title.group(1)) != normal_name(project.name):
        seen.append(title.group(1))
    if seen:
        raise UnknownPage(
            "project-mismatch",
            "The page is not about the project asked for.",
            expected=f"{project.label} ({project.id}) of company {tab.tenant.company_id}",
            seen=", ".join(seen),
        )


async def open_project_list(
    tab: Tab, project: Project, group: str, *, page: int = 1, search: str = "", per_page: int = PAGE_SIZE
) -> ListPage:
    """Load one page of one of the project's lists (one page load), and see that it is this project's."""
    place = project_path(project)
    found = await open_list(tab, group, page=page, search=search, per_page=per_page, props=True, directory=place)
    refuse_other_project(tab, found.shell, project, str(found.props.get("projectId", "")))
    for row in found.rows:
        _refuse_crossed(row, place)
    return found


def _refuse_crossed(row: Mapping[str, Any], place: str) -> None:
    """A row whose Edit leads to somebody else, or into another Directory, is no row to act on."""
    led_to = row["href"]
    if led_to and led_to.partition("?")[0] != f"{place}/users/{row['id']}/edit":
        raise UnknownPage(
            "person-mismatch",
            "A row of the list leads to another page than the person's.",
            expected=f"list.edit_link: {place}/users/{row['id']}/edit",
            seen=led_to,
        )


async def find_member(tab: Tab, project: Project, email: str) -> Member | None:
    """The one user of this address among Users and Inactive Users (two page loads)."""
    found: list[Member] = []
    for listing in _USERS:
        page = await open_project_list(tab, project, listing.value, search=normal_email(email))
        refuse_capped(page, email)
        found += [_member(row) for row in page.sightings(listing) if normal_email(row.email) == normal_email(email)]
    if len(found) > 1:
        raise UnknownPage(
            "person-mismatch",
            f"The project lists {email} more than once.",
            expected="one user of this address",
            seen=", ".join(f"user {member.user_id}" for member in found),
        )
    return found[0] if found else None


def refuse_capped(page: ListPage, searched: str) -> None:
    """Failed("search-inconclusive") when as many rows are listed as a search ever lists [D]: there may be more."""
    if page.total >= SEARCH_CAP:
        raise Failed(
            "search-inconclusive",
            f"The search for {searched!r} lists {page.total} people, and Procore lists at most {SEARCH_CAP}.",
            expected=f"fewer than {SEARCH_CAP} matches",
            seen=str(page.total),
            mender=Mender.REQUESTER,
        )


async def list_members(
    tab: Tab, project: Project, on_page: Callable[[int, int], None] | None = None
) -> Sequence[Member]:
    """Everybody in the four lists (a page load for each 150 people of each). Raises when rows and pager disagree."""
    members: dict[tuple[Listing, str], Member] = {}
    expected = 0
    for listing in Listing:
        number, read = 1, 0
        while True:
            page = await open_project_list(tab, project, listing.value, page=number)
            members |= {(listing, row.user_id or row.person_id or ""): _member(row) for row in page.sightings(listing)}
            read += len(page.rows)
            if on_page:
                on_page(expected + min(read, page.total), expected + page.total)
            if read >= page.total or not page.rows:
                break
            number += 1
        expected += page.total
    if len(members) != expected:
        raise Failed(
            "pager-mismatch",
            "The list changed while it was read, or does not show all its rows.",
            expected=f"{expected} different rows, as the pagers say",
            seen=f"{len(members)} rows",
        )
    return tuple(members.values())


async def member_row(tab: Tab, project: Project, listing: Listing, user_id: str, email: str) -> Sighting:
    """The member's row, found by the whole address (one page load); Failed("row-not-found") when it is not listed."""
    page = await open_project_list(tab, project, listing.value, search=normal_email(email))
    for row in page.sightings(listing):
        if row.user_id == user_id:
            refuse_other_address(row, email)
            return row
    raise not_listed(email, user_id, page.total)


def refuse_other_address(row: Sighting, email: str) -> None:
    """UnknownPage("person-mismatch") when the row of the wanted id has another address."""
    if normal_email(row.email) != normal_email(email):
        raise UnknownPage(
            "person-mismatch",
            "The row is not the one of the person asked for.",
            expected=f"user {row.user_id} with {email}",
            seen=row.email or "no address",
        )


def not_listed(email: str, user_id: str, total: int) -> Failed:
    """Nobody of this id is in the list."""
    return Failed(
        "row-not-found",
        f"{email} is not in the project's list.",
        expected=f"a row of user {user_id}",
        seen=f"{total} rows, none of this user",
    )


def _member(row: Sighting) -> Member:
    return Member(
        user_id=row.user_id,
        person_id=row.person_id,
        name=row.name,
        email=row.email,
        company=row.company,
        template=row.template or None,
        active=row.listing in {Listing.USERS, Listing.CONTACTS},
        contact=row.listing not in _USERS,
        invited=row.invited,
    )

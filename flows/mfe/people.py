"""People and companies in the grids of the company Directory: who is listed, where a row leads, what it says.

The company's Directory in the new style is an educated guess [I]; rows, search and filters are as captured on the
project page [C]. Contacts are rows, too; User Status takes the place of the lists of inactive people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.domain.access import Vendor
from agent.domain.names import normal_email, normal_name, same_name
from agent.domain.person import Listing, Sighting
from agent.errors import Failed, UnknownPage
from flows.mfe.grid import GridPage, GridRow, all_rows, open_grid, search, show_status
from flows.page.tab import Tab

_LISTINGS = {
    (True, True): Listing.USERS,
    (True, False): Listing.INACTIVE_USERS,
    (False, True): Listing.CONTACTS,
    (False, False): Listing.INACTIVE_CONTACTS,
}


@dataclass(frozen=True)
class ListedPerson:
    """A row of the users' grid as a person. ``user_id`` is known only where the row leads to an older page."""

    row: GridRow
    listing: Listing
    person_id: str | None
    user_id: str | None
    email: str

    @property
    def is_user(self) -> bool:
        """A user, not a contact."""
        return self.listing in {Listing.USERS, Listing.INACTIVE_USERS}

    @property
    def active(self) -> bool:
        """Not on one of the inactive lists."""
        return self.listing in {Listing.USERS, Listing.CONTACTS}

    def sighting(self, *, user_id: str | None = None, invited: bool | None = None) -> Sighting:
        """As the rest of the house knows rows; what the grid does not tell has to be given."""
        row = self.row
        return Sighting(
            listing=self.listing,
            user_id=user_id or self.user_id,
            person_id=self.person_id,
            name=row.name,
            email=self.email,
            company=row.cell("vendor_name"),
            job_title=row.cells.get("job_title", ""),
            phones=tuple(filter(None, [row.cells.get("mobile_phone", "")])),
            address=tuple(filter(None, [row.cells.get("address", "")])),
            template=row.cells.get("permission_template", ""),
            invited=invited,
        )


def directory_path(tab: Tab) -> str:
    """Path of the company Directory in the new generation [I]."""
    return f"/webclients/host/companies/{tab.tenant.company_id}/tools/directory"


def person_path(tab: Tab, person_id: str) -> str:
    """Path of a person's page."""
    return f"{directory_path(tab)}/edit_person/{person_id}"


def listed(tab: Tab, row: GridRow) -> ListedPerson:
    """A row as a person. UnknownPage when it leads elsewhere than to a person of this company, or is of no known
    type."""
    user, contact = (re.compile(tab.catalogue.text(key)) for key in ("grid.type_user", "grid.type_contact"))
    kind = row.cell("reference_user")
    if bool(user.search(kind)) is bool(contact.search(kind)):
        raise UnknownPage(
            "unknown-page",
            f"The row of {row.name} is of a type that is not known.",
            expected="grid.type_user or grid.type_contact",
            seen=kind or "nothing",
        )
    is_active = not re.search(tab.catalogue.text("grid.inactive"), row.note)
    place = re.compile(
        rf"^(?:{re.escape(directory_path(tab))}|{re.escape(tab.tenant.directory_path)})/edit_person/(\d+)$"
    )
    older = re.compile(rf"^{re.escape(tab.tenant.directory_path)}/users/(\d+)(?:/edit)?$")
    person, page = place.search(row.href), older.search(row.href)
    if person is None and page is None:
        raise UnknownPage(
            "foreign-list",
            f"The row of {row.name} does not lead to a person of this company.",
            expected=person_path(tab, "…"),
            seen=row.href or "nowhere",
        )
    return ListedPerson(
        row=row,
        listing=_LISTINGS[bool(user.search(kind)), is_active],
        person_id=person.group(1) if person else None,
        user_id=page.group(1) if page else None,
        email=row.cell("email"),
    )


async def everybody_like(tab: Tab, text: str) -> list[ListedPerson]:
    """Everybody whom a search for this text finds, users and contacts, active and not (one page load)."""
    await open_users(tab)
    await show_status(tab, "")
    return await again_like(tab, text)


async def again_like(tab: Tab, text: str) -> list[ListedPerson]:
    """Another search in the grid that is shown."""
    return [listed(tab, row) for row in await search(tab, text)]


async def open_users(tab: Tab) -> GridPage:
    """The users' grid as it begins: active people (one page load).

    UnknownPage("foreign-list") when those who are shown first are not of this company: nobody who is missing from such
    a list is missing from the company. The page itself may well be this company's all the same.
    """
    page = await open_grid(tab, f"{directory_path(tab)}/users")
    for row in page.rows:
        listed(tab, row)
    if not page.rows:
        raise UnknownPage(
            "foreign-list", "The list shows nobody at all.", expected="at least the service account", seen="no rows"
        )
    return page


def with_address(people: Sequence[ListedPerson], email: str) -> list[ListedPerson]:
    """Those with exactly this address."""
    return [person for person in people if normal_email(person.email) == normal_email(email)]


def of_name(people: Sequence[ListedPerson], email: str, full_name: str, company: str | None) -> list[ListedPerson]:
    """Those of this name (and company) under another address."""
    return [
        person
        for person in people
        if normal_email(person.email) != normal_email(email)
        and same_name(person.row.name, full_name)
        and (company is None or same_name(person.row.cell("vendor_name"), company))
    ]


async def list_people(tab: Tab, listing: Listing, on_page: Callable[[int, int], None] | None) -> Sequence[ListedPerson]:
    """Every row of a list (one page load, a request per 100 rows of users and contacts together, and one to filter).

    Users come without user id and without their invitation: the rows do not tell.
    """
    inactive = listing in {Listing.INACTIVE_USERS, Listing.INACTIVE_CONTACTS}
    await open_users(tab)
    if inactive:
        await show_status(tab, "inactive")
    people = [listed(tab, row) for row in await all_rows(tab, on_page)]
    odd = [person for person in people if person.active is inactive]
    if odd:
        raise UnknownPage(
            "unknown-page",
            "The filter User Status shows people of the other status.",
            expected=f"only {'inactive' if inactive else 'active'} people",
            seen=", ".join(person.row.name for person in odd[:5]),
        )
    found = [person for person in people if person.listing is listing]
    if on_page:
        on_page(len(found), len(found))
    return found


async def find_vendors(tab: Tab, name: str) -> tuple[Vendor, ...]:
    """Active companies of exactly this (normalised) name (one page load)."""
    await open_grid(tab, f"{directory_path(tab)}/companies")
    found = []
    for row in await search(tab, name.strip()):
        place = re.search(r"/edit_vendor/(\d+)$", row.href)
        if place is None:
            raise UnknownPage(
                "unknown-page",
                f"The row of {row.name} does not lead to a company.",
                expected="…/edit_vendor/…",
                seen=row.href or "nowhere",
            )
        if normal_name(row.name) == normal_name(name):
            found.append(Vendor(id=place.group(1), name=row.name, hint=row.cell("address")))
    return tuple(found)


async def the_user(tab: Tab, email: str, *, active: bool) -> ListedPerson:
    """The one user of this address and status, in the grid that shows them (one page load).

    Failed("row-not-found") when there is none; UnknownPage when there are several.
    """
    await open_users(tab)
    if not active:
        await show_status(tab, "inactive")
    people = await again_like(tab, normal_email(email))
    users = [person for person in with_address(people, email) if person.is_user and person.active is active]
    if not users:
        raise Failed(
            "row-not-found",
            f"{email} is not among the {'active' if active else 'inactive'} users.",
            expected=f"a row of {email}",
            seen=f"{len(people)} rows, none of this user",
        )
    if len(users) > 1:
        raise UnknownPage(
            "person-mismatch", f"More than one row has the address {email}.", expected="one", seen=str(len(users))
        )
    return users[0]

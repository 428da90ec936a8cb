"""The lists of the Directory: search by whole e-mail address, and read every row of a list.

URL parameters, row markup and pager text: captured on the project page [C], assumed the same at company level [I].
The pager is the truth about how many rows there are; at most 50 matches of a search are listed, without a hint [D].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from agent.domain.access import Vendor
from agent.domain.names import normal_email, normal_name, same_name
from agent.domain.person import Correlation, Listing, Sighting
from agent.errors import Failed, Mender, RetrySafe, UnknownPage
from flows.page.reading import Reading
from flows.page.shell import Shell, refuse_company
from flows.page.tab import Tab

PAGE_SIZE = 150
SEARCH_CAP = 50

LIST = Reading(
    "list.root",
    r"""
    const pager = pattern("list.pager");
    const told = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const hit = pager.exec(node.data.trim());
      if (hit) told.push(hit.slice(1, 4).map((text) => Number(text.replace(/\D/g, ""))));
    }
    const missing = (key, expected, seen) => problems.push({ key, expected, seen });
    if (!told.length) { missing("list.pager", "the pager's text", "none"); return null; }
    if (new Set(told.map(String)).size > 1) missing("list.pager", "one truth", told.join(" | "));
    const [first, last, total] = told[0];
    const invited = {};
    for (const form of many("list.invite_form")) {
      const hit = /\/users\/(\d+)\/invite$/.exec(form.getAttribute("action"));
      if (hit) invited[hit[1]] = maybe("list.reinvite_button", form) !== null;
    }
    const lines = (cell) => (cell ? [...cell.children].map(words).filter(Boolean) : []);
    const rows = many("list.row").map((row) => {
      const leads = [maybe("list.edit_link", row), maybe("list.view_link", row)].filter(Boolean);
      const [edit] = leads;
      const contact = lines(maybe("list.contact_cell", row));
      return {
        id: row.dataset.id || "", personId: row.dataset.personId || "",
        link: edit ? edit.getAttribute("data-qa") || "" : "", href: edit ? edit.getAttribute("href") || "" : "",
        hrefs: leads.map((link) => link.getAttribute("href") || ""),
        name: words(maybe("list.name_cell", row)), jobTitle: words(maybe("list.job_title_cell", row)), contact,
        address: lines(maybe("list.address_cell", row)), company: words(maybe("list.vendor_cell", row)),
        template: words(maybe("list.template_cell", row)),
        invited: row.dataset.id in invited ? invited[row.dataset.id] : null,
      };
    });
    const expected = total === 0 ? 0 : last - first + 1;
    if (rows.length !== expected) missing("list.row", `${expected} rows, as the pager says`, `${rows.length} rows`);
    let props = null;
    if (given.props) {
      try { props = JSON.parse(one("list.root").dataset.props); } catch { missing("list.root", "JSON", "none"); }
    }
    const owner = /"companyId": *"?(\d+)/.exec(one("list.root").dataset.props);
    return { first, last, total, rows, props, companyId: owner ? owner[1] : "" };
    """,
    name="list",
)


@dataclass(frozen=True)
class ListPage:
    """One page of a list: its rows as the page shows them, and what the pager says."""

    rows: tuple[Mapping[str, Any], ...]
    first: int
    last: int
    total: int
    props: Mapping[str, Any]
    shell: Shell

    def sightings(self, listing: Listing) -> tuple[Sighting, ...]:
        """The rows as people."""
        return tuple(_sighting(listing, row) for row in self.rows)


async def open_list(
    tab: Tab,
    group: str,
    *,
    page: int = 1,
    search: str = "",
    per_page: int = PAGE_SIZE,
    props: bool = False,
    directory: str = "",
) -> ListPage:
    """Load one page of a list (one page load). Not grouped, so that the company stands in each row.

    ``directory`` is the path of another Directory than the company's: a project's.
    """
    place = f"{directory or tab.tenant.directory_path}/groups/{group}"
    query = urlencode({"page": page, "per_page": per_page, "search": search, "group_by": "", "sort": "name"})
    await tab.open(f"{place}?{query}")
    shell, data = await tab.read_all(LIST, props=props)
    if tab.path != place:
        raise UnknownPage("unknown-page", "Another list was opened.", expected=f"the list {group}", seen=tab.path)
    _refuse_foreign(tab, shell, data, place.removesuffix(f"/groups/{group}"))
    tab.trust()
    return ListPage(tuple(data["rows"]), data["first"], data["last"], data["total"], data["props"] or {}, shell)


async def find(tab: Tab, email: str, *, full_name: str | None, company: str | None) -> Correlation:
    """Everybody with this address, over all four lists (four page loads; eight with near hits,
    and up to twelve where fifty people share the last name).

    The lists are read one after the other: on two cores, parallel tabs were not faster. Raises
    Failed("search-inconclusive") when a search lists 50, because more may exist.
    """
    wanted = normal_email(email)
    matches: list[Sighting] = []
    for listing in Listing:
        found = await open_list(tab, listing.value, search=wanted)
        _refuse_capped(found, wanted)
        matches += [row for row in found.sightings(listing) if normal_email(row.email) == wanted]
    near: list[Sighting] = []
    if full_name:
        for listing in Listing:
            near += [
                row
                for row in await _rows_of_name(tab, listing, full_name)
                if normal_email(row.email) != wanted
                and same_name(row.name, full_name)
                and (company is None or same_name(row.company, company))
            ]
    return Correlation(matches=tuple(matches), near=tuple(near))


async def _rows_of_name(tab: Tab, listing: Listing, full_name: str) -> tuple[Sighting, ...]:
    """Rows found by the last name, a searched field [D]; by the whole name where those are too many [I]."""
    last_name = full_name.split()[-1]
    found = await open_list(tab, listing.value, search=last_name)
    if found.total >= SEARCH_CAP and last_name != full_name:
        found = await open_list(tab, listing.value, search=" ".join(full_name.split()))
    _refuse_capped(found, full_name)
    return found.sightings(listing)


async def find_vendors(tab: Tab, name: str) -> tuple[Vendor, ...]:
    """Active companies of this name (one page load; the whole list where the search lists 50)."""
    found = await open_list(tab, "companies", search=name.strip())
    rows = list(found.rows)
    if found.total >= SEARCH_CAP:
        rows = await _all_rows(tab, "companies", None)
    vendors = {row["id"]: Vendor(id=row["id"], name=row["company"] or row["name"], hint=_place(row)) for row in rows}
    return tuple(vendor for vendor in vendors.values() if normal_name(vendor.name) == normal_name(name))


async def list_people(tab: Tab, listing: Listing, on_page: Callable[[int, int], None] | None) -> Sequence[Sighting]:
    """Every row of a list, 150 a page (one page load each). Raises when rows and pager disagree."""
    return tuple(_sighting(listing, row) for row in await _all_rows(tab, listing.value, on_page))


async def _all_rows(tab: Tab, group: str, on_page: Callable[[int, int], None] | None) -> list[Mapping[str, Any]]:
    rows: dict[str, Mapping[str, Any]] = {}
    number, read = 1, 0
    while True:
        page = await open_list(tab, group, page=number)
        rows |= {row["id"]: row for row in page.rows}
        read += len(page.rows)
        if on_page:
            on_page(min(read, page.total), page.total)
        if read >= page.total or not page.rows:
            break
        number += 1
    if len(rows) != page.total:
        raise Failed(
            "pager-mismatch",
            "The list changed while it was read, or does not show all its rows.",
            expected=f"{page.total} different rows, as the pager says",
            seen=f"{len(rows)} rows",
        )
    return list(rows.values())


def _sighting(listing: Listing, row: Mapping[str, Any]) -> Sighting:
    is_user = listing in {Listing.USERS, Listing.INACTIVE_USERS}
    addresses = [line for line in row["contact"] if "@" in line]
    keyed = re.sub(r" (?:Edit|View)$", "", row["link"]) if is_user else ""
    if keyed and addresses and normal_email(keyed) not in {normal_email(item) for item in addresses}:
        raise UnknownPage(
            "unknown-page",
            "A row of the list names two e-mail addresses.",
            expected=f"list.contact_cell: {keyed}",
            seen=", ".join(addresses),
        )
    return Sighting(
        listing=listing,
        user_id=row["id"] if is_user else None,
        person_id=row["personId"] or (None if is_user else row["id"]),
        name=row["name"],
        email=keyed or (addresses[0] if addresses else ""),
        company=row["company"],
        job_title=row["jobTitle"],
        phones=tuple(line for line in row["contact"] if "@" not in line),
        address=tuple(row["address"]),
        template=row["template"],
        invited=row["invited"],
    )


def _place(row: Mapping[str, Any]) -> str:
    return ", ".join(row["address"])


def _refuse_foreign(tab: Tab, shell: Shell, data: Mapping[str, Any], directory: str) -> None:
    """A list of another company raises as any page of it does; UnknownPage for a row whose links are not its own."""
    shell.refuse_other_company(tab.tenant)
    refuse_company(tab.tenant, data["companyId"])
    own = re.compile(rf"^{re.escape(directory)}/(?:users|edit_person|edit_vendor)/(\d+)(?:/edit)?$")
    for row in data["rows"]:
        for href in row["hrefs"]:
            found = own.search(href)
            if found is None or found.group(1) not in {row["id"], row["personId"]}:
                raise UnknownPage(
                    "person-mismatch",
                    "A row of the list leads to somebody else's page, or out of this Directory.",
                    expected=f"{directory}/users/{row['id']}",
                    seen=href,
                )


def _refuse_capped(found: ListPage, searched: str) -> None:
    if found.total >= SEARCH_CAP:
        raise Failed(
            "search-inconclusive",
            f"The search for {searched!r} lists {found.total} people, and Procore lists at most {SEARCH_CAP}.",
            expected=f"fewer than {SEARCH_CAP} matches",
            seen=str(found.total),
            mender=Mender.REQUESTER,
            retry_safe=RetrySafe.YES,
        )

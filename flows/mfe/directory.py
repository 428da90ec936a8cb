"""The company Directory in the new generation: each method is one flow of this package.

What the new pages do not have themselves they lead to: Projects and Change History are tabs with older addresses [C].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from agent.domain.access import Project, Vendor
from agent.domain.names import normal_email
from agent.domain.person import (
    Capabilities,
    ChangeRecord,
    Correlation,
    Fingerprint,
    Listing,
    NewUser,
    Person,
    Sighting,
    TenantFacts,
    UserChange,
)
from agent.errors import UnknownPage
from flows.interface import CommitGate
from flows.legacy.history import read_history
from flows.legacy.memberships import read_projects
from flows.legacy.tenant_facts import read_facts
from flows.legacy.user_projects import assign_projects
from flows.mfe import activation, add_user, edit_person, people
from flows.mfe.facts import look_at_forms
from flows.mfe.grid import GridPage
from flows.mfe.menus import close_menu, open_row_menu
from flows.mfe.people import ListedPerson, again_like, everybody_like, of_name, with_address
from flows.mfe.person_page import open_person_page
from flows.page import overlays
from flows.page.tab import Tab


class MfeDirectory:
    """The company flows of the new generation; page loads stand with each flow."""

    def __init__(self, tab: Tab, gate: CommitGate, account: str) -> None:
        self._tab = tab
        self._gate = gate
        self._account = account
        self._person_ids: dict[str, str] = {}  # by user id: pages are addressed by the one, people known by the other

    async def fingerprint(self) -> Fingerprint:
        """What kind of Directory this is, from the users' grid (one page load)."""
        page = await people.open_users(self._tab)
        page.shell.refuse_before_write(self._tab.tenant, self._account)
        name = re.search(self._tab.catalogue.text("list.title"), page.shell.title)
        return Fingerprint(
            generation="mfe",
            locale=page.shell.locale,
            company_id=self._tab.tenant.company_id,
            company_name=name.group(1) if name else "",
            signed_in_as=page.shell.login,
            capabilities=self._capabilities(page),
            catalogue=self._tab.catalogue.sha256,
            pack=self._tab.catalogue.pack,
            people=page.total,
        )

    def _capabilities(self, page: GridPage) -> Capabilities:
        """From what the page offers: it says nothing about rights itself."""

        def offers(key: str) -> bool:
            return any(re.search(self._tab.catalogue.text(key), words) for words in page.bulk)

        return Capabilities(
            can_edit_users=page.adds,
            can_invite=offers("grid.may_invite"),
            can_inactivate=offers("grid.may_inactivate"),
            can_see_inactive=page.filters_status,
            can_see_templates="permission_template" in page.columns,
        )

    async def facts(self, *, refresh: bool = False) -> TenantFacts:
        """Names and rules of the tenant, read anew each time."""
        return await read_facts(self._tab, self._account, look_at_forms)

    async def find(self, email: str, *, full_name: str | None = None, company: str | None = None) -> Correlation:
        """Everybody with this address, in one search over users and contacts, active and not; with ``full_name`` in a
        second one. For each user found the row's menu is looked into, and the page opened (one page load each): only
        there stand the invitation and the user id.

        UnknownPage("person-mismatch") when a row leads to somebody else's page.
        """
        found = with_address(await everybody_like(self._tab, normal_email(email)), email)
        invited = {person.row.href: await self._invited(person) for person in found if person.is_user}
        near: list[ListedPerson] = []
        if full_name:
            near = of_name(await again_like(self._tab, full_name.split()[-1]), email, full_name, company)
        matches = [
            person.sighting(user_id=await self._user_id(person), invited=invited[person.row.href])
            if person.is_user
            else person.sighting()
            for person in found
        ]
        return Correlation(matches=tuple(matches), near=tuple(person.sighting() for person in near))

    async def _invited(self, person: ListedPerson) -> bool | None:
        """What the row's menu offers: True for Re-invite, False for Invite, None for neither. Chooses nothing."""
        await overlays.clear(self._tab)
        entries = await open_row_menu(self._tab, person.row)
        await close_menu(self._tab)
        entry = entries.get("invite")
        return activation.is_reinvite(self._tab, entry.text) if entry is not None else None

    async def _user_id(self, person: ListedPerson) -> str:
        """The id from the page that the row leads to, which must be about the same person in the same state."""
        if person.user_id is not None or person.person_id is None:
            return person.user_id or ""
        page = await open_person_page(self._tab, person.person_id)
        if normal_email(page.email) != normal_email(person.email) or page.active is not person.active:
            raise UnknownPage(
                "person-mismatch",
                "A row of the list leads to another person's page.",
                expected=f"{person.email}, {'active' if person.active else 'inactive'}",
                seen=f"{page.email}, {'active' if page.active else 'inactive'}",
            )
        self._person_ids[page.user_id] = person.person_id
        return page.user_id

    async def find_vendors(self, name: str) -> tuple[Vendor, ...]:
        """See :func:`flows.mfe.people.find_vendors`."""
        return await people.find_vendors(self._tab, name)

    async def read_person(self, user_id: str) -> Person:
        """Two page loads: the Projects tab, which knows both ids, and the person's page; both about this user."""
        shown = await read_projects(self._tab, user_id)
        self._person_ids[user_id] = shown.person_id
        page = await open_person_page(self._tab, shown.person_id, user_id=user_id)
        return page.person(shown.memberships)

    async def history(self, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
        """See :func:`flows.legacy.history.read_history`: the tab has the older address [C]."""
        return await read_history(self._tab, user_id, since)

    async def list_people(
        self, listing: Listing, on_page: Callable[[int, int], None] | None = None
    ) -> Sequence[Sighting]:
        """See :func:`flows.mfe.people.list_people`."""
        listed = await people.list_people(self._tab, listing, on_page)
        return tuple(person.sighting() for person in listed)

    async def create_user(self, new: NewUser) -> str:
        """See :func:`flows.mfe.add_user.create_user`."""
        return await add_user.create_user(self._tab, self._gate, self._account, new)

    async def save_user(self, user_id: str, change: UserChange) -> None:
        """See :func:`flows.mfe.edit_person.save_user`."""
        person_id = await self._person_id(user_id)
        await edit_person.save_user(self._tab, self._gate, self._account, person_id, user_id, change)

    async def assign_projects(self, user_id: str, add: Sequence[Project], remove: Sequence[Project]) -> None:
        """See :func:`flows.legacy.user_projects.assign_projects`: the tab has the older address [C]."""
        await assign_projects(self._tab, self._gate, self._account, user_id, add, remove)

    async def remove_from_all_projects(self, user_id: str) -> None:
        """Every project at once on the Projects tab, applied later as there: returning means accepted."""
        shown = await read_projects(self._tab, user_id)
        await self.assign_projects(user_id, add=(), remove=[item.project for item in shown.memberships])

    async def inactivate(self, user_id: str, email: str) -> None:
        """See :func:`flows.mfe.activation.inactivate`."""
        await activation.inactivate(self._tab, self._gate, self._account, user_id, email)

    async def reactivate(self, user_id: str, email: str) -> None:
        """See :func:`flows.mfe.activation.reactivate`."""
        await activation.reactivate(self._tab, self._gate, self._account, user_id, email)

    async def invite(self, user_id: str, email: str, *, again: bool | None = None) -> None:
        """See :func:`flows.mfe.activation.invite`."""
        person_id = await self._person_id(user_id)
        await activation.invite(self._tab, self._gate, self._account, person_id, email, again=again)

    async def _person_id(self, user_id: str) -> str:
        """The id that pages are addressed by; from the Projects tab where it was not seen yet (one page load)."""
        if user_id not in self._person_ids:
            self._person_ids[user_id] = (await read_projects(self._tab, user_id)).person_id
        return self._person_ids[user_id]

"""The legacy Directory as the rest of the house sees it: each method is one flow of this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from agent.domain.access import Project, Vendor
from agent.domain.person import (
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
from flows.interface import CommitGate
from flows.legacy import activation, add_user, edit_page, invitation, listing, user_edit, user_projects
from flows.legacy.fingerprint import take_fingerprint
from flows.legacy.groups import LegacyGroups
from flows.legacy.history import read_history
from flows.legacy.project_directory import LegacyProjectDirectory
from flows.legacy.tenant_facts import read_facts
from flows.page.tab import Tab


class LegacyDirectory:
    """Implements :class:`flows.interface.Directory`; page loads stand with each flow."""

    def __init__(self, tab: Tab, gate: CommitGate, account: str, facts: TenantFacts | None = None) -> None:
        self._tab = tab
        self._gate = gate
        self._account = account
        self._facts = facts

    async def fingerprint(self) -> Fingerprint:
        """What kind of Directory this is, from the list of users (one page load)."""
        page = await listing.open_list(self._tab, Listing.USERS.value, per_page=5, props=True)
        return take_fingerprint(self._tab, page, self._account)

    async def server_time(self) -> datetime:
        """See :meth:`Tab.server_time`."""
        return self._tab.server_time()

    async def facts(self, *, refresh: bool = False) -> TenantFacts:
        """See :func:`flows.legacy.tenant_facts.read_facts`; nothing after the first time."""
        if self._facts is None or refresh:
            self._facts = await read_facts(self._tab, self._account)
        return self._facts

    @property
    def known_facts(self) -> TenantFacts | None:
        """What :meth:`facts` has read."""
        return self._facts

    async def find(self, email: str, *, full_name: str | None = None, company: str | None = None) -> Correlation:
        """See :func:`flows.legacy.listing.find`."""
        return await listing.find(self._tab, email, full_name=full_name, company=company)

    async def find_vendors(self, name: str) -> tuple[Vendor, ...]:
        """See :func:`flows.legacy.listing.find_vendors`."""
        return await listing.find_vendors(self._tab, name)

    async def read_person(self, user_id: str) -> Person:
        """One page load: the Edit page shows everything, projects included."""
        return (await edit_page.open_edit_page(self._tab, user_id)).person()

    async def history(self, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
        """See :func:`flows.legacy.history.read_history`."""
        return await read_history(self._tab, user_id, since)

    async def list_people(
        self, listing_: Listing, on_page: Callable[[int, int], None] | None = None
    ) -> Sequence[Sighting]:
        """See :func:`flows.legacy.listing.list_people`."""
        return await listing.list_people(self._tab, listing_, on_page)

    async def create_user(self, new: NewUser) -> str:
        """See :func:`flows.legacy.add_user.create_user`."""
        return await add_user.create_user(self._tab, self._gate, self._account, new)

    async def save_user(self, user_id: str, change: UserChange) -> None:
        """See :func:`flows.legacy.user_edit.save_user`."""
        await user_edit.save_user(self._tab, self._gate, self._account, user_id, change)

    async def add_to_project(self, user_id: str, project: Project, template: str | None) -> None:
        """See :func:`flows.legacy.user_projects.add_to_project`."""
        await user_projects.add_to_project(self._tab, self._gate, self._account, user_id, project, template)

    async def change_project_template(self, user_id: str, project: Project, template: str | None) -> None:
        """See :func:`flows.legacy.user_projects.change_project_template`."""
        await user_projects.change_project_template(self._tab, self._gate, self._account, user_id, project, template)

    async def remove_from_project(self, user_id: str, project: Project) -> None:
        """See :func:`flows.legacy.user_projects.remove_from_project`."""
        await user_projects.remove_from_project(self._tab, self._gate, self._account, user_id, project)

    async def remove_from_all_projects(self, user_id: str) -> None:
        """See :func:`flows.legacy.user_projects.remove_from_all_projects`."""
        await user_projects.remove_from_all_projects(self._tab, self._gate, self._account, user_id)

    async def assign_projects(self, user_id: str, add: Sequence[Project], remove: Sequence[Project]) -> None:
        """See :func:`flows.legacy.user_projects.assign_projects`."""
        await user_projects.assign_projects(self._tab, self._gate, self._account, user_id, add, remove)

    async def inactivate(self, user_id: str, email: str) -> None:
        """See :func:`flows.legacy.activation.inactivate`."""
        await activation.inactivate(self._tab, self._gate, self._account, user_id, email)

    async def reactivate(self, user_id: str, email: str) -> None:
        """See :func:`flows.legacy.activation.reactivate`."""
        await activation.reactivate(self._tab, self._gate, self._account, user_id, email)

    async def invite(self, user_id: str, email: str, *, again: bool | None = None) -> None:
        """See :func:`flows.legacy.invitation.invite`."""
        await invitation.invite(self._tab, self._gate, self._account, user_id, email, again=again)

    def project(self, project: Project) -> LegacyProjectDirectory:
        """The project's Directory in this generation."""
        return LegacyProjectDirectory(self._tab, self._gate, self._account, project)

    def groups(self) -> LegacyGroups:
        """The company's groups in this generation."""
        return LegacyGroups(self._tab, self._gate, self._account, None)

"""The Directory of a tenant as the rest of the house sees it, whatever generation each of its pages is of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

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
from agent.domain.project import NewMember
from agent.errors import SignedOut, UnknownPage
from flows.generations import CountingGate, Generations
from flows.interface import CommitGate, Groups, ProjectDirectory, SignInCredentials
from flows.legacy.directory import LegacyDirectory
from flows.mfe.directory import MfeDirectory
from flows.page.sign_in import sign_in
from flows.page.tab import Tab
from flows.project_directory import TenantGroups, TenantProjectDirectory

T = TypeVar("T")

#: kinds of pages: the lists with all that is done from them, and the page of one person
LIST, PERSON = "company list", "person page"


class TenantDirectory:
    """Implements :class:`flows.interface.Directory` by the flows of the generation that each page is of."""

    def __init__(self, tab: Tab, gate: CommitGate, account: str, facts: TenantFacts | None = None) -> None:
        counting = CountingGate(gate)
        self._tab = tab
        self._gate = counting
        self._account = account
        self._generations = Generations(counting)
        self._legacy = LegacyDirectory(tab, counting, account)
        self._mfe = MfeDirectory(tab, counting, account)
        self._facts = facts
        self._fingerprint: Fingerprint | None = None
        self._user_ids: dict[str, str] = {}  # by person id, of people in projects of the new generation
        self._emails: dict[str, str] = {}  # by user id, of people that were read

    async def enter(self, credentials: SignInCredentials | None) -> None:
        """Open the list; when the session is over, sign in first, or raise SignedOut where no credentials are given."""
        try:
            await self._open_list()
        except (SignedOut, UnknownPage) as error:
            if isinstance(error, UnknownPage) and not self._tab.is_at_sign_in_host:
                raise
            if credentials is None:
                raise SignedOut from error
            await sign_in(self._tab, credentials)
            await self._open_list()

    async def _open_list(self) -> None:
        taken = await self._from_list(lambda flows: flows.fingerprint())
        self._fingerprint = taken.model_copy(update={"generations": self._generations.met})

    async def fingerprint(self) -> Fingerprint:
        """No page load for the first call after entering; one for any other (two where the generation has changed)."""
        if self._fingerprint is None:
            await self._open_list()
        taken, self._fingerprint = self._fingerprint, None
        if taken is None:  # _open_list has just set it
            raise AssertionError("no fingerprint after opening the list")
        return taken

    async def _from_list(self, call: Callable[[LegacyDirectory | MfeDirectory], Awaitable[T]]) -> T:
        return await self._generations.as_shown(LIST, lambda: call(self._legacy), lambda: call(self._mfe))

    async def _from_person(self, call: Callable[[LegacyDirectory | MfeDirectory], Awaitable[T]]) -> T:
        return await self._generations.as_shown(PERSON, lambda: call(self._legacy), lambda: call(self._mfe), like=LIST)

    async def server_time(self) -> datetime:
        """See :meth:`Tab.server_time`."""
        return self._tab.server_time()

    async def facts(self, *, refresh: bool = False) -> TenantFacts:
        """See :func:`flows.legacy.tenant_facts.read_facts`; nothing after the first time."""
        if self._facts is None or refresh:
            self._facts = await self._from_list(lambda flows: flows.facts(refresh=True))
        return self._facts

    @property
    def known_facts(self) -> TenantFacts | None:
        """See :class:`flows.interface.Directory`."""
        return self._facts

    async def find(self, email: str, *, full_name: str | None = None, company: str | None = None) -> Correlation:
        """See :class:`flows.interface.Directory`."""
        return await self._from_list(lambda flows: flows.find(email, full_name=full_name, company=company))

    async def find_vendors(self, name: str) -> tuple[Vendor, ...]:
        """See :class:`flows.interface.Directory`."""
        return await self._from_list(lambda flows: flows.find_vendors(name))

    async def read_person(self, user_id: str) -> Person:
        """One page load on the legacy Edit page, two in the new generation.

        Where a template bears another name than it had, the tenant's names are read anew, once: an administrator may
        have renamed it.
        """
        try:
            person = await self._from_person(lambda flows: flows.read_person(user_id))
        except UnknownPage as error:
            if error.code != "template-mismatch":
                raise
            await self.facts(refresh=True)
            person = await self._from_person(lambda flows: flows.read_person(user_id))
        self._emails[user_id] = person.email
        return person

    async def history(self, user_id: str, since: datetime) -> tuple[ChangeRecord, ...]:
        """See :func:`flows.legacy.history.read_history`: one page for both generations."""
        return await self._legacy.history(user_id, since)

    async def list_people(
        self, listing: Listing, on_page: Callable[[int, int], None] | None = None
    ) -> Sequence[Sighting]:
        """See :class:`flows.interface.Directory`; the new generation does not tell user ids in its lists."""
        return await self._from_list(lambda flows: flows.list_people(listing, on_page))

    async def create_user(self, new: NewUser) -> str:
        """See :class:`flows.interface.Directory`."""
        return await self._from_list(lambda flows: flows.create_user(new))

    async def save_user(self, user_id: str, change: UserChange) -> None:
        """See :class:`flows.interface.Directory`."""
        self._emails.pop(user_id, None)  # it may be what changes
        await self._from_person(lambda flows: flows.save_user(user_id, change))

    async def add_to_project(self, user_id: str, project: Project, template: str | None) -> None:
        """On the person's page; the page of the new generation cannot, there it is Add User in the project."""

        async def in_project() -> None:
            new = NewMember(user_id=user_id, email=await self._email(user_id), template=template)
            await self.project(project).add_member(new)

        await self._membership(lambda: self._legacy.add_to_project(user_id, project, template), in_project)

    async def change_project_template(self, user_id: str, project: Project, template: str | None) -> None:
        """On the person's page; in the new generation in the project."""

        async def in_project() -> None:
            await self.project(project).change_member_template(user_id, await self._email(user_id), template)

        await self._membership(lambda: self._legacy.change_project_template(user_id, project, template), in_project)

    async def remove_from_project(self, user_id: str, project: Project) -> None:
        """On the person's page; in the new generation in the project."""

        async def in_project() -> None:
            await self.project(project).remove_member(user_id, await self._email(user_id))

        await self._membership(lambda: self._legacy.remove_from_project(user_id, project), in_project)

    async def _membership(
        self, legacy: Callable[[], Awaitable[None]], in_project: Callable[[], Awaitable[None]]
    ) -> None:
        await self._generations.as_shown(PERSON, legacy, in_project, like=LIST)

    async def _email(self, user_id: str) -> str:
        """The person's address, by which projects know people; from the person's page where it was not read yet."""
        if user_id not in self._emails:
            await self.read_person(user_id)
        return self._emails[user_id]

    async def remove_from_all_projects(self, user_id: str) -> None:
        """See :class:`flows.interface.Directory`; in the new generation it is a save of the Projects tab."""
        await self._from_person(lambda flows: flows.remove_from_all_projects(user_id))

    async def assign_projects(self, user_id: str, add: Sequence[Project], remove: Sequence[Project]) -> None:
        """See :func:`flows.legacy.user_projects.assign_projects`: one page for both generations."""
        await self._legacy.assign_projects(user_id, add, remove)

    async def inactivate(self, user_id: str, email: str) -> None:
        """See :class:`flows.interface.Directory`; in the new generation from the row's menu."""
        await self._from_list(lambda flows: flows.inactivate(user_id, email))

    async def reactivate(self, user_id: str, email: str) -> None:
        """See :class:`flows.interface.Directory`."""
        await self._from_list(lambda flows: flows.reactivate(user_id, email))

    async def invite(self, user_id: str, email: str, *, again: bool | None = None) -> None:
        """See :class:`flows.interface.Directory`."""
        await self._from_list(lambda flows: flows.invite(user_id, email, again=again))

    def project(self, project: Project) -> ProjectDirectory:
        """See :class:`flows.interface.Directory`."""
        return TenantProjectDirectory(self._tab, self._gate, self._generations, self._account, project, self._user_ids)

    def groups(self) -> Groups:
        """See :class:`flows.interface.Directory`."""
        return TenantGroups(self._tab, self._gate, self._generations, self._account, None)

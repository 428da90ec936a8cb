"""The Directory of a project, and distribution groups, by the flows of the generation that each page is of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from agent.domain.access import Project
from agent.domain.project import DistributionGroup, GroupChange, Member, NewMember
from flows.generations import CountingGate, Generations
from flows.interface import Groups, ProjectDirectory
from flows.legacy.groups import LegacyGroups
from flows.legacy.project_directory import LegacyProjectDirectory
from flows.mfe.groups import MfeGroups
from flows.mfe.project_directory import MfeProjectDirectory
from flows.page.tab import Tab

T = TypeVar("T")

#: kinds of pages: a project's list with all that is done from it, its groups, and those of the company
PROJECT, PROJECT_GROUPS, COMPANY_GROUPS = "project list", "project groups", "company groups"


class TenantProjectDirectory:
    """Implements :class:`flows.interface.ProjectDirectory` whatever generation the project's pages are of."""

    def __init__(
        self,
        tab: Tab,
        gate: CountingGate,
        generations: Generations,
        account: str,
        project: Project,
        user_ids: dict[str, str],
    ) -> None:
        """``user_ids`` by person id, as far as they are known in this session."""
        self._generations = generations
        self._groups = TenantGroups(tab, gate, generations, account, project)
        self._legacy = LegacyProjectDirectory(tab, gate, account, project)
        self._mfe = MfeProjectDirectory(tab, gate, account, project, user_ids)

    async def _shown(self, call: Callable[[ProjectDirectory], Awaitable[T]]) -> T:
        return await self._generations.as_shown(PROJECT, lambda: call(self._legacy), lambda: call(self._mfe))

    async def find_member(self, email: str) -> Member | None:
        """See :class:`flows.interface.ProjectDirectory`."""
        return await self._shown(lambda flows: flows.find_member(email))

    async def list_members(
        self, on_page: Callable[[int, int], None] | None = None, *, ids_of: Collection[str] = ()
    ) -> Sequence[Member]:
        """See :class:`flows.interface.ProjectDirectory`."""
        return await self._shown(lambda flows: flows.list_members(on_page, ids_of=ids_of))

    async def add_member(self, new: NewMember) -> None:
        """See :class:`flows.interface.ProjectDirectory`."""
        await self._shown(lambda flows: flows.add_member(new))

    async def change_member_template(self, user_id: str, email: str, template: str | None) -> None:
        """On the member's page: one for both generations."""
        await self._legacy.change_member_template(user_id, email, template)

    async def remove_member(self, user_id: str, email: str) -> None:
        """On the member's page, which is addressed by id: one for both generations."""
        await self._legacy.remove_member(user_id, email)

    async def bulk_add(self, new: Sequence[NewMember]) -> None:
        """One page for both generations."""
        await self._legacy.bulk_add(new)

    async def bulk_remove(self, members: Sequence[Member]) -> None:
        """See :class:`flows.interface.ProjectDirectory`."""
        await self._shown(lambda flows: flows.bulk_remove(members))

    async def invite_member(self, user_id: str, email: str) -> None:
        """See :class:`flows.interface.ProjectDirectory`."""
        await self._shown(lambda flows: flows.invite_member(user_id, email))

    def groups(self) -> Groups:
        """The project's groups."""
        return self._groups


class TenantGroups:
    """Implements :class:`flows.interface.Groups` whatever generation the pages are of."""

    def __init__(
        self, tab: Tab, gate: CountingGate, generations: Generations, account: str, project: Project | None
    ) -> None:
        self._kind = PROJECT_GROUPS if project else COMPANY_GROUPS
        self._like = PROJECT if project else "company list"
        self._generations = generations
        self._legacy = LegacyGroups(tab, gate, account, project)
        self._mfe = MfeGroups(tab, gate, account, project)

    async def _shown(self, call: Callable[[Groups], Awaitable[T]]) -> T:
        return await self._generations.as_shown(
            self._kind, lambda: call(self._legacy), lambda: call(self._mfe), like=self._like
        )

    async def list_groups(self) -> Sequence[DistributionGroup]:
        """See :class:`flows.interface.Groups`."""
        return await self._shown(lambda flows: flows.list_groups())

    async def read_group(self, group_id: str) -> DistributionGroup:
        """See :class:`flows.interface.Groups`."""
        return await self._shown(lambda flows: flows.read_group(group_id))

    async def create_group(self, name: str, change: GroupChange) -> str:
        """See :class:`flows.interface.Groups`."""
        return await self._shown(lambda flows: flows.create_group(name, change))

    async def save_group(self, group_id: str, change: GroupChange) -> None:
        """See :class:`flows.interface.Groups`."""
        await self._shown(lambda flows: flows.save_group(group_id, change))

    async def delete_group(self, group_id: str, name: str) -> None:
        """See :class:`flows.interface.Groups`."""
        await self._shown(lambda flows: flows.delete_group(group_id, name))

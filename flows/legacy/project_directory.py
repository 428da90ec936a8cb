"""The legacy Directory of one project as the rest of the house sees it: each method is one flow of this package."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from agent.domain.access import Project
from agent.domain.project import Member, NewMember
from flows.interface import CommitGate
from flows.legacy import project_add, project_bulk_add, project_list, project_member, project_rows
from flows.legacy.groups import LegacyGroups
from flows.page.tab import Tab


class LegacyProjectDirectory:
    """Implements :class:`flows.interface.ProjectDirectory`; page loads stand with each flow."""

    def __init__(self, tab: Tab, gate: CommitGate, account: str, project: Project) -> None:
        self._tab = tab
        self._gate = gate
        self._account = account
        self._project = project

    async def find_member(self, email: str) -> Member | None:
        """See :func:`flows.legacy.project_list.find_member`."""
        return await project_list.find_member(self._tab, self._project, email)

    async def list_members(
        self, on_page: Callable[[int, int], None] | None = None, *, ids_of: Collection[str] = ()
    ) -> Sequence[Member]:
        """See :func:`flows.legacy.project_list.list_members`; every row tells the user id."""
        return await project_list.list_members(self._tab, self._project, on_page)

    async def add_member(self, new: NewMember) -> None:
        """See :func:`flows.legacy.project_add.add_member`."""
        await project_add.add_member(self._tab, self._gate, self._account, self._project, new)

    async def change_member_template(self, user_id: str, email: str, template: str | None) -> None:
        """See :func:`flows.legacy.project_member.change_template`."""
        await project_member.change_template(
            self._tab, self._gate, self._account, self._project, user_id, email, template
        )

    async def remove_member(self, user_id: str, email: str) -> None:
        """See :func:`flows.legacy.project_member.remove_member`."""
        await project_member.remove_member(self._tab, self._gate, self._account, self._project, user_id, email)

    async def bulk_add(self, new: Sequence[NewMember]) -> None:
        """See :func:`flows.legacy.project_bulk_add.bulk_add`."""
        await project_bulk_add.bulk_add(self._tab, self._gate, self._account, self._project, new)

    async def bulk_remove(self, members: Sequence[Member]) -> None:
        """See :func:`flows.legacy.project_rows.bulk_remove`."""
        await project_rows.bulk_remove(self._tab, self._gate, self._account, self._project, members)

    async def invite_member(self, user_id: str, email: str) -> None:
        """See :func:`flows.legacy.project_rows.invite_member`."""
        await project_rows.invite_member(self._tab, self._gate, self._account, self._project, user_id, email)

    def groups(self) -> LegacyGroups:
        """The project's groups."""
        return LegacyGroups(self._tab, self._gate, self._account, self._project)

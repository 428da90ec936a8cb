"""The Directory of one project in the new generation as the rest of the house sees it.

What the new pages lead to on the older addresses is done there: a member's page with the template, and Bulk Add [C].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from agent.domain.access import Project
from agent.domain.project import Member, NewMember
from flows.interface import CommitGate
from flows.legacy import project_bulk_add, project_member
from flows.mfe import project_add, project_people, project_rows
from flows.mfe.groups import MfeGroups
from flows.mfe.project_people import ProjectPages
from flows.page.tab import Tab


class MfeProjectDirectory:
    """Implements :class:`flows.interface.ProjectDirectory`; page loads stand with each flow."""

    def __init__(
        self, tab: Tab, gate: CommitGate, account: str, project: Project, user_ids: dict[str, str] | None = None
    ) -> None:
        """``user_ids`` are those that were found out in this session, by person id; more are added."""
        self._pages = ProjectPages(tab, project, user_ids if user_ids is not None else {})
        self._gate = gate
        self._account = account

    async def find_member(self, email: str) -> Member | None:
        """See :func:`flows.mfe.project_people.find_member`."""
        return await project_people.find_member(self._pages, email)

    async def list_members(
        self, on_page: Callable[[int, int], None] | None = None, *, ids_of: Collection[str] = ()
    ) -> Sequence[Member]:
        """See :func:`flows.mfe.project_people.list_members`."""
        return await project_people.list_members(self._pages, on_page, ids_of)

    async def add_member(self, new: NewMember) -> None:
        """See :func:`flows.mfe.project_add.add_member`."""
        await project_add.add_member(self._pages, self._gate, self._account, new)

    async def change_member_template(self, user_id: str, email: str, template: str | None) -> None:
        """See :func:`flows.legacy.project_member.change_template`."""
        tab, project = self._pages.tab, self._pages.project
        await project_member.change_template(tab, self._gate, self._account, project, user_id, email, template)

    async def remove_member(self, user_id: str, email: str) -> None:
        """See :func:`flows.legacy.project_member.remove_member`: the page where the person's name leads [C]."""
        tab, project = self._pages.tab, self._pages.project
        await project_member.remove_member(tab, self._gate, self._account, project, user_id, email)

    async def bulk_add(self, new: Sequence[NewMember]) -> None:
        """See :func:`flows.legacy.project_bulk_add.bulk_add`."""
        await project_bulk_add.bulk_add(self._pages.tab, self._gate, self._account, self._pages.project, new)

    async def bulk_remove(self, members: Sequence[Member]) -> None:
        """See :func:`flows.mfe.project_rows.bulk_remove`."""
        await project_rows.bulk_remove(self._pages, self._gate, self._account, members)

    async def invite_member(self, user_id: str, email: str) -> None:
        """See :func:`flows.mfe.project_rows.invite_member`."""
        await project_rows.invite_member(self._pages, self._gate, self._account, user_id, email)

    def groups(self) -> MfeGroups:
        """The project's groups."""
        return MfeGroups(self._pages.tab, self._gate, self._account, self._pages.project)

"""The Directory of a project, and distribution groups, in memory: on the same truth and with the same trouble."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from agent.domain.access import Membership, Project
from agent.domain.project import DistributionGroup, GroupChange, GroupMember, Member, NewMember
from agent.errors import Failed

if TYPE_CHECKING:
    from tests.unit.execute.fake_directory import FakeDirectory


class FakeProject:
    """Implements :class:`flows.interface.ProjectDirectory`."""

    def __init__(self, directory: FakeDirectory, project: Project) -> None:
        self._directory = directory
        self._tenant = directory.tenant
        self._project = project

    async def find_member(self, email: str) -> Member | None:
        found = [member for member in await self.list_members() if member.email.lower() == email.lower()]
        return next((member for member in found if member.user_id), None)

    async def list_members(
        self, on_page: Callable[[int, int], None] | None = None, *, ids_of: Collection[str] = ()
    ) -> Sequence[Member]:
        self._directory.reading("list_members")
        wanted = {email.lower() for email in ids_of}
        members = []
        for person in self._tenant.shown().values():
            held = person.membership(self._project.id)
            if held is not None:
                names = person.attributes
                tells = not self._tenant.lists_without_ids or person.email.lower() in wanted
                members.append(
                    Member(
                        user_id=person.user_id if tells else None,
                        person_id=person.person_id,
                        name=f"{names.get('first_name', '')} {names.get('last_name', '')}".strip(),
                        email=person.email,
                        template=held.template,
                        role=self._tenant.roles.get((person.user_id, self._project.id), ""),
                        active=person.active,
                    )
                )
        contacts = [hit for hit in self._tenant.contacts if hit.company == self._project.name]
        members += [
            Member(user_id=None, person_id=hit.person_id, name=hit.name, email=hit.email, contact=True)
            for hit in contacts
        ]
        return members

    async def add_member(self, new: NewMember) -> None:
        await self._directory.write(
            "add_member", f"add member {new.user_id} {self._project.id}", lambda: self._join(new)
        )

    async def change_member_template(self, user_id: str, email: str, template: str | None) -> None:
        def do() -> None:
            person = self._tenant.people[user_id]
            old = person.membership(self._project.id)
            self._directory.set_memberships(
                person, [Membership(project=self._project, template=template)], {self._project.id}
            )
            what = f"Project Permissions Template: {self._project.label}"
            self._tenant.record(user_id, what, (old.template if old else None) or "", template or "")

        words = f"template of {user_id} {self._project.id} {template}"
        await self._directory.write("change_member_template", words, do)

    async def remove_member(self, user_id: str, email: str) -> None:
        await self._directory.write(
            "remove_member",
            f"remove member {user_id} {self._project.id}",
            lambda: self._directory.leave(user_id, self._project),
        )

    async def bulk_add(self, new: Sequence[NewMember]) -> None:
        if any(self._tenant.people[person.user_id].membership(self._project.id) for person in new):
            raise Failed("already-member", "Somebody is a member already.")

        def do() -> None:
            for person in new:
                if person.user_id not in self._tenant.lost_in_bulk:
                    self._join(person)

        ids = ",".join(person.user_id for person in new)
        await self._directory.write("bulk_add", f"bulk add {ids} {self._project.id}", do)

    async def bulk_remove(self, members: Sequence[Member]) -> None:
        if not members or not all(member.user_id and member.active for member in members):
            raise Failed("nothing-to-send", "Only active users of the project can be removed together.")
        if self._tenant.rows_per_page is not None:
            listed = [person.user_id for person in self._tenant.people.values() if person.active]
            pages = {listed.index(str(member.user_id)) // self._tenant.rows_per_page for member in members}
            if len(pages) > 1:
                raise Failed("not-on-one-page", "The people to remove stand on several pages.")

        def do() -> None:
            for member in members:
                if member.user_id is not None and member.user_id not in self._tenant.lost_in_bulk:
                    self._directory.leave(member.user_id, self._project)

        ids = ",".join(str(member.user_id) for member in members)
        await self._directory.write("bulk_remove", f"bulk remove {ids} {self._project.id}", do)

    async def invite_member(self, user_id: str, email: str) -> None:
        await self._directory.invite(user_id, email)

    def groups(self) -> FakeGroups:
        return FakeGroups(self._directory, self._project)

    def _join(self, new: NewMember) -> None:
        self._directory.join(new.user_id, self._project, new.template)
        if new.role:
            self._tenant.roles[new.user_id, self._project.id] = new.role
        if new.notify:
            self._tenant.notified.append(new.email)


class FakeGroups:
    """Implements :class:`flows.interface.Groups`."""

    def __init__(self, directory: FakeDirectory, project: Project | None) -> None:
        self._directory = directory
        self._tenant = directory.tenant
        self._project = project

    async def list_groups(self) -> Sequence[DistributionGroup]:
        self._directory.reading("list_groups")
        here = self._project.id if self._project is not None else None
        shown = [group for group in self._tenant.groups.values() if group.project_id in (here, None)]
        return [group.model_copy(update={"members": ()}) for group in shown]

    async def read_group(self, group_id: str) -> DistributionGroup:
        self._directory.reading("read_group")
        return self._tenant.groups[group_id]

    async def create_group(self, name: str, change: GroupChange) -> str:
        group_id = str(300 + len(self._tenant.groups))

        def do() -> None:
            place = self._project.id if self._project is not None else None
            self._tenant.groups[group_id] = DistributionGroup(id=group_id, name=name, project_id=place)
            if not self._tenant.group_by_name_alone:
                self._change(group_id, change)

        await self._directory.write("create_group", f"create group {name}", do)
        return group_id

    async def save_group(self, group_id: str, change: GroupChange) -> None:
        for part in self._parts(change):
            words = f"save group {group_id} {part.model_dump(mode='json', exclude_none=True)}"
            await self._directory.write("save_group", words, partial(self._change, group_id, part))

    async def delete_group(self, group_id: str, name: str) -> None:
        await self._directory.write(
            "delete_group", f"delete group {group_id}", lambda: self._tenant.groups.__delitem__(group_id)
        )

    def _parts(self, change: GroupChange) -> list[GroupChange]:
        if not self._tenant.saves_in_parts:
            return [change]
        texts = GroupChange(name=change.name, description=change.description)
        return [
            *(GroupChange(remove=(person,)) for person in change.remove),
            *([] if texts == GroupChange() else [texts]),
            *(GroupChange(add=(person,)) for person in change.add),
        ]

    def _change(self, group_id: str, change: GroupChange) -> None:
        group = self._tenant.groups[group_id]
        gone = {person.user_id for person in change.remove}
        kept: list[GroupMember] = [person for person in group.members if person.user_id not in gone]
        update: dict[str, object] = {"members": (*kept, *change.add)}
        if change.description is not None:
            update["description"] = change.description
        self._tenant.groups[group_id] = group.model_copy(update=update)

"""What was seen for a job about many people: who is in the project or the group, and who the others are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from agent.domain.access import Frozen, Project
from agent.domain.names import find_names, normal_email
from agent.domain.person import Sighting
from agent.domain.project import DistributionGroup, Member


class Roster(Frozen):
    """One look: a project's members, a distribution group, or both.

    ``group`` is None where there is none of the job's name. ``known`` has, by normalised address, what the company's
    four lists show of the people whom members and group do not settle; somebody without an entry there was not looked
    for. ``addresses`` are the other addresses that a look over whole lists has shown, to suggest the right one.
    """

    project: Project | None = None
    members: tuple[Member, ...] = ()
    group: DistributionGroup | None = None
    known: Mapping[str, tuple[Sighting, ...]] = Field(default_factory=dict)
    addresses: frozenset[str] = frozenset()
    total: int | None = None  # how many members the project has, where ``members`` are only some of them

    def members_of(self, email: str) -> tuple[Member, ...]:
        """The members with this address: more than one where a contact has it, too."""
        goal = normal_email(email)
        return tuple(member for member in self.members if normal_email(member.email) == goal)

    def member(self, email: str) -> Member | None:
        """The one user with this address, active or not."""
        found = [member for member in self.members_of(email) if not member.contact]
        return found[0] if len(found) == 1 else None

    def in_group(self, email: str) -> bool:
        """Whether the group has this person."""
        goal = normal_email(email)
        return self.group is not None and any(normal_email(item.email) == goal for item in self.group.members)

    def about(self, addresses: Iterable[str]) -> Roster:
        """The same with only these people (normalised addresses) among members and others: for the evidence."""
        named = set(addresses)
        members = tuple(member for member in self.members if normal_email(member.email) in named)
        return self.model_copy(update={"members": members, "total": len(self.members), "addresses": frozenset()})

    def likeness(self) -> dict[str, Any]:
        """What two looks are compared by: not who else was looked up on the way, nor whose id was asked for."""
        ids = {"members": {"__all__": {"user_id"}}}
        return self.model_dump(mode="json", include={"project", "members", "group"}, exclude=ids)


def named_group(name: str, groups: Iterable[DistributionGroup], project: Project | None) -> list[DistributionGroup]:
    """The groups of this name that belong here: a project shows some of the company's, which cannot be changed there.

    Exact spellings, else the normalised matches: 0, 1 or more.
    """
    here = [group for group in groups if group.project_id == (project.id if project is not None else None)]
    names = set(find_names(name, [group.name for group in here]))
    return [group for group in here if group.name in names]

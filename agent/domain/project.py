"""What a project's Directory shows of its members, and the distribution groups of a company or a project."""

from __future__ import annotations

from pydantic import Field

from agent.domain.access import Frozen


class Member(Frozen):
    """One person in a project's Directory; ``template`` is the one on this project, None for none.

    ``user_id`` is None for a ``contact``, who has no login, and where a list does not tell it (the new generation's);
    ``role`` is the project role, "" for none or where the page does not show it; ``invited`` is as in
    :class:`agent.domain.person.Sighting`.
    """

    user_id: str | None
    person_id: str | None
    name: str
    email: str
    company: str = ""
    template: str | None = None
    role: str = ""
    active: bool = True
    contact: bool = False
    invited: bool | None = None


class NewMember(Frozen):
    """A person of the company who is to be put into a project.

    ``template`` None is "Apply a Permission Template Later"; ``role`` "" is none; ``notify`` sends an e-mail. Only Bulk
    Add knows the last two.
    """

    user_id: str
    email: str
    name: str = ""
    template: str | None = None
    role: str = ""
    notify: bool = False


class GroupMember(Frozen):
    """A person in a distribution group."""

    user_id: str
    email: str
    name: str = ""


class DistributionGroup(Frozen):
    """A distribution group; ``project_id`` is None for one of the company, which a project shows but cannot change.

    ``id`` is what the pages know the group by: a number, or its name in the new generation, whose pages show no number
    (no two groups of one Directory have the same name). It is good for the pages it was read from.
    """

    id: str
    name: str
    description: str = ""
    project_id: str | None = None
    members: tuple[GroupMember, ...] = ()


class GroupChange(Frozen):
    """What one change of a group does; ``None`` leaves a part alone."""

    name: str | None = None
    description: str | None = None
    add: tuple[GroupMember, ...] = Field(default=())
    remove: tuple[GroupMember, ...] = Field(default=())

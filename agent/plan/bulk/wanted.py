"""How a project's members or a distribution group shall be, in the tenant's own names, and what is not so yet."""

from __future__ import annotations

from collections.abc import Iterator

from agent.domain.access import Frozen, Project
from agent.domain.names import normal_email
from agent.domain.project import GroupMember, Member, NewMember
from agent.plan.bulk.roster import Roster
from agent.plan.difference import Difference, template_words, text_words
from agent.plan.matching import same_text


class WantedMembers(Frozen):
    """Who shall be in the project, and who shall not; everybody else is left alone."""

    project: Project
    present: tuple[NewMember, ...] = ()
    absent: tuple[GroupMember, ...] = ()  # whoever of them is not a member now was found elsewhere, and needs nothing
    change_templates: bool = False  # whether a member gets the template of ``present``, too
    left_out: tuple[str, ...] = ()  # sentences about people of the job for whom nothing is done

    def to_add(self, roster: Roster) -> tuple[NewMember, ...]:
        """Those who are no members yet."""
        return tuple(person for person in self.present if roster.member(person.email) is None)

    def to_remove(self, roster: Roster) -> tuple[Member, ...]:
        """Those who are members still."""
        found = (roster.member(person.email) for person in self.absent)
        return tuple(member for member in found if member is not None)

    def to_change(self, roster: Roster) -> tuple[tuple[NewMember, Member], ...]:
        """Members who shall have another template, with how they are."""
        if not self.change_templates:
            return ()
        pairs = ((person, roster.member(person.email)) for person in self.present)
        return tuple((person, now) for person, now in pairs if now is not None and now.template != person.template)


class WantedGroup(Frozen):
    """How a distribution group shall be; None leaves a part as it is."""

    name: str
    project: Project | None = None
    absent: bool = False
    description: str | None = None
    members: tuple[GroupMember, ...] = ()  # shall be in it
    not_members: tuple[GroupMember, ...] = ()  # shall not be in it
    only_these: bool = False  # nobody but ``members``
    spared: frozenset[str] = frozenset()  # addresses that are neither put in nor taken out
    left_out: tuple[str, ...] = ()  # sentences about people of the job for whom nothing is done

    def to_add(self, roster: Roster) -> tuple[GroupMember, ...]:
        """Those who are not in it yet."""
        return tuple(person for person in self.members if not roster.in_group(person.email))

    def to_remove(self, roster: Roster) -> tuple[GroupMember, ...]:
        """Those who are in it and shall not be."""
        if roster.group is None:
            return ()
        wanted = {normal_email(person.email) for person in self.members} | self.spared
        unwanted = {normal_email(person.email) for person in self.not_members}
        return tuple(
            person
            for person in roster.group.members
            if normal_email(person.email) in unwanted or (self.only_these and normal_email(person.email) not in wanted)
        )


WantedOfMany = WantedMembers | WantedGroup


def unsatisfied(wanted: WantedOfMany, roster: Roster) -> tuple[Difference, ...]:
    """What is not as wanted, row by row; empty when everything is."""
    rows = _members(wanted, roster) if isinstance(wanted, WantedMembers) else _group(wanted, roster)
    return tuple(rows)


def _members(wanted: WantedMembers, roster: Roster) -> Iterator[Difference]:
    for member in wanted.to_remove(roster):
        yield Difference(what=member.email, before=member_words(member), after="not a member")
    for person, now in wanted.to_change(roster):
        yield Difference(what=person.email, before=member_words(now), after=_with_template(person.template))
    for person in wanted.to_add(roster):
        yield Difference(what=person.email, before="not a member", after=_with_template(person.template))


def _group(wanted: WantedGroup, roster: Roster) -> Iterator[Difference]:
    group = roster.group
    if wanted.absent:
        if group is not None:
            yield Difference(what=f"Group {group.name}", before="exists", after="does not exist")
        return
    if group is None:
        yield Difference(what=f"Group {wanted.name}", before="does not exist", after="exists")
    now = group.description if group is not None else ""
    if wanted.description is not None and not same_text(now, wanted.description):
        yield Difference(what="Description", before=text_words(now), after=text_words(wanted.description))
    for gone in wanted.to_remove(roster):
        yield Difference(what=gone.email, before="in the group", after="not in the group")
    for person in wanted.to_add(roster):
        yield Difference(what=person.email, before="not in the group", after="in the group")


def member_words(member: Member | None) -> str:
    """A membership in words."""
    return _with_template(member.template) if member is not None else "not a member"


def _with_template(template: str | None) -> str:
    return f"member with {template_words(template)}" if template is not None else "member without a template"

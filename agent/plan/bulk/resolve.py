"""From the words of a job about many people to a tenant's names and people; or every problem at once; pure.

The project's own list settles most people: whoever stands there as a user needs no look at the company. Who does not is
looked up there, since a mistyped address must not end as "nothing to do".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from agent.domain.access import Project
from agent.domain.names import nearest, normal_email
from agent.domain.person import Listing, Sighting, TenantFacts
from agent.domain.project import GroupMember, Member, NewMember
from agent.jobs.bulk import (
    BulkAddToProject,
    BulkJob,
    BulkRemoveFromProject,
    DistributionGroup,
    PersonForProject,
    addresses_of,
)
from agent.jobs.person import PersonByEmail
from agent.jobs.problems import ProblemsFound
from agent.plan.bulk.roster import Roster
from agent.plan.bulk.wanted import WantedGroup, WantedMembers, WantedOfMany
from agent.plan.tenant_names import TenantNames

Path = tuple[str | int, ...]
NOBODY: Mapping[str, int] = MappingProxyType({})
_CONTACTS = frozenset({Listing.CONTACTS, Listing.INACTIVE_CONTACTS})


def project_of(job: BulkJob, facts: TenantFacts) -> Project | None:
    """The project that the job names, None for a group of the company. Raises ProblemsFound("unresolved-names")."""
    if job.project is None:
        return None
    names = TenantNames(facts)
    found = names.project(job.project, ("project",))
    _raise(names)
    return found


def ids_needed(job: BulkJob) -> tuple[str, ...]:
    """The addresses of members whose user ids the job's steps, or its second witness, will need.

    Nobody's who is to be added: those are no members, and come from the company with their ids.
    """
    if isinstance(job, BulkAddToProject) and not job.change_templates:
        return ()
    return addresses_of(job)


def to_look_up(job: BulkJob, roster: Roster) -> tuple[str, ...]:
    """The addresses that neither the project's members nor the group settle."""
    return tuple(
        address for address in addresses_of(job) if not roster.in_group(address) and not roster.members_of(address)
    )


def resolve_many(
    job: BulkJob,
    roster: Roster,
    facts: TenantFacts,
    offboarded: Mapping[str, int] = NOBODY,
    taken_off: Mapping[str, int] = NOBODY,
) -> WantedOfMany:
    """What is wanted, in the tenant's names. Raises ProblemsFound("unresolved-names") with every problem.

    ``offboarded`` has, by normalised address, the later job that offboards somebody, ``taken_off`` the one that takes
    somebody off this project: that person is left out, and said to be.
    """
    resolver = _Resolver(job, roster, facts, offboarded, taken_off)
    match job:
        case BulkAddToProject():
            wanted: WantedOfMany = resolver.additions(job)
        case BulkRemoveFromProject():
            wanted = resolver.removals(job)
        case DistributionGroup():
            wanted = resolver.group(job)
    _raise(resolver.names)
    return wanted


def _raise(names: TenantNames) -> None:
    if names.problems:
        count = len(names.problems)
        raise ProblemsFound(
            "unresolved-names",
            f"The job does not fit this tenant: {count} problem{'s' if count > 1 else ''}.",
            names.problems,
        )


class _Resolver:
    """Collects problems while names and people are resolved; what could not be resolved is left out of the result."""

    def __init__(
        self,
        job: BulkJob,
        roster: Roster,
        facts: TenantFacts,
        offboarded: Mapping[str, int],
        taken_off: Mapping[str, int],
    ) -> None:
        self._roster = roster
        why = {person: (by_job, "offboards this person") for person, by_job in offboarded.items()}
        off = {person: (by_job, "takes this person off the project") for person, by_job in taken_off.items()}
        self._skipped = off | why
        self.names = TenantNames(facts, [roster.project] if roster.project is not None else [])
        self._left_out = tuple(
            "{} is left out: job {}, accepted later, {}.".format(address, *self._skipped[normal_email(address)])
            for address in addresses_of(job)
            if normal_email(address) in self._skipped
        )

    def additions(self, job: BulkAddToProject) -> WantedMembers:
        """Who shall be in the project."""
        project = self._project()
        present = []
        for at, person in enumerate(job.people):
            if self._is_left_out(person.email):
                continue
            template = self.names.project_template(person.template, project, ("people", at, "template"))
            who = self._user(person.email, ("people", at, "email"))
            if who is not None:
                present.append(_new_member(person, who, template))
        return WantedMembers(
            project=project,
            present=tuple(present),
            change_templates=job.change_templates,
            left_out=self._left_out,
        )

    def removals(self, job: BulkRemoveFromProject) -> WantedMembers:
        """Who shall not be in the project."""
        found = self._anybody(job.people, ("people",))
        return WantedMembers(project=self._project(), absent=tuple(found), left_out=self._left_out)

    def group(self, job: DistributionGroup) -> WantedGroup:
        """How the group shall be."""
        members = job.members
        wanted: list[GroupMember] = []
        unwanted: list[GroupMember] = []
        if members is not None:
            for name in ("exactly", "at_least"):
                for at, person in enumerate(getattr(members, name) or ()):
                    if not self._is_left_out(person.email):
                        wanted += self._group_member(person.email, ("members", name, at, "email"))
            unwanted += self._anybody(members.remove or (), ("members", "remove"))
        return WantedGroup(
            name=self._roster.group.name if self._roster.group is not None else job.name,
            project=self._roster.project,
            absent=job.absent,
            description=job.description,
            members=tuple(wanted),
            not_members=tuple(unwanted),
            only_these=members is not None and members.exactly is not None,
            spared=frozenset(map(normal_email, self._skipped)),
            left_out=self._left_out,
        )

    def _project(self) -> Project:
        if self._roster.project is None:
            raise ValueError("the members of no project were looked at")
        return self._roster.project

    def _is_left_out(self, email: str) -> bool:
        return normal_email(email) in self._skipped

    def _group_member(self, email: str, path: Path) -> Iterator[GroupMember]:
        """Somebody for the group: who is in it, an active member of its project, or an active user of the company."""
        group, project = self._roster.group, self._roster.project
        inside = [item for item in group.members if normal_email(item.email) == normal_email(email)] if group else []
        if inside:
            yield inside[0]
        elif project is not None and not self._roster.members_of(email) and self._known(email):
            self.names.problem(path, f"{email} is no member of project {project.label}", "a member of the project")
        elif (who := self._user(email, path)) is not None:
            yield GroupMember(user_id=who.user_id or "", email=who.email, name=who.name)

    def _user(self, email: str, path: Path) -> Member | Sighting | None:
        """The one active user with this address: in the project, else in the company."""
        members = self._roster.members_of(email)
        if members:
            return self._one_of_project(email, members, path, active_only=True)
        found = self._known(email)
        if not found:
            self._nobody(email, path)
        elif len(found) > 1:
            self.names.problem(path, f"the Directory has {len(found)} entries with the address {email}", "one entry")
        elif found[0].listing in _CONTACTS or found[0].user_id is None:
            self.names.problem(path, f"{email} belongs to a contact, who has no login", "a user")
        elif found[0].listing is Listing.INACTIVE_USERS:
            self.names.problem(path, f"{email} is inactive", "an active user")
        else:
            return found[0]
        return None

    def _anybody(self, people: Sequence[PersonByEmail], path: Path) -> Iterator[GroupMember]:
        """People who shall be somewhere no more: those who are not there only have to exist."""
        for at, person in enumerate(people):
            email, place = person.email, (*path, at, "email")
            if self._is_left_out(email):
                continue
            members = self._roster.members_of(email)
            if members:
                member = self._one_of_project(email, members, place, active_only=False)
                if member is not None:
                    yield GroupMember(user_id=member.user_id or "", email=member.email, name=member.name)
            elif self._roster.in_group(email) or self._known(email):
                yield GroupMember(user_id="", email=email)
            else:
                self._nobody(email, place)

    def _one_of_project(self, email: str, members: Sequence[Member], path: Path, *, active_only: bool) -> Member | None:
        if len(members) > 1:
            message = f"the project has {len(members)} entries with the address {email}"
            self.names.problem(path, message, "one entry")
        elif members[0].contact:
            self.names.problem(path, f"{email} belongs to a contact, who has no login", "a user")
        elif active_only and not members[0].active:
            self.names.problem(path, f"{email} is inactive", "an active user")
        else:
            return members[0]
        return None

    def _known(self, email: str) -> tuple[Sighting, ...]:
        return self._roster.known.get(normal_email(email), ())

    def _nobody(self, email: str, path: Path) -> None:
        others = {member.email for member in self._roster.members} | self._roster.addresses
        near = nearest(email, sorted(others))
        self.names.problem(path, f"nobody in the Directory has the address {email}", "", near)


def _new_member(person: PersonForProject, who: Member | Sighting, template: str | None) -> NewMember:
    return NewMember(
        user_id=who.user_id or "",
        email=who.email,
        name=who.name,
        template=template,
        role=person.role or "",
        notify=person.notify,
    )

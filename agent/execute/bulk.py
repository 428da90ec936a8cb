"""Jobs about many people: how the Directory looks to them, and what became of a write.

The project's own list tells of all members at once, so nobody's page is opened to find out who is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.domain.access import Project
from agent.domain.names import normal_email
from agent.domain.person import Correlation, Listing, Sighting
from agent.domain.project import DistributionGroup as Group
from agent.domain.project import Member
from agent.errors import Mender, Refused
from agent.execute.events import Observed
from agent.execute.pace import poll
from agent.execute.work import Seen, Work
from agent.jobs.bulk import BulkJob, DistributionGroup
from agent.jobs.model import people_of
from agent.plan.bulk.effects import shown
from agent.plan.bulk.resolve import ids_needed, project_of, to_look_up
from agent.plan.bulk.roster import Roster, named_group
from agent.plan.bulk.steps import BulkStep
from agent.plan.routes import LookUp, way_to_find
from flows import Directory
from flows.interface import Groups

_USERS = frozenset({Listing.USERS, Listing.INACTIVE_USERS})


@dataclass(frozen=True)
class Effect:
    """What fresh readings say about a write; ``how`` says where it was looked, and whose part shows."""

    visible: bool
    seen: Seen
    how: str


async def look_at_many(work: Work, moment: str) -> Seen:
    """The project's members, or the group, as they are now; at the first look also who the others are.

    Raises ProblemsFound("unresolved-names") for a project that there is not, Refused("ambiguous-group").
    """
    job = job_of_many(work)
    roster = await read_roster(work, ids_of=ids_needed(job) if moment == "before" else ())
    if moment == "before":
        roster = await _with_the_others(work, job, roster)
    await tell_roster(work, moment, roster)
    return Seen(Correlation(), None, roster)


async def read_roster(work: Work, ids_of: Collection[str] = ()) -> Roster:
    """The same without telling anybody, for looking again and again.

    ``ids_of``: members whose user ids are needed, which may cost a page load for each.
    """
    job = job_of_many(work)
    project = await _project(work, job)
    if isinstance(job, DistributionGroup):
        return Roster(project=project, group=await _group(work, job.name, project))
    if project is None:
        raise RuntimeError("a job about members names its project")
    return Roster(project=project, members=await _members(work, project, ids_of))


async def tell_roster(work: Work, moment: str, roster: Roster) -> None:
    """Tell what was seen of the job's people, and of nobody else."""
    page = work.opened.page if work.opened else None
    await work.tell(Observed(moment, None, None, page, roster.about(people_of(work.job))))


async def look_for_part(work: Work, step: BulkStep, limit_s: float) -> Effect:
    """Look until all of the step shows, or the time is up."""
    roster, visible = await poll(
        lambda: read_roster(work), lambda roster: shown(step, roster).is_all, limit_s, work.clock, work.limits
    )
    part, where = shown(step, roster), "in the list, opened afresh"
    if not visible and part.there:
        where += f", for {', '.join(part.not_there)} (but for {', '.join(part.there)} it was)"
    return Effect(visible, Seen(Correlation(), None, roster), where)


def groups_of(directory: Directory, project: Project | None) -> Groups:
    """The distribution groups of the project, or of the company."""
    return directory.groups() if project is None else directory.project(project).groups()


def job_of_many(work: Work) -> BulkJob:
    """The job, known to be about many people."""
    if not isinstance(work.job, BulkJob):
        raise ValueError(f"a {work.job.action} job is not about many people")
    return work.job


async def _project(work: Work, job: BulkJob) -> Project | None:
    """The session remembers the tenant's names: before a project is called unknown, they are read anew."""
    if work.facts is None:
        raise RuntimeError("the tenant's names were not read")
    try:
        return project_of(job, work.facts)
    except Refused:
        await work.know_facts(refresh=True)
    return project_of(job, work.facts)


async def _members(work: Work, project: Project, ids_of: Collection[str]) -> tuple[Member, ...]:
    return tuple(await work.reading(lambda directory: directory.project(project).list_members(ids_of=ids_of)))


async def _group(work: Work, name: str, project: Project | None) -> Group | None:
    listed = await work.reading(lambda directory: groups_of(directory, project).list_groups())
    found = named_group(name, listed, project)
    if len(found) > 1:
        raise Refused(
            "ambiguous-group",
            f"{len(found)} distribution groups are called {name!r}.",
            expected="one group of this name",
            seen="; ".join(f"{group.name} (id {group.id})" for group in found),
            mender=Mender.ADMINISTRATOR,
        )
    if not found:
        return None
    return await work.reading(lambda directory: groups_of(directory, project).read_group(found[0].id))


async def _with_the_others(work: Work, job: BulkJob, roster: Roster) -> Roster:
    """With what the company's lists show of those whom the roster does not settle."""
    missing = to_look_up(job, roster)
    if missing and isinstance(job, DistributionGroup) and roster.project is not None:
        roster = roster.model_copy(update={"members": await _members(work, roster.project, missing)})
        missing = to_look_up(job, roster)
    if not missing:
        return roster
    if way_to_find(len(missing), work.people_in_company) is LookUp.SEARCH:
        known = {normal_email(address): await _found(work, address) for address in missing}
        return roster.model_copy(update={"known": known})
    known = {normal_email(address): () for address in missing}
    others: set[str] = set()
    for listing in Listing:
        for hit in await _listed(work, listing):
            address = normal_email(hit.email)
            others.add(address)
            if address in known:
                known[address] = (*known[address], hit)
    for address, hits in known.items():
        if any(hit.user_id is None and hit.listing in _USERS for hit in hits):  # lists of the new generation tell none
            known[address] = await _found(work, address)
    return roster.model_copy(update={"known": known, "addresses": frozenset(others - {""})})


async def _found(work: Work, address: str) -> tuple[Sighting, ...]:
    return (await work.reading(lambda directory: directory.find(address))).matches


async def _listed(work: Work, listing: Listing) -> Sequence[Sighting]:
    return await work.reading(lambda directory: directory.list_people(listing))

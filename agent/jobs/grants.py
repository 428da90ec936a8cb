"""Access with an end: what a job gives for a time, to be taken away by a job of its own when the time has come."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from agent.domain.access import Project
from agent.domain.names import normal_name
from agent.jobs.bulk import BulkRemoveFromProject
from agent.jobs.model import AddToProjects, Job, Offboard, Provision, Reactivate, RemoveFromProjects
from agent.jobs.parts import ProjectId, project_words
from agent.queue.record import Grant, NewGrant

ACCOUNT = "account"
PROJECT = "project"
WITHOUT_END = math.inf  #: as ``expires_at``: the open grant of this thing is closed and no new one begins


def grants_of(job: Job, projects: Sequence[Project] = ()) -> tuple[NewGrant, ...]:
    """The ends that a job sets; to be remembered once it has, or may have, written, or found nothing to do.

    ``projects`` are those that the tenant offers: with them a project is remembered by its id, so that the same project
    under its number, its name or a new name is one thing. Without them it is remembered as the job wrote it.
    """
    found = []
    if isinstance(job, Provision | Reactivate) and job.ends_at is not None:
        found.append(NewGrant(kind=ACCOUNT, what={}, expires_at=_moment(job.ends_at)))
    for item in job.projects if isinstance(job, Provision | Reactivate | AddToProjects) else ():
        if item.ends_at is not None:
            what = _thing(item.project, projects)
            names = _all_names(item.project, projects)
            found.append(NewGrant(kind=PROJECT, what=what, expires_at=_moment(item.ends_at), names=names))
    return tuple(found)


def over_by(job: Job, held: Iterable[Grant], projects: Sequence[Project] = ()) -> tuple[int, ...]:
    """Which of these open grants are over once this job is done, without their time having come. ``held`` are those
    of the person, or of the many people, whom the job is about.

    An offboard ends all of them; a removal those of its projects; a job with ``exactly`` those of every project that it
    does not name. Else a grant from before would take away what somebody gives again later, for good.
    """
    grants = tuple(held)
    if isinstance(job, Offboard):
        return tuple(grant.id for grant in grants)
    mine = [grant for grant in grants if grant.kind == PROJECT]
    if isinstance(job, BulkRemoveFromProject):
        gone = _thing(job.project, projects)
        return tuple(grant.id for grant in mine if dict(grant.what) == gone)
    if isinstance(job, RemoveFromProjects):
        if job.projects == "all":
            return tuple(grant.id for grant in mine)
        removed = [_thing(reference, projects) for reference in job.projects]
        return tuple(grant.id for grant in mine if dict(grant.what) in removed)
    if isinstance(job, Reactivate) or (isinstance(job, Provision) and job.projects_mode == "exactly"):
        named = [_thing(item.project, projects) for item in job.projects]
        return tuple(grant.id for grant in mine if dict(grant.what) not in named)
    return ()


def ends_of(job: Job) -> Iterator[tuple[str, datetime]]:
    """What ends, in words, and when; "none" is no end."""
    if isinstance(job, Provision | Reactivate) and isinstance(job.ends_at, datetime):
        yield "the account", job.ends_at
    for item in job.projects if isinstance(job, Provision | Reactivate | AddToProjects) else ():
        if isinstance(item.ends_at, datetime):
            yield f"the membership of project {project_words(item.project)}", item.ends_at


def _moment(end: datetime | str) -> float:
    return end.timestamp() if isinstance(end, datetime) else WITHOUT_END


def is_of_same(new: NewGrant, held: Grant) -> bool:
    """Whether a job's end is about the very thing of an open grant, as far as names tell.

    An id is compared with an id; a number or name counts when the project had it when the access was given.
    """
    if new.kind != held.kind:
        return False
    return new.kind == ACCOUNT or dict(new.what) == dict(held.what) or bool(set(new.names) & set(held.names))


def _thing(reference: str | ProjectId, projects: Sequence[Project]) -> dict[str, Any]:
    if isinstance(reference, ProjectId):
        return {"project": {"id": reference.id}}
    found = _named(reference, projects)
    return {"project": {"id": found.id} if found is not None else reference}


def _named(reference: str, projects: Sequence[Project]) -> Project | None:
    """As the plan finds it: exact spellings first, and never a guess between two."""
    found = [project for project in projects if reference in _names(project)]
    goal = normal_name(reference)
    found = found or [project for project in projects if goal in map(normal_name, _names(project))]
    return found[0] if len(found) == 1 else None


def _all_names(reference: str | ProjectId, projects: Sequence[Project]) -> tuple[str, ...]:
    """Every name under which a job may speak of this project, in the form in which names are compared."""
    if isinstance(reference, ProjectId):
        project = next((item for item in projects if item.id == reference.id), None)
        names: tuple[str, ...] = ()
    else:
        project, names = _named(reference, projects), (reference,)
    names += _names(project) if project is not None else ()
    return tuple(dict.fromkeys(map(normal_name, filter(None, names))))


def _names(project: Project) -> tuple[str, str, str]:
    return project.number, project.name, project.label

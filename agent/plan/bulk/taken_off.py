"""Whom later jobs take off the project of a job about many people; pure.

Such a removal may have gone first, while the job waited for somebody. What it took away the job must not give back. Two
jobs may call one project differently, so the comparison is made where the tenant's names are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain.access import Project
from agent.domain.person import TenantFacts
from agent.jobs.bulk import BulkRemoveFromProject
from agent.jobs.model import RemoveFromProjects
from agent.jobs.parts import ProjectId
from agent.plan.tenant_names import TenantNames


@dataclass(frozen=True)
class LaterRemoval:
    """A job accepted later that takes somebody off projects."""

    job_id: int
    job: RemoveFromProjects | BulkRemoveFromProject


def taken_off(
    project: Project | None, facts: TenantFacts, removals: Mapping[str, Sequence[LaterRemoval]]
) -> dict[str, int]:
    """Who of these people is taken off this project, and by which job, the first of several.

    A reference that names no project, or several, may mean this one: it counts.
    """
    if project is None:
        return {}
    found = {}
    for person, later in removals.items():
        jobs = [removal.job_id for removal in later if _is_about(removal.job, project, facts)]
        if jobs:
            found[person] = min(jobs)
    return found


def _is_about(job: RemoveFromProjects | BulkRemoveFromProject, project: Project, facts: TenantFacts) -> bool:
    if isinstance(job, BulkRemoveFromProject):
        return _may_be(job.project, project, facts)
    return job.projects == "all" or any(_may_be(reference, project, facts) for reference in job.projects)


def _may_be(reference: str | ProjectId, project: Project, facts: TenantFacts) -> bool:
    if isinstance(reference, ProjectId):
        return reference.id == project.id
    found = TenantNames(facts, [project]).project(reference, ())
    return found is None or found.id == project.id

"""A job's wish in a few words, for a line of a table."""

from __future__ import annotations

from agent.execute.wording import count
from agent.jobs.bulk import BulkAddToProject, BulkRemoveFromProject, DistributionGroup
from agent.jobs.model import (
    AddToProjects,
    ChangeEmail,
    Invite,
    Job,
    Offboard,
    Provision,
    Reactivate,
    Read,
    RemoveFromProjects,
    Snapshot,
    Update,
)
from agent.jobs.parts import CompanyAccessWays, project_words


def gist(job: Job) -> str:
    """``Field Staff · 2 projects · invitation``; never a secret, since jobs hold none."""
    match job:
        case Provision() | Reactivate():
            parts = [_access(job.company_access), count(len(job.projects), "project")]
            parts += ["invitation"] if job.invitation else []
            return " · ".join(parts)
        case Update():
            fields = len(job.person.attributes.model_fields_set)
            parts = [count(fields, "field")] if fields else []
            parts += [_access(job.company_access)] if job.company_access is not None else []
            parts += [f"company {_company(job.company)}"] if job.company is not None else []
            return " · ".join(parts) or "settings"
        case ChangeEmail():
            return f"to {job.new_email}"
        case AddToProjects():
            return count(len(job.projects), "project")
        case RemoveFromProjects():
            return "all projects" if isinstance(job.projects, str) else count(len(job.projects), "project")
        case Invite():
            return "sends the mail again" if job.resend else "if never invited"
        case Offboard():
            return "inactive, no access left"
        case Read():
            return "reads only"
        case Snapshot():
            return "reads the whole Directory"
        case BulkAddToProject():
            changed = " · changes templates" if job.change_templates else ""
            return f"{_people(len(job.people))} into {project_words(job.project)}{changed}"
        case BulkRemoveFromProject():
            return f"{_people(len(job.people))} out of {project_words(job.project)}"
        case DistributionGroup():
            return _group(job)


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"


def _group(job: DistributionGroup) -> str:
    where = project_words(job.project) if job.project is not None else "company"
    if job.absent:
        return f"{where} · deleted"
    members = job.members
    if members is None:
        return f"{where} · there"
    if members.exactly is not None:
        return f"{where} · exactly {_people(len(members.exactly))}"
    parts = [f"+{len(members.at_least)}"] if members.at_least else []
    parts += [f"-{len(members.remove)}"] if members.remove else []
    return f"{where} · {' '.join(parts)}"


def _access(access: CompanyAccessWays | str | None) -> str:
    if not isinstance(access, CompanyAccessWays):
        return "no company access"
    return access.template or count(len(access.levels or {}), "tool")


def _company(company: object) -> str:
    return company if isinstance(company, str) else str(getattr(company, "name", ""))

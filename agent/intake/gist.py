"""A job's wish in a few words, for a line of a table."""

from __future__ import annotations

from agent.execute.wording import count
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
from agent.jobs.parts import CompanyAccessWays


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


def _access(access: CompanyAccessWays | str | None) -> str:
    if not isinstance(access, CompanyAccessWays):
        return "no company access"
    return access.template or count(len(access.levels or {}), "tool")


def _company(company: object) -> str:
    return company if isinstance(company, str) else str(getattr(company, "name", ""))

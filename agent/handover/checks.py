"""What ``agent jobs resolve`` looks at, in words: the wish as statements that are true or not."""

from __future__ import annotations

from collections.abc import Iterator

from agent.handover.bulk import checks_of_bulk
from agent.handover.by_step import CLEAR, field_values
from agent.jobs.bulk import BulkJob
from agent.jobs.model import (
    AddToProjects,
    ChangeEmail,
    Invite,
    Job,
    Offboard,
    Provision,
    Reactivate,
    RemoveFromProjects,
    Update,
)
from agent.jobs.parts import NONE, CompanyAccessWays, NamedCompany, ProjectAccess, project_words


def checks_of(job: Job) -> Iterator[str]:
    """The statements, each without a full stop; none for a job that only reads."""
    if isinstance(job, BulkJob):
        yield from checks_of_bulk(job)
        return
    match job:
        case Provision() | Reactivate():
            yield f"{job.person.email} is an active user"
            yield from _settings(job)
            yield from map(_member, job.projects)
            if isinstance(job, Reactivate) or job.projects_mode == "exactly":
                yield "There is no other project membership"
            if job.invitation:
                yield "The welcome e-mail was sent"
        case Update():
            yield from _settings(job)
        case ChangeEmail():
            yield f"The person has the address {job.new_email}, and nobody has {job.person.email}"
        case Offboard():
            yield f"{job.person.email} is inactive"
            yield "No project, no company access and no default project template is left"
            yield "Add to All New Projects is off"
        case AddToProjects():
            yield from map(_member, job.projects)
        case RemoveFromProjects():
            names = "any project" if job.projects == "all" else ", ".join(map(project_words, job.projects))
            yield f"The person is not a member of {names}"
        case Invite():
            yield "The welcome e-mail was sent"
        case _:
            return


def _settings(job: Provision | Reactivate | Update) -> Iterator[str]:
    for label, text in field_values(job.person.attributes.as_texts()):
        yield f"{label} is {'empty' if text == CLEAR else text}"
    if job.company is not None:
        name = job.company.name if isinstance(job.company, NamedCompany) else job.company
        yield f"Company is {name}"
    if isinstance(job.company_access, CompanyAccessWays):
        ways = job.company_access
        levels = ", ".join(f"{tool} {level}" for tool, level in (ways.levels or {}).items())
        yield f"Company access is the template {ways.template}" if ways.template else f"Company access is {levels}"
    elif job.company_access is not None:
        yield "There is no company access"
    if job.default_project_template is not None:
        yield f"The default project template is {job.default_project_template}"
    if job.add_to_new_projects is not None:
        yield f"Add to All New Projects is {'on' if job.add_to_new_projects else 'off'}"


def _member(item: ProjectAccess) -> str:
    with_template = "without a template" if item.template == NONE else f"with the template {item.template}"
    return f"The person is in {project_words(item.project)} {with_template}"

"""A job as things to click where no plan could be made: from the wish alone, whatever is there now.

The order is the planner's: look first, take before giving, an invitation last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.domain.access import CompanyAccess
from agent.handover.bulk import clicks_for_bulk
from agent.handover.by_step import CLEAR, access_values, field_values
from agent.handover.click import LATER, NO_TEMPLATE, Click
from agent.jobs.bulk import BulkJob
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
from agent.jobs.parts import NONE, CompanyAccessWays, NamedCompany, ProjectAccess, project_words


def clicks_for(job: Job) -> Iterator[Click]:
    """What a person does instead of this job, after having found the person."""
    if isinstance(job, BulkJob):
        yield from clicks_for_bulk(job)
        return
    match job:
        case Provision() | Reactivate():
            yield from _bring(job)
        case Update():
            yield Click(do='On the person\'s Edit page set these and click "Save".', values=dict(_settings(job)))
        case ChangeEmail():
            yield Click(
                do='Make sure that nobody has the new address. On the Edit page set it and click "Save".',
                values={"Email Address": job.new_email, "Email Address so far": job.person.email},
            )
        case Offboard():
            yield from _offboard(job.person.email)
        case AddToProjects():
            yield from _projects(job.projects)
        case RemoveFromProjects():
            yield _removal(job)
        case Invite():
            again = ', or "Re-Invite" even if one was sent before' if job.resend else ' if the row says "Invite"'
            yield Click(do=f'In the person\'s row in "Users" click "Invite"{again}, once. This sends an e-mail.')
        case Read() | Snapshot():
            yield Click(do="Nothing is to be changed: look, and note down what was asked for.")


def _bring(job: Provision | Reactivate) -> Iterator[Click]:
    wanted = dict(_settings(job))
    if isinstance(job, Provision):
        yield Click(
            do='Is nobody there with this address (also not under the same name with another one)? Then in "Users" '
            'click "Add User", fill in the form and click "Create". What the form does not ask for comes below.',
            values={**dict(field_values(job.person.attributes.as_texts())), "Email Address": job.person.email},
        )
    yield Click(
        do='Is the person in "Inactive Users"? Open the Edit page there first and take away every project and all '
        "company access that is not wanted (below): it would all come back. Save. Then go back to the row and "
        'click "Reactivate".',
    )
    yield Click(do='On the person\'s Edit page set these where they differ and click "Save".', values=wanted)
    if isinstance(job, Reactivate) or job.projects_mode == "exactly":
        yield Click(do='Under "Current Project Settings" remove (red X, "OK") every project that is not named below.')
    yield from _projects(job.projects)
    if job.invitation:
        yield Click(do='In the person\'s row in "Users" click "Invite", once, if it says so. This sends an e-mail.')


def _offboard(email: str) -> Iterator[Click]:
    yield Click(
        do='On the person\'s Edit page (in "Inactive Users", if the person is there) set these and click "Save".',
        values={
            "Company Permissions Templates": NO_TEMPLATE,
            "  every tool": "None",
            "Select Default Template": "none",
            "Add to All New Projects": "off",
        },
    )
    yield Click(do='Under "Current Project Settings" click "Remove All" and confirm, so that no project is left.')
    yield Click(
        do='Is the person still in "Users"? Tick this one row, then "Bulk Actions" > "Inactivate". The window lists '
        'exactly this person: click "Inactivate".',
        values={"Email Address": email},
    )


def _projects(items: Sequence[ProjectAccess]) -> Iterator[Click]:
    if items:
        yield Click(
            do='On the Edit page see to it that the person is in these projects with these templates: "Add" under '
            '"Projects … Does Not Belong To", or "Change Template" under "Current Project Settings".',
            values={project_words(item.project): LATER if item.template == NONE else item.template for item in items},
        )


def _removal(job: RemoveFromProjects) -> Click:
    if job.projects == "all":
        return Click(do='On the Edit page, under "Current Project Settings", click "Remove All" and confirm.')
    return Click(
        do='On the Edit page, under "Current Project Settings", click the red X beside each of these, then "OK".',
        values={f"Project {at}": project_words(item) for at, item in enumerate(job.projects, 1)},
    )


def _settings(job: Provision | Reactivate | Update) -> Iterator[tuple[str, str]]:
    yield from field_values(job.person.attributes.as_texts())
    if job.company is not None:
        yield "Company Name", _company(job.company)
    if job.company_access is not None:
        access = job.company_access
        ways = access if isinstance(access, CompanyAccessWays) else CompanyAccessWays(levels={})
        yield from access_values(CompanyAccess(template=ways.template, levels=ways.levels_by_tool()))
    if job.default_project_template is not None:
        yield "Select Default Template", job.default_project_template
    if job.add_to_new_projects is not None:
        yield "Add to All New Projects", "on" if job.add_to_new_projects else "off"


def _company(reference: str | NamedCompany) -> str:
    if isinstance(reference, NamedCompany):
        return f"{reference.name} (id {reference.id})"
    return CLEAR if reference == NONE else reference

"""A job as its events tell it, with pages behind it: what the recorder's tests let happen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Page

from agent.credentials.known import KnownSecrets
from agent.domain.access import CompanyAccess, Membership, Project, Vendor
from agent.domain.person import Capabilities, Correlation, Fingerprint, Listing, Person, Sighting, UserChange
from agent.evidence.recorder import EvidenceRecorder
from agent.execute.events import (
    JobEnded,
    JobStarted,
    Note,
    Observed,
    Planned,
    SessionReady,
    StepEnded,
    StepStarted,
    Verified,
    WriteAnswered,
    WriteSending,
)
from agent.execute.outcome import Outcome, StepResult, Verdict, Witness
from agent.jobs.model import ANY_JOB, Job
from agent.plan.difference import Difference
from agent.plan.steps import AddToProject, BlastRadius, ChangeProjectTemplate, Plan, SaveUser, Step

STARTED = datetime(2026, 11, 22, 9, 15, 2, 120000, tzinfo=UTC)

HARBOUR = Project(id="562949953500017", name="Harbour Street Car Park", number="24-017")
QUAY = Project(id="562949953500023", name="North Quay Pump House", number="24-023")
HILLSIDE = Vendor(id="562949953421400", name="Hillside Concrete")

FINGERPRINT = Fingerprint(
    generation="legacy",
    locale="en-US",
    company_id="562949953400001",
    company_name="Northwind Builders",
    signed_in_as="directory-agent@example.com",
    capabilities=Capabilities(
        can_edit_users=True, can_invite=True, can_inactivate=True, can_see_inactive=True, can_see_templates=True
    ),
    catalogue="3f" * 32,
)


def job(**changes: Any) -> Job:
    """A provision job, in the form of a job file."""
    return ANY_JOB.validate_python(
        {
            "action": "provision",
            "reason": {
                "ticket": "IT-4711",
                "requested_by": "hr-system@example.com",
                "approved_by": "Maria Keller, Head of Engineering",
            },
            "idempotency_key": "hr-2026-00417-provision",
            "tenant": "northwind",
            "person": {
                "email": "mara.lindqvist@example.com",
                "attributes": {"first_name": "Mara", "last_name": "Lindqvist", "job_title": "Site Engineer"},
            },
            "company_access": {"template": "Office Staff"},
            "default_project_template": "Project Engineer - Internal",
            "projects": [
                {"project": "24-017", "template": "Project Engineer - Internal"},
                {"project": "24-023", "template": "Foreman / Superintendent - Internal"},
            ],
            "invitation": False,
            **changes,
        },
        strict=False,
    )


BEFORE = Person(
    user_id="8812301",
    person_id="562949953600001",
    email="mara.lindqvist@example.com",
    active=True,
    attributes={"first_name": "Mara", "last_name": "Lindqvist", "job_title": "Trainee", "is_employee": "yes"},
    company=HILLSIDE,
    memberships=(Membership(project=HARBOUR, template="Read Only - External"),),
    invited=True,
    read_only_fields=frozenset({"employee_id", "address", "city"}),
)
AFTER = BEFORE.model_copy(
    update={
        "attributes": {**BEFORE.attributes, "job_title": "Site Engineer"},
        "company_access": CompanyAccess(template="Office Staff"),
        "default_project_template": "Project Engineer - Internal",
        "memberships": (
            Membership(project=HARBOUR, template="Project Engineer - Internal"),
            Membership(project=QUAY, template="Foreman / Superintendent - Internal"),
        ),
    }
)
SIGHTING = Sighting(
    listing=Listing.USERS,
    user_id="8812301",
    person_id="562949953600001",
    name="Mara Lindqvist",
    email="mara.lindqvist@example.com",
    company="Hillside Concrete",
)

STEPS: tuple[Step, ...] = (
    ChangeProjectTemplate(project=HARBOUR, template="Project Engineer - Internal", before="Read Only - External"),
    SaveUser(
        change=UserChange(
            attributes={"job_title": "Site Engineer"},
            company_access=CompanyAccess(template="Office Staff"),
            default_project_template="Project Engineer - Internal",
        ),
        before=UserChange(
            attributes={"job_title": "Trainee"}, company_access=CompanyAccess(), default_project_template=""
        ),
    ),
    AddToProject(project=QUAY, template="Foreman / Superintendent - Internal"),
)
PLAN = Plan(
    steps=STEPS,
    differences=(
        Difference(what="Job Title", before="'Trainee'", after="'Site Engineer'"),
        Difference(what="Company access", before="none", after="'Office Staff'"),
    ),
    blast=BlastRadius(people=1, projects=2),
    notes=("The invitation was not asked for; the person has had one.",),
)
WITNESSES = (
    Witness(
        name="A freshly opened page",
        agrees=True,
        findings=("Job Title is 'Site Engineer'.", "Company access is 'Office Staff'.", "Both projects are there."),
    ),
    Witness(
        name="Procore's Change History",
        agrees=True,
        findings=("4 rows by directory-agent@example.com since 09:15:02 UTC, each one expected.",),
        rows=("09:15:09 UTC directory-agent@example.com: Job Title: Trainee -> Site Engineer",),
    ),
)
RESULTS = tuple(
    StepResult(number=number, title=step.title, state="saved", milliseconds=640 + 210 * number)
    for number, step in enumerate(STEPS, 1)
)
DONE = Outcome(
    verdict=Verdict.DONE,
    summary="Mara Lindqvist now has the requested access in 2 projects. Both witnesses confirm it.",
    steps=RESULTS,
    witnesses=WITNESSES,
)


def recorder(root: Path, traces_dir: Path, known: KnownSecrets, **options: Any) -> EvidenceRecorder:
    """A recorder as the runner makes one."""
    return EvidenceRecorder(root, traces_dir, known, service_account="directory-agent@example.com", **options)


async def begin(to: EvidenceRecorder, context: BrowserContext, page: Page, site: str, **changes: Any) -> None:
    """Start, sign-in done, observed and planned."""
    await to.notify(JobStarted(job(**changes), "northwind", STARTED))
    await to.notify(SessionReady(context, page, FINGERPRINT, "156.0.8078.79"))
    await page.goto(f"{site}/person")
    await to.notify(Observed("before", Correlation(matches=(SIGHTING,)), BEFORE, page))
    await to.notify(Planned(PLAN))


async def step(to: EvidenceRecorder, page: Page, number: int) -> None:
    """One step with its write, in the page."""
    planned = STEPS[number - 1]
    await to.notify(StepStarted(number, planned))
    await page.get_by_label("Job Title").fill("Site Engineer")
    await to.notify(WriteSending(page, planned.title))
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").wait_for()
    await to.notify(WriteAnswered(page, planned.title))
    await to.notify(StepEnded(planned, RESULTS[number - 1]))


async def finish(to: EvidenceRecorder, context: BrowserContext, site: str, outcome: Outcome = DONE) -> None:
    """Verified on a fresh page, and ended."""
    await to.notify(Note("An announcement lay over the page and was closed.", {"overlay": "announcement"}))
    fresh = await context.new_page()
    await fresh.goto(f"{site}/person")
    await to.notify(Observed("after", None, AFTER))
    await to.notify(Verified(outcome.witnesses, (fresh,)))
    await to.notify(JobEnded(outcome, datetime.now(UTC)))


async def whole_job(to: EvidenceRecorder, context: BrowserContext, page: Page, site: str) -> Path:
    """Everything from start to seal; returns the folder."""
    await begin(to, context, page, site)
    for number in (1, 2, 3):
        await step(to, page, number)
    await finish(to, context, site)
    assert to.folder is not None
    return to.folder

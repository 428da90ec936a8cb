"""Instructions for the person who does a job by hand, and the same person's way back: ``agent jobs resolve``.

They are made where a page is not as the flows know it (quarantine), where the account's rights do not reach, or where
somebody has to decide. With a plan they are its steps; without one they are the wish itself. The agent believes no
tick in a box: ``resolve`` reads the Directory and files the same evidence as for its own work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent.domain.access import Frozen
from agent.execute.wording import about
from agent.handover.by_step import click_of
from agent.handover.by_wish import clicks_for
from agent.handover.checks import checks_of
from agent.handover.click import Click
from agent.jobs.bulk import BulkJob
from agent.jobs.model import Job, Offboard, Snapshot, email_of, whom
from agent.plan.steps import Plan
from agent.settings import Tenant


class Instructions(Frozen):
    """What a person does, in order, and how the agent finds out that it was done."""

    title: str
    why: str
    steps: tuple[Click, ...]
    checks: tuple[str, ...]  # what the agent reads afterwards
    closing: str
    flows: tuple[str, ...] = ()  # quarantined ones, for want of which the agent does not do it

    def text(self) -> str:
        """For a terminal or a mail."""
        lines = [self.title, "", self.why, ""]
        for number, step in enumerate(self.steps, 1):
            lines.append(f"{number:>2}. {step.do}")
            width = max(map(len, step.values), default=0)
            lines += [f"      {label:<{width}}  {value}" for label, value in step.values.items()]
        lines += ["", "Then the agent checks:"] if self.checks else []
        lines += [f"  - {check}." for check in self.checks]
        return "\n".join([*lines, "", self.closing]) + "\n"

    def markdown(self) -> str:
        """For a ticket."""
        lines = [f"## {_plain(self.title)}", "", _plain(self.why), ""]
        for number, step in enumerate(self.steps, 1):
            lines.append(f"{number}. {_plain(step.do)}")
            lines += [f"   - {_plain(label.strip())}: **{_plain(value)}**" for label, value in step.values.items()]
        lines += ["", "Then the agent checks:", ""] if self.checks else []
        lines += [f"- {_plain(check)}." for check in self.checks]
        return "\n".join([*lines, "", _plain(self.closing)]) + "\n"


def instructions(
    job: Job, plan: Plan | None, error: Mapping[str, str] | None, tenant: Tenant, job_id: int
) -> Instructions:
    """The instructions for this job. ``plan`` is what was planned, as far as the run came; ``error`` is the outcome's
    (:meth:`agent.errors.AgentError.diagnostics`)."""
    given = error or {}
    steps = [_find(job, tenant), *_decide(given)]
    if plan is not None and plan.steps:
        steps += [click_of(step) for step in plan.steps]
    else:
        steps += clicks_for(job)
    if isinstance(job, Offboard):
        steps += [Click(do=f"Hand over: {item.what}.", values={"To": item.to}) for item in job.hand_over]
    return Instructions(
        title=f"By hand in Procore: {about(job, email_of(job))} ({job.reason.ticket})",
        why=given.get("message") or "The agent does not do this itself.",
        steps=tuple(steps),
        checks=tuple(checks_of(job)),
        closing=f"When it is done: agent jobs resolve {job_id}. The agent reads the Directory, says what is still "
        "missing, and files the evidence.",
    )


def _find(job: Job, tenant: Tenant) -> Click:
    where = {"Address": tenant.app_url, "Company number": tenant.company_id}
    if isinstance(job, Snapshot):
        return Click(do='Sign in to Procore as a Company Admin and open the company\'s "Directory".', values=where)
    if isinstance(job, BulkJob):
        return Click(
            do=f"Sign in to Procore as a Company Admin; it is about {whom(job)}. Compare before each step below: some "
            "of it may be done.",
            values=where,
        )
    return Click(
        do='Sign in to Procore as a Company Admin, open the company\'s "Directory" and search for exactly this address '
        'in "Users", then in "Inactive Users" and "Contacts". Compare before each step below: some of it may be done.',
        values={**where, "Email Address": email_of(job) or ""},
    )


def _decide(error: Mapping[str, str]) -> Iterator[Click]:
    """What somebody has to decide first, where that is why the job was handed over."""
    if said := error.get("instructions"):
        yield Click(do=said, values={"Found": error["seen"]} if error.get("seen") else {})


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: names in a Directory may hold any character."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in text)

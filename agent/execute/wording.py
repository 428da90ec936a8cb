"""The end of a job in words that a help-desk person understands, and what a person does now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from agent.domain.names import normal_email
from agent.domain.person import Person
from agent.errors import AgentError, Refused, RetrySafe
from agent.execute.outcome import Outcome, StepResult, Verdict
from agent.execute.remedies import remedy
from agent.execute.resends import Resend
from agent.jobs.bulk import BulkJob
from agent.jobs.model import Invite as InviteJob
from agent.jobs.model import Job, Offboard, Read, people_of, whom
from agent.plan.correlate import NeedsPerson
from agent.plan.difference import access_words, template_words
from agent.plan.steps import Invite, Plan, Step
from agent.policy.check import ApprovalNeeded

RESEND_UNKNOWN = (
    "Ask the person whether the mail came; if not, send a job with a new idempotency_key. The agent does not send it "
    "again under this one."
)
RESEND_AGAIN = "To send the mail once more, send a job with a new idempotency_key."


def name_of(person: Person | None, email: str | None) -> str:
    """A person as people say it: name and address."""
    if person is None:
        return email or "the Directory"
    parts = (person.attributes.get("first_name", ""), person.attributes.get("last_name", ""))
    name = " ".join(part for part in parts if part)
    return f"{name} ({person.email})" if name else person.email


def state_words(person: Person) -> str:
    """How the person is now, in one sentence without its full stop."""
    access, projects = person.company_access, f"in {count(len(person.memberships), 'project')}"
    if not person.active:
        bare = access.is_none and not person.memberships
        return f"{name_of(person, None)} is inactive, with {'no access left' if bare else f'dormant access {projects}'}"
    company = "no access to company tools" if access.is_none else f"company access {access_words(access)}"
    default = f"default project template {template_words(person.default_project_template)}"
    return f"{name_of(person, None)} is an active user with {company}, {default}, {projects}"


def done_summary(person: Person, kept: Sequence[Step]) -> str:
    """A job that is done and confirmed."""
    sent = any(isinstance(step, Invite) for step in kept)
    return f"{state_words(person)}. {'The invitation e-mail was sent. ' if sent else ''}Read back and confirmed."


def nothing_summary(job: Job, person: Person | None, email: str | None) -> str:
    """A job that found everything as wanted."""
    if person is None:
        return f"Nothing to do for {email}."
    if isinstance(job, InviteJob):
        return (
            f"Nothing to do: {name_of(person, None)} was already invited, so no mail was sent; "
            "set resend to true to send it again."
        )
    return f"Nothing to do: {state_words(person)}, as asked."


def done_for_many(
    job: BulkJob, kept: Sequence[Step], offboarded: Mapping[str, int], taken_off: Mapping[str, int]
) -> str:
    """A job about many people that is done and confirmed."""
    done = "; ".join(step.title for step in kept)
    return f"{done}. {_left_out(job, offboarded, taken_off)}Read back and confirmed."


def nothing_for_many(job: BulkJob, offboarded: Mapping[str, int], taken_off: Mapping[str, int]) -> str:
    """A job about many people that found everything as wanted."""
    return f"Nothing to do: {whom(job)} is as asked. {_left_out(job, offboarded, taken_off)}".rstrip()


def _left_out(job: BulkJob, offboarded: Mapping[str, int], taken_off: Mapping[str, int]) -> str:
    off = {address: by_job for address, by_job in taken_off.items() if address not in offboarded}
    said = ""
    for why, left in (("offboards them", offboarded), ("takes them off the project", off)):
        who = [f"{address} (job {left[address]})" for address in people_of(job) if address in left]
        said += f"Left out, since a later job {why}: {', '.join(who)}. " if who else ""
    return said


def resent_summary(earlier: Resend) -> str:
    """A resend whose key is on record."""
    return f"Nothing to do: {earlier.words[0].lower()}{earlier.words[1:]}"


def dry_run_summary(plan: Plan) -> str:
    """A dry run with something to do."""
    steps = count(len(plan.steps), "step")
    return f"Dry run: {steps} would be done. Nothing was changed."


def waiting(plan: Plan, needed: Sequence[ApprovalNeeded]) -> Outcome:
    """A plan that a person has to approve."""
    reasons = " ".join(item.message for item in needed)
    return Outcome(
        verdict=Verdict.WAITING,
        summary=f"Waiting for approval: {reasons} {count(len(plan.steps), 'step')} planned, nothing was changed.",
        next_step="Somebody who may approve it runs the same job with --yes.",
        approvals=tuple(needed),
    )


def stopped_summary(results: Sequence[StepResult], cause: AgentError) -> str:
    """A plan that stopped half-way: exactly what is done, what is not, and what nobody knows."""
    done = [result.title for result in results if result.state in ("saved", "settled by observation")]
    partly = [result.title for result in results if result.state == "partly saved"]
    unknown = [result.title for result in results if result.state == "unknown"]
    undone = [result.title for result in results if result.state in ("not sent", "rejected")]
    parts = [cause.message]
    parts += [f"Done: {'; '.join(done)}."] if done else []
    parts += [f"Partly done: {'; '.join(partly)}."] if partly else []
    parts += [f"Not known: {'; '.join(unknown)}."] if unknown else []
    parts += [f"Not done: {'; '.join(undone)}."] if undone else []
    return " ".join(parts)


def read_summary(person: Person | None, email: str, hits: int) -> str:
    """The report of a reading job."""
    if person is not None:
        return f"{state_words(person)}."
    if hits:
        return f"{email} stands in the Directory {count(hits, 'time')}, but not as one user. See the evidence."
    return f"Nobody in the Directory has the address {email}: not among users, inactive users or contacts."


def snapshot_summary(counts: Mapping[str, int]) -> str:
    """The report of a snapshot."""
    return (
        f"{sum(counts.values()):,} people written: "
        + ", ".join(f"{name} {rows:,}" for name, rows in counts.items())
        + "."
    )


def next_step(error: AgentError, tenant: str) -> str:
    """What a person does now about an error."""
    if isinstance(error, NeedsPerson):
        return error.instructions
    text = remedy(error)
    refused = isinstance(error, Refused)  # would be refused again
    if error.retry_safe is RetrySafe.YES and not refused and "run" not in text.lower():
        text += " Running the same job again is safe."
    return text.replace("TENANT", tenant)


def late_words(job: Job, now: datetime) -> str:
    """The warning for a job whose time had passed when it began, or nothing."""
    if job.needed_by is None or job.needed_by >= now:
        return ""
    return f"This was needed by {job.needed_by:%Y-%m-%d %H:%M %Z}, which had passed when the job began."


def done_next_step(job: Job) -> str:
    """What people still have to do after a job that is done."""
    if isinstance(job, Offboard) and job.hand_over:
        return "Hand over: " + "; ".join(f"{item.what} -> {item.to}" for item in job.hand_over) + "."
    return ""


def origin_words(origin: Mapping[str, str]) -> str:
    """Where a job comes from: the queue, or somebody who ran it by hand."""
    by = origin.get("run_by_hand_by")
    if by is None:
        return "A job of the queue."
    approved = ", who approved what policy asks about (--yes)" if "approved_by" in origin else ""
    return f"Run by hand by {by}{approved}."


def count(number: int, what: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def about(job: Job, email: str | None) -> str:
    """A job in a few words, for headings and logs."""
    action = job.action.replace("_", " ")
    if isinstance(job, BulkJob):
        return f"{action}: {whom(job)}"
    return (
        action if email is None else f"{action} {normal_email(email)}" if not isinstance(job, Read) else f"read {email}"
    )

"""The end of a job in words that a help-desk person understands, and what a person does now."""

from __future__ import annotations

from collections.abc import Sequence

from agent.domain.names import normal_email
from agent.domain.person import Person
from agent.errors import AgentError, Mender, Refused, RetrySafe
from agent.execute.outcome import StepResult
from agent.jobs.model import Job, Offboard, Read
from agent.plan.correlate import NeedsPerson
from agent.plan.difference import access_words, template_words
from agent.plan.steps import Invite, Plan, Step

BY_MENDER = {
    Mender.REQUESTER: "Correct the job and run it again.",
    Mender.OPERATOR: "Whoever runs the agent has to look at this; `agent doctor` helps to find the cause.",
    Mender.ADMINISTRATOR: "A Procore Company Admin has to look at this person in Procore.",
    Mender.DEVELOPER: "Procore's page is not as the agent knows it: send the evidence folder to the developers.",
}
BY_CODE = {
    "password-rejected": "Check the account's password in Procore, then: agent credentials set TENANT. "
    "Do not run further jobs before: Procore may lock the account at the third rejected password.",
    "code-rejected": "Check this machine's clock and the authenticator secret, then: agent credentials set TENANT.",
    "account-locked": "A Company Admin opens the service account in Procore's Directory and clicks Unlock Account.",
    "mfa-enrolment": "Sign in once by hand as the service account, set up an authenticator app, and store its secret: "
    "agent credentials set TENANT.",
    "credentials-missing": "Store them: agent credentials set TENANT.",
    "no-browser": "Install a browser; `agent doctor` names the command.",
    "unexpected": "Please report this with the evidence folder.",
    "evidence-broken": "Please report this with the evidence folder.",
    "evidence-unwritable": "Make room on the disk, or correct paths.evidence, then run the job again.",
}


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


def nothing_summary(person: Person | None, email: str | None) -> str:
    """A job that found everything as wanted."""
    if person is None:
        return f"Nothing to do for {email}."
    return f"Nothing to do: {state_words(person)}, as asked."


def dry_run_summary(plan: Plan) -> str:
    """A dry run with something to do."""
    steps = count(len(plan.steps), "step")
    return f"Dry run: {steps} would be done. Nothing was changed."


def waiting_summary(plan: Plan, reasons: str) -> str:
    """A plan that a person has to approve."""
    return f"Waiting for approval: {reasons} {count(len(plan.steps), 'step')} planned, nothing was changed."


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


def snapshot_summary(counts: dict[str, int]) -> str:
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
    text = BY_CODE.get(error.code) or BY_MENDER[error.mender]
    refused = isinstance(error, Refused)  # would be refused again
    if error.retry_safe is RetrySafe.YES and not refused and "run" not in text:
        text += " Running the same job again is safe."
    return text.replace("TENANT", tenant)


def done_next_step(job: Job) -> str:
    """What people still have to do after a job that is done."""
    if isinstance(job, Offboard) and job.hand_over:
        return "Hand over: " + "; ".join(f"{item.what} -> {item.to}" for item in job.hand_over) + "."
    return ""


def count(number: int, what: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def about(job: Job, email: str | None) -> str:
    """A job in a few words, for headings and logs."""
    action = job.action.replace("_", " ")
    return (
        action if email is None else f"{action} {normal_email(email)}" if not isinstance(job, Read) else f"read {email}"
    )

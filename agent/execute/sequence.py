"""Several jobs after each other: which of them must wait because of how an earlier one ended, or came too late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.errors import Mender, Refused
from agent.execute.outcome import Outcome, Verdict
from agent.jobs.model import Job, given_up_at, people_of

#: After these nobody may try the sign-in again before a person has looked: Procore locks at the third failure [D].
SIGN_IN_TROUBLE = frozenset(
    {"password-rejected", "code-rejected", "account-locked", "mfa-enrolment", "other-account", "sso-account"}
)


@dataclass(frozen=True)
class Ended:
    """A job that has ended."""

    tenant: str
    job: Job
    outcome: Outcome


def held_back(job: Job, tenant: str, earlier: Sequence[Ended]) -> Outcome | None:
    """The outcome of a job that may not start now, or None when it may.

    A rejected sign-in stops all jobs of that tenant; an uncertain end stops later jobs about the same person.
    """
    for ended in earlier:
        if ended.tenant != tenant:
            continue
        code = (ended.outcome.error or {}).get("code", "")
        if code in SIGN_IN_TROUBLE:
            return _waiting(
                "sign-in-stopped",
                f"Not started: the sign-in to '{tenant}' was rejected ({code}); another try could lock the account.",
                "Mend the sign-in first (agent doctor), then run this job again.",
            )
        if ended.outcome.verdict is Verdict.UNCERTAIN and _same_person(job, ended.job):
            return _waiting(
                "earlier-job-uncertain",
                f"Not started: the job {ended.job.idempotency_key} about the same person ended uncertain.",
                "Settle that job first, then run this one again.",
            )
    return None


def given_up(job: Job, now: datetime) -> Outcome | None:
    """The outcome of a job that is not wanted any more, or None."""
    until = given_up_at(job)
    if until is None or now < until:
        return None
    error = Refused(
        "expired",
        f"Not started: the job is not wanted after {until:%Y-%m-%d %H:%M %Z}.",
        expected="a not_after in the future",
        seen=until.isoformat(),
        mender=Mender.REQUESTER,
    )
    return Outcome(verdict=Verdict.REFUSED, summary=error.message, error=error.diagnostics())


def _same_person(one: Job, other: Job) -> bool:
    return bool(set(people_of(one)) & set(people_of(other)))


def _waiting(code: str, summary: str, next_step: str) -> Outcome:
    error = {"kind": "Refused", "code": code, "message": summary, "expected": "", "seen": "", "mender": "operator"}
    return Outcome(verdict=Verdict.WAITING, summary=summary, error={**error, "retry_safe": "yes"}, next_step=next_step)

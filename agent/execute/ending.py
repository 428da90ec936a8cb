"""How a job ends when it does not end well: what was sent before decides how sure anybody can be."""

from __future__ import annotations

from agent.errors import AgentError, Failed, Refused, RetrySafe, StoppedMidway, Uncertain
from agent.execute import wording
from agent.execute.attempt import Stopped
from agent.execute.outcome import Outcome, Verdict
from agent.execute.verify import Confirmation
from agent.execute.work import Work
from agent.plan.correlate import NeedsPerson


def not_confirmed(work: Work, confirmation: Confirmation) -> Outcome:
    """Everything was sent, and a witness disagrees."""
    findings = [text for said in confirmation.witnesses if said.agrees is False for text in said.findings]
    error = Uncertain(
        "not-confirmed",
        "Every change was sent, but reading back does not confirm all of it.",
        expected="both witnesses agree",
        seen="; ".join(findings),
    )
    return Outcome(
        verdict=Verdict.UNCERTAIN,
        summary=f"{error.message} {' '.join(findings)}",
        steps=tuple(work.results),
        witnesses=confirmation.witnesses,
        error=error.diagnostics(),
        next_step=wording.next_step(error, work.session.tenant),
    )


def stop_error(work: Work, stopped: Stopped, *, changed_meanwhile: bool) -> AgentError:
    """What a plan that could not go on comes to, by what was sent before."""
    cause, results = stopped.cause, work.results
    said = wording.stopped_summary(results, cause)
    if stopped.unknown:
        return Uncertain(cause.code, said, expected=cause.expected, seen=cause.seen, retry_safe=RetrySafe.UNKNOWN)
    if work.changed:
        return StoppedMidway(cause, said)
    if changed_meanwhile:
        changed = "Something of it was" if work.look_at_many is not None else "The person was"
        return Uncertain(
            "changed-meanwhile",
            f"{said} {changed} changed meanwhile, and not by a step of this job.",
            expected="what was there before the job",
            seen="another state",
        )
    return cause


def ended_by(work: Work, error: AgentError) -> Outcome:
    """The outcome of an error outside the steps: what was sent before decides how sure anybody can be."""
    if (work.gate.sent > 0 or work.changed) and not isinstance(error, Uncertain):
        said = "Changes were sent, but their confirmation failed: "
        if work.trail.under_way is not None:
            said = "A change was being sent: "
        error = Uncertain(
            error.code,
            wording.stopped_summary(work.results, Failed(error.code, said + error.message)),
            expected=error.expected,
            seen=error.seen,
            mender=error.mender,
            retry_safe=RetrySafe.UNKNOWN,
        )
    return outcome_of(work, error)


def outcome_of(work: Work, error: AgentError) -> Outcome:
    """The outcome of an error that is worded already."""
    return Outcome(
        verdict=verdict_of(error),
        summary=error.message,
        steps=tuple(work.results),
        error=error.diagnostics(),
        next_step=(
            wording.RESEND_UNKNOWN
            if work.resend_begun and isinstance(error, Uncertain)
            else wording.next_step(error, work.session.tenant)
        ),
    )


def verdict_of(error: AgentError) -> Verdict:
    """The verdict that an error means."""
    if isinstance(error, NeedsPerson):
        return Verdict.WAITING
    if isinstance(error, Refused):
        return Verdict.REFUSED
    return Verdict.UNCERTAIN if isinstance(error, Uncertain) else Verdict.FAILED


def unsealed(outcome: Outcome, error: AgentError, tenant: str) -> Outcome:
    """The job ended as it ended, but its evidence could not be finished: that is not done."""
    changed = outcome.verdict in (Verdict.DONE, Verdict.UNCERTAIN) and bool(outcome.steps)
    return outcome.model_copy(
        update={
            "verdict": Verdict.UNCERTAIN if changed else Verdict.FAILED,
            "summary": f"{outcome.summary} But the evidence could not be finished: {error.message}",
            "error": error.diagnostics(),
            "next_step": wording.next_step(error, tenant),
        }
    )

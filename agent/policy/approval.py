"""Who may approve, what an approval is of, and whether it still fits when the plan is made again; pure.

A plan is made anew in each run, so an approval cannot be of steps. It is of reasons and sizes: the codes for which
somebody was asked, and how much the plan may change at most. A plan that has grown meanwhile asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.domain.names import LOCAL, may_be_one_person
from agent.errors import Mender, Refused
from agent.jobs.model import Job
from agent.plan.steps import Plan
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from agent.queue.record import JobEvent, JobRecord


@dataclass(frozen=True)
class Asker:
    """Somebody who wants a job done: who handed it in, and who asked for it. One of them may not be known."""

    submitted: str = ""
    requested: str = ""


def asked(needed: Sequence[ApprovalNeeded], plan: Plan) -> dict[str, Any]:
    """What waits, for the record (``Held.data``) and for the eyes of the approver."""
    return {
        "codes": [item.code for item in needed],
        "reasons": [item.message for item in needed],
        "people": plan.blast.people,
        "projects": plan.blast.projects,
        "steps": [step.title for step in plan.steps],
        "differences": [row.model_dump(mode="json") for row in plan.differences],
    }


def approval_of(waiting: Mapping[str, Any]) -> dict[str, Any]:
    """The approval of what waits (``JobRecord.hold_data``), as :meth:`agent.queue.interface.Queue.approve` takes it."""
    return {
        "codes": list(waiting.get("codes", ())),
        "people": int(waiting.get("people", 0)),
        "projects": int(waiting.get("projects", 0)),
    }


def covers(approval: Mapping[str, Any], needed: Sequence[ApprovalNeeded], plan: Plan) -> bool:
    """Whether this approval is enough for this plan: every reason was approved, and the plan has not grown."""
    if not approval:
        return not needed
    return (
        {item.code for item in needed} <= set(approval.get("codes", ()))
        and plan.blast.people <= approval.get("people", 0)
        and plan.blast.projects <= approval.get("projects", 0)
    )


def refuse_approver(askers: Iterable[Asker], by: str, rules: PolicyRules) -> None:
    """Four eyes: raises Refused("four-eyes") when ``by`` submitted the job, or asked for it.

    Several wishes may have been joined in one job; whoever is behind any of them wants it. ``maria.keller`` does not
    approve what ``maria.keller@example.com`` or ``Maria Keller`` asked for.
    """
    if not rules.four_eyes:
        return
    for asker in askers:
        for role, other in (("submitted", asker.submitted), ("asked for", asker.requested)):
            if may_be_one_person(by, other):
                raise Refused(
                    "four-eyes",
                    f"{by} {role} this job, so somebody else has to approve it.",
                    expected=f"an approver other than {other}",
                    seen=by,
                )


def refuse_unnamed(by: str, *, has_operators: bool) -> None:
    """Raises Refused("token-needed") for a user of this machine, who could be anybody, once there are operators."""
    if by.startswith(LOCAL) and has_operators:
        raise Refused(
            "token-needed",
            "An approval needs an operator's own token: a user of this machine could be anybody.",
            expected="a token of `agent operators add NAME` in AGENT_TOKEN or AGENT_TOKEN_FILE",
            mender=Mender.OPERATOR,
        )


def askers_of(record: JobRecord, job: Job, events: Iterable[JobEvent]) -> tuple[Asker, ...]:
    """Everybody who wants a job of the queue: who submitted it, and whose wishes joined it later."""
    found = [Asker(record.created_by, job.reason.requested_by)]
    for event in events:
        if event.kind == "joined":
            reason = event.data.get("reason")
            requested = str(reason.get("requested_by", "")) if isinstance(reason, Mapping) else ""
            found.append(Asker(str(event.data.get("by", "")), requested))
    return tuple(found)

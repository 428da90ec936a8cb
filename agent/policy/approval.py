"""Who may approve, what an approval is of, and whether it still fits when the plan is made again; pure.

A plan is made anew in each run, so an approval cannot be of steps. It is of reasons and sizes: the codes for which
somebody was asked, and how much the plan may change at most. A plan that has grown meanwhile asks again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.domain.names import normal_name
from agent.errors import Refused
from agent.jobs.model import Job
from agent.plan.steps import Plan
from agent.policy.check import ApprovalNeeded
from agent.policy.rules import PolicyRules
from agent.queue.record import JobRecord

_BETWEEN_NAMES = re.compile(r"[\s._-]+")
LOCAL = "local:"  #: before the name of a user of this machine who needs no token


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


def refuse_approver(record: JobRecord, job: Job, by: str, rules: PolicyRules) -> None:
    """Four eyes: raises Refused("four-eyes") when ``by`` submitted the job, or asked for it.

    Names are compared without case; an address counts as its part before the @, too, and a dot, a dash or an underscore
    as a space: ``maria.keller`` does not approve what ``maria.keller@example.com`` or ``Maria Keller`` asked for.
    """
    if not rules.four_eyes:
        return
    mine = _names(by)
    for role, other in (("submitted", record.created_by), ("asked for", job.reason.requested_by)):
        if mine & _names(other):
            raise Refused(
                "four-eyes",
                f"{by} {role} job {record.id}, so somebody else has to approve it.",
                expected=f"an approver other than {other}",
                seen=by,
            )


def _names(who: str) -> set[str]:
    name = normal_name(who.removeprefix(LOCAL))
    before_at = name.partition("@")[0]
    return {name, before_at, " ".join(_BETWEEN_NAMES.split(before_at)).strip()} - {""}

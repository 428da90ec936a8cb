"""Whether a plan may be done: no (Refused), after an approval (Decision.approvals), or at once; pure.

What is refused stays refused: an approval (``--yes``) lifts budgets only. A plan without steps is always allowed, and a
dry run is checked like a real one, so that it tells the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from agent.domain.access import CompanyAccess, Frozen
from agent.domain.names import normal_email, normal_name
from agent.domain.person import Person, TenantFacts
from agent.errors import Mender, Refused
from agent.jobs.bulk import BulkJob
from agent.jobs.grants import ends_of
from agent.jobs.model import Job, people_of
from agent.plan.bulk.steps import (
    AddMember,
    BulkAddToProject,
    BulkStep,
    ChangeMemberTemplate,
    DeleteGroup,
    people_in,
)
from agent.plan.difference import is_company_admin, sentence_list
from agent.plan.simulate import apply_all
from agent.plan.steps import AddToProject, AssignProjects, ChangeProjectTemplate, CreateUser, Plan, SaveUser, Step
from agent.policy.rules import PolicyRules


class ApprovalNeeded(Frozen):
    """One reason why a person has to say yes first; ``code`` is stable."""

    code: str
    message: str


class Decision(Frozen):
    """What policy says of a plan that is not refused."""

    approvals: tuple[ApprovalNeeded, ...] = ()

    @property
    def must_wait(self) -> bool:
        """Whether a person has to approve before anything is written."""
        return bool(self.approvals)

    @property
    def reasons(self) -> str:
        """The reasons to wait, as sentences; empty when there are none."""
        return " ".join(item.message for item in self.approvals)


def check(
    plan: Plan,
    job: Job,
    present: Person | None,
    facts: TenantFacts,
    rules: PolicyRules,
    other_admins_known: int | None = None,
    now: datetime | None = None,
) -> Decision:
    """Judge the plan; raises Refused for what is never done.

    ``other_admins_known`` is how many *other* active Company Admins are known to exist; None when nobody counted.
    ``now`` is the moment with which dates in the job are compared; None when they are not to be judged.
    """
    if plan.is_empty:
        return Decision()
    _refuse_self_approved(job, rules)
    if now is not None:
        _refuse_past_ends(job, now)
    _refuse_protected(_touched(plan, job, present), facts, rules)
    _refuse_forbidden(plan, rules)
    _refuse_last_admin(plan, present, rules, other_admins_known)
    return Decision(approvals=tuple(_approvals(plan, present, rules)))


def _refuse_self_approved(job: Job, rules: PolicyRules) -> None:
    reason = job.reason
    if rules.refuse_self_approved and normal_name(reason.requested_by) == normal_name(reason.approved_by):
        raise Refused(
            "self-approved",
            f"{reason.requested_by} has both asked for this job and approved it, which settings forbid.",
            expected="a reason whose approved_by is somebody other than requested_by",
            seen=reason.approved_by,
        )


def _refuse_past_ends(job: Job, now: datetime) -> None:
    """Access that is over before it begins is a mistyped year, or a job that has waited too long."""
    for what, end in ends_of(job):
        if end <= now:
            raise Refused(
                "end-passed",
                f"The end of {what}, {end:%Y-%m-%d %H:%M %Z}, has passed: nothing is given any more.",
                expected="an ends_at in the future",
                seen=end.isoformat(),
            )


def _touched(plan: Plan, job: Job, present: Person | None) -> set[str]:
    """Whom the plan changes; of many people only those for whom a step is planned."""
    if isinstance(job, BulkJob):
        return {address for step in plan.steps if isinstance(step, BulkStep) for address in people_in(step)}
    addresses = (*people_of(job), present.email if present is not None else None)
    return {normal_email(address) for address in addresses if address}


def _refuse_protected(addresses: Iterable[str], facts: TenantFacts, rules: PolicyRules) -> None:
    for address in sorted(addresses):
        if address == normal_email(facts.own_login):
            raise Refused(
                "own-account",
                f"{address} is the agent's own account, which the agent never changes.",
                mender=Mender.ADMINISTRATOR,
            )
        if rules.protects(address):
            raise Refused(
                "protected-person",
                f"{address} is on the list of protected people.",
                expected="a person who is not in protected_people of this tenant's settings",
                mender=Mender.OPERATOR,
            )


def _refuse_forbidden(plan: Plan, rules: PolicyRules) -> None:
    given = dict.fromkeys(template for step in plan.steps for template in templates_given(step))
    forbidden = [template for template in given if rules.forbids(template)]
    if forbidden:
        raise Refused(
            "forbidden-template",
            f"The plan would give {sentence_list(repr(name) for name in forbidden)}, which settings forbid.",
            expected="templates that are not in forbidden_templates of this tenant's settings",
        )


def templates_given(step: Step) -> Iterator[str]:
    """The names of the templates that a step gives, company and project ones alike."""
    match step:
        case CreateUser():
            names = [step.new.company_template, step.new.default_project_template]
        case SaveUser():
            access = step.change.company_access
            names = [access.template if access else None, step.change.default_project_template]
        case AddToProject() | ChangeProjectTemplate():
            names = [step.template]
        case AssignProjects():
            names = [step.template] if step.add else []
        case BulkAddToProject():
            names = [person.template for person in step.people]
        case AddMember():
            names = [step.person.template]
        case ChangeMemberTemplate():
            names = [step.template]
        case _:
            names = []
    yield from (name for name in names if name)


def _refuse_last_admin(plan: Plan, present: Person | None, rules: PolicyRules, other_admins_known: int | None) -> None:
    if present is None or not present.active or not _is_admin(present.company_access, rules):
        return
    after = apply_all(plan.steps, present)
    if after is not None and after.active and _is_admin(after.company_access, rules):
        return
    if not other_admins_known:
        counted = "no other one is known" if other_admins_known is None else "there is no other one"
        raise Refused(
            "last-admin",
            f"{present.email} is a Company Admin and {counted}; the plan would take that away. Another active Company "
            "Admin who is named in protected_people of this tenant's settings lifts this.",
            expected="another active Company Admin, known to the agent",
            seen=counted,
            mender=Mender.ADMINISTRATOR,
        )


def _is_admin(access: CompanyAccess, rules: PolicyRules) -> bool:
    return is_company_admin(access) or (access.template is not None and rules.makes_admin(access.template))


def _approvals(plan: Plan, present: Person | None, rules: PolicyRules) -> Iterator[ApprovalNeeded]:
    blast = plan.blast
    if blast.people > rules.max_people_per_job:
        yield ApprovalNeeded(
            code="too-many-people",
            message=f"The plan changes {blast.people} people; {rules.max_people_per_job} need no approval.",
        )
    if blast.projects > rules.max_projects_per_job:
        yield ApprovalNeeded(
            code="too-many-projects",
            message=f"The plan changes {blast.projects} projects; {rules.max_projects_per_job} need no approval.",
        )
    for step in plan.steps:
        if isinstance(step, DeleteGroup):
            yield ApprovalNeeded(code="group-delete", message=f"{step.title}: that cannot be undone.")
    if any(isinstance(step, BulkStep) for step in plan.steps):
        return  # nobody becomes a Company Admin by a project or a group
    after = apply_all(plan.steps, present)
    was_admin = present is not None and present.active and _is_admin(present.company_access, rules)
    becomes_admin = after is not None and after.active and _is_admin(after.company_access, rules)
    if rules.approve_admin_grants and becomes_admin and not was_admin:
        yield ApprovalNeeded(code="admin-grant", message="The plan makes the person a Company Admin.")

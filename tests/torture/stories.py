"""Several jobs about one person, handed in at once: their order decides how the person is in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.torture.crowds import any_case
from tests.torture.wishes import ENGINEER, FOREMAN, Case, Wanted, case

Story = Callable[[str], tuple[Case, ...]]


def joiner(name: str) -> tuple[Case, ...]:
    """Comes, gets a title, is put on one project and taken off another."""
    first = case("provision", name)
    email = first.job["person"]["email"]
    jobs = [
        _next(first, "update", {"person": {"email": email, "attributes": {"job_title": "Lead"}}}),
        _next(first, "add_to_projects", {"projects": [{"project": "24-004", "template": ENGINEER}]}),
        _next(first, "remove_from_projects", {"projects": ["24-001"]}),
    ]
    memberships = {"24-002": ENGINEER, "24-004": ENGINEER}
    wanted = Wanted(email, True, memberships, {"job_title": "Lead"}, mails=1)
    return tuple(replace(each, wanted=wanted) for each in (first, *jobs))


def leaver(name: str) -> tuple[Case, ...]:
    """Would get a title and a project, and leaves: what is still to come when the leaving is accepted is pointless."""
    last = case("offboard", name)
    jobs = [
        _next(last, "update", {"person": {**last.job["person"], "attributes": {"job_title": "Nearly gone"}}}),
        _next(last, "add_to_projects", {"projects": [{"project": "24-004", "template": FOREMAN}]}),
    ]
    return tuple(replace(each, wanted=last.wanted, start=last.start) for each in (*jobs, last))


def mover(name: str) -> tuple[Case, ...]:
    """Gets another address, and under that one a title: the second job has nobody to find before the first is done."""
    first = case("change_email", name)
    new = first.job["new_email"]
    second = _next(first, "update", {"person": {"email": new, "attributes": {"job_title": "Moved"}}})
    wanted = replace(first.wanted, values={"job_title": "Moved"})
    return replace(first, wanted=wanted), replace(second, wanted=wanted)


def crew(name: str) -> tuple[Case, ...]:
    """Three people come to a project together; one gets a title, one leaves, and those who are left go together."""
    come = any_case("bulk_add_to_project", name)
    first, second, third = come.wishes.values()
    assert come.project is not None
    elsewhere = {number: held for number, held in (second.memberships or {}).items() if number != come.project}
    wanted = (
        replace(first, memberships=elsewhere, mails=None),  # none if the removal goes before a retry of the addition
        replace(second, memberships=elsewhere, values={"job_title": "Lead"}),
        replace(third, active=False, memberships={}),
    )
    companions = tuple(replace(each, wanted=wish) for each, wish in zip(come.companions, wanted[1:], strict=True))
    come = replace(come, wanted=wanted[0], companions=companions)
    one = {"person": {"email": second.email, "attributes": {"job_title": "Lead"}}}
    go = {"project": come.project, "people": [{"email": each.email} for each in wanted]}
    return (
        come,
        replace(_next(come, "update", one), wanted=wanted[1]),
        replace(_next(come, "offboard", {"person": {"email": third.email}}), wanted=wanted[2]),
        replace(_next(come, "bulk_remove_from_project", go), companions=companions),
    )


STORIES: tuple[Story, ...] = (joiner, leaver, mover, crew)


def _next(beside: Case, action: str, more: dict[str, Any]) -> Case:
    """A further job about the person of a case, or about whom ``more`` says."""
    job = {
        "action": action,
        "idempotency_key": f"{beside.job['idempotency_key']}-{action}",
        "reason": beside.job["reason"],
    }
    if "people" not in more:
        job["person"] = {"email": beside.address}
    return Case(action, {**job, **more}, None, beside.wanted)

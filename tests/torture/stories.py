"""Several jobs about one person, handed in at once: their order decides how the person is in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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


STORIES: tuple[Story, ...] = (joiner, leaver, mover)


def _next(beside: Case, action: str, more: dict[str, Any]) -> Case:
    """A further job about the person of a case."""
    job = {
        "action": action,
        "idempotency_key": f"{beside.job['idempotency_key']}-{action}",
        "reason": beside.job["reason"],
        "person": beside.job["person"],
    }
    if action != "update":
        job["person"] = {"email": beside.job["person"]["email"]}
    return Case(action, {**job, **more}, None, beside.wanted)

"""Ends of access: what a job sets, what replaces it, what makes it pointless."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.domain.access import Project
from agent.jobs.grants import ends_of, grants_of, over_by
from agent.queue.record import Grant, NewGrant
from tests.unit.plan.wishes import job

END = "2027-03-31T18:00:00+02:00"
MOMENT = datetime(2027, 3, 31, 16, 0, tzinfo=UTC).timestamp()
LIBRARY = Project(id="9", name="Westend Library", number="24-017")
PROJECTS = (LIBRARY, Project(id="10", name="Clinic", number="24-018"))


def access(project: Any, end: str | None = END) -> dict[str, Any]:
    return {"project": project, "template": "Viewer"} | ({"ends_at": end} if end else {})


def test_a_job_without_ends_sets_none() -> None:
    """Left out is left alone: an end from before stays."""
    assert grants_of(job("provision", projects=[access("24-017", None)])) == ()
    assert grants_of(job("offboard")) == grants_of(job("read")) == ()


@pytest.mark.parametrize("action", ["provision", "reactivate"])
def test_account_and_projects_end_each_at_their_time(action: str) -> None:
    """Times are moments, whatever their offset."""
    wish = job(action, ends_at=END, projects=[access("24-017"), access("24-018", None)])
    assert grants_of(wish) == (
        NewGrant("account", {}, MOMENT),
        NewGrant("project", {"project": "24-017"}, MOMENT, ("24-017",)),
    )
    assert [words for words, _ in ends_of(wish)] == ["the account", "the membership of project 24-017"]


def test_none_is_a_decision_to_have_no_end() -> None:
    """It replaces an end that was set before by none."""
    (grant,) = grants_of(job("add_to_projects", projects=[access("24-017", "none")]))
    assert math.isinf(grant.expires_at)
    assert list(ends_of(job("provision", ends_at="none"))) == []


@pytest.mark.parametrize("project", ["24-017", "westend library", "24-017 - Westend Library", {"id": "9"}])
def test_one_project_is_one_thing_however_it_is_named(project: Any) -> None:
    """With the tenant's projects at hand it is remembered by id, so that an extension finds what it extends."""
    (grant,) = grants_of(job("add_to_projects", projects=[access(project)]), PROJECTS)
    assert grant.what == {"project": {"id": "9"}}
    assert set(grant.names) >= {"24-017", "westend library"}


def test_a_name_that_fits_two_or_none_is_remembered_as_written() -> None:
    """Nothing is guessed; the job that removes is answered by name as any other."""
    twins = (LIBRARY, LIBRARY.model_copy(update={"id": "11", "number": "24-019"}))
    (grant,) = grants_of(job("add_to_projects", projects=[access("Westend Library")]), twins)
    assert grant.what == {"project": "Westend Library"}


def held(number: int, kind: str, what: dict[str, Any]) -> Grant:
    return Grant(number, "acme", "a@example.com", kind, what, MOMENT, given_by_job=1)


OPEN = (
    held(1, "account", {}),
    held(2, "project", {"project": {"id": "9"}}),
    held(3, "project", {"project": {"id": "10"}}),
)


@pytest.mark.parametrize(
    ("action", "fields", "over"),
    [
        ("offboard", {}, (1, 2, 3)),
        ("remove_from_projects", {"projects": "all"}, (2, 3)),
        ("remove_from_projects", {"projects": ["24-017"]}, (2,)),
        ("provision", {"projects": [access("24-018", None)], "projects_mode": "exactly"}, (2,)),
        ("provision", {"projects": [access("24-018", None)]}, ()),
        ("reactivate", {"projects": []}, (2, 3)),
        ("update", {"company_access": "none"}, ()),
    ],
)
def test_what_is_gone_needs_no_end_any_more(action: str, fields: dict[str, Any], over: tuple[int, ...]) -> None:
    """Else the old end would take away what somebody gives again later for good."""
    assert over_by(job(action, **fields), OPEN, PROJECTS) == over

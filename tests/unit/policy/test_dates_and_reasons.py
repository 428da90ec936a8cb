"""What policy says of dates in a job and of who stands in its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.errors import Refused
from agent.jobs.model import Job
from agent.plan.steps import AddToProject, Plan
from agent.policy import PolicyRules, check
from tests.unit.plan.wishes import job
from tests.unit.policy.test_check import CLINIC, FACTS, RULES, person, plan_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAST, FUTURE = "2026-11-22T12:00:00+00:00", "2026-11-22T13:00:01+01:00"
STEP = plan_of(AddToProject(project=CLINIC, template="Viewer"))


def project(end: str) -> list[dict[str, str]]:
    return [{"project": "Clinic", "template": "Viewer", "ends_at": end}]


@pytest.mark.parametrize(
    "wish",
    [
        job("provision", ends_at=PAST),
        job("reactivate", ends_at=PAST),
        job("provision", projects=project(PAST)),
        job("add_to_projects", projects=project(PAST)),
    ],
    ids=lambda wish: wish.action,
)
def test_access_that_is_over_before_it_begins_is_refused(wish: Job) -> None:
    """The very moment counts as past, in whatever offset it is written; nothing is given for nothing."""
    with pytest.raises(Refused) as refused:
        check(STEP, wish, person(), FACTS, RULES, now=NOW)
    assert refused.value.code == "end-passed"


@pytest.mark.parametrize(
    "wish",
    [
        job("provision", ends_at=FUTURE),
        job("provision", ends_at="none"),
        job("add_to_projects", projects=project(FUTURE)),
    ],
)
def test_an_end_in_the_future_and_no_end_are_in_order(wish: Job) -> None:
    """Judged by the moment, not by its spelling: 13:00:01+01:00 is a second after noon in UTC."""
    assert not check(STEP, wish, person(), FACTS, RULES, now=NOW).must_wait


def test_a_job_that_finds_nothing_to_do_is_not_judged() -> None:
    """The access is there already; that its end has passed is the clock's affair."""
    assert not check(Plan(), job("provision", ends_at=PAST), person(), FACTS, RULES, now=NOW).must_wait


def test_a_job_approved_by_its_requester_is_refused_where_settings_say_so() -> None:
    """Names are compared without case; the ordinary setting lets it pass, since many rules approve in advance."""
    same = {"ticket": "T", "requested_by": "Anna Berg", "approved_by": "anna  berg"}
    wish = job("provision", reason=same)
    assert not check(STEP, wish, person(), FACTS, RULES).must_wait
    strict = RULES.model_copy(update={"refuse_self_approved": True})
    with pytest.raises(Refused) as refused:
        check(STEP, wish, person(), FACTS, strict)
    assert refused.value.code == "self-approved"
    assert not check(STEP, job("provision"), person(), FACTS, strict).must_wait


def test_the_defaults_are_those_of_the_reference() -> None:
    """Ten an hour, a twentieth of the people, four eyes, any time."""
    rules = PolicyRules()
    assert (rules.max_deactivations_per_hour, rules.max_deactivated_share) == (10, 0.05)
    assert (rules.four_eyes, rules.refuse_self_approved, rules.write_windows) == (True, False, ())

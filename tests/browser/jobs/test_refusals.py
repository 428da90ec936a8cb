"""What a person has to decide, or what is never done: nothing is written, and the outcome says what there is to choose.

The sandbox's own log of requests is the judge.
"""

from __future__ import annotations

from typing import Any

import pytest

from agent.execute.outcome import Outcome, Verdict
from tests.browser.jobs.conftest import ANA, FOREMAN, Desk, job, provision


def code_of(outcome: Outcome) -> str:
    """The error code."""
    return str((outcome.error or {}).get("code"))


async def test_somebody_of_that_name_under_another_address_waits_for_a_person(desk: Desk) -> None:
    """Perhaps the same person: no second user is made, and the entry that was found is shown."""
    other = "a.lindqvist@example.com"
    desk.put(other, values={"first_name": "Ana", "last_name": "Lindqvist"})
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.WAITING, ran.outcome
    assert code_of(ran.outcome) == "near-hit"
    assert other in str(ran.outcome.error)
    assert "whether this is the same person" in ran.outcome.next_step
    assert desk.person(ANA) is None
    assert desk.writes() == []


async def test_a_company_name_that_two_companies_have_is_refused_with_both(desk: Desk) -> None:
    """Names are not unique: each candidate is shown with its id, which is what the job has to name."""
    vendors = [
        vendor
        for vendor in desk.sandbox.get("/state")["companies"][0]["vendors"]
        if vendor["name"] == "Summit Electric" and vendor["is_active"]
    ]
    ran = await desk.run(provision(company="Summit Electric"))
    assert ran.outcome.verdict is Verdict.REFUSED, ran.outcome
    assert code_of(ran.outcome) == "unresolved-names"
    assert len(vendors) == 2
    for vendor in vendors:
        assert str(vendor["vendor_id"]) in str(ran.outcome.error)
    assert desk.person(ANA) is None
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("policy", "code", "named"),
    [
        ({"forbidden_templates": ("Field Staff",)}, "forbidden-template", "Field Staff"),
        ({"forbidden_templates": (FOREMAN,)}, "forbidden-template", FOREMAN),
        ({"protected_people": (ANA.upper(),)}, "protected-person", ANA),
    ],
)
async def test_what_settings_forbid_is_not_done_even_when_approved(
    desk: Desk, policy: dict[str, Any], code: str, named: str
) -> None:
    """A company template, a project template, a person: refused, whoever says --yes, and the person is as before."""
    desk.put(ANA, values={"first_name": "Ana", "last_name": "Lindqvist", "company_template": "Read Only"})
    before = desk.person(ANA)
    desk.change("policy", **policy)
    ran = await desk.run(provision(), approved=True)
    assert ran.outcome.verdict is Verdict.REFUSED, ran.outcome
    assert code_of(ran.outcome) == code
    assert named in ran.outcome.summary
    assert desk.person(ANA) == before
    assert desk.writes() == []


async def test_without_the_policy_the_same_job_is_done(desk: Desk) -> None:
    """The planted violation: were the policy not asked, the refusals above would read as this does."""
    desk.put(ANA, values={"first_name": "Ana", "last_name": "Lindqvist", "company_template": "Read Only"})
    ran = await desk.run(job("update", person={"email": ANA}, company_access={"template": "Field Staff"}))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.writes() == ["POST save_user"]

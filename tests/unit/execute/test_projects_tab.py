"""Saves that Procore applies later, each project on its own."""

from __future__ import annotations

from agent.execute.outcome import Verdict
from tests.unit.execute.cases import job, member, person
from tests.unit.execute.fake import run, sent_twice
from tests.unit.execute.fake_tenant import ENGINEER, PROJECTS, FakeTenant

SIX = PROJECTS[:6]
ADD = job(
    "add_to_projects",
    person={"email": "ana.lindqvist@example.com"},
    projects=[{"project": project.number, "template": ENGINEER} for project in SIX],
)


async def test_done_when_applied_not_when_accepted() -> None:
    """The step waits until every project is there."""
    tenant = FakeTenant(assign_delay=30)
    tenant.put(person(default_project_template=ENGINEER))
    outcome = await run(ADD, tenant)
    assert outcome.verdict is Verdict.DONE
    assert tenant.clock.seconds >= 30
    assert len(tenant.people["7123456"].memberships) == 6


async def test_projects_that_failed_are_named_and_the_rest_is_told_as_done() -> None:
    """Partial failure: uncertain, the failing project by name, safe to run again."""
    tenant = FakeTenant(failing_projects={SIX[2].id})
    tenant.put(person(default_project_template=ENGINEER))
    outcome = await run(ADD, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert (outcome.error["code"], outcome.error["retry_safe"]) == ("stopped-midway", "yes")
    assert SIX[2].label in outcome.summary
    tenant.failing_projects.clear()
    again = await run(ADD, tenant)
    assert again.verdict is Verdict.DONE


async def test_one_that_never_ends_is_uncertain_at_the_deadline() -> None:
    """Accepted and not applied in time: nobody knows yet."""
    tenant = FakeTenant(assign_delay=10_000)
    tenant.put(person(default_project_template=ENGINEER))
    outcome = await run(ADD, tenant)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert tenant.clock.seconds >= 60


async def test_a_lost_answer_of_an_asynchronous_save_is_waited_for() -> None:
    """It was accepted, and its effect comes later: found, not sent again."""
    tenant = FakeTenant(assign_delay=25)
    tenant.put(person(default_project_template=ENGINEER))
    tenant.fault("assign_projects", "lose the answer")
    outcome = await run(ADD, tenant)
    assert outcome.verdict is Verdict.DONE
    assert sent_twice(tenant) == []


async def test_removals_are_waited_for_too() -> None:
    """The same way back."""
    tenant = FakeTenant(assign_delay=5)
    tenant.put(person(memberships=tuple(member(project) for project in SIX)))
    remove = job(
        "remove_from_projects",
        person={"email": "ana.lindqvist@example.com"},
        projects=[project.number for project in SIX[:5]],
    )
    outcome = await run(remove, tenant)
    assert outcome.verdict is Verdict.DONE
    assert [item.project.id for item in tenant.people["7123456"].memberships] == [SIX[5].id]

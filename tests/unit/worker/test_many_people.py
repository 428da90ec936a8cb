"""A job about many people in the worker's hands: its leavers, its approval, and the ends of access that it closes."""

from __future__ import annotations

from typing import Any

import pytest

from agent.jobs.model import Job
from agent.queue.record import Hold, JobState, NewGrant
from agent.worker.claimed import ClaimedJob
from tests.unit.execute.cases import job, member
from tests.unit.execute.crowd import addition, crew, removal
from tests.unit.execute.fake_tenant import CLINIC, ENGINEER, HARBOR
from tests.unit.worker.conftest import Bench


def leaver(email: str) -> Job:
    """Somebody leaves."""
    return job("offboard", person={"email": email}, idempotency_key=f"leaver-{email.partition('@')[0]}")


def taken_off(email: str, project: Any) -> Job:
    """Somebody is taken off a project, or off all."""
    projects = project if project == "all" else [project]
    return job("remove_from_projects", person={"email": email}, projects=projects, idempotency_key="taken-off")


async def approved(bench: Bench, job_id: int) -> None:
    """Somebody says yes to what it asks for."""
    record = await bench.queue.job(job_id)
    await bench.queue.approve(job_id, "mia", {"codes": ["too-many-people"], "people": 99, "projects": 9})
    assert record.hold is Hold.APPROVAL


async def test_it_waits_for_an_approval_and_is_done_after_it(bench: Bench) -> None:
    """As many people as the tenant's rules do not allow without one."""
    people = crew(3)
    for someone in people:
        bench.truth.put(someone)
    (number,) = await bench.submit(addition(people))
    await bench.run_next()
    await approved(bench, number)
    done = await bench.run_next()
    assert (done.state, done.attempt) == (JobState.DONE, 1)
    assert all(someone.membership(HARBOR.id) == member(HARBOR, ENGINEER) for someone in bench.truth.people.values())


async def test_a_leaver_of_a_running_one_makes_it_begin_anew_without_that_person(bench: Bench) -> None:
    """The offboard arrives while the job is about to write: nothing leaves for that person, and no attempt is burnt."""
    people = crew(3)
    for someone in people:
        bench.truth.put(someone)
    (number,) = await bench.submit(addition(people))
    await bench.run_next()
    await approved(bench, number)
    claim = await bench.queue.next_claim("test")
    await bench.submit(leaver(people[1].email))

    await ClaimedJob(bench.shop, claim).run()
    back = await bench.queue.job(number)
    assert (back.state, back.attempt, bench.truth.sent) == (JobState.QUEUED, 0, [])
    gone = await bench.run_next()
    assert (gone.op, gone.state) == ("offboard", JobState.DONE)
    done = await bench.run_next()
    assert (done.id, done.state) == (number, JobState.DONE)
    assert f"Left out, since a later job offboards them: {people[1].email}" in done.result["summary"]
    inside = {item.email for item in bench.truth.people.values() if item.membership(HARBOR.id) is not None}
    assert inside == {people[0].email, people[2].email}


@pytest.mark.parametrize("words", ["24-017", "Harbor Bridge", {"id": HARBOR.id}, "all", "gone since"])
async def test_who_is_taken_off_the_project_meanwhile_is_not_given_the_access_back(bench: Bench, words: Any) -> None:
    """However the removal calls the project; the removal is done at once, and the rest after the approval."""
    people = crew(3)
    for someone in people:
        bench.truth.put(someone)
    (number,) = await bench.submit(addition(people))
    await bench.run_next()
    (gone,) = await bench.submit(taken_off(people[1].email, words))
    removed = await bench.run_next()
    assert (removed.id, removed.state) == (gone, JobState.DONE if words != "gone since" else JobState.DEAD)
    await approved(bench, number)
    done = await bench.run_next()
    assert (done.id, done.state) == (number, JobState.DONE)
    inside = {item.email for item in bench.truth.people.values() if item.membership(HARBOR.id) is not None}
    if words == "gone since":
        assert inside == {item.email for item in people}
    else:
        assert inside == {people[0].email, people[2].email}
        said = f"Left out, since a later job takes them off the project: {people[1].email} (job {gone})"
        assert said in done.result["summary"]


async def test_who_is_taken_off_another_project_is_added_all_the_same(bench: Bench) -> None:
    """A removal says nothing about projects that it does not name."""
    people = crew(3)
    for someone in people:
        bench.truth.put(someone)
    (number,) = await bench.submit(addition(people))
    await bench.run_next()
    await bench.submit(taken_off(people[1].email, CLINIC.number))
    assert (await bench.run_next()).state is JobState.DONE
    await approved(bench, number)
    assert (await bench.run_next()).state is JobState.DONE
    assert all(someone.membership(HARBOR.id) is not None for someone in bench.truth.people.values())


async def test_a_removal_of_many_closes_their_grants_on_that_project(bench: Bench) -> None:
    """Those of this project and these people, and no other."""
    people = crew(2, memberships=(member(HARBOR),))
    for someone in people:
        bench.truth.put(someone)
    for number, someone in enumerate(people):
        grants = [
            NewGrant("project", {"project": {"id": HARBOR.id}}, 5e9),
            NewGrant("project", {"project": {"id": "9002"}}, 5e9),
        ]
        await bench.queue.add_grants(number + 100, "sandbox", someone.email, grants)
    (number,) = await bench.submit(removal(people))
    await bench.run_next()
    await approved(bench, number)
    assert (await bench.run_next()).state is JobState.DONE
    assert {dict(grant.what)["project"]["id"] for grant in await bench.queue.grants()} == {"9002"}

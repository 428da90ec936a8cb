"""Several jobs at once in one browser: one sign-in, and nobody suffers for another's trouble."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from agent.credentials.secret import Secret
from agent.credentials.store import ServiceAccount
from agent.jobs.model import Provision
from agent.queue.record import Hold, JobState
from agent.settings import Settings
from tests.browser.jobs.conftest import ENGINEER
from tests.browser.worker.conftest import Hall, about, all_done, provisioning, settings_for, someone


async def test_three_jobs_of_a_tenant_share_one_sign_in(hall: Hall) -> None:
    """All at once, each in a context of its own; the password is typed once; everybody is created and mailed once."""
    numbers = await hall.submit(*(provisioning(number) for number in range(3)))
    async with hall.working() as worker:
        most = 0

        async def look() -> None:
            nonlocal most
            while True:
                most = max(most, len(worker.status().running))
                await asyncio.sleep(0.1)

        looking = asyncio.create_task(look())
        records = await hall.until_over(*numbers)
        looking.cancel()
    assert all_done(records), [record.error for record in records]
    assert most == 3
    assert hall.passwords_typed() == 1
    assert hall.counts.sessions == [("sandbox", True)]
    assert hall.counts.browsers == ["first"]
    for number in range(3):
        assert (hall.creations(someone(number)), hall.mails(someone(number))) == (1, 1)
    assert len({record.evidence for record in records}) == 3


async def test_a_tenants_trouble_is_its_own(hall: Hall, tmp_path: object) -> None:
    """A wrong password is typed once, pauses that tenant and burns no attempt; the other tenant works on."""
    given = settings_for(hall.sandbox, hall.settings.paths.state.parent)
    given["tenants"]["north"] = {**given["tenants"]["sandbox"]}
    hall.settings = Settings(**given)
    hall.store.set("north", ServiceAccount("helen.brandt@example.com", Secret("not her password")))
    await hall.queue.close()
    await hall.queue.open({"sandbox": 3, "north": 3})
    bad = await hall.submit(*(provisioning(number) for number in (10, 11, 12)), tenant="north")
    good = await hall.submit(provisioning(13), provisioning(14))
    async with hall.working():
        assert all_done(await hall.until_over(*good))
        records = await hall.until(lambda jobs: all(job.state is JobState.QUEUED for job in jobs), *bad)
    assert [record.attempt for record in records] == [0, 0, 0]
    states = {state.name: state for state in await hall.queue.tenants()}
    assert states["north"].paused
    assert states["north"].not_before is None, "only a person ends it"
    assert not states["sandbox"].paused
    assert hall.passwords_typed() == 2, "one of each tenant"
    assert hall.person(someone(10)) is None


async def test_a_browser_that_is_killed_takes_nobodys_job_along(hall: Hall) -> None:
    """Two jobs in mid-save when the browser dies: one restart for both, both done, nothing twice."""
    hall.sandbox.post("/faults", [{"operation": "create_user", "effect": "hold", "when": "after", "times": 2}])
    numbers = await hall.submit(provisioning(20), provisioning(21))
    async with hall.working() as worker:
        await hall.held(count="2")
        browser = worker.status().browser
        assert browser is not None
        assert browser.pid is not None
        psutil.Process(browser.pid).kill()
        hall.sandbox.post("/held/release")
        records = await hall.until_over(*numbers)
    assert all_done(records), [record.error for record in records]
    assert hall.counts.browsers == ["first", "lost"]
    for number in (20, 21):
        assert (hall.creations(someone(number)), hall.mails(someone(number))) == (1, 1)


async def test_a_browser_that_dies_while_a_job_looks_costs_the_job_nothing(hall: Hall) -> None:
    """The tenant's names were read in the browser that died. They are known in the next one: none is read again while a
    window waits for its click, and access with an end is put on record by the project's id."""
    values = {"first_name": "Wilma", "last_name": "Orker"}
    start = {"email_address": someone(22), "is_active": True, "memberships": {}, "values": values}
    hall.sandbox.post("/people", [start])
    hall.sandbox.post("/faults", [{"operation": "edit_page", "user": someone(22), "effect": "hold", "when": "before"}])
    project = {"project": "24-001", "template": ENGINEER, "ends_at": "2090-01-01T00:00:00Z"}
    (number,) = await hall.submit(about(22, "add_to_projects", projects=[project]))
    async with hall.working() as worker:
        await hall.held(count="1")
        browser = worker.status().browser
        assert browser is not None
        assert browser.pid is not None
        hall.sandbox.forget_requests()
        psutil.Process(browser.pid).kill()
        hall.sandbox.post("/held/release")
        records = await hall.until_over(number)
    assert all_done(records), [record.error for record in records]
    assert hall.counts.browsers == ["first", "lost"]
    person = hall.person(someone(22))
    assert person is not None
    (membership,) = person["memberships"]
    (grant,) = await hall.queue.grants(tenant="sandbox")
    assert dict(grant.what) == {"project": {"id": str(membership["project_id"])}}
    loaded = [item["operation"] for item in hall.sandbox.get("/requests")]
    assert "permissions" not in loaded, loaded


async def test_a_session_that_ends_is_renewed_once_for_all(hall: Hall) -> None:
    """Two jobs find themselves signed out: the password is typed once more, not twice."""
    hall.sandbox.post("/faults", [{"operation": "create_user", "effect": "hold", "when": "before", "times": 2}])
    numbers = await hall.submit(provisioning(30), provisioning(31))
    async with hall.working():
        await hall.held(count="2")
        hall.sandbox.post("/sign_out", {"login": "svc.provisioning@example.com"})
        hall.sandbox.post("/held/release")
        records = await hall.until_over(*numbers)
    assert all_done(records), [record.error for record in records]
    assert hall.passwords_typed() == 2
    for number in (30, 31):
        assert (hall.creations(someone(number)), hall.mails(someone(number))) == (1, 1)


@pytest.mark.parametrize(("is_visited", "passwords"), [(True, 1), (False, 2)], ids=["visited", "left alone"])
async def test_a_session_that_is_visited_does_not_end_by_idleness(hall: Hall, is_visited: bool, passwords: int) -> None:
    """A tenant signs out after a quarter of an hour; left alone, the next job types the password again."""
    given = settings_for(hall.sandbox, hall.settings.paths.state.parent, keep_signed_in=True)
    hall.settings = Settings(**given, clock={"session_s": 0.01})
    hall.sandbox.post("/options", {"idle_timeout": 900})
    async with hall.working() as worker:
        assert all_done(await hall.until_over(*await hall.submit(provisioning(70, invitation=False))))
        for _ in range(3):
            hall.sandbox.post("/clock", {"advance": 600})
            if is_visited:
                await worker.keep_sessions()
        assert hall.passwords_typed() == 1
        assert all_done(await hall.until_over(*await hall.submit(provisioning(71, invitation=False))))
    assert hall.passwords_typed() == passwords


async def test_a_worn_browser_is_replaced_between_jobs(hall: Hall) -> None:
    """After so many jobs the next one gets a fresh browser, without a new sign-in."""
    given = settings_for(hall.sandbox, hall.settings.paths.state.parent, browser_max_jobs=2, jobs_at_once=1)
    hall.settings = Settings(**given)
    numbers = await hall.submit(*(provisioning(number) for number in (40, 41, 42)))
    async with hall.working():
        records = await hall.until_over(*numbers)
    assert all_done(records)
    assert hall.counts.browsers[:2] == ["first", "jobs"]
    assert hall.passwords_typed() == 1


async def test_what_somebody_does_by_hand_is_done_when_the_agent_has_looked(hall: Hall) -> None:
    """A near hit becomes a task with instructions; after the work by hand, resolve reads and closes it."""
    job = provisioning(50, invitation=False)
    assert isinstance(job, Provision)
    names = {"first_name": "Wilma", "last_name": job.person.attributes.last_name or ""}
    hall.sandbox.post("/people", [{"email_address": "w.orker@example.com", "values": names}])
    (number,) = await hall.submit(job)
    async with hall.working():
        (record,) = await hall.until_over(number)
        assert record.hold is Hold.HAND_OVER
        assert record.hold_data["steps"]
        await hall.queue.resolve(number, "helen")
        (again,) = await hall.until(
            lambda jobs: jobs[0].fence > record.fence and jobs[0].state is JobState.QUEUED, number
        )
        assert again.hold is Hold.HAND_OVER, "nobody has done anything yet"
        values = {**names, "job_title": "Engineer", "company_template": "Field Staff", "default_template": ENGINEER}
        by_hand = {"email_address": someone(50), "values": values, "memberships": {"24-001": ENGINEER}}
        hall.sandbox.post("/people", [by_hand])
        await hall.queue.resolve(number, "helen")
        (done,) = await hall.until(lambda jobs: not jobs[0].state.is_live or jobs[0].fence > again.fence + 1, number)
    assert done.state is JobState.DONE, done.hold_reason
    assert done.evidence != record.evidence

"""One claimed job, from its claim to the record of its end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent.domain.access import CompanyAccess
from agent.errors import Failed, SignInRejected
from agent.execute.events import JobStarted
from agent.queue.ending import Ending, GiveBack
from agent.queue.record import Hold, JobState
from agent.worker.claimed import ClaimedJob
from tests.unit.execute.cases import job, person, provision
from tests.unit.worker.conftest import Bench

ANA = "ana.lindqvist@example.com"
OFFBOARD = job("offboard", person={"email": ANA})


async def test_done_is_on_record_with_its_result_and_evidence(bench: Bench) -> None:
    """The summary, the steps and the folder; the session is closed in order."""
    await bench.submit(provision())
    record = await bench.run_next()
    assert record.state is JobState.DONE
    assert record.evidence == str(bench.shop.settings.paths.evidence / "run-1")
    assert "Read back and confirmed" in record.result["summary"]
    assert len(record.result["steps"]) == 4
    assert bench.shop.sessions[0].in_order is True


async def test_each_write_is_on_the_queues_disk_before_it_leaves(bench: Bench) -> None:
    """At the moment of each write the record names that step."""
    seen: list[str] = []

    async def look(number: int) -> str:
        return str((await bench.queue.job(number)).progress["step"])

    (number,) = await bench.submit(provision())
    tasks: list[asyncio.Task[str]] = []
    bench.truth.on_write = lambda operation: tasks.append(asyncio.create_task(look(number)))
    await bench.run_next()
    seen = [await task for task in tasks]
    assert seen[0].startswith("Create the user")
    assert seen[-1].startswith("Send the invitation")


async def test_a_job_whose_process_died_goes_on_with_what_is_on_record(bench: Bench) -> None:
    """The worker was killed after Add User: the next claim finds the person, and mails once."""
    (number,) = await bench.submit(provision())

    class Killed(BaseException):
        pass

    def kill(operation: str) -> None:
        if operation == "add_to_project":
            raise Killed

    bench.truth.on_write = kill
    claim = await bench.queue.next_claim("test")
    with pytest.raises(Killed):
        await ClaimedJob(bench.shop, claim).run()
    await bench.queue.close()
    await bench.queue.open({"sandbox": 2})
    bench.truth.on_write = None
    record = await bench.run_next()
    assert (record.id, record.state, record.crashes) == (number, JobState.DONE, 1)
    assert bench.truth.outbox == [ANA]
    assert sum(words.startswith("create") for words in bench.truth.applied) == 1


async def test_a_rejected_password_pauses_the_tenant_and_burns_no_attempt(bench: Bench) -> None:
    """A person ends the pause; a notice says why."""
    await bench.submit(provision())
    bench.shop.trouble = SignInRejected("password-rejected", "Procore rejected the password.")
    record = await bench.run_next()
    assert (record.state, record.attempt) == (JobState.QUEUED, 0)
    (tenant,) = await bench.queue.tenants()
    assert (tenant.paused, tenant.paused_by, tenant.not_before) == (True, "breaker", None)


async def test_passing_trouble_is_tried_again_later(bench: Bench) -> None:
    """The attempt counts; chance of zero makes it due at once."""
    await bench.submit(provision())
    bench.truth.fault("read:find", "error page")
    bench.shop.trouble = Failed("page-timeout", "The page took too long.")
    record = await bench.run_next()
    assert (record.state, record.attempt, record.error_code) == (JobState.QUEUED, 1, "page-timeout")


async def test_over_budget_waits_with_the_plan_and_goes_on_when_approved(bench: Bench) -> None:
    """Ten leavers an hour need no approval, the eleventh does; the approval covers exactly that."""
    leavers = [person(f"leaver.{letter}@example.com", user_id=str(100 + n)) for n, letter in enumerate("abcdefghijk")]
    for leaver in leavers:
        bench.truth.put(leaver.model_copy(update={"company_access": CompanyAccess(template="Field Staff")}))
    jobs = [
        job("offboard", person={"email": leaver.email}, idempotency_key=f"leaver-{leaver.user_id}")
        for leaver in leavers
    ]
    numbers = await bench.submit(*jobs)
    records = [await bench.run_next() for _ in numbers]
    assert [record.state for record in records[:10]] == [JobState.DONE] * 10
    waiting = records[10]
    assert waiting.hold is Hold.APPROVAL
    assert waiting.hold_data["codes"] == ["too-many-deactivations"]
    await bench.queue.approve(waiting.id, "boss", {"codes": ["too-many-deactivations"], "people": 1, "projects": 0})
    assert (await bench.run_next()).state is JobState.DONE


async def test_a_case_for_a_person_becomes_a_task_with_instructions(bench: Bench) -> None:
    """A near hit: the agent must not guess."""
    bench.truth.put(person("a.lindqvist@example.com"))
    await bench.submit(provision())
    record = await bench.run_next()
    assert record.hold is Hold.HAND_OVER
    assert record.hold_data["steps"]
    assert bench.truth.sent == []


async def test_a_resolved_task_is_checked_and_goes_back_or_is_done(bench: Bench) -> None:
    """Reading only, whatever is found."""
    bench.truth.put(person(company_access=CompanyAccess(template="Field Staff")))
    (number,) = await bench.submit(OFFBOARD)
    await bench.queue.hand_over(number, "helen", "By hand.", {"title": "By hand"})
    await bench.queue.resolve(number, "helen")
    record = await bench.run_next()
    assert (record.hold, record.hold_data["title"]) == (Hold.HAND_OVER, "By hand")
    bench.truth.put(person(active=False))
    await bench.queue.resolve(number, "helen")
    assert (await bench.run_next()).state is JobState.DONE
    assert bench.truth.sent == []


async def test_access_with_an_end_is_remembered_before_it_is_given(bench: Bench) -> None:
    """Should the process die with the first write, the clock still takes it away in time."""
    end = datetime.now(UTC) + timedelta(days=30)
    (number,) = await bench.submit(provision(ends_at=end.isoformat()))
    found: list[asyncio.Task[object]] = []
    bench.truth.on_write = lambda operation: found.append(asyncio.create_task(bench.queue.grants(tenant="sandbox")))
    record = await bench.run_next()
    assert record.state is JobState.DONE
    first = await found[0]
    assert len(first) == 1  # type: ignore[arg-type]  # a tuple of grants
    (grant,) = await bench.queue.grants(tenant="sandbox")
    assert (grant.kind, grant.given_by_job) == ("account", number)
    assert abs(grant.expires_at - end.timestamp()) < 1


async def test_an_offboarded_persons_open_grants_are_over(bench: Bench) -> None:
    """Else the clock would act on somebody who has left."""
    end = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    await bench.submit(provision(ends_at=end))
    await bench.run_next()
    await bench.submit(OFFBOARD)
    assert (await bench.run_next()).state is JobState.DONE
    assert await bench.queue.grants(tenant="sandbox") == ()


async def test_a_cancelled_job_stops_before_its_next_write(bench: Bench) -> None:
    """One step is done; the record says who asked."""
    (number,) = await bench.submit(provision())
    asked: list[asyncio.Task[object]] = []
    bench.truth.on_write = lambda operation: asked.append(asyncio.create_task(bench.queue.cancel(number, "helen")))
    record = await bench.run_next()
    assert (record.state, record.cancel_by) == (JobState.CANCELLED, "helen")
    assert len(bench.truth.sent) == 1
    assert bench.truth.outbox == []


async def test_while_the_agent_stops_a_job_is_given_back_at_its_next_step(bench: Bench) -> None:
    """No attempt is counted, and what was sent is on record."""
    await bench.submit(provision())
    bench.truth.on_write = lambda operation: setattr(bench.shop.draining, "asked", True)
    record = await bench.run_next()
    assert (record.state, record.attempt) == (JobState.QUEUED, 0)
    assert len(record.progress["trail"]["sent"]) == 1
    bench.shop.draining.asked = False
    bench.truth.on_write = None
    assert (await bench.run_next()).state is JobState.DONE
    assert bench.truth.outbox == [ANA]


async def test_a_job_that_another_worker_has_by_now_writes_nothing_more(bench: Bench) -> None:
    """The claim is lost after the first write: no second write, and nothing on record."""
    (number,) = await bench.submit(provision())
    claim = await bench.queue.next_claim("test")
    taken: list[asyncio.Task[object]] = []

    async def take_over() -> None:
        await bench.queue.finish(claim, Ending(GiveBack("the host was thought dead")))

    bench.truth.on_write = lambda operation: taken.append(asyncio.create_task(take_over()))
    assert await ClaimedJob(bench.shop, claim).run() is None
    record = await bench.queue.job(number)
    assert record.state is JobState.QUEUED
    assert len(bench.truth.sent) == 1


async def test_a_record_that_cannot_be_read_is_dead_and_opens_no_session(bench: Bench) -> None:
    """What an earlier run sent is unknown, so nothing is sent."""
    await bench.submit(provision())
    claim = await bench.queue.next_claim("test")
    await bench.queue.progress(claim, {"trail": {"sent": "nonsense"}})
    await bench.queue.finish(claim, Ending(GiveBack("test")))
    record = await bench.run_next()
    assert (record.state, record.error_code) == (JobState.DEAD, "trail-unreadable")
    assert bench.shop.sessions == []


async def test_the_evidence_names_everybody_who_asked_for_the_same(bench: Bench) -> None:
    """Two tickets, one job: the second one must be able to find what was done for it, in every run."""
    second = {"ticket": "HR-2", "requested_by": "joe@example.com", "approved_by": "lead@example.com"}
    first_number, second_number = await bench.submit(
        provision(idempotency_key="a"), provision(idempotency_key="b", reason=second)
    )
    assert first_number == second_number
    await bench.run_next()
    (started,) = [event for event in bench.shop.told if isinstance(event, JobStarted)]
    (joined,) = started.joined
    assert (joined["handed_in_by"], joined["idempotency_key"], joined["reason"]) == ("hr", "b", second)


async def test_a_job_that_nobody_joined_says_so(bench: Bench) -> None:
    """No list, no other ticket."""
    await bench.submit(provision())
    await bench.run_next()
    (started,) = [event for event in bench.shop.told if isinstance(event, JobStarted)]
    assert started.joined == ()

"""``agent run`` stopped in order, and killed: the work goes on, nothing is sent twice, nothing is left over."""

from __future__ import annotations

import asyncio
import signal

from agent.evidence.check import check
from agent.queue.record import JobState
from tests.browser.worker.conftest import AgentProcess, Hall, all_done, provisioning, someone


async def test_a_stop_gives_the_job_back_at_its_next_step_and_it_goes_on_later(hall: Hall) -> None:
    """Asked to stop in mid-save: that save is finished, the next one is not begun, no attempt is counted."""
    hall.sandbox.post("/faults", [{"operation": "create_user", "effect": "hold", "when": "after"}])
    (number,) = await hall.submit(provisioning(60))
    async with hall.working() as worker:
        await hall.held()
        worker.begin_drain()
        hall.sandbox.post("/held/release")
        (record,) = await hall.until(lambda jobs: jobs[0].state is JobState.QUEUED, number)
    assert (record.attempt, record.crashes) == (0, 0)
    assert record.progress["trail"]["sent"], "the next run knows what was sent"
    assert record.evidence is not None
    assert hall.mails(someone(60)) == 0
    async with hall.working():
        (record,) = await hall.until_over(number)
    assert record.state is JobState.DONE
    assert (hall.creations(someone(60)), hall.mails(someone(60))) == (1, 1)


async def test_sigterm_ends_the_process_in_order(agent_process: AgentProcess) -> None:
    """Exit code 0, the job back in the queue, its evidence sealed, no browser left."""
    (number,) = await agent_process.submit(provisioning(61))
    sandbox = agent_process.sandbox
    sandbox.post("/faults", [{"operation": "create_user", "effect": "hold", "when": "after"}])
    agent_process.start()
    assert await asyncio.to_thread(sandbox.get, "/held", wait="90")
    agent_process.signal(signal.SIGTERM)
    sandbox.post("/held/release")
    assert await agent_process.ended() == 0
    (record,) = await agent_process.jobs(number)
    assert (record.state, record.attempt, record.crashes) == (JobState.QUEUED, 0, 0)
    assert agent_process.browsers() == []
    assert [line["event"] for line in agent_process.log][-1] == "agent-stopped"
    for partial in (agent_process.folder / "evidence").rglob("PARTIAL"):
        raise AssertionError(f"unfinished evidence: {partial}")


async def test_killed_between_save_and_read_back_there_is_one_person_and_one_mail(agent_process: AgentProcess) -> None:
    """kill -9 while the answer to Add User, and later to Invite, is on its way: the next start finds both."""
    sandbox = agent_process.sandbox
    (number,) = await agent_process.submit(provisioning(62))
    for operation in ("create_user", "invite"):
        sandbox.forget_faults()
        sandbox.post("/faults", [{"operation": operation, "effect": "hold", "when": "after"}])
        agent_process.start()
        assert await asyncio.to_thread(sandbox.get, "/held", wait="90"), agent_process.log
        agent_process.signal(signal.SIGKILL)
        await agent_process.ended()
        sandbox.post("/held/release")
    sandbox.forget_faults()
    agent_process.start("--once")
    assert await agent_process.ended() == 0, agent_process.log
    (record,) = await agent_process.jobs(number)
    assert all_done([record]), (record.error, agent_process.log)
    assert record.crashes == 2
    created = [row for row in sandbox.get("/events", person=someone(62)) if row.get("field") == "Created"]
    mails = [mail for mail in sandbox.get("/outbox") if mail["to"] == someone(62)]
    assert (len(created), len(mails)) == (1, 1)
    assert agent_process.browsers() == []
    folders = [path.parent for path in (agent_process.folder / "evidence").rglob("request.json")]
    assert len(folders) == 3
    for folder in folders:
        check(folder)


async def test_a_browser_that_outlives_its_agent_is_ended_before_the_first_claim(agent_process: AgentProcess) -> None:
    """A stopped browser does not notice that its agent is gone; the next start ends it before it claims a job."""
    sandbox = agent_process.sandbox
    (number,) = await agent_process.submit(provisioning(63))
    sandbox.post("/faults", [{"operation": "create_user", "effect": "hold", "when": "before"}])
    agent_process.start()
    assert await asyncio.to_thread(sandbox.get, "/held", wait="90")
    orphans = agent_process.browsers()
    assert orphans
    for browser in orphans:
        browser.suspend()
    agent_process.signal(signal.SIGKILL)
    await agent_process.ended()
    sandbox.post("/held/release", {"then": "drop"})
    assert any(browser.is_running() for browser in orphans), "else this test proves nothing"
    sandbox.forget_faults()
    agent_process.start("--once")
    assert await agent_process.ended() == 0
    assert not any(browser.is_running() for browser in orphans)
    assert "orphaned-browsers-ended" in [line["event"] for line in agent_process.log]
    (record,) = await agent_process.jobs(number)
    assert record.state is JobState.DONE, (record.error, agent_process.log)
    assert sum(mail["to"] == someone(63) for mail in sandbox.get("/outbox")) == 1

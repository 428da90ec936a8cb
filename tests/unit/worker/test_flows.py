"""A flow whose page has changed is taken out of use: that flow, not the tenant; and its jobs become tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain.access import CompanyAccess
from agent.execute.outcome import FlowUse, StepResult, Verdict
from agent.jobs.model import Job
from agent.notify.notices import notices_for
from agent.queue.ending import Ending, Held, Trouble
from agent.queue.record import FlowHealth, FlowReport, Hold, JobRecord, JobState
from agent.worker import flows as worker_flows
from agent.worker.judgement import Moment, Rules, judge
from tests.unit.execute.cases import job, person, provision
from tests.unit.worker import test_judgement as judging
from tests.unit.worker.conftest import Bench

ANA = "ana.lindqvist@example.com"
BEA = "bea.kovacs@example.com"
QUARANTINED = FlowUse(flow="invite", state="quarantined", code="unknown-dialog", why="A window.")


async def states(bench: Bench) -> dict[str, str]:
    """The flows of the tenant."""
    return {state.flow: state.state.value for state in await bench.queue.flow_states("sandbox")}


async def is_paused(bench: Bench) -> bool:
    """Whether the tenant is."""
    return any(tenant.paused for tenant in await bench.queue.tenants())


def another(email: str = BEA) -> Job:
    """A joiner whose name nobody shares."""
    return provision(
        email,
        idempotency_key=f"joiner-{email.partition('@')[0]}",
        person={"email": email, "attributes": {"first_name": "Bea", "last_name": email.split("@")[0]}},
    )


async def test_a_changed_form_quarantines_its_flow_and_hands_the_job_over(bench: Bench) -> None:
    """Nothing was sent, no attempt is counted, and the tenant is not paused."""
    bench.truth.fault("create_user", "swapped labels")
    await bench.submit(provision())
    record = await bench.run_next()
    assert (record.state, record.hold, record.attempt) == (JobState.QUEUED, Hold.HAND_OVER, 0)
    assert record.error_code == "flow-quarantined"
    assert (record.hold_data["flows"], bool(record.hold_data["steps"])) == (["add_user"], True)
    (state,) = await bench.queue.flow_states("sandbox")
    assert (state.flow, state.state, state.by, state.code) == (
        "add_user",
        FlowHealth.QUARANTINED,
        "worker",
        "shape-changed",
    )
    assert (state.region, state.job_id, state.evidence) == ("add_user.form", record.id, record.evidence)
    assert not await is_paused(bench)
    assert bench.truth.sent == []


async def test_other_flows_and_reading_go_on_while_one_is_quarantined(bench: Bench) -> None:
    """The leaver is offboarded and the report made; the next joiner is a task before anything is sent."""
    bench.truth.put(person(company_access=CompanyAccess(template="Field Staff")))
    bench.truth.fault("create_user", "swapped labels")
    await bench.submit(another(), job("offboard", person={"email": ANA}), job("read", person={"email": ANA}))
    records = {record.op: record for record in [await bench.run_next() for _ in range(3)]}
    assert records["offboard"].state is JobState.DONE
    assert records["read"].state is JobState.DONE
    assert records["provision"].hold is Hold.HAND_OVER
    sent = list(bench.truth.sent)
    await bench.submit(another("cy.doe@example.com"))
    waiting = await bench.run_next()
    assert (waiting.hold, waiting.attempt, waiting.error_code) == (Hold.HAND_OVER, 0, "flow-quarantined")
    assert waiting.hold_data["flows"] == ["add_user"]
    assert bench.truth.sent == sent
    assert bench.shop.failures["sandbox"] == 0


async def test_released_it_is_used_again_and_says_when_it_last_went_well(bench: Bench) -> None:
    """The task is run again by the agent, or was done by hand meanwhile."""
    bench.truth.fault("create_user", "swapped labels")
    (number,) = await bench.submit(provision())
    await bench.run_next()
    await bench.queue.release_flow("sandbox", "add_user", "helen", "Only the order had changed.")
    await bench.queue.retry(number, "helen")
    record = await bench.run_next()
    assert (record.state, record.attempt) == (JobState.DONE, 1)
    found = {state.flow: state for state in await bench.queue.flow_states("sandbox")}
    assert found["add_user"].state is FlowHealth.HEALTHY
    assert found["add_user"].succeeded_at is not None
    assert bench.truth.outbox == [ANA]


async def test_half_done_the_task_is_what_is_left(bench: Bench) -> None:
    """The steps that were saved are not told to be done by hand once more."""
    bench.truth.fault("invite", "unknown page")
    await bench.submit(provision())
    record = await bench.run_next()
    assert (record.hold, record.error_code) == (Hold.HAND_OVER, "flow-quarantined")
    told = [step["do"] for step in record.hold_data["steps"]]
    assert [words for words in told if '"Invite"' in words]
    assert not [words for words in told if '"Add User"' in words]
    assert await states(bench) == {"add_user": "healthy", "change_projects": "healthy", "invite": "quarantined"}


async def test_a_page_that_is_only_read_still_pauses_the_tenant(bench: Bench) -> None:
    """Every job would stop there."""
    bench.truth.fault("read:find", "unknown page")
    await bench.submit(provision())
    record = await bench.run_next()
    assert (record.state, record.hold, record.attempt) == (JobState.QUEUED, None, 0)
    assert await is_paused(bench)
    assert await states(bench) == {}


async def test_a_harmless_change_is_on_record_once_and_over_when_it_is_gone(bench: Bench) -> None:
    """Degraded, then healthy by the next job that sees it so."""
    bench.truth.fault("create_user", "renamed label")
    await bench.submit(provision())
    assert (await bench.run_next()).state is JobState.DONE
    assert (await states(bench))["add_user"] == "degraded"
    await bench.submit(another())
    assert (await bench.run_next()).state is JobState.DONE
    assert (await states(bench))["add_user"] == "healthy"
    history = await bench.queue.flow_events("sandbox", "add_user")
    assert [event.state.value for event in history] == ["healthy", "degraded"]


async def test_an_odd_value_hands_one_job_over_and_the_second_in_a_row_takes_the_flow_out_of_use(bench: Bench) -> None:
    """One person's data is not a page's change; the same for two people is."""
    bench.truth.fault("create_user", "odd value")
    await bench.submit(provision())
    first = await bench.run_next()
    assert (first.hold, first.error_code) == (Hold.HAND_OVER, "control-mismatch")
    assert (await states(bench))["add_user"] == "degraded"
    bench.truth.fault("create_user", "odd value")
    await bench.submit(another())
    assert (await bench.run_next()).hold is Hold.HAND_OVER
    assert (await states(bench))["add_user"] == "quarantined"


def leaver(**fields: object) -> JobRecord:
    """An offboarding in its first run."""
    return judging.record(op="offboard", **fields)


def test_a_leaver_who_has_to_be_offboarded_by_hand_is_told_at_once_and_not_again_as_late() -> None:
    """With the key under which the clock would tell it half an hour later."""
    held = Held(Hold.HAND_OVER, "By hand.", trouble=Trouble("failed", "flow-quarantined", "By hand."))
    waiting, late = notices_for(leaver(), Ending(held))
    assert (waiting.kind, late.kind, late.key) == ("waiting", "late", "late:7")
    assert "by hand now" in late.subject
    assert [notice.kind for notice in notices_for(judging.record(), Ending(held))] == ["waiting"]
    other = replace(held, trouble=Trouble("failed", "denied", "No rights."))
    assert [notice.kind for notice in notices_for(leaver(), Ending(other))] == ["waiting"]


@pytest.mark.parametrize("code", ["unknown-page", "unknown-dialog", "shape-changed"])
@pytest.mark.parametrize("before", [(), (judging.SAVED,)])
def test_neither_a_pause_nor_a_failure_in_a_row(code: str, before: tuple[StepResult, ...]) -> None:
    """However often: each of those jobs is a person's, the tenant's other jobs go on."""
    verdict = Verdict.UNCERTAIN if before else Verdict.FAILED
    found = judging.outcome(verdict, code, *before, flows=(QUARANTINED,))
    judgement = judging.decide(found, failures=4, attempt=8)
    assert isinstance(judgement.how, Held)
    assert judgement.how.hold is Hold.HAND_OVER
    assert judgement.how.trouble is not None
    assert judgement.how.trouble.code == "flow-quarantined"
    assert (judgement.failures, judgement.pause) == (4, None)


def test_a_write_of_which_nobody_knows_what_became_of_it_stays_uncertain() -> None:
    """The flow is quarantined all the same, and the tenant is not paused for it."""
    found = judging.outcome(Verdict.UNCERTAIN, "unknown-dialog", judging.UNKNOWN, flows=(QUARANTINED,))
    judgement = judging.decide(found)
    assert isinstance(judgement.how, Held)
    assert (judgement.how.hold, judgement.pause) == (Hold.UNCERTAIN, None)


async def test_a_worker_that_does_not_report_is_caught(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted violation: nothing is put on record, so the second joiner meets the changed form as well."""
    monkeypatch.setattr("agent.worker.claimed.reports_of", lambda *_, **__: ())
    bench.truth.fault("create_user", "swapped labels")
    await bench.submit(provision())
    await bench.run_next()
    with pytest.raises(AssertionError):
        assert await states(bench) == {"add_user": "quarantined"}


async def test_a_worker_that_does_not_ask_is_caught(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted violation: the record is not read, and a write leaves through a quarantined flow."""
    told = FlowReport("add_user", FlowHealth.QUARANTINED, "mia", "It looks odd.")
    await bench.queue.set_flow_state("sandbox", told)
    monkeypatch.setattr(
        "agent.worker.claimed.quarantined_in", lambda queue, tenant: worker_flows.quarantined_in(queue, "")
    )
    await bench.submit(provision())
    await bench.run_next()
    with pytest.raises(AssertionError):
        assert bench.truth.sent == []


def test_judged_without_flows_as_before() -> None:
    """The oracle above looks at the flows: without them the same end pauses the tenant."""
    judgement = judge(judging.record(), judging.outcome(Verdict.FAILED, "unknown-dialog"), Rules(), Moment(0, 0))
    assert judgement.pause is not None

"""Where a job may be stopped, what an approval covers, and what a budget holds back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.errors import Failed
from agent.execute.boundary import NoBoundary, StopAsked
from agent.execute.events import Note
from agent.execute.outcome import Verdict
from agent.execute.trail import Trail
from agent.plan.steps import Plan
from agent.policy.check import ApprovalNeeded
from tests.unit.execute.cases import job, person, provision
from tests.unit.execute.fake import Listener, run, sent_twice
from tests.unit.execute.fake_tenant import FakeTenant

ANA = "ana.lindqvist@example.com"
TOO_MANY = ApprovalNeeded(code="too-many-deactivations", message="10 people were inactivated in the last hour.")


class StopsAt(NoBoundary):
    """Asks to stop at the nth step boundary, or at the nth write."""

    def __init__(self, *, step: int = 0, write: int = 0) -> None:
        self.steps = self.writes = 0
        self.recorded: list[Trail] = []
        self._step, self._write = step, write

    async def at_step(self, trail: Trail) -> None:
        self.steps += 1
        if self.steps == self._step:
            raise StopAsked("cancel-asked", "Somebody asked to stop this job.")

    async def at_write(self, trail: Trail) -> None:
        self.writes += 1
        if self.writes == self._write:
            raise StopAsked("cancel-asked", "Somebody asked to stop this job.")
        self.recorded.append(trail)


async def test_stopped_before_anything_was_sent_nothing_is_changed() -> None:
    """The first boundary comes after planning."""
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, boundary=StopsAt(step=1))
    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["code"] == "cancel-asked"
    assert tenant.sent == []


@pytest.mark.parametrize("place", [{"step": 4}, {"write": 3}], ids=["at a step", "at a write"])
async def test_stopped_midway_the_outcome_says_what_is_done_and_what_is_not(place: dict[str, int]) -> None:
    """Two steps are done, two are not; nothing is unknown."""
    tenant = FakeTenant()
    outcome = await run(provision(), tenant, boundary=StopsAt(**place))
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert (outcome.error["code"], outcome.error["cause"]) == ("stopped-midway", "cancel-asked")
    assert [step.state for step in outcome.steps] == ["saved", "saved", "not sent", "not sent"]
    assert len(tenant.sent) == 2


async def test_each_write_is_on_record_before_it_leaves() -> None:
    """At every write the record names exactly that write as under way, and those before it as saved."""
    tenant, boundary = FakeTenant(), StopsAt()
    left: list[int] = []
    tenant.on_write = lambda operation: left.append(len(boundary.recorded))
    await run(provision(), tenant, boundary=boundary)
    assert left == [1, 2, 3, 4]
    for number, trail in enumerate(boundary.recorded, 1):
        assert [sent.state for sent in trail.sent] == ["saved"] * (number - 1) + ["under way"]


async def test_a_record_that_cannot_be_kept_stops_the_write() -> None:
    """A full disk of the queue: what cannot be put on record is not sent."""

    class Full(NoBoundary):
        async def at_write(self, trail: Trail) -> None:
            raise Failed("queue-unwritable", "The disk is full.")

    tenant = FakeTenant()
    outcome = await run(provision(), tenant, boundary=Full())
    assert outcome.verdict is Verdict.FAILED
    assert tenant.sent == []


async def test_a_refused_write_is_taken_off_the_record() -> None:
    """Procore said no: a later run must not look for it."""

    class Keeps(StopsAt):
        async def settled(self, trail: Trail) -> None:
            self.recorded.append(trail)

    tenant, boundary = FakeTenant(), Keeps()
    tenant.fault("add_to_project", "refuse")
    await run(provision(), tenant, boundary=boundary)
    assert boundary.recorded[-1].under_way is None
    assert len(boundary.recorded[-1].sent) == 1


async def test_an_approval_lets_through_only_what_it_covers() -> None:
    """The reasons and the plan are asked about; without a yes nothing is sent."""
    tenant = FakeTenant()
    tenant.put(person())
    asked: list[tuple[Sequence[ApprovalNeeded], Plan]] = []

    async def budget(plan: Plan) -> Sequence[ApprovalNeeded]:
        return (TOO_MANY,)

    def permits(needed: Sequence[ApprovalNeeded], plan: Plan) -> bool:
        asked.append((needed, plan))
        return False

    outcome = await run(job("offboard", person={"email": ANA}), tenant, budget=budget, permits=permits)
    assert outcome.verdict is Verdict.WAITING
    assert outcome.approvals == (TOO_MANY,)
    assert tenant.sent == []
    assert asked[-1][0] == (TOO_MANY,)
    again = await run(job("offboard", person={"email": ANA}), tenant, budget=budget, permits=lambda needed, plan: True)
    assert again.verdict is Verdict.DONE


async def test_a_run_tells_that_it_rests_on_an_approval() -> None:
    """Once, with the reasons, before anything is sent; a run for which policy asks nothing says nothing of the kind."""
    tenant = FakeTenant()
    tenant.put(person())

    async def budget(plan: Plan) -> Sequence[ApprovalNeeded]:
        return (TOO_MANY,)

    def told(seen: Listener) -> list[dict[str, str]]:
        return [note.data for note in seen.of(Note) if "approved" in note.data]

    silent, loud = Listener(), Listener()
    await run(provision(), FakeTenant(), listener=silent)
    await run(
        job("offboard", person={"email": ANA}),
        tenant,
        budget=budget,
        permits=lambda needed, plan: True,
        listener=loud,
    )
    assert told(silent) == []
    assert told(loud) == [{"approved": TOO_MANY.code}]


async def test_another_jobs_message_in_a_shared_session_does_not_decide_ours() -> None:
    """A flash is kept per session: a refusal seen on our page may be about another job's. Reading back decides."""
    tenant = FakeTenant()
    tenant.fault("add_to_project", "saved under a foreign flash")
    outcome = await run(provision(), tenant, shared_session=True)
    assert outcome.verdict is Verdict.DONE
    assert tenant.outbox == [ANA]
    assert sent_twice(tenant) == []
    assert "settled by observation" in [step.state for step in outcome.steps]


async def test_the_oracle_sees_a_run_that_believes_a_foreign_message() -> None:
    """Planted violation: alone in its session a job believes a stale form at once, and the lagging page misleads it."""
    tenant = FakeTenant()
    tenant.fault("add_to_project", "saved under a foreign flash")
    await run(provision(), tenant, shared_session=False)
    assert sent_twice(tenant) != []

"""Long random histories: after each step the queue is exactly as the model says, and no rule was ever broken."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from sqlite3 import IntegrityError
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agent.queue.ending import Dead, Done, Ending, GiveBack, Held, How, Retry, Stopped
from agent.queue.interface import JobFilter, NotPossibleNow, Queue
from agent.queue.ledger import claiming, finishing, people, submitting
from agent.queue.record import Claim, Hold, JobRecord, JobState, NewJob
from tests.queue.model import LIVE, ModelJob, ModelQueue, shown
from tests.queue.places import NOON, Clock, EmbeddedPlace, Place
from tests.queue.wishes import TROUBLE, crowd, wish

MEMORY = Path("/dev/shm")  # durability is tested elsewhere; here thousands of commits are made
LIMITS = {"north": 2, "south": 1}
DECISIONS = ("cancel", "retry", "approve", "resolve", "hand_over")
PEOPLE = ("ana", "ana.new", "bo")


def broken_rules(
    jobs: Sequence[JobRecord], limits: dict[str, int], many: Mapping[int, set[str]] | None = None
) -> list[str]:
    """What must never be seen in the queue, told from the jobs alone; ``many`` has the people of jobs about several."""
    running = [job for job in jobs if job.state is JobState.RUNNING]
    found = []
    addresses = Counter(
        (job.tenant, address)
        for job in running
        for address in {job.person, job.other_person} | (many or {}).get(job.id, set())
        if address is not None
    )
    found += [f"{address} has two running jobs" for address, count in addresses.items() if count > 1]
    per_tenant = Counter(job.tenant for job in running)
    found += [f"{tenant} has {count} running jobs" for tenant, count in per_tenant.items() if count > limits[tenant]]
    return found


class Histories(RuleBasedStateMachine):
    """What people, workers, clocks and crashes do to a queue."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="queue-model-", dir=MEMORY if MEMORY.is_dir() else None))
        self.clock = Clock()
        self.place = self.new_place()
        self.model = ModelQueue(LIMITS, NOON)
        self.claims: dict[int, Claim] = {}
        self.queue: Queue = self.do(self.place.open(LIMITS))

    def new_place(self) -> Place:
        return EmbeddedPlace(self.folder / "queue.db", self.clock)

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        try:
            self.do(self.place.close())
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    # --- ways in ---

    @rule(
        person=st.sampled_from(PEOPLE),
        op=st.sampled_from(("add_to_projects", "remove_from_projects", "update", "offboard", "change_email")),
        tenant=st.sampled_from(("north", "north", "south")),
        what=st.sampled_from(("a", "b")),
        key=st.sampled_from((None, None, "k1", "k2")),
        wait=st.sampled_from((0, 0, 0, 50)),
        held=st.sampled_from((False, False, False, True)),
    )
    def submit(self, person: str, op: str, tenant: str, what: str, key: str | None, wait: int, held: bool) -> None:
        changes: dict[str, Any] = {"to": "ana.new" if person != "ana.new" else "bo"} if op == "change_email" else {}
        new = wish(
            person,
            op,
            f"{key}-{person}-{op}-{what}" if key else None,
            tenant=tenant,
            what=what,
            not_before=self.clock.now + wait if wait else 0.0,
            hold=Hold.APPROVAL if held else None,
            max_attempts=2,
            **changes,
        )
        self.hand_in(new)

    @rule(
        people=st.sampled_from((("ana",), ("ana", "bo"), ("bo", "ana.new"), ("cy",))),
        project=st.sampled_from(("24-001", "24-002")),
        tenant=st.sampled_from(("north", "north", "south")),
        what=st.sampled_from(("a", "b")),
        held=st.sampled_from((False, False, True)),
        op=st.sampled_from(("bulk_add_to_project", "bulk_add_to_project", "bulk_remove_from_project")),
    )
    def submit_many(self, people: tuple[str, ...], project: str, tenant: str, what: str, held: bool, op: str) -> None:
        hold = Hold.APPROVAL if held else None
        self.hand_in(crowd(*people, op=op, project=project, tenant=tenant, what=what, hold=hold, max_attempts=2))

    @precondition(lambda self: self.crowds())
    @rule(which=st.integers(0, 9), whose=st.integers(0, 9), one=st.booleans())
    def submit_a_removal_of_many(self, which: int, whose: int, one: bool) -> None:
        many = self.crowds()[which % len(self.crowds())]
        person = many.new.people[whose % len(many.new.people)].partition("@")[0]
        if one:
            self.hand_in(wish(person, "remove_from_projects", tenant=many.new.tenant, max_attempts=2))
        else:
            op = "bulk_remove_from_project"
            self.hand_in(crowd(person, op=op, project="24-001", tenant=many.new.tenant, max_attempts=2))

    @precondition(lambda self: self.crowds())
    @rule(which=st.integers(0, 9), whose=st.integers(0, 9))
    def submit_a_leaver_of_many(self, which: int, whose: int) -> None:
        many = self.crowds()[which % len(self.crowds())]
        leaver = many.new.people[whose % len(many.new.people)].partition("@")[0]
        self.hand_in(wish(leaver, "offboard", tenant=many.new.tenant, max_attempts=2))

    def crowds(self) -> list[ModelJob]:
        return [job for job in self.model.jobs if job.new.people and job.state in LIVE]

    def hand_in(self, new: NewJob) -> None:
        (accepted,) = self.do(self.queue.submit([new]))
        assert (accepted.id, accepted.joined) == self.model.submit(new)

    # --- work ---

    @rule()
    def claim(self) -> None:
        claim = self.do(self.place.try_claim(self.queue))
        expected = self.model.next()
        assert (claim.job.id if claim else None) == (expected.id if expected else None)
        if claim is not None and expected is not None:
            self.model.claim(expected)
            self.claims[claim.job.id] = claim
            assert self.do(self.queue.guard(claim)).left_out == expected.left_out
            later = self.do(self.queue.later_removals(claim.job.id))
            assert {person: [job.id for job in jobs] for person, jobs in later.items()} == (
                self.model.removed_later(expected)
            )

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 9))
    def write(self, which: int) -> None:
        job_id = sorted(self.claims)[which % len(self.claims)]
        self.do(self.queue.progress(self.claims[job_id], {"step": "Save"}))
        self.model.jobs[job_id - 1].written = True

    @precondition(lambda self: self.crowds())
    @rule()
    def claim_what_can_be(self) -> None:
        before = -1
        while len(self.claims) != before:
            before = len(self.claims)
            self.claim()

    @precondition(lambda self: self.claims)
    @rule(
        which=st.integers(0, 9),
        how=st.sampled_from(
            (
                Done(),
                Done(),
                Dead(TROUBLE),
                Retry(NOON + 40, TROUBLE),
                Retry(0, TROUBLE, counts=False),
                GiveBack("stop"),
                Stopped("asked"),
                *(Held(hold, "why") for hold in Hold),
            )
        ),
    )
    def finish(self, which: int, how: How) -> None:
        job_id = sorted(self.claims)[which % len(self.claims)]
        self.do(self.queue.finish(self.claims.pop(job_id), Ending(how)))
        self.model.finish(self.model.jobs[job_id - 1], how)

    # --- people, time, death ---

    @precondition(lambda self: self.model.jobs)
    @rule(which=st.integers(0, 99), decision=st.sampled_from(DECISIONS))
    def decide(self, which: int, decision: str) -> None:
        self.decide_about(self.model.jobs[which % len(self.model.jobs)], decision)

    @precondition(lambda self: self.needing_somebody())
    @rule(which=st.integers(0, 9), decision=st.sampled_from(DECISIONS))
    def decide_where_somebody_must(self, which: int, decision: str) -> None:
        jobs = self.needing_somebody()
        self.decide_about(jobs[which % len(jobs)], decision)

    def needing_somebody(self) -> list[ModelJob]:
        return [job for job in self.model.jobs if job.hold is not None or job.state is JobState.DEAD]

    def decide_about(self, job: ModelJob, decision: str) -> None:
        more: tuple[Any, ...] = {"approve": ({},), "hand_over": ("by hand", {})}.get(decision, ())
        possible = getattr(self.model, decision)(job)
        try:
            self.do(getattr(self.queue, decision)(job.id, "mia", *more))
        except NotPossibleNow:
            assert not possible
        else:
            assert possible

    @rule(tenant=st.sampled_from(("north", "south")), paused=st.booleans())
    def pause(self, tenant: str, paused: bool) -> None:
        self.do(self.queue.pause(tenant, "mia", "why") if paused else self.queue.resume(tenant, "mia"))
        (self.model.paused.add if paused else self.model.paused.discard)(tenant)

    @rule(seconds=st.sampled_from((30, 60, -20)))
    def time_passes(self, seconds: int) -> None:
        self.clock.now += seconds
        self.model.now = self.clock.now

    @rule()
    def die(self) -> None:
        self.do(self.place.die(self.queue))
        self.queue = self.do(self.place.open(LIMITS))
        self.model.die()
        self.claims.clear()

    # --- what is always true ---

    @invariant()
    def the_queue_is_as_the_model(self) -> None:
        jobs = self.do(self.queue.jobs(JobFilter(limit=1000)))
        assert [(job.id, *shown(job)) for job in jobs] == [(job.id, *job.shown()) for job in self.model.jobs]
        assert broken_rules(jobs, LIMITS, {job.id: job.addresses for job in self.model.jobs}) == []


def check_histories(machine: type[Histories], **changes: Any) -> None:
    """Run random histories; an AssertionError when one of them is not as the model says."""
    suppressed = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    values = {"max_examples": 60, "stateful_step_count": 40, "deadline": None, "suppress_health_check": suppressed}
    run_state_machine_as_test(machine, settings=settings(**(values | changes)))


@pytest.mark.timeout(600)  # each step is on disk: a disk that is busy otherwise makes it long
def test_every_history_is_as_the_model_says() -> None:
    """Order, exclusivity, limits, holds, superseding, joining, keys, crashes; nothing is lost or invented."""
    check_histories(Histories)


def take_the_newest(plain: Any) -> Any:
    def heads(*arguments: Any) -> Any:
        statement, values = plain(*arguments)
        changed = statement.replace("MIN(id) AS first", "MAX(id) AS first").replace("first = first_to_run", "1 = 1")
        return changed, values

    return heads


def always(answer: Any) -> Any:
    return lambda plain: lambda *arguments, **named: answer


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "a person's order": (claiming, "heads", take_the_newest),
    "the tenant's limit": (claiming, "_with_room", always(["north", "south"])),
    "superseding": (submitting, "_supersede", always(())),
    "crashes": (finishing, "recover", always(None)),
    "the people of a job about many": (people, "held_by", always([])),
    "leaving out": (people, "to_leave_out", always({})),
    "removals that wait for nobody": (claiming, "REVOKING_OPS", lambda plain: frozenset()),
    "what removals took away": (people, "later_removals", always({})),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rule_broken", PLANTED)
def test_a_planted_violation_is_found(monkeypatch: pytest.MonkeyPatch, rule_broken: str) -> None:
    """Each rule that the model holds is missed when the queue forgets it."""
    module, name, plant = PLANTED[rule_broken]
    monkeypatch.setattr(module, name, plant(getattr(module, name)))
    # Many, since what is drawn depends on which modules are loaded; it ends with the first that is found.
    search = {"max_examples": 2000, "phases": [Phase.generate], "report_multiple_bugs": False}
    with pytest.raises((AssertionError, IntegrityError)):
        check_histories(Histories, derandomize=True, database=None, print_blob=False, **search)


@pytest.mark.parametrize(
    ("changes", "rule_broken"),
    [
        ({"person": "ana@example.com"}, "has two running jobs"),
        ({"other_person": "ana@example.com"}, "has two running jobs"),
        ({}, "has 3 running jobs"),
    ],
)
def test_the_rules_told_from_the_jobs_alone_can_be_broken(changes: dict[str, Any], rule_broken: str) -> None:
    """The second oracle does not rest on the model."""
    people = ("ana", "bo", "cy") if not changes else ("ana", "bo")
    jobs = [record(number, person) for number, person in enumerate(people, 1)]
    jobs[-1] = replace(jobs[-1], **changes)
    assert any(rule_broken in found for found in broken_rules(jobs, LIMITS))
    assert broken_rules(jobs[:1], LIMITS) == []


def record(number: int, person: str) -> JobRecord:
    """A running job."""
    return JobRecord(
        id=number,
        tenant="north",
        person=f"{person}@example.com",
        op="update",
        args={},
        args_version=1,
        priority=50,
        state=JobState.RUNNING,
        created_by="desk",
        created_at=NOON,
        started_at=NOON,
    )

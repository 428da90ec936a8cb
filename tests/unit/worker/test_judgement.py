"""From the outcome of a run to its end on record."""

from __future__ import annotations

from typing import Any

import pytest

from agent.execute.outcome import FlowUse, Outcome, StepResult, Verdict
from agent.policy.check import ApprovalNeeded
from agent.queue.ending import Dead, Done, GiveBack, Held, Retry, Stopped
from agent.queue.record import Hold, JobRecord, JobState, Mode
from agent.worker import troubles
from agent.worker.backoff import RetryPolicy
from agent.worker.judgement import Judgement, Moment, Rules, Stop, judge

NOW = 1_000_000.0
SAVED = StepResult(number=1, title="Create the user", state="saved")
UNKNOWN = StepResult(number=2, title="Add to project", state="unknown")


def record(**fields: Any) -> JobRecord:
    """A job in its first run."""
    base: dict[str, Any] = {
        "id": 7,
        "tenant": "sandbox",
        "person": "ana@example.com",
        "op": "provision",
        "args": {},
        "args_version": 1,
        "priority": 50,
        "state": JobState.RUNNING,
        "created_by": "hr",
        "created_at": NOW - 60,
        "attempt": 1,
        "max_attempts": 8,
    }
    return JobRecord(**{**base, **fields})


def outcome(verdict: Verdict, code: str = "", *steps: StepResult, **more: Any) -> Outcome:
    """The end of a run."""
    error = {"code": code, "message": "Words."} if code else None
    return Outcome(verdict=verdict, summary="Words.", error=error, steps=steps, **more)


def decide(what: Outcome, *, failures: int = 0, part: float = 0.5, stop: Stop | None = None, **job: Any) -> Judgement:
    """Judge it now."""
    return judge(record(**job), what, Rules(), Moment(NOW, part, failures, stop, "The agent stops."))


def test_done_is_done_and_closes_the_breaker() -> None:
    """Also when a stop was asked meanwhile: what is read back is done."""
    judgement = decide(outcome(Verdict.DONE), failures=4, stop=Stop.SHUTDOWN)
    assert (judgement.how, judgement.failures, judgement.pause) == (Done(), 0, None)


def test_refused_is_dead_at_once() -> None:
    """Nothing that was refused is tried again."""
    judgement = decide(outcome(Verdict.REFUSED, "no-such-person"))
    assert isinstance(judgement.how, Dead)
    assert (judgement.how.trouble.kind, judgement.how.trouble.code) == ("refused", "no-such-person")


@pytest.mark.parametrize("code", ["no-such-person", "password-rejected", "page-unreachable"])
def test_a_refusal_is_no_failure_of_the_tenant(code: str) -> None:
    """It neither counts towards the breaker nor opens it, whatever its code: the agent would not, the tenant could."""
    judgement = decide(outcome(Verdict.REFUSED, code), failures=4)
    assert (judgement.failures, judgement.pause) == (4, None)


@pytest.mark.parametrize("code", sorted(troubles.SIGN_IN | troubles.UNKNOWN_UI))
def test_the_tenants_trouble_pauses_it_until_a_person_resumes(code: str) -> None:
    """The job keeps its attempt and is due again when the tenant is resumed."""
    judgement = decide(outcome(Verdict.FAILED, code), attempt=8)
    assert isinstance(judgement.how, Retry)
    assert (judgement.how.at, judgement.how.counts) == (NOW, False)
    assert judgement.pause is not None
    assert judgement.pause.until is None


@pytest.mark.parametrize("code", sorted(troubles.UNKNOWN_UI))
def test_a_job_that_meets_an_unknown_screen_again_is_handed_over(code: str) -> None:
    """It would be the first one after each resume and pause the tenant for everybody, for ever."""
    judgement = decide(outcome(Verdict.FAILED, code), error_code=code)
    assert isinstance(judgement.how, Held)
    assert judgement.how.hold is Hold.HAND_OVER
    assert judgement.pause is not None


def test_a_rejected_password_is_tried_again_after_a_resume_however_often() -> None:
    """Nothing that a person could do in Procore in the job's place."""
    assert isinstance(decide(outcome(Verdict.FAILED, "password-rejected"), error_code="password-rejected").how, Retry)


@pytest.mark.parametrize("code", sorted(troubles.MACHINE))
def test_the_machines_trouble_pauses_for_a_while(code: str) -> None:
    """A disk may be emptied without anybody resuming."""
    judgement = decide(outcome(Verdict.FAILED, code))
    assert isinstance(judgement.how, Retry)
    assert not judgement.how.counts
    assert judgement.pause is not None
    assert judgement.pause.until == NOW + 900


@pytest.mark.parametrize("code", sorted(troubles.PASSING))
def test_passing_trouble_is_tried_again_with_full_jitter(code: str) -> None:
    """A random part of the doubled wait; the attempt counts."""
    judgement = decide(outcome(Verdict.FAILED, code), attempt=3, part=0.25)
    assert isinstance(judgement.how, Retry)
    assert judgement.how.at == NOW + 0.25 * 120
    assert judgement.how.counts
    assert judgement.pause is None


def test_the_last_attempt_is_dead() -> None:
    """Eight times is enough."""
    assert isinstance(decide(outcome(Verdict.FAILED, "page-timeout"), attempt=8).how, Dead)


def test_an_outage_pauses_at_the_second_failure_in_a_row_without_burning_attempts() -> None:
    """The first may be a moment's weakness."""
    first = decide(outcome(Verdict.FAILED, "page-unreachable"))
    assert first.pause is None
    second = decide(outcome(Verdict.FAILED, "page-unreachable"), failures=first.failures, attempt=8)
    assert isinstance(second.how, Retry)
    assert not second.how.counts
    assert second.pause is not None
    assert second.pause.until == NOW + 900


def test_so_many_failures_in_a_row_of_whatever_kind_pause() -> None:
    """The fifth does, and the words name how many."""
    judgement = decide(outcome(Verdict.FAILED, "unexpected"), failures=4)
    assert judgement.pause is not None
    assert "5 failures in a row" in judgement.pause.why


@pytest.mark.parametrize("verdict", [Verdict.WAITING, Verdict.DONE])
def test_a_tenant_that_works_starts_counting_from_zero(verdict: Verdict) -> None:
    """A wait for a person is no failure either."""
    assert decide(outcome(verdict), failures=4).failures == 0


@pytest.mark.parametrize("code", sorted(troubles.BY_HAND))
def test_what_the_agent_cannot_do_is_handed_over(code: str) -> None:
    """Refused or failed: a person can do it."""
    for verdict in (Verdict.REFUSED, Verdict.FAILED):
        how = decide(outcome(verdict, code)).how
        assert isinstance(how, Held)
        assert how.hold is Hold.HAND_OVER


def test_an_unknown_write_waits_for_a_person_whatever_the_cause() -> None:
    """Even when the cause would pass: nothing is repeated blindly."""
    for code in ("answer-lost", "browser-lost", "password-rejected"):
        how = decide(outcome(Verdict.UNCERTAIN, code, SAVED, UNKNOWN)).how
        assert isinstance(how, Held)
        assert how.hold is Hold.UNCERTAIN


def test_unknown_writes_open_the_breaker_as_well() -> None:
    """Else a tenant that swallows answers is written to, and every job held, until none is left."""
    fifth = decide(outcome(Verdict.UNCERTAIN, "answer-lost", UNKNOWN), failures=4)
    assert isinstance(fifth.how, Held)
    assert fifth.pause is not None
    rejected = decide(outcome(Verdict.UNCERTAIN, "password-rejected", UNKNOWN))
    assert rejected.pause is not None
    assert rejected.pause.until is None


def test_passing_trouble_after_a_saved_step_is_tried_again() -> None:
    """Nothing is unknown: the next run observes and does the rest."""
    stopped = Outcome(
        verdict=Verdict.UNCERTAIN,
        summary="Words.",
        error={"code": "stopped-midway", "cause": "browser-lost"},
        steps=(SAVED,),
    )
    how = decide(stopped).how
    assert isinstance(how, Retry)
    assert how.trouble.code == "browser-lost"
    last = decide(stopped, attempt=8).how
    assert isinstance(last, Held), "something was changed: no quiet death"
    assert last.hold is Hold.UNCERTAIN


def test_not_confirmed_waits_for_a_person() -> None:
    """Everything was sent, and a witness disagrees."""
    how = decide(outcome(Verdict.UNCERTAIN, "not-confirmed", SAVED)).how
    assert isinstance(how, Held)
    assert how.hold is Hold.UNCERTAIN


def test_an_approval_and_a_case_for_a_person_are_two_holds() -> None:
    """The reasons tell them apart."""
    needed = (ApprovalNeeded(code="admin-grant", message="The plan makes the person a Company Admin."),)
    approval = decide(outcome(Verdict.WAITING, approvals=needed)).how
    by_hand = decide(outcome(Verdict.WAITING, "near-hit")).how
    assert isinstance(approval, Held)
    assert (approval.hold, approval.reason) == (Hold.APPROVAL, needed[0].message)
    assert isinstance(by_hand, Held)
    assert by_hand.hold is Hold.HAND_OVER


@pytest.mark.parametrize("code", ["given-back", "interrupted"])
def test_a_run_that_the_agent_stopped_is_given_back(code: str) -> None:
    """With steps done or not; no attempt is counted, and the breaker does not move."""
    for what in (outcome(Verdict.FAILED, code), outcome(Verdict.UNCERTAIN, code, SAVED, UNKNOWN)):
        judgement = decide(what, stop=Stop.SHUTDOWN, failures=3)
        assert isinstance(judgement.how, GiveBack)
        assert judgement.failures == 3


def test_a_run_that_somebody_stopped_is_over() -> None:
    """Cancelled, or superseded by an offboard: the queue knows which."""
    stopped = Outcome(
        verdict=Verdict.UNCERTAIN,
        summary="Words.",
        error={"code": "stopped-midway", "cause": "cancel-asked"},
        steps=(SAVED,),
    )
    assert isinstance(decide(stopped, stop=Stop.ASKED).how, Stopped)


def test_a_failure_of_its_own_is_judged_as_such_though_the_agent_stops() -> None:
    """A wrong password during a stop still pauses the tenant."""
    judgement = decide(outcome(Verdict.FAILED, "password-rejected"), stop=Stop.SHUTDOWN)
    assert judgement.pause is not None


@pytest.mark.parametrize("verdict", [Verdict.WAITING, Verdict.REFUSED, Verdict.FAILED])
def test_a_check_that_finds_it_undone_goes_back_to_its_hold(verdict: Verdict) -> None:
    """It was held before, and is held for the same reason again; a dead one becomes a task."""
    code = {Verdict.FAILED: "bad-user-id"}.get(verdict, "")
    for hold, expected in ((Hold.UNCERTAIN, Hold.UNCERTAIN), (None, Hold.HAND_OVER)):
        how = decide(outcome(verdict, code), mode=Mode.CHECK, hold=hold).how
        assert isinstance(how, Held)
        assert how.hold is expected


def test_the_wait_doubles_up_to_the_limit() -> None:
    """30 s, 60 s, 120 s ... one hour; chance takes a part of it."""
    policy = RetryPolicy()
    assert [policy.wait_s(attempt, 1.0) for attempt in (1, 2, 3, 8, 100)] == [30, 60, 120, 3600, 3600]
    assert policy.wait_s(5, 0.0) == 0


def test_no_code_is_in_two_minds() -> None:
    """The sets of trouble do not overlap, so the order of the questions does not matter."""
    sets = [troubles.SIGN_IN, troubles.UNKNOWN_UI, troubles.MACHINE, troubles.PASSING, troubles.BY_HAND]
    assert sum(map(len, sets)) == len(frozenset().union(*sets))


def test_a_rejected_sign_in_pauses_the_tenant_also_where_a_flow_is_quarantined() -> None:
    """The next job would type the password again, and Procore may lock the account."""
    use = FlowUse(flow="invite", state="quarantined", code="unknown-dialog", why="A window.")
    judgement = decide(outcome(Verdict.FAILED, "password-rejected", flows=(use,)))
    assert judgement.pause is not None
    assert decide(outcome(Verdict.FAILED, "unknown-dialog", flows=(use,))).pause is None

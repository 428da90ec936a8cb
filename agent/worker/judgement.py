"""How the end of a run is put on record: from the outcome to the ending, pure.

::

    done                                       Done
    stopped because the agent stops            given back, no attempt counted
    stopped because somebody asked             Stopped (cancelled, or superseded)
    the tenant's trouble, or the machine's     again, no attempt counted, and the tenant is paused
    an unknown screen for the second time      held for a hand-over, and the tenant is paused
    a page not as known, about to write        held for a hand-over, and that flow is quarantined (agent.worker.flows)
    a quarantined flow is needed               held for a hand-over
    passing trouble, nothing unknown           again, after a while
    impossible for the agent                   held for a hand-over
    waits for an approval                      held for an approval
    uncertain                                  held until a person has looked
    refused, or anything else                  dead
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agent.execute.outcome import Outcome, Verdict
from agent.queue.ending import (
    FLOW_QUARANTINED,
    Dead,
    Done,
    GiveBack,
    Held,
    How,
    PauseTenant,
    Retry,
    Stopped,
    Trouble,
)
from agent.queue.record import Hold, JobRecord, Mode
from agent.worker import troubles
from agent.worker.backoff import RetryPolicy


class Stop(StrEnum):
    """Why a run was stopped from outside."""

    SHUTDOWN = "the agent stops"  #: or the job itself comes back, with other people
    ASKED = "somebody asked"


@dataclass(frozen=True)
class Rules:
    """What the settings say of failures."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    failures_before_pause: int = 5
    outages_before_pause: int = 2
    pause_s: float = 900.0


@dataclass(frozen=True)
class Moment:
    """What a judgement needs beside the outcome: time, chance, and the failures of the tenant in a row before this."""

    now: float
    part: float  # random, from 0 up to 1
    failures: int = 0
    stop: Stop | None = None
    stop_words: str = ""


@dataclass(frozen=True)
class Judgement:
    """The decision. ``failures`` is the tenant's count of failures in a row from now on."""

    how: How
    failures: int
    pause: PauseTenant | None = None


def judge(record: JobRecord, outcome: Outcome, rules: Rules, moment: Moment) -> Judgement:
    """Decide what becomes of the job."""
    if outcome.verdict is Verdict.DONE:
        return Judgement(Done(), failures=0)
    if moment.stop is not None and not _is_by_itself(outcome):
        how: How = GiveBack(moment.stop_words) if moment.stop is Stop.SHUTDOWN else Stopped(moment.stop_words)
        return Judgement(how, moment.failures)
    if outcome.verdict is Verdict.WAITING:
        return Judgement(_waiting(record, outcome), failures=0)
    return _trouble(record, outcome, rules, moment)


def _is_by_itself(outcome: Outcome) -> bool:
    """Whether the run ended for a reason of its own although a stop was asked as well."""
    return _code(outcome) not in ("given-back", "cancel-asked", "interrupted", "claim-lost")


def _code(outcome: Outcome) -> str:
    """The code of what stopped the job, also where some steps were done before."""
    error: Mapping[str, str] = outcome.error or {}
    return error.get("cause") or error.get("code", "")


def _waiting(record: JobRecord, outcome: Outcome) -> How:
    if record.mode is Mode.CHECK:
        return Held(record.hold or Hold.HAND_OVER, outcome.summary)
    if outcome.approvals:
        return Held(Hold.APPROVAL, " ".join(item.message for item in outcome.approvals))
    return Held(Hold.HAND_OVER, outcome.summary, trouble=_as_trouble(outcome))


def _trouble(record: JobRecord, outcome: Outcome, rules: Rules, moment: Moment) -> Judgement:
    code = _code(outcome)
    trouble = _as_trouble(outcome)
    flows = out_of_use(outcome)
    # Where only a flow is not to be used, the pages answer: no failure of the tenant's, and none in a row.
    is_failure = outcome.verdict is not Verdict.REFUSED and (not flows or code in troubles.SIGN_IN)
    failures = moment.failures + 1 if is_failure else moment.failures
    pause = _pause(code, failures, rules, moment, outcome) if is_failure else None
    if _is_unknown(outcome):
        return Judgement(Held(Hold.UNCERTAIN, outcome.summary, trouble=trouble), failures, pause)
    if flows:
        return Judgement(_by_hand(outcome, flows), failures, pause)
    if code in troubles.TENANT_PAUSED_FOR:
        return Judgement(_after_the_pause(record, outcome, moment), failures, pause)
    if code in troubles.BY_HAND:
        return Judgement(Held(Hold.HAND_OVER, outcome.summary, trouble=trouble), failures, pause)
    if code in troubles.PASSING:
        return Judgement(_again(record, outcome, rules, moment, counts=pause is None), failures, pause)
    if outcome.verdict is Verdict.UNCERTAIN:
        return Judgement(Held(Hold.UNCERTAIN, outcome.summary, trouble=trouble), failures, pause)
    if record.mode is Mode.CHECK:
        return Judgement(Held(record.hold or Hold.HAND_OVER, outcome.summary, trouble=trouble), failures, pause)
    return Judgement(Dead(trouble), failures, pause)


def out_of_use(outcome: Outcome) -> tuple[str, ...]:
    """The flows for want of which the job could not go on: quarantined before it, or by what it has found."""
    found = [use.flow for use in outcome.flows if use.state == "quarantined"]
    return tuple(dict.fromkeys((*outcome.blocked_by, *found)))


def _by_hand(outcome: Outcome, flows: tuple[str, ...]) -> Held:
    kind = "uncertain" if outcome.verdict is Verdict.UNCERTAIN else "failed"
    said = f"{outcome.summary} (Quarantined: {', '.join(flows)}.)"
    return Held(Hold.HAND_OVER, outcome.summary, trouble=Trouble(kind, FLOW_QUARANTINED, said))


def _is_unknown(outcome: Outcome) -> bool:
    """Whether nobody can say what became of a write: it is never repeated without a person."""
    return outcome.verdict is Verdict.UNCERTAIN and any(step.state == "unknown" for step in outcome.steps)


def _after_the_pause(record: JobRecord, outcome: Outcome, moment: Moment) -> How:
    """Again, once the tenant is resumed; a job that meets an unknown screen a second time is a person's.

    It would be the first one after each resume, and pause its tenant for all others.
    """
    trouble = _as_trouble(outcome)
    if trouble.code in troubles.UNKNOWN_UI and record.error_code == trouble.code:
        return Held(Hold.HAND_OVER, outcome.summary, trouble=trouble)
    return Retry(moment.now, trouble, counts=False)


def _pause(code: str, failures: int, rules: Rules, moment: Moment, outcome: Outcome) -> PauseTenant | None:
    """Until a person resumes, for the sign-in and unknown screens; else one that ends by itself.

    After the latter the next failure pauses again, and the next success closes the matter.
    """
    if code in troubles.TENANT_PAUSED_FOR:
        return PauseTenant(outcome.summary, moment.now + rules.pause_s if code in troubles.MACHINE else None)
    limit = rules.outages_before_pause if code in troubles.OUTAGE else rules.failures_before_pause
    if failures < limit:
        return None
    return PauseTenant(f"{failures} failures in a row, the last one: {outcome.summary}", moment.now + rules.pause_s)


def _again(record: JobRecord, outcome: Outcome, rules: Rules, moment: Moment, *, counts: bool) -> How:
    """Another try; the last one of a job that has changed something is no death but a case for a person."""
    trouble = _as_trouble(outcome)
    if counts and record.attempt >= record.max_attempts:
        if outcome.verdict is Verdict.UNCERTAIN:
            return Held(Hold.UNCERTAIN, outcome.summary, trouble=trouble)
        if record.mode is Mode.CHECK:
            return Held(record.hold or Hold.HAND_OVER, outcome.summary, trouble=trouble)
        return Dead(trouble)
    return Retry(moment.now + rules.retry.wait_s(record.attempt, moment.part), trouble, counts=counts)


def _as_trouble(outcome: Outcome) -> Trouble:
    kind = {Verdict.REFUSED: "refused", Verdict.UNCERTAIN: "uncertain"}.get(outcome.verdict, "failed")
    return Trouble(kind, _code(outcome) or outcome.verdict.value, outcome.summary)

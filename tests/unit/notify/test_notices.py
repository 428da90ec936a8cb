"""What people are told of the end of a run, and under which key."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agent.notify.channels import channels
from agent.notify.notices import PERSONAL, dead, expired, late, notices_for, still_waiting
from agent.queue.ending import Dead, Done, Ending, GiveBack, Held, PauseTenant, Retry, Stopped, Trouble
from agent.queue.record import Grant, Hold, JobRecord, JobState, NewNotice
from agent.settings import NotifySettings
from tests.unit.plan.wishes import EMAIL

TROUBLE = Trouble("failed", "denied", f"{EMAIL}: the account has no right for this.")
JOB = JobRecord(
    id=7, tenant="acme", person=EMAIL, op="offboard", args={"reason": {"ticket": "IT-4711"}}, args_version=1,
    line=EMAIL, priority=10, state=JobState.RUNNING, created_by="hr", created_at=0.0, fence=3,
    started_at=1_800_000_000.0,
)  # fmt: skip


@pytest.mark.parametrize(
    "how", [Done(), Retry(1.0, TROUBLE), GiveBack("stop"), Stopped("cancelled")], ids=lambda how: type(how).__name__
)
def test_nobody_is_told_of_what_needs_nobody(how: Any) -> None:
    """Done, tried again, or stopped because somebody asked."""
    assert notices_for(JOB, Ending(how)) == ()


@pytest.mark.parametrize(
    ("how", "kind", "command"),
    [
        (Dead(TROUBLE), "dead", "agent jobs show 7"),
        (Held(Hold.UNCERTAIN, "Look.", trouble=TROUBLE), "uncertain", "agent jobs resolve 7"),
        (Held(Hold.APPROVAL, "Too many."), "waiting", "agent jobs approve 7"),
        (Held(Hold.HAND_OVER, "By hand."), "waiting", "agent jobs resolve 7"),
    ],
)
def test_what_needs_somebody_is_told_with_the_command_to_type(how: Any, kind: str, command: str) -> None:
    """One notice, with ticket, code and the next step."""
    (told,) = notices_for(JOB, Ending(how, evidence="/evidence/7"))
    assert (told.kind, told.job_id, told.key) == (kind, 7, f"{kind}:7:3")
    assert command in told.data["next"]
    assert told.data["ticket"] == "IT-4711"
    assert told.data[PERSONAL]["person"] == EMAIL


def test_a_pause_until_somebody_resumes_is_told_every_time() -> None:
    """A password that was wrong again after having been mended must not be swallowed."""
    pause = Ending(Retry(1.0, TROUBLE, counts=False), pause=PauseTenant("The password was rejected."))
    (told,) = notices_for(JOB, pause)
    (again,) = notices_for(replace(JOB, fence=4), pause)
    assert (told.kind, told.data["next"]) == ("paused", "agent resume acme")
    assert told.key != again.key


def test_a_pause_that_ends_by_itself_is_told_once_a_day_and_cause() -> None:
    """An evening's outage is one mail, not one every quarter of an hour."""
    pause = Ending(Retry(1.0, TROUBLE, counts=False), pause=PauseTenant("Not reachable.", until=1_800_000_900.0))
    (told,) = notices_for(JOB, pause)
    (again,) = notices_for(replace(JOB, id=8, fence=9), pause)
    (tomorrow,) = notices_for(replace(JOB, started_at=1_800_090_000.0), pause)
    assert told.key == again.key != tomorrow.key


def test_a_held_job_that_pauses_its_tenant_is_told_twice() -> None:
    """They are two things that two people may mend."""
    ending = Ending(Held(Hold.UNCERTAIN, "Look."), pause=PauseTenant("Five failures in a row."))
    assert [told.kind for told in notices_for(JOB, ending)] == ["uncertain", "paused"]


def everything() -> list[NewNotice]:
    grant = Grant(1, "acme", EMAIL, "project", {"project": "24-017"}, 5.0, given_by_job=2)
    held = replace(JOB, hold=Hold.APPROVAL, hold_reason=f"{EMAIL}: too many.", error=TROUBLE.message)
    ends = [Held(hold, f"{EMAIL} waits.", trouble=TROUBLE) for hold in Hold]
    pauses = [PauseTenant(f"{EMAIL} failed."), PauseTenant("Later.", until=9.0)]
    found = [dead(held, TROUBLE, "/evidence/x"), late(held, 5.0), still_waiting(held, 5.0, 1), expired(grant, 3)]
    for how in ends:
        for pause in pauses:
            found += notices_for(held, Ending(how, pause=pause))
    return found


@pytest.mark.parametrize("told", everything(), ids=lambda told: str(told.key))
def test_no_person_stands_outside_the_personal_part(told: NewNotice) -> None:
    """Whatever is told, and whatever the error said: subject and open data name nobody. All of it is JSON."""
    open_part = {name: value for name, value in told.data.items() if name != PERSONAL}
    assert EMAIL not in told.subject + json.dumps(open_part)
    assert EMAIL in json.dumps(told.data[PERSONAL])
    assert "\n" not in told.subject


def test_channels_are_those_of_the_settings() -> None:
    """Each with the kinds that it wants; without settings nobody is told."""
    notify = NotifySettings.model_validate(
        {
            "webhooks": {"desk": {"url": "https://hooks.example.com/", "kinds": ["dead"]}},
            "mail": {"host": "mail.example.com", "sender": "a@example.com", "to": ["b@example.com"]},
        }
    )
    assert channels(notify)["webhook:desk"] == {"dead"}
    assert len(channels(notify)["mail"]) == 8
    assert channels(NotifySettings()) == {}

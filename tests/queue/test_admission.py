"""Jobs of a job file into the queue's words and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agent.errors import Failed
from agent.jobs.model import Job
from agent.jobs.parse import read_jobs
from agent.queue.admission import BULK_FROM, admit, job_of
from agent.queue.record import ARGS_VERSION, SNAPSHOT_PERSON, JobRecord, JobState, NewJob, Priority
from tests.queue.places import NOON

REASON = {"ticket": "IT-1", "requested_by": "hr@example.com", "approved_by": "maria@example.com"}
PERSON = {"email": "Ana.Berg@Example.com"}
PROJECTS = [{"project": "24-017", "template": "Read Only - Internal"}]

ACTIONS: dict[str, dict[str, Any]] = {
    "provision": {
        "person": PERSON | {"attributes": {"last_name": "Berg"}},
        "company_access": "none",
        "default_project_template": "none",
        "invitation": True,
    },
    "update": {"person": PERSON | {"attributes": {"job_title": None}}},
    "change_email": {"person": PERSON, "new_email": "Ana.New@example.com"},
    "offboard": {"person": PERSON},
    "reactivate": {
        "person": PERSON,
        "company_access": "none",
        "default_project_template": "none",
        "projects": [],
        "add_to_new_projects": False,
        "invitation": False,
    },
    "add_to_projects": {"person": PERSON, "projects": PROJECTS},
    "remove_from_projects": {"person": PERSON, "projects": "all"},
    "invite": {"person": PERSON},
    "read": {"person": PERSON},
    "snapshot": {},
}


def job(action: str, **changes: Any) -> Job:
    fields = {"action": action, "reason": REASON, "idempotency_key": "hr-1"} | ACTIONS[action] | changes
    return read_jobs(json.dumps(fields))[0]


def stored(new: NewJob, **changes: Any) -> JobRecord:
    record = JobRecord(
        id=1,
        tenant=new.tenant,
        person=new.person,
        op=new.op,
        args=json.loads(json.dumps(new.args)),
        args_version=new.args_version,
        priority=new.priority,
        state=JobState.QUEUED,
        created_by=new.created_by,
        created_at=NOON,
    )
    return replace(record, **changes)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_job_comes_out_as_it_went_in(action: str) -> None:
    """Through JSON, with what was left out still left out."""
    wanted = job(action)
    again = job_of(stored(admit(wanted, "north", "desk")))
    assert again == wanted
    assert again.model_fields_set == wanted.model_fields_set
    assert again.model_dump_json(exclude_unset=True) == wanted.model_dump_json(exclude_unset=True)


@pytest.mark.parametrize(
    ("action", "priority", "in_bulk", "pointless"),
    [
        ("provision", Priority.NORMAL, Priority.BULK, True),
        ("update", Priority.NORMAL, Priority.BULK, True),
        ("change_email", Priority.NORMAL, Priority.BULK, False),
        ("offboard", Priority.OFFBOARD, Priority.OFFBOARD, False),
        ("reactivate", Priority.NORMAL, Priority.BULK, True),
        ("add_to_projects", Priority.NORMAL, Priority.BULK, True),
        ("remove_from_projects", Priority.REVOKE, Priority.BULK, True),
        ("invite", Priority.NORMAL, Priority.BULK, True),
        ("read", Priority.NORMAL, Priority.BULK, False),
        ("snapshot", Priority.NORMAL, Priority.BULK, False),
    ],
)
def test_what_is_urgent_and_what_a_leaver_does_not_wait_for(
    action: str, priority: Priority, in_bulk: Priority, pointless: bool
) -> None:
    """Leavers first, a batch last; an offboarding in a batch is as urgent as any, and ends what it makes pointless."""
    new = admit(job(action), "north", "desk")
    assert (new.priority, new.yields_to_offboard, new.supersedes) == (priority, pointless, action == "offboard")
    assert admit(job(action), "north", "desk", bulk=True).priority == in_bulk
    assert admit(job(action), "north", "desk", bulk=True, priority=70).priority == 70
    assert BULK_FROM == 21


def test_people_are_known_by_one_address() -> None:
    """Normalised once, both of a change_email; a snapshot is about everybody."""
    new = admit(job("change_email"), "north", "desk")
    assert (new.person, new.other_person) == ("ana.berg@example.com", "ana.new@example.com")
    assert admit(job("snapshot"), "north", "desk").person == SNAPSHOT_PERSON


def test_the_rest_of_a_job_goes_along() -> None:
    """Key, deadline, date, batch, attempts."""
    wanted = job("read", needed_by="2027-01-15T09:00:00+01:00")
    new = admit(wanted, "north", "desk", batch="b1", not_before=NOON + 5, max_attempts=3)
    assert (new.request_key, new.needed_by, new.batch, new.not_before, new.max_attempts) == (
        "hr-1",
        NOON,
        "b1",
        NOON + 5,
        3,
    )


def test_a_job_says_until_when_it_is_wanted() -> None:
    """Two wishes that differ in it only are one wish; the queue takes it from the record, not from the job."""
    new = admit(job("read", not_after="2027-01-15T09:00:00+01:00"), "north", "desk")
    assert new.give_up_at == NOON
    assert admit(job("read"), "north", "desk").give_up_at is None
    assert new.dedup_key == admit(job("read"), "north", "desk").dedup_key


def test_the_same_wish_is_the_same_whoever_asks_and_why() -> None:
    """Not its reason, key or deadline; but the tenant, and every word of what is wanted."""
    first = admit(job("add_to_projects"), "north", "desk")
    asked_again = job(
        "add_to_projects",
        reason=REASON | {"ticket": "IT-2"},
        idempotency_key="hr-2",
        needed_by="2027-01-15T09:00:00+01:00",
    )
    assert first.dedup_key is not None
    assert admit(asked_again, "north", "lee").dedup_key == first.dedup_key
    assert admit(asked_again, "south", "lee").dedup_key != first.dedup_key
    other = job("add_to_projects", projects=[PROJECTS[0] | {"template": "none"}])
    assert admit(other, "north", "desk").dedup_key != first.dedup_key


def test_sending_a_mail_once_more_is_never_the_same_wish() -> None:
    """Two such jobs are two mails; only their keys tell them apart."""
    assert admit(job("invite", resend=True), "north", "desk").dedup_key is None
    assert admit(job("invite"), "north", "desk").dedup_key is not None


def test_jobs_of_the_release_before_are_read_and_others_are_not_guessed_at() -> None:
    """A job that this release cannot read is said, with what does not fit."""
    record = stored(admit(job("offboard"), "north", "desk"))
    assert job_of(replace(record, args_version=ARGS_VERSION - 1)) == job("offboard")
    for wrong in (
        replace(record, args_version=ARGS_VERSION + 1),
        replace(record, args={**record.args, "mood": "calm"}),
    ):
        with pytest.raises(Failed) as failed:
            job_of(wrong)
        assert failed.value.code == "stored-job-unreadable"
    assert failed.value.seen == "fields that do not fit: offboard.mood"

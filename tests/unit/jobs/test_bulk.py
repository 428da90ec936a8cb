"""Jobs about many people: what they are, whom they are about, and what is refused in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.jobs.grants import over_by
from agent.jobs.model import email_of, people_of, thing_of, whom
from agent.jobs.parse import JobFileError, read_jobs
from agent.queue.record import Grant
from tests.unit.plan.wishes import EMAIL, job


def sentences(action: str, **fields: Any) -> list[str]:
    """The problems of a job with these fields."""
    base = json.loads(job(action).model_dump_json(exclude_unset=True))
    with pytest.raises(JobFileError) as caught:
        read_jobs(json.dumps({**base, **fields}))
    return [problem.sentence for problem in caught.value.problems]


def test_they_are_about_people_and_a_thing() -> None:
    """No one address identifies them; the queue has them under their project or group."""
    people = [{"email": "Ana@Example.com"}, {"email": "bo@example.com"}]
    removal = job("bulk_remove_from_project", people=people, project="Harbor  Bridge")
    assert email_of(removal) is None
    assert people_of(removal) == ("ana@example.com", "bo@example.com")
    assert thing_of(removal) == "project:harbor bridge"  # type: ignore[arg-type]  # known to be about many
    assert whom(removal) == "2 people in project Harbor  Bridge"
    group = job("distribution_group", project={"id": "9001"}, members={"exactly": people})
    assert (thing_of(group), people_of(group)) == ("group:id 9001/site safety", people_of(removal))  # type: ignore[arg-type]  # the same
    assert whom(group) == "the distribution group 'Site safety' of project id 9001"
    assert people_of(job("distribution_group", absent=True, members=...)) == ()


@pytest.mark.parametrize(
    ("action", "fields", "expected"),
    [
        (
            "bulk_add_to_project",
            {"people": [{"email": EMAIL}]},
            "$.people[0].template: is missing; expected the project permissions template",
        ),
        (
            "bulk_add_to_project",
            {"people": [{"email": EMAIL, "template": "A"}, {"email": EMAIL.upper(), "template": "B"}]},
            f"$.people: names {EMAIL.upper()} twice; expected each person once",
        ),
        ("bulk_add_to_project", {"people": []}, "$.people: is a list of 0 entries; expected at least 1 entries"),
        (
            "bulk_remove_from_project",
            {"people": [{"email": EMAIL, "template": "A"}]},
            "$.people[0].template: is not a known field; expected one of email",
        ),
        ("bulk_remove_from_project", {"not_after": "2026-12-01T06:00:00+00:00"}, "$.not_after: is not a known field"),
        (
            "distribution_group",
            {"members": {}},
            "$.members: needs either exactly, or at_least and remove",
        ),
        (
            "distribution_group",
            {"members": {"exactly": [], "remove": [{"email": EMAIL}]}},
            "$.members: needs either exactly, or at_least and remove",
        ),
        (
            "distribution_group",
            {"members": {"at_least": [{"email": EMAIL}], "remove": [{"email": EMAIL}]}},
            f"$.members: names {EMAIL} twice",
        ),
        ("distribution_group", {"absent": True}, "$: should not be there and yet be changed; expected absent alone"),
        ("distribution_group", {"name": "a\u200bb"}, "$.name: holds the invisible character U+200B"),
    ],
)
def test_what_is_refused(action: str, fields: dict[str, Any], expected: str) -> None:
    """With its place, and what would be right."""
    assert any(sentence.startswith(expected) for sentence in sentences(action, **fields)), sentences(action, **fields)


def test_a_bulk_removal_ends_the_grants_of_its_people_on_that_project() -> None:
    """Else the clock would take away later what somebody gives again."""
    held = [
        Grant(1, "north", EMAIL, "project", {"project": "24-017"}, 5.0, 1),
        Grant(2, "north", EMAIL, "project", {"project": "24-018"}, 5.0, 1),
        Grant(3, "north", EMAIL, "account", {}, 5.0, 1),
    ]
    assert over_by(job("bulk_remove_from_project"), held) == (1,)
    assert over_by(job("bulk_add_to_project"), held) == ()

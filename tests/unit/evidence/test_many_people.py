"""A job about many people, as its report tells it: whom, before and after, person by person, and nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.audit.sink import Origin
from agent.domain.access import Project
from agent.domain.project import DistributionGroup, GroupMember, Member
from agent.evidence.comparison_of_many import compare_many
from agent.evidence.manifest import versions
from agent.evidence.record import read_record
from agent.evidence.report import render
from agent.evidence.request import request_of
from agent.evidence.subject import MANY, subject_words
from agent.execute.events import JobStarted
from agent.plan.bulk.roster import Roster
from agent.queue.admission import admit
from tests.unit.evidence import story
from tests.unit.evidence.folders import Folder
from tests.unit.evidence.page_reader import Page
from tests.unit.plan.wishes import job

HARBOR = Project(id="9001", name="Harbor Bridge", number="24-017")
ANA, BO, CY = "ana@example.com", "bo@example.com", "cy@example.com"


def member(email: str, template: str | None = "Viewer") -> Member:
    """A member of the project."""
    return Member(
        user_id=email[:2], person_id=None, name=email.partition("@")[0].title(), email=email, template=template
    )


def plain(roster: Roster) -> dict[str, Any]:
    """As the recorder writes it."""
    dumped = roster.model_dump(mode="json")
    return {**dumped, "addresses": sorted(dumped["addresses"])}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two people were to be added, one of them was a member already."""
    made = Folder(tmp_path / "job")
    people = [{"email": ANA, "template": "Viewer"}, {"email": BO, "template": "Viewer"}]
    wish = job("bulk_add_to_project", people=people)
    made.request |= {"job": wish.model_dump(mode="json", exclude_unset=True), "person": "project:24-017"}
    before = Roster(project=HARBOR, members=(member(ANA, "Owner"),), known={BO: ()}, total=63)
    after = Roster(project=HARBOR, members=(member(ANA, "Owner"), member(BO)), total=64)
    made.before = {"moment": "before", "correlation": None, "person": None, "roster": plain(before)}
    made.after = {"moment": "after", "correlation": None, "person": None, "roster": plain(after)}
    for line in made.lines:
        if line["event"] == "observed":
            line["many"] = True
    return made


def test_the_report_tells_whom_it_was_about_and_what_changed_for_each(folder: Folder) -> None:
    """The heading, the looks, and one row for each person, the changed ones first."""
    text = Page(render(folder.write(), versions())).text()
    assert "Add many users to a project" in text
    assert "2 people of project 24-017" in text
    assert "The list was opened and read: 2 people of project 24-017." in text
    assert "Nobody had this address before" not in text
    rows = read_record(folder.path).comparison()
    assert [(row.what, row.before, row.after) for row in rows] == [
        (BO, "not a member", "member with 'Viewer'"),
        (ANA, "member with 'Owner'", "member with 'Owner'"),
    ]


def test_a_damaged_look_is_no_comparison(folder: Folder) -> None:
    """What a killed process leaves, or what somebody changed, is told as nothing; the manifest tells of changes."""
    assert folder.before is not None
    folder.before["roster"] = {"members": "all of them"}
    folder.write()
    assert read_record(folder.path).comparison() == []


def test_a_group_is_compared_with_its_description() -> None:
    """One that was made, and one that is gone."""
    group = DistributionGroup(id="3", name="Site safety", members=(GroupMember(user_id="1", email=ANA),))
    rows = compare_many(Roster(known={CY: ()}), Roster(group=group))
    assert [(row.what, row.before, row.after) for row in rows] == [
        ("Distribution group", "–", "Site safety"),
        ("Description", "–", "empty"),
        (ANA, "not in the group", "in the group"),
        (CY, "not in the group", "not in the group"),
    ]
    assert [row.changed for row in compare_many(Roster(group=group), Roster())] == [True, True, True]


@pytest.mark.parametrize("action", [*sorted(MANY), "offboard"])
def test_evidence_and_queue_have_it_under_the_same_name(action: str) -> None:
    """The ledger compares them: a job of the queue and its evidence are about the same."""
    wish = job(action)
    started = JobStarted(wish, "northwind", story.STARTED)
    request = request_of(started, "a-job", Origin(None, 1), "svc@example.com")
    assert request["person"] == admit(wish, "northwind", "hr").person
    assert json.loads(json.dumps(request)) == request


def test_what_a_ledger_has_is_told_in_words() -> None:
    """In the roll of a period."""
    assert subject_words("project:24-017") == "project 24-017"
    assert subject_words("group:24-017/site safety") == "the distribution group 24-017/site safety"
    assert (subject_words("*"), subject_words(ANA)) == ("the whole Directory", ANA)

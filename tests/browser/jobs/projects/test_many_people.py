"""Jobs about many people, end to end in Chromium, in both generations; the sandbox's own world is the judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent.execute.outcome import Verdict
from tests.browser.jobs.conftest import ENGINEER, FOREMAN, Desk, Ran, job

NUMBER = "24-001"
OTHER = {"legacy": "mfe", "mfe": "legacy"}


@pytest.fixture(params=["legacy", "mfe"])
def generation(request: pytest.FixtureRequest, desk: Desk) -> Iterator[str]:
    """The generation of the projects' pages; the company's are of the other one: both in one tenant."""
    found: str = request.param
    wanted = {"project_directory": found, "company_directory": OTHER[found], "mfe_delay": 0.05}
    with options_of(desk, wanted):
        desk.change("policy", max_people_per_job=100)
        yield found


@contextmanager
def options_of(desk: Desk, wanted: dict[str, Any]) -> Iterator[None]:
    """While inside, the tenant has these options."""
    before = desk.sandbox.get("/options")
    desk.sandbox.post("/options", wanted)
    try:
        yield
    finally:
        desk.sandbox.post("/options", before)


def crew(desk: Desk, number: int, **start: Any) -> list[str]:
    """So many people in the tenant; their addresses."""
    emails = [f"crew{at:02}@example.com" for at in range(number)]
    for at, email in enumerate(emails):
        desk.put(email, values={"first_name": "Crew", "last_name": f"Number{at:02}"}, **start)
    return emails


def template_of(desk: Desk, email: str) -> str | None:
    """The truth: the template on the project, "" for a member without one, None for no member."""
    truth = desk.person(email)
    assert truth is not None
    held = next((item for item in truth["memberships"] if item["number"] == NUMBER), None)
    return None if held is None else held["template"] or ""


def addition(emails: list[str], template: str = ENGINEER, **fields: Any) -> Any:
    """All of them into the project."""
    people = [{"email": email, "template": template} for email in emails]
    return job("bulk_add_to_project", project=NUMBER, people=people, **fields)


def removal(emails: list[str]) -> Any:
    """All of them out of it."""
    return job("bulk_remove_from_project", project=NUMBER, people=[{"email": email} for email in emails])


def proven(ran: Ran) -> None:
    """Done, and both witnesses say so."""
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert [witness.agrees for witness in ran.outcome.witnesses] == [True, True], ran.outcome.witnesses


async def test_many_people_come_and_go_and_nothing_is_done_twice(desk: Desk, generation: str) -> None:
    """One write each way; the second run of each does nothing; the evidence names each of them and nobody else."""
    emails = crew(desk, 4)
    ran = await desk.run(addition(emails))
    proven(ran)
    assert [template_of(desk, email) for email in emails] == [ENGINEER] * 4
    assert desk.writes().count("POST bulk_add") == 1
    desk.sandbox.forget_requests()
    assert (await desk.run(addition(emails))).outcome.nothing_to_do
    assert desk.writes() == []
    gone = await desk.run(removal(emails[:3]))
    proven(gone)
    assert [template_of(desk, email) for email in emails] == [None, None, None, ENGINEER]
    assert len(gone.outcome.steps) == 1
    desk.sandbox.forget_requests()
    assert (await desk.run(removal(emails[:3]))).outcome.nothing_to_do
    assert desk.writes() == []
    before = json.loads((gone.evidence / "before.json").read_text("utf-8"))
    assert {member["email"] for member in before["roster"]["members"]} == set(emails[:3])
    report = (gone.evidence / "report.html").read_text("utf-8")
    assert "3 people of project 24-001" in report
    assert emails[0] in report


async def test_members_keep_their_templates_unless_asked(desk: Desk, generation: str) -> None:
    """Procore's Bulk Add leaves members alone; `change_templates` changes them one by one."""
    emails = crew(desk, 2)
    proven(await desk.run(addition(emails[:1])))
    proven(await desk.run(addition(emails, FOREMAN)))
    assert [template_of(desk, email) for email in emails] == [ENGINEER, FOREMAN]
    proven(await desk.run(addition(emails, FOREMAN, change_templates=True)))
    assert [template_of(desk, email) for email in emails] == [FOREMAN, FOREMAN]


async def test_a_lost_answer_is_settled_by_the_list(desk: Desk, generation: str) -> None:
    """The answer never comes; the list shows all of them, and nothing is sent again."""
    emails = crew(desk, 3)
    desk.fault("bulk_add", "drop_response")
    ran = await desk.run(addition(emails))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ran.outcome.steps[0].state == "settled by observation"
    assert desk.writes().count("POST bulk_add") == 1


async def test_a_stranger_in_the_crowd_stops_it_before_anything_is_written(desk: Desk, generation: str) -> None:
    """A mistyped address among good ones: refused with its place and the nearest one."""
    emails = crew(desk, 2)
    ran = await desk.run(addition([*emails, "crewe01@example.com"]))
    assert ran.outcome.verdict is Verdict.REFUSED
    assert "$.people[2].email: nobody in the Directory has the address crewe01@example.com" in ran.outcome.summary
    assert desk.writes() == []


def group(**fields: Any) -> Any:
    """The project's group."""
    return job("distribution_group", **{"name": "Site safety", "project": NUMBER, **fields})


async def test_a_group_of_a_project_is_made_and_changed(desk: Desk, generation: str) -> None:
    """With its members, who are members of the project."""
    emails = crew(desk, 3, memberships={NUMBER: ENGINEER})
    made = group(description="Weekly letter", members={"exactly": [{"email": email} for email in emails[:2]]})
    ran = await desk.run(made)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    changed = await desk.run(group(members={"at_least": [{"email": emails[2]}], "remove": [{"email": emails[0]}]}))
    assert changed.outcome.verdict is Verdict.DONE, changed.outcome
    desk.sandbox.forget_requests()
    now = group(description="Weekly letter", members={"exactly": [{"email": email} for email in emails[1:]]})
    assert (await desk.run(now)).outcome.nothing_to_do
    assert desk.writes() == []


async def test_deleting_a_group_waits_for_an_approval(desk: Desk, generation: str) -> None:
    """Approved, it is gone, and the same job again finds that."""
    assert (await desk.run(group())).outcome.verdict is Verdict.DONE
    waiting = await desk.run(group(absent=True))
    assert [item.code for item in waiting.outcome.approvals] == ["group-delete"]
    gone = await desk.run(group(absent=True), approved=True)
    assert gone.outcome.verdict is Verdict.DONE, gone.outcome
    assert (await desk.run(group(absent=True))).outcome.nothing_to_do


async def test_a_group_of_the_company_is_made_and_changed(desk: Desk, generation: str) -> None:
    """People of the company, in no project; a project that shows the group does not own it."""
    emails = crew(desk, 2)
    both = {"exactly": [{"email": email} for email in emails]}
    ran = await desk.run(job("distribution_group", name="All hands", members=both))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    one = {"exactly": [{"email": emails[1]}]}
    changed = await desk.run(job("distribution_group", name="all hands", description="Everybody", members=one))
    assert changed.outcome.verdict is Verdict.DONE, changed.outcome
    desk.sandbox.forget_requests()
    assert (await desk.run(job("distribution_group", name="All hands", members=one))).outcome.nothing_to_do
    assert desk.writes() == []


async def test_a_dry_run_of_many_writes_nothing(desk: Desk, generation: str) -> None:
    """It looks, plans and judges."""
    emails = crew(desk, 2)
    desk.sandbox.forget_requests()
    ran = await desk.run(addition(emails), dry_run=True)
    assert ran.outcome.verdict is Verdict.DONE
    assert [item for item in desk.writes() if "sign_in" not in item] == []

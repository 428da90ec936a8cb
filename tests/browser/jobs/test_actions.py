"""Each action, end to end, in Chromium against the sandbox; the sandbox's own world is the judge."""

from __future__ import annotations

import csv
import json

from agent.execute.outcome import Verdict
from tests.browser.jobs.conftest import ANA, ENGINEER, FOREMAN, Desk, job, provision, reactivation


async def test_provision_creates_grants_invites_and_proves_it(desk: Desk) -> None:
    """The person stands in the tenant as asked, with exactly one mail; the second run does nothing."""
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    ana = desk.person(ANA)
    assert ana is not None
    assert (ana["is_active"], ana["company_template"], ana["default_template"]) == (True, "Field Staff", ENGINEER)
    assert ana["job_title"] == "Site Engineer"
    assert {item["number"]: item["template"] for item in ana["memberships"]} == {"24-001": FOREMAN, "24-002": ENGINEER}
    assert desk.mails(ANA) == 1
    assert [witness.agrees for witness in ran.outcome.witnesses] == [True, True]
    desk.sandbox.forget_requests()
    again = await desk.run(provision())
    assert again.outcome.nothing_to_do
    assert desk.writes() == []
    assert desk.mails(ANA) == 1


async def test_a_second_job_in_the_same_session_pays_no_sign_in(desk: Desk) -> None:
    """One browser, one session: the next job goes straight to its pages."""
    await desk.run(job("read", person={"email": ANA}))
    assert desk.sign_ins() == 1
    started = desk.place.browser.pid
    await desk.run(provision())
    assert desk.sign_ins() == 1
    assert desk.place.browser.pid == started


async def test_update_changes_what_it_names_and_nothing_else(desk: Desk) -> None:
    """Fields and access that the job does not name stay."""
    desk.put(
        ANA, values={"first_name": "Ana", "last_name": "Berg", "city": "Portsmouth", "company_template": "Read Only"}
    )
    before = desk.person(ANA)
    ran = await desk.run(
        job(
            "update",
            person={"email": ANA, "attributes": {"job_title": "Foreman"}},
            company_access={"template": "Field Staff"},
        )
    )
    after = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert before is not None
    assert after is not None
    assert (after["job_title"], after["company_template"]) == ("Foreman", "Field Staff")
    kept = ("first_name", "last_name", "city", "is_active", "memberships", "default_template", "add_to_new_projects")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


async def test_update_sets_levels_tool_by_tool(desk: Desk) -> None:
    """Per-tool levels replace the template."""
    desk.put(ANA, values={"last_name": "Berg", "company_template": "Read Only"})
    ran = await desk.run(
        job(
            "update",
            person={"email": ANA},
            company_access={"levels": {"Directory": "Read Only", "Reports": "Standard"}},
        )
    )
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert ana["company_template"] is None
    levels = {tool: level for tool, level in ana["levels"].items() if level != "None"}
    assert levels == {"Directory": "Read Only", "Reports": "Standard"}


async def test_change_email_moves_the_address(desk: Desk) -> None:
    """The person is found under the new address afterwards, and the second run finds nothing to do."""
    desk.put(ANA, values={"last_name": "Lindqvist"})
    change = job("change_email", person={"email": ANA}, new_email="ana.berg@example.com")
    ran = await desk.run(change)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.person(ANA) is None
    assert desk.person("ana.berg@example.com") is not None
    again = await desk.run(change)
    assert again.outcome.nothing_to_do, again.outcome


async def test_offboard_leaves_nothing_that_could_come_back(desk: Desk) -> None:
    """Inactive, and no dormant access: projects, templates and new-projects are gone before the inactivation."""
    desk.put(
        ANA,
        values={
            "last_name": "Lindqvist",
            "company_template": "Field Staff",
            "default_template": ENGINEER,
            "add_to_new_projects": True,
        },
        memberships={"24-001": FOREMAN, "24-002": ENGINEER},
    )
    hand_over = [{"what": "Open RFIs", "to": "jonas@example.com"}]
    ran = await desk.run(job("offboard", person={"email": ANA}, hand_over=hand_over))
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert (ana["is_active"], ana["memberships"], ana["company_template"]) == (False, [], None)
    assert (ana["default_template"], ana["add_to_new_projects"]) == (None, False)
    assert "Open RFIs -> jonas@example.com" in ran.outcome.next_step
    assert desk.writes()[-1] == "POST bulk_inactivate"


async def test_reactivate_gives_exactly_what_it_says(desk: Desk) -> None:
    """Dormant access is stripped before the reactivation, so that Procore cannot bring it back."""
    desk.put(
        ANA,
        is_active=False,
        values={"last_name": "Lindqvist", "company_template": "Project Manager", "default_template": FOREMAN},
        memberships={"24-001": FOREMAN, "24-003": FOREMAN},
    )
    ran = await desk.run(reactivation(ANA, projects=[{"project": "24-002", "template": ENGINEER}]))
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert (ana["is_active"], ana["company_template"], ana["default_template"]) == (True, None, None)
    assert {item["number"]: item["template"] for item in ana["memberships"]} == {"24-002": ENGINEER}


async def test_projects_are_added_changed_and_removed(desk: Desk) -> None:
    """Adding gives the asked template, also to a present member; removing leaves the others."""
    desk.put(ANA, values={"last_name": "Lindqvist"}, memberships={"24-001": FOREMAN, "24-003": FOREMAN})
    added = await desk.run(
        job(
            "add_to_projects",
            person={"email": ANA},
            projects=[{"project": "24-001", "template": ENGINEER}, {"project": "24-002", "template": ENGINEER}],
        )
    )
    assert added.outcome.verdict is Verdict.DONE, added.outcome
    removed = await desk.run(job("remove_from_projects", person={"email": ANA}, projects=["24-001"]))
    assert removed.outcome.verdict is Verdict.DONE, removed.outcome
    ana = desk.person(ANA)
    assert ana is not None
    assert {item["number"]: item["template"] for item in ana["memberships"]} == {"24-002": ENGINEER, "24-003": FOREMAN}


async def test_many_projects_go_through_the_projects_tab_and_are_waited_for(desk: Desk) -> None:
    """An asynchronous save is done when it was applied, not when it was accepted."""
    desk.sandbox.post("/options", {"assignment_delay": 1.0})
    desk.put(ANA, values={"last_name": "Lindqvist", "default_template": ENGINEER})
    numbers = [f"24-00{n}" for n in range(1, 7)]
    projects = [{"project": number, "template": ENGINEER} for number in numbers]
    ran = await desk.run(job("add_to_projects", person={"email": ANA}, projects=projects))
    ana = desk.person(ANA)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert ana is not None
    assert sorted(item["number"] for item in ana["memberships"]) == numbers
    assert desk.writes() == ["POST projects_tab_save"]


async def test_invite_sends_one_mail_and_resend_one_more(desk: Desk) -> None:
    """Once is once; again only on demand."""
    desk.put(ANA, values={"last_name": "Lindqvist"}, invited=False)
    first = await desk.run(job("invite", person={"email": ANA}))
    second = await desk.run(job("invite", person={"email": ANA}))
    assert (first.outcome.verdict, second.outcome.nothing_to_do) == (Verdict.DONE, True), first.outcome
    assert desk.mails(ANA) == 1
    third = await desk.run(job("invite", person={"email": ANA}, resend=True))
    assert third.outcome.verdict is Verdict.DONE, third.outcome
    fourth = await desk.run(job("invite", person={"email": ANA}, resend=True))
    assert "already sent on" in fourth.outcome.summary, "the same job again mails nobody"
    assert desk.mails(ANA) == 2


async def test_nobody_is_brought_back_into_an_inactive_company(desk: Desk) -> None:
    """Found out before the first write: the dormant access is as it was."""
    owen = "owen.castell@example.com"
    before = desk.person(owen)
    ran = await desk.run(reactivation(owen))
    assert ran.outcome.verdict is Verdict.REFUSED, ran.outcome
    assert (ran.outcome.error or {})["code"] == "inactive-company"
    assert "Ironwood Concrete" in ran.outcome.summary
    assert desk.person(owen) == before
    assert desk.writes() == []


async def test_read_reports_and_changes_nothing(desk: Desk) -> None:
    """Who is there is described; who is not there is said not to be."""
    desk.put(ANA, values={"first_name": "Ana", "last_name": "Lindqvist"}, memberships={"24-001": FOREMAN})
    ran = await desk.run(job("read", person={"email": ANA}))
    nobody = await desk.run(job("read", person={"email": "nobody@example.com"}))
    assert "in 1 project" in ran.outcome.summary
    assert "Nobody in the Directory" in nobody.outcome.summary
    assert desk.writes() == []


async def test_snapshot_holds_everybody_of_all_four_lists(desk: Desk) -> None:
    """As many rows as the world has people, as JSON and as CSV, sealed with the evidence."""
    desk.put(ANA, values={"first_name": "=1+1", "last_name": "Lindqvist"}, is_active=False)
    ran = await desk.run(job("snapshot"))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    company = desk.sandbox.get("/state")["companies"][0]
    everybody = json.loads((ran.evidence / "snapshot.json").read_text(encoding="utf-8"))
    with (ran.evidence / "snapshot.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(everybody["people"]) == len(company["users"]) + len(company["contacts"]) == len(rows) - 1
    assert sum(everybody["counts"].values()) == len(everybody["people"])
    assert not any(cell.startswith("=") for row in rows for cell in row)
    manifest = json.loads((ran.evidence / "manifest.json").read_text(encoding="utf-8"))
    assert "snapshot.json" in json.dumps(manifest)
    assert desk.writes() == []

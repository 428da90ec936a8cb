"""The report: complete, escaped, self-contained, readable on paper and on a telephone."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Request

from agent.credentials.known import KnownSecrets
from agent.evidence.comparison import compare
from agent.evidence.folder import EvidenceFolder
from agent.evidence.manifest import versions
from agent.evidence.report import render
from agent.execute.events import JobEnded, JobStarted, Observed, Planned
from agent.execute.outcome import Outcome, Verdict, Witness
from agent.jobs.model import ANY_JOB
from agent.plan.steps import Plan
from tests.unit.evidence import story
from tests.unit.evidence.page_reader import Page

HOSTILE = '<script>alert(1)</script><img src="https://evil.test/x.png" onerror="alert(2)">{{ 7919 * 7919 }}"\'&'


@pytest.fixture
async def report(tmp_path: Path, traces_dir: Path, context: BrowserContext, site: str) -> str:
    """The report of a whole job."""
    to = story.recorder(tmp_path, traces_dir, KnownSecrets())
    folder = await story.whole_job(to, context, await context.new_page(), site)
    return (folder / "report.html").read_text()


async def ended(tmp_path: Path, outcome: Outcome, **changes: Any) -> str:
    """The report of a job without pages."""
    to = story.recorder(tmp_path, tmp_path, KnownSecrets())
    await to.notify(JobStarted(story.job(**changes.pop("job", {})), "northwind", story.STARTED, **changes))
    await to.notify(Observed("before", None, story.BEFORE))
    await to.notify(Planned(Plan()))
    await to.notify(JobEnded(outcome, datetime.now(UTC)))
    assert to.folder is not None
    return (to.folder / "report.html").read_text()


async def test_tells_the_whole_story(report: str) -> None:
    """Who, what, why, when, before and after, steps, witnesses, undoing, versions: all of it stands there in words."""
    text = Page(report).text()
    for words in (
        "Provision a user: Mara Lindqvist",
        "Done and confirmed",
        "IT-4711",
        "hr-system@example.com",
        "Maria Keller, Head of Engineering",
        "directory-agent@example.com",
        "Northwind Builders",
        "22 November 2026, 09:15:02 UTC",
        "Trainee",
        "Site Engineer",
        "Company access 'Office Staff'",
        "remove the person from project 24-023 - North Quay Pump House",
        "Procore's Change History: agrees",
        "4 rows by directory-agent@example.com",
        "09:15:09 UTC directory-agent@example.com: Job Title: Trainee -> Site Engineer",
        "An announcement lay over the page and was closed.",
        "156.0.8078.79",
        "3f" * 32,
    ):
        assert words in text, words
    assert len(Page(report).all("img")) == 5


async def test_needs_nothing_from_anywhere(report: str, context: BrowserContext, tmp_path: Path) -> None:
    """No script, no frame, no address outside the page; in a browser it asks for nothing and breaks no policy."""
    page = Page(report)
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & {name for name, _ in page.tags}
    assert all(
        (image["src"] or "").startswith(("data:image/webp;base64,", "data:image/jpeg;base64,"))
        for image in page.all("img")
    )
    assert "http://" not in report
    assert "https://" not in report

    requests: list[str] = []
    complaints: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith("data:"):
            requests.append(request.url)

    opened = await context.new_page()
    opened.on("request", asked)
    opened.on("console", lambda message: complaints.append(message.text))
    (tmp_path / "report.html").write_text(report)
    await opened.goto((tmp_path / "report.html").as_uri())
    assert len(requests) == 1
    assert complaints == []
    heading = opened.get_by_role("heading", level=1)
    assert await heading.evaluate("(node) => getComputedStyle(node).fontWeight") == "600", "the style is applied"


@pytest.mark.parametrize("width", [390, 768, 1280])
async def test_fits_every_screen(report: str, context: BrowserContext, width: int) -> None:
    """Nothing has to be scrolled sideways."""
    page = await context.new_page()
    await page.set_viewport_size({"width": width, "height": 900})
    await page.set_content(report)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
async def test_words_without_a_gap_are_broken(tmp_path: Path, context: BrowserContext, width: int) -> None:
    """A long path under a picture, a long name or address anywhere: still nothing to be scrolled sideways."""
    long = "/562949953400001/company/directory/users/8812301/edit" * 4
    outcome = Outcome(
        verdict=Verdict.UNCERTAIN,
        summary=long,
        witnesses=(Witness(name=long, agrees=False, findings=(long,), rows=(long,)),),
        error={"code": "not-confirmed", "message": long, "expected": long, "seen": long},
        next_step=long,
    )
    to = story.recorder(tmp_path, tmp_path, KnownSecrets())
    who = {"email": f"{'a' * 60}@{'b' * 60}.example.com", "attributes": {"first_name": "A" * 60, "last_name": "B" * 60}}
    await to.notify(JobStarted(story.job(person=who), "northwind", story.STARTED))
    assert to.folder is not None
    missing = {"event": "picture-missing", "caption": long, "title": long, "path": long, "why": long}
    with (to.folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(missing) + "\n")
    await to.notify(JobEnded(outcome, datetime.now(UTC)))
    page = await context.new_page()
    await page.set_viewport_size({"width": width, "height": 900})
    await page.set_content((to.folder / "report.html").read_text())
    assert await page.locator("figcaption").get_by_text(long).count(), "the path is in the caption"
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_several_problems_stand_on_lines_of_their_own(tmp_path: Path, context: BrowserContext) -> None:
    """A refusal that names three problems is not one paragraph: each problem is an item of its own."""
    said = "Refused, 2 problems:\n  no template 'Forman'\n  no project '24-999'"
    error = {"code": "unresolved-names", "message": said, "expected": "known names", "seen": said}
    outcome = Outcome(verdict=Verdict.REFUSED, summary=said, error=error, next_step=said)
    page = await context.new_page()
    await page.set_content(await ended(tmp_path, outcome))
    for place in (".verdict", "section:has(#trouble)"):
        assert await page.locator(place).locator("li").all_inner_texts() == [
            "no template 'Forman'",
            "no project '24-999'",
        ]
    for place in (".todo", "dd:has-text('24-999')"):
        assert "2 problems:\nno template 'Forman'\nno project" in await page.locator(place).inner_text()


async def test_can_be_heard(report: str) -> None:
    """One main heading, no level left out, every picture has words, every table head has a scope, language is set."""
    page = Page(report)
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(image.get("alt") for image in page.all("img"))
    assert all(head.get("scope") in {"col", "row"} for head in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"


async def test_hostile_words_are_shown_and_not_obeyed(tmp_path: Path, context: BrowserContext) -> None:
    """A name, a ticket, a finding made of markup is text; nothing runs and nothing is fetched."""
    outcome = Outcome(
        verdict=Verdict.UNCERTAIN,
        summary=HOSTILE,
        witnesses=(Witness(name=HOSTILE, agrees=False, findings=(HOSTILE,)),),
        error={"code": HOSTILE, "message": HOSTILE, "expected": HOSTILE, "seen": HOSTILE},
        next_step=HOSTILE,
    )
    changes = {
        "reason": {"ticket": HOSTILE, "requested_by": HOSTILE, "approved_by": HOSTILE},
        "person": {"email": "a@example.com", "attributes": {"first_name": HOSTILE, "last_name": HOSTILE}},
    }
    report = await ended(tmp_path, outcome, job=changes)
    page = Page(report)
    assert not page.all("script")
    assert not page.all("img")
    assert page.text().count("<script>alert(1)</script>") >= 8
    assert "{{ 7919 * 7919 }}" in page.text()
    assert str(7919 * 7919) not in page.text(), "no template inside a text is computed"

    opened = await context.new_page()
    dialogs: list[str] = []
    opened.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await opened.set_content(report)
    assert dialogs == []


@pytest.mark.parametrize(
    ("outcome", "dry_run", "words"),
    [
        (Outcome(verdict=Verdict.DONE, summary="", nothing_to_do=True), False, "Nothing to do"),
        (Outcome(verdict=Verdict.DONE, summary=""), True, "Dry run"),
        (Outcome(verdict=Verdict.REFUSED, summary=""), False, "Refused"),
        (Outcome(verdict=Verdict.FAILED, summary=""), False, "Failed"),
        (Outcome(verdict=Verdict.UNCERTAIN, summary=""), False, "A person decides"),
        (Outcome(verdict=Verdict.WAITING, summary=""), False, "Waiting for a person"),
    ],
)
async def test_each_verdict_has_its_words(tmp_path: Path, outcome: Outcome, dry_run: bool, words: str) -> None:
    """Every end of a job is told in words of its own."""
    assert words in Page(await ended(tmp_path, outcome, dry_run=dry_run)).text()


def test_values_are_shown_as_procore_shows_them() -> None:
    """Codes of our files are not for auditors; a code that is not known is shown rather than hidden."""
    kept = {"is_employee": "yes", "email_notification_setting": "via_email", "state_code": "TX"}
    before = story.BEFORE.model_copy(update={"attributes": kept})
    changed = {"is_employee": "no", "email_notification_setting": "not_at_all", "state_code": "TX"}
    rows = {
        row.what: (row.before, row.after) for row in compare(before, before.model_copy(update={"attributes": changed}))
    }
    assert rows["Is Employee"] == ("Yes", "No")
    assert rows["Send This User Messages"] == ("Via Email", "Not at All")
    assert rows["State"] == ("TX", "TX")
    assert rows["Invitation sent"] == ("Yes", "Yes")


async def test_hand_over_list_is_shown(tmp_path: Path) -> None:
    """What people still have to hand over stands in the report of an offboarding."""
    base = story.job().model_dump(mode="json", exclude_unset=True)
    job = {
        "action": "offboard",
        "person": {"email": base["person"]["email"]},
        "hand_over": [{"what": "Open RFIs of 24-017", "to": "jonas.berg@example.com"}],
    }
    dropped = set(base) - {"action", "reason", "idempotency_key", "tenant", "person"}
    offboard = ANY_JOB.validate_json(json.dumps({**{k: v for k, v in base.items() if k not in dropped}, **job}))
    to = story.recorder(tmp_path, tmp_path, KnownSecrets())
    await to.notify(JobStarted(offboard, "northwind", story.STARTED))
    await to.notify(JobEnded(story.DONE, datetime.now(UTC)))
    assert to.folder is not None
    text = Page((to.folder / "report.html").read_text()).text()
    assert "To be handed over by people" in text
    assert "Open RFIs of 24-017 jonas.berg@example.com" in text


def test_an_empty_folder_still_gives_a_report(tmp_path: Path) -> None:
    """Whatever is missing or damaged is left out; nothing is made up."""
    (tmp_path / "outcome.json").write_text("{torn")
    (tmp_path / "before.json").write_text('["not what it should be"]')
    text = Page(render(EvidenceFolder(tmp_path), versions())).text()
    assert "Interrupted" in text
    assert "No page was pictured." in text


def test_comparison_puts_changes_first_and_knows_who_did_not_exist() -> None:
    """Every field of either side is there; a person who did not exist has no values before."""
    rows = compare(story.BEFORE, story.AFTER)
    assert [row.changed for row in rows] == sorted((row.changed for row in rows), reverse=True)
    changed = {row.what: (row.before, row.after) for row in rows if row.changed}
    assert changed == {
        "Company permissions": ("none", "Office Staff"),
        "Default project template": ("none", "Project Engineer - Internal"),
        "Project 24-017 - Harbour Street Car Park": ("Read Only - External", "Project Engineer - Internal"),
        "Project 24-023 - North Quay Pump House": ("–", "Foreman / Superintendent - Internal"),
        "Job Title": ("Trainee", "Site Engineer"),
    }
    created = {row.what: row for row in compare(None, story.AFTER)}
    assert (created["Status"].before, created["Status"].after) == ("no user with this address", "Active")
    assert all(row.changed for row in created.values())

"""The report and the index, as people meet them: on a screen, on a telephone, on paper, by ear, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from agent.audit.sink import Position
from agent.evidence.folder import EvidenceFolder
from agent.evidence.index import write_index
from agent.evidence.manifest import versions
from agent.evidence.record import Removed
from agent.evidence.report import render
from tests.pages.accessible import findings, focus_order
from tests.unit.evidence.folders import Folder
from tests.unit.evidence.test_report_index import DAY, NEXT, Book
from tests.unit.evidence.test_report_kinds import _approval, _check_open, _dry, _interrupted, _near, _read, _snapshot

LEDGER = Position("9f3c1a77d24e5b60", 17, "ab" * 32, "cd" * 32, "2026-11-22T09:15:12.120Z", True, "agent/9f3c+1d2e3f40")
SCREENS = [(1280, 900), (768, 1024), (390, 844), (320, 700)]
CHROME_PAPER = (718, 1000)  # A4 at 96 dots an inch, less the margins


def _plain(_: Folder) -> None:
    """A job that was done."""


def _pruned(folder: Folder) -> None:
    folder.pictures = {}


KINDS: dict[str, Callable[[Folder], None]] = {
    "done": _plain,
    "check": _check_open,
    "read": _read,
    "snapshot": _snapshot,
    "approval": _approval,
    "near": _near,
    "dry": _dry,
    "interrupted": _interrupted,
    "pruned": _pruned,
}


def report_of(folder: Folder, *, kind: str = "done") -> str:
    """The report of a kind of job."""
    gone = tuple((name, 31_000, "ef" * 32) for name in folder.pictures) if kind == "pruned" else ()
    KINDS[kind](folder)
    removed = (
        [Removed("2027-02-20T03:00:00Z", "heavy artifacts: 90 days", "older than 90 days", gone, 412)] if gone else []
    )
    written = folder.write()
    return render(EvidenceFolder(written.path), versions(), LEDGER, removed)


@pytest.fixture
def done(tmp_path: Path) -> str:
    """The report of a job that was done."""
    return report_of(Folder(tmp_path / "091502-provision-4f1a9c"))


@pytest.fixture
def index(tmp_path: Path) -> str:
    """An index with everything on it."""
    book = Book(tmp_path)
    book.accept(1, DAY - timedelta(hours=20))
    for queue, action in ((2, "provision"), (3, "offboard"), (4, "offboard"), (5, "update"), (6, "update")):
        book.accept(queue, DAY + timedelta(minutes=queue), action=action)
    for queue, verdict in ((2, "done"), (3, "done"), (4, "uncertain"), (5, "refused")):
        book.run(queue, DAY + timedelta(hours=queue), verdict)
    book.end(2, DAY + timedelta(hours=2))
    book.end(3, DAY + timedelta(hours=3))
    book.end(5, DAY + timedelta(hours=5), "dead", "refused")
    book.state_period(DAY - timedelta(days=1))
    book.write()
    folder = Folder(tmp_path / "northwind/2026-11-22/020000-job-2").write()
    (folder.path / "report.html").write_text("x")
    Folder(tmp_path / "northwind/2026-11-22/091502-provision-4f1a9c").write()
    return write_index(tmp_path, "northwind", DAY, NEXT, tmp_path / "northwind", now=NEXT).read_text()


def show(page: Page, text: str, size: tuple[int, int] = SCREENS[0], *, print_: bool = False) -> None:
    """Open it; on paper where asked for."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(media="print" if print_ else "screen")
    page.goto("about:blank")  # else the policy of the page before would count, too
    page.set_content(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_report_can_be_read_by_everybody(page: Page, tmp_path: Path, kind: str) -> None:
    """Headings, landmarks, names, words for pictures, contrast, width: on every screen, and on paper."""
    text = report_of(Folder(tmp_path / "job"), kind=kind)
    for size in SCREENS:
        show(page, text, size)
        assert findings(page) == [], size
    show(page, text, CHROME_PAPER, print_=True)
    assert findings(page, smallest=10) == []


def test_the_index_can_be_read_by_everybody(page: Page, index: str) -> None:
    """The same for the index."""
    for size in SCREENS:
        show(page, index, size)
        assert findings(page) == [], size


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (r'<html lang="en">', "<html>", "no language"),
        (r"<title>[^<]*</title>", "<title> </title>", "no title"),
        (r"<h1>", "<h1>One</h1><h1>", "not one main heading"),
        (r"<h3", "<h4", "a heading level is left out"),
        (r'<main id="content">', '<div id="content">', "not one main landmark"),
        (r'<header class="page">', "<div>", "not one banner landmark"),
        (r"<footer>", "<div>", "not one contentinfo landmark"),
        (r' aria-label="Contents"', "", "a navigation without a name"),
        (r"</main>", "</main><p>Lost</p>", "outside every landmark"),
        (r'<section aria-labelledby="time">', "<section>", "a section without a name"),
        (r' alt="[^"]+"', "", "a picture without words"),
        (r' alt="[^"]+"', ' alt="01-before.webp of a job"', "words that do not say what it shows"),
        (r'src="data:image/webp;base64,', 'src="data:image/webp;base64,AAAA', "a picture that cannot be seen"),
        (r' aria-hidden="true"', "", "a drawing without words"),
        (r"<caption[^>]*>[^<]*</caption>", "", "a table without a name"),
        (r"<thead>.*?</thead>", "", "a table without heads"),
        (r'<th scope="row"', "<th", "a head without a scope"),
        (r'(<a href="#integrity">)[^<]*', r"\1", "a link without words"),
        (r'href="#story"', 'href="#elsewhere"', "a link to nowhere"),
        (r'<h2 id="log"', '<h2 id="time"', "the id time stands twice"),
        (r'<a class="skip"', '<a tabindex="3" class="skip"', "an order of its own"),
        (r"--soft: #566172", "--soft: #9aa6b2", "a contrast of"),
        (r"--set: #0b5cad", "--set: #cfe3ff", "a drawing with a contrast of"),
        (r"font-size: \.8rem", "font-size: .5rem", "print of"),
        (r"overflow-wrap: anywhere;", "", "it has to be scrolled sideways"),
        (r"<footer>", "<footer onclick=\"x\">", "a script or a frame"),
    ],
)  # fmt: skip
def test_each_check_can_fail(page: Page, done: str, old: str, new: str, problem: str) -> None:
    """The planted violations: each one is found, by its name, on a page that is otherwise fine."""
    done = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", done)  # it would refuse a changed style
    spoilt = re.sub(old, new, done, count=0 if old.startswith(("--", "overflow", "font")) else 1, flags=re.DOTALL)
    assert spoilt != done
    show(page, spoilt, SCREENS[2])
    assert any(found.startswith(problem) for found in findings(page)), findings(page)


@pytest.mark.parametrize("which", ["done", "index"])
def test_the_keyboard_reaches_everything_in_the_order_of_the_page(
    page: Page, which: str, request: pytest.FixtureRequest
) -> None:
    """Tab goes through every link once, from top to bottom, beginning with the way past the contents; each is seen."""
    show(page, request.getfixturevalue(which))
    reached = focus_order(page)
    assert len(reached) == page.locator("a").count()
    numbers = [item["number"] for item in reached]
    assert numbers == sorted(numbers)
    assert reached[0]["words"].startswith("Skip to the")
    assert all(item["seen"] for item in reached)


def test_the_skip_link_leads_past_the_contents(page: Page, done: str) -> None:
    """Pressed, it puts the reader at the record."""
    show(page, done)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_it_can_be_listened_to(page: Page, done: str) -> None:
    """The landmarks and the story, by the names that a screen reader gives them."""
    show(page, done)
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Contents")).to_have_count(1)
    expect(page.get_by_role("region", name="What happened, in order")).to_have_count(1)
    expect(page.get_by_role("table", name="Before and after, field by field")).to_have_count(1)
    row = page.get_by_role("row", name="Job Title changed Trainee Site Engineer")
    expect(row.get_by_role("rowheader")).to_have_text("Job Title changed")
    picture = page.get_by_role("img", name="Outlined as pressed next: Save.").first
    expect(picture).to_be_visible()


def test_outlines_lie_on_their_pictures(page: Page, done: str) -> None:
    """On every screen, each drawing covers its picture to the pixel, so an outline is where it was recorded."""
    for size in SCREENS:
        show(page, done, size)
        shots = page.locator(".shot:has(svg)")
        assert shots.count() == 3
        for shot in shots.all():
            picture, drawing = shot.locator("img").bounding_box(), shot.locator("svg").bounding_box()
            line = shot.locator("rect.line").first.bounding_box()
            assert picture is not None
            assert drawing is not None
            assert line is not None
            assert all(abs(picture[side] - drawing[side]) < 1 for side in ("x", "y", "width", "height"))
            scale = picture["width"] / 640
            assert abs(line["x"] + line["width"] / 2 - picture["x"] - 210 * scale) < 2
            assert abs(line["y"] + line["height"] / 2 - picture["y"] - 69 * scale) < 2


def test_on_paper_nothing_is_cut_and_nothing_is_lost(page: Page, done: str, tmp_path: Path) -> None:
    """No picture is wider than the paper or taller than a page; contents and ways past them are left out; each page
    carries the job and its number."""
    show(page, done, CHROME_PAPER, print_=True)
    for picture in page.locator(".shot img").all():
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] <= CHROME_PAPER[0]
        assert box["height"] <= CHROME_PAPER[1] * 0.8
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_text("pictures/02-step-1-form.webp").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    assert page.evaluate("getComputedStyle(document.querySelector('tbody tr')).breakInside") == "avoid"
    assert page.evaluate("getComputedStyle(document.querySelector('h2')).breakAfter") == "avoid"
    margins = page.evaluate(
        "[...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText)"
        ".filter((text) => text.startsWith('@page')).join(' ')"
    )
    assert "Evidence record 091502-provision-4f1a9c" in margins
    assert "counter(page)" in margins
    pdf = page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 5 <= pages <= 12


def test_the_policy_of_the_page_is_kept(page: Page, done: str, index: str) -> None:
    """The style is applied and nothing is refused: the page breaks none of its own rules, and asks for nothing."""
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for text in (done, index):
        show(page, text)
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") == "600"
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == []

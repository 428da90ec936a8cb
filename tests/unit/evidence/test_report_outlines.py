"""Outlines: around what was touched, where it is, with words for it; and never a reason for trouble."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import BrowserContext, Page

from agent.domain.touch import TOUCH_RECORDER, Target
from agent.evidence import pictures
from agent.evidence.figure import figures
from agent.evidence.manifest import versions
from agent.evidence.outline import boxes_of, written
from agent.evidence.record import PictureRow
from agent.evidence.report import render
from flows import Catalogue
from tests.unit.evidence import page_reader
from tests.unit.evidence.folders import BOXES, Folder

FORM = """<title>Form</title><style>body { margin: 40px; font: 16px Arial } #hidden { opacity: 0; position: absolute }
#window { position: fixed; inset: 0; background: #0008; display: none } #window form { background: #fff; margin: 300px }
</style><form><label for="title">Job Title *</label><br><input id="title" value="Trainee"><br>
<label for="city">City</label><br><input id="city" value="Denver"><br>
<input type="checkbox" id="hidden"><label for="hidden">Is Employee</label><br>
<table><tr><td>Directory</td><td><input type="radio" name="level" id="none"><label for="none">None</label></td></tr>
</table><div role="button" aria-haspopup="listbox" aria-label="Template" id="choice"><span>Choose</span></div>
<input type="hidden" id="secret"><button type="button">Save</button></form>
<div id="window"><form><label for="inner">Inner</label><input id="inner"><button type="button">Add</button></form>
</div>"""


async def opened(context: BrowserContext) -> Page:
    """The form, remembering what is touched, as a tab of the agent does."""
    page = await context.new_page()
    await page.add_init_script(TOUCH_RECORDER)
    await page.goto(f"data:text/html,{quote(FORM)}")
    return page


async def boxes(page: Page, target: Target | None = None) -> dict[str, tuple[str, float, float, float, float]]:
    """The outlines of a picture at work, by label."""
    taken = await pictures.take(page, at_work=True, target=target)
    assert taken.data is not None
    return {box.label: (box.kind, box.x, box.y, box.width, box.height) for box in taken.boxes}


async def place(page: Page, css: str) -> tuple[float, float, float, float]:
    """Where an element is, by the browser's own account."""
    box = await page.locator(css).bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


async def test_what_was_set_and_what_is_pressed_is_outlined_where_it_is(context: BrowserContext) -> None:
    """A field, a box hidden under its label, a level in a row, a design system's select, the button; nothing else."""
    page = await opened(context)
    await page.locator("#title").fill("Site Engineer")
    await page.locator("label[for=hidden]").click()
    await page.locator("#none").check()
    await page.locator("#choice").evaluate(
        "(el) => el.addEventListener('click', () => { el.innerHTML = '<b>Chosen</b>' })"
    )
    await page.locator("#choice span").click()
    found = await boxes(page, Target("form button", "Save"))
    assert found == {
        "Job Title": ("set", *await place(page, "#title")),
        "Is Employee": ("set", *await place(page, "label[for=hidden]")),
        "Directory: None": ("set", *await place(page, "#none")),
        "Template": ("set", *await place(page, "#choice")),
        "Save": ("pressed", *await place(page, "form >> nth=0 >> button")),
    }


async def test_nothing_is_outlined_that_was_only_looked_at(context: BrowserContext) -> None:
    """The planted violation to the test above: an untouched form has no outline, a touched one has."""
    page = await opened(context)
    assert await boxes(page) == {}
    await page.locator("#city").fill("Boulder")
    assert set(await boxes(page)) == {"City"}


async def test_places_on_a_tall_page_are_those_of_the_picture(context: BrowserContext) -> None:
    """Scrolled down, the picture shows the whole page: the outline is where the field is on it, not on the screen."""
    page = await opened(context)
    await page.evaluate("document.body.insertAdjacentHTML('afterbegin', '<div style=\"height: 1200px\"></div>')")
    await page.locator("#city").fill("Boulder")
    scrolled = await page.evaluate("scrollY")
    x, y, width, height = await place(page, "#city")
    assert scrolled > 0
    assert await boxes(page) == {"City": ("set", x, y + scrolled, width, height)}


async def test_what_a_window_covers_is_not_outlined(context: BrowserContext) -> None:
    """A window over the page: only what is in it can be seen, so only that is outlined."""
    page = await opened(context)
    await page.locator("#city").fill("Boulder")
    await page.evaluate("document.querySelector('#window').style.display = 'block'")
    await page.locator("#inner").fill("x")
    assert set(await boxes(page, Target("#window button", "Add"))) == {"Inner", "Add"}


@pytest.mark.parametrize(
    "target", [Target("form button"), Target("form button", "Delete"), Target("form >> button"), Target("#secret")]
)
async def test_a_target_that_is_not_certain_is_not_outlined(context: BrowserContext, target: Target) -> None:
    """Two that fit, none that fits, no selector at all, an element that is not shown: no outline, and a picture."""
    page = await opened(context)
    await page.evaluate("document.querySelector('form').insertAdjacentHTML('beforeend', '<button>Save</button>')")
    assert await boxes(page, target) == {}


async def test_the_picture_is_the_same_with_and_without_outlines(context: BrowserContext) -> None:
    """They are beside the picture: not a byte of it differs, and the page is as before."""
    page = await opened(context)
    await page.locator("#city").fill("Boulder")
    await page.evaluate("document.activeElement.blur()")
    before = await page.content()
    outlined = await pictures.take(page, at_work=True, target=Target("form button", "Save"))
    plain = await pictures.take(page)
    assert outlined.boxes
    assert not plain.boxes
    assert outlined.data == plain.data
    assert await page.content() == before


def test_every_sending_control_of_the_catalogue_makes_a_target() -> None:
    """No selector that a write is sent with loses so much that its plain form is no CSS, or empty."""
    catalogue = Catalogue.load()
    for key, values in {
        "add_user.submit": {},
        "edit_user.save": {},
        "projects.add_confirm": {},
        "projects_tab.save": {},
        "list.invite_button_of": {"user_id": "7"},
        "confirm.window_of": {"headline": "Remove"},
        "confirm.button": {"label": "OK"},
    }.items():
        target = Target.of(catalogue.selector(key, **values))
        assert target.css
        assert ":text" not in target.css
        assert ">>" not in target.css
        assert "role=" not in target.css.replace("[role=", "")
        assert not re.search(r"\(\s*[,)]", target.css)
    target = Target.of(':is(.window):has(h2:text-is("Remove")) >> button:text-is("OK")')
    assert target == Target(":is(.window):has(h2) button", "OK")
    target = Target.of('.row >> role=button[name="Add \\"it\\""s]')
    assert target.css == '.row :is(button, [role="button"])'
    target = Target.of('.ui-dialog:has(h2:is(:text-is("A"), :has(:text-is("A")))) >> role=button[name="OK"s]')
    assert target == Target('.ui-dialog:has(h2) :is(button, [role="button"])', "OK")


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        "boxes",
        {"kind": "set"},
        [7, None, "x", []],
        [{**BOXES[0], "kind": "other"}],
        [{**BOXES[0], "x": "60"}],
        [{**BOXES[0], "width": math.nan}],
        [{**BOXES[0], "height": math.inf}],
        [{**BOXES[0], "y": True}],
        [{key: value for key, value in BOXES[0].items() if key != "y"}],
    ],
)
def test_what_is_no_box_is_left_out(raw: Any) -> None:
    """A page or a damaged log may say anything."""
    assert boxes_of(raw) == ()


def test_boxes_survive_the_log() -> None:
    """What is written is read again."""
    found = boxes_of(BOXES)
    assert boxes_of(written(found)) == found
    assert [box.label for box in found] == ["First Name", "Job Title", "Save"]


def test_the_report_draws_them_and_says_them(tmp_path: Path) -> None:
    """Each outline is drawn in the picture's own pixels, numbered, and named in the caption and in the alternative."""
    folder = Folder(tmp_path / "job")
    page = page_reader.Page(render(folder.write(), versions()))
    lines = [rect for rect in page.all("rect") if rect.get("class") == "line"]
    assert len(lines) == 3 * len(BOXES)
    assert (lines[0]["x"], lines[0]["y"], lines[0]["width"], lines[0]["height"]) == ("57.0", "47.0", "306.0", "44.0")
    drawings = [svg for svg in page.all("svg") if svg["viewbox"] == "0 0 640 400"]
    assert len(drawings) == 3
    assert all(svg["aria-hidden"] == "true" for svg in drawings)
    alternative = page.all("img")[1]["alt"] or ""
    assert "Outlined as set by the agent: First Name, Job Title." in alternative
    assert "Outlined as pressed next: Save." in alternative
    assert "Set: 1 First Name 2 Job Title Pressed next: 3 Save" in page.text()


def test_what_is_not_in_the_picture_is_said_and_not_drawn(tmp_path: Path) -> None:
    """A button below the part that was pictured is named with the words that it is further down."""
    below = {**BOXES[2], "y": 900.0}
    folder = Folder(tmp_path / "job")
    folder.lines = [line for line in folder.lines if line["event"] != "picture"]
    folder.show(100, "pictures/09-step-1-form.webp", "Step 1, before it is sent: x", boxes=[BOXES[0], below])
    page = page_reader.Page(render(folder.write(), versions()))
    assert len([rect for rect in page.all("rect") if rect.get("class") == "line"]) == 1
    assert "Save (further down, not in the picture)" in page.text()
    assert "Save" not in (page.all("img")[0]["alt"] or "")


def test_a_picture_outside_the_folder_is_never_shown(tmp_path: Path) -> None:
    """A log that names another file, by a way up, a full path or a link, does not get it into the report."""
    secret = tmp_path / "secret.webp"
    secret.write_bytes(b"secret")
    job = tmp_path / "job"
    job.mkdir()
    (job / "linked.webp").symlink_to(secret)
    for name in ("../secret.webp", str(secret), "linked.webp"):
        (figure,) = figures(job, [PictureRow(name, "c", "t", "p")], {}).values()
        assert figure.source == ""
        assert figure.missing

"""A page that was recorded and the page rebuilt from it are the same to whoever looks, and the second asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page

from agent.recording import rebuild as rebuilding
from agent.recording.nodes import walk
from agent.recording.places import PLACE_OF, as_path
from agent.recording.recording import Recording
from agent.recording.serving import FrozenPages
from tests.browser.recording.torture import Served

PLACES = [
    "h1",
    "h1.loud",
    "#card",
    "#inside",
    "#deep",
    "x-card x-field input",
    "#card >> text=slotted",
    'internal:role=textbox[name="Name"i]',
    'internal:label="Deep"i',
    'internal:role=button[name="Go"i]',
    "#name",
    "#empty",
    '#plain[value="x"]',
    "#notes",
    "#one",
    "#many",
    "#tick",
    "#untick",
    "#r1",
    "#r2",
    "#r2:checked",
    "#off:disabled",
    "option",
    "#pic",
    "#inpicture",
    "#painted",
    "#window",
    "#window button",
    "details",
    "#drawing circle",
    "#drawing foreignObject p",
    "#t",
    "#there",
    "#script",
    "#pre",
    "#table td",
    "#shouted",
    "#canvas",
    "body",
    "label",
    ":is(button, input):visible",
]
STYLES = """(element) => {
  const style = getComputedStyle(element), before = getComputedStyle(element, "::before");
  const box = element.getBoundingClientRect();
  return { color: style.color, background: style.backgroundColor, size: style.fontSize, weight: style.fontWeight,
    spacing: style.letterSpacing, indent: style.textIndent, display: style.display, opacity: style.opacity,
    border: style.borderTopWidth, fill: style.fill, painted: style.backgroundImage !== "none",
    content: before.content, width: Math.round(box.width), height: Math.round(box.height) };
}"""
VALUE = """(element) => [element.value, element.checked, element.selectedIndex, element.disabled, element.open,
  [...(element.selectedOptions || [])].map((option) => option.value)].map((value) => value ?? null)"""


OWN = "document.querySelectorAll('*:not([data-rebuilt], script, noscript, noscript *)').length"
OWN_TEXT = """(element) => { const copy = element.cloneNode(true);
  copy.querySelectorAll("script, noscript, textarea").forEach((other) => other.remove());
  return copy.textContent.replace(/\\s+/g, " ").trim() }"""


async def seen(page: Page) -> dict[str, Any]:
    """What can be told of a page by looking at it."""
    found: dict[str, Any] = {}
    for selector in PLACES:
        place = page.locator(selector)
        found[selector] = [
            {
                "text": await one.evaluate(OWN_TEXT) if selector != "#notes" else None,
                "visible": await one.is_visible(),
                "style": await one.evaluate(STYLES),
                "value": await one.evaluate(VALUE),
                "place": await one.evaluate(PLACE_OF),
            }
            for one in await place.all()
        ]
    found["aria"] = await page.locator("body").aria_snapshot()
    found["title"] = await page.title()
    found["url"] = page.url
    found["frame"] = await in_frame(page.frame_locator("[name=outer]"))
    found["inline"] = await page.frame_locator("[name=inline]").locator("#said").text_content()
    found["elements"] = await page.evaluate(OWN)
    return found


async def in_frame(frame: FrameLocator) -> dict[str, Any]:
    """What stands in the frame and in the one inside it."""
    inner = frame.frame_locator("[name=inner]").locator("#deepest")
    return {
        "value": await frame.locator("#fi").input_value(),
        "words": await frame.locator("p").text_content(),
        "inner": await inner.text_content(),
        "style": await inner.evaluate(STYLES),
    }


@dataclass(frozen=True)
class Touched:
    """A page as it was at the end, and its recording."""

    seen: dict[str, Any]
    recording: Recording
    folder: Path


@pytest.fixture(scope="session")
async def live(browser: Browser, site: Served, tmp_path_factory: pytest.TempPathFactory) -> Touched:
    """Everything on the page changed from how it was served, looked at, and recorded."""
    folder = tmp_path_factory.mktemp("torture")
    context = await browser.new_context()
    page = await context.new_page()
    await context.tracing.start(snapshots=True)
    await page.goto(site.url + "/")
    await page.fill("#name", 'changed "x" <y> & z')
    await page.fill("#empty", "")
    await page.fill("#notes", "\n one\n</textarea><b>two</b>")
    await page.select_option("#one", "2")
    await page.select_option("#many", ["b"])
    await page.check("#tick")
    await page.uncheck("#untick")
    await page.check("#r2")
    await page.locator("x-field input").fill("deep value")
    await page.frame_locator("[name=outer]").locator("#fi").fill("in the frame")
    await page.evaluate("document.styleSheets[0].insertRule('h1 { word-spacing: 7px }', 1)")
    await page.evaluate("document.getElementById('pop').remove()")
    await page.evaluate("document.getElementById('window').show()")
    await page.click("#go")
    found = await seen(page)
    await context.tracing.stop(path=folder / "trace.zip")
    await context.close()
    return Touched(found, Recording.open(folder / "trace.zip"), folder)


async def test_a_rebuilt_page_is_the_recorded_one(live: Touched, frozen: Browser, site: Served) -> None:
    """Places, texts, values, styles, sizes, numbers of elements, frames and the tree for readers are equal.

    Nothing is asked for: neither does the browser try, nor does the program that served the page hear of it.
    """
    asked = len(site.asked)
    recording = live.recording
    async with FrozenPages(frozen, recording) as pages:
        rebuilt = await seen(await pages.open(recording.pages[-1]))
        refused = pages.refused
    differing = {key: (live.seen[key], rebuilt[key]) for key in live.seen if live.seen[key] != rebuilt[key]}
    # The address of a script is not kept, and without scripts a canvas is drawn as a box.
    assert set(differing) <= {"#script", "aria", "#canvas"}, differing
    assert rebuilt["aria"].replace("javascript:void(0)", "*") == live.seen["aria"].replace(
        "javascript:window.clicked = true", "*"
    )
    assert refused == []
    assert site.asked[asked:] == []


async def test_an_element_has_one_place(live: Touched) -> None:
    """The path of an element in the recording is its path in the living page: what a call acted on can be found."""
    recording = live.recording
    root = recording.pages[-1].root
    by_id = {element.attributes["id"]: path for path, element in walk(root) if "id" in element.attributes}
    for selector in ("#name", "#deep", "#inside", "#window", "#there", "#canvas"):
        assert by_id[selector[1:]] == as_path(live.seen[selector][0]["place"]), selector
    click = next(action for action in recording.actions if action.method == "click")
    assert click.snapshot is not None
    assert click.snapshot.target == by_id["go"]


async def test_nothing_runs(live: Touched, context: BrowserContext, site: Served) -> None:
    """Opened as a file in an ordinary browser with scripts, a rebuilt page runs nothing and asks for nothing."""
    recording = live.recording
    asked = len(site.asked)
    (live.folder / "page.html").write_text(recording.html(recording.pages[-1]), encoding="utf-8")
    page = await context.new_page()
    tried: list[str] = []
    page.on("request", lambda request: tried.append(request.url))
    await page.goto((live.folder / "page.html").as_uri())
    await page.click("#script")
    await page.click("#there", no_wait_after=True, trial=True)
    assert await page.evaluate("[window.ran, window.loaded, window.clicked]") == [None, None, None]
    assert [url for url in tried if not url.startswith(("file:", "data:", "about:"))] == []
    assert site.asked[asked:] == []


async def test_a_page_that_asks_is_refused_and_counted(
    live: Touched, frozen: Browser, site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted violation: were the page's own policy missing, its requests would be counted, and still not leave."""
    recording = live.recording
    asked = len(site.asked)
    monkeypatch.setattr(rebuilding, "_FIRST_LINES", "")
    async with FrozenPages(frozen, recording) as pages:
        page = await pages.open(recording.pages[-1])
        async with page.expect_event("requestfailed"):
            await page.evaluate(
                "(url) => document.body.append(Object.assign(new Image(), { src: url }))", site.url + "/x"
            )
        assert pages.refused == [site.url + "/x"]
    assert site.asked[asked:] == []

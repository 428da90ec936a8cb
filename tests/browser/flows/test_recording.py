"""What Playwright's recording of the flows holds: every act, every page that was read, and no call for reading it."""

from __future__ import annotations

import asyncio
import json
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Error as BrowserError
from playwright.async_api import Page

from agent.errors import Failed
from flows.page.limits import is_navigated_away
from flows.page.protocol import PageScripts
from flows.page.reading import Reading
from tests.browser.flows.conftest import IMPATIENT, SmallSite

_WORDS = Reading(None, "return words(document.body);")


async def test_a_page_that_is_read_stands_in_the_recording_with_the_next_call(
    small_site: SmallSite, page: Page, tmp_path: Path
) -> None:
    """Reading costs the recording nothing, and the page as it was read is its "before" of the call that follows."""
    await page.context.tracing.start(snapshots=True)
    tab = await small_site.show("<p>the first page</p>")
    assert "the first page" in await tab.read(_WORDS)
    await small_site.show("<p>the second page</p>", "/other")
    await page.context.tracing.stop(path=tmp_path / "trace.zip")

    with zipfile.ZipFile(tmp_path / "trace.zip") as archive:
        lines = [json.loads(line) for line in archive.read("trace.trace").decode().splitlines()]
    assert [line["method"] for line in lines if line["type"] == "before" and line["class"] == "Frame"] == ["goto"] * 2
    second = [line["callId"] for line in lines if line.get("method") == "goto"][1]
    shown = [line["snapshot"] for line in lines if line["type"] == "frame-snapshot"]
    before = [snapshot["html"] for snapshot in shown if (snapshot["callId"], snapshot["phase"]) == (second, "before")]
    assert "the first page" in json.dumps(before)


async def test_a_page_that_goes_away_in_mid_reading_is_told_from_other_trouble(small_site: SmallSite) -> None:
    """A document that is replaced while it is read counts as navigated away, and can be read anew."""
    tab = await small_site.show("<p>old</p>")
    scripts = PageScripts(tab.page)
    small_site.pages["/new"] = "<p>new</p>"

    with pytest.raises(BrowserError) as caught:
        await scripts.run("() => { location.href = '/new'; return new Promise(() => null); }", "")

    assert is_navigated_away(caught.value)
    await tab.page.wait_for_url("**/new")
    assert await scripts.run("() => document.body.innerText", "") == "new"


async def test_a_script_that_throws_is_no_navigation(small_site: SmallSite) -> None:
    """A mistake in a script of ours shows as the browser's refusal, at once, and is not tried again."""
    tab = await small_site.show("<p>page</p>")

    with pytest.raises(BrowserError, match="planted") as caught:
        await PageScripts(tab.page).run("() => { throw new Error('planted'); }", "")

    assert not is_navigated_away(caught.value)


async def test_a_tab_that_is_closed_is_a_lost_browser(small_site: SmallSite) -> None:
    """Reading a tab that is gone ends as browser-lost, which the runner knows how to recover from."""
    tab = await small_site.show("<p>page</p>")
    await tab.read(_WORDS)  # the closing of a page that is still being committed never ends (playwright issue 42068)
    await tab.page.close()

    with pytest.raises(Failed) as caught:
        await tab.read(_WORDS)

    assert caught.value.code == "browser-lost"


async def test_a_page_that_crashes_in_mid_reading_is_a_lost_browser(small_site: SmallSite) -> None:
    """The protocol never answers for a crashed page; that is noticed at once, not when the time for a page is over."""
    tab = await small_site.show("<p>page</p>")
    await tab.read(_WORDS)
    reading = asyncio.create_task(tab.read(Reading(None, "return await new Promise(() => null);")))
    with suppress(BrowserError):
        await tab.page.goto("chrome://crash")

    with pytest.raises(Failed) as caught:
        await asyncio.wait_for(reading, IMPATIENT.page / 2)

    assert caught.value.code == "browser-lost"

"""What flows tell of themselves while they read and act."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from agent.errors import UnknownPage
from flows import Catalogue, ControlUse, PageReading, TenantAddress, Timeouts
from flows.legacy.edit_page import EDIT_PAGE
from flows.page.reading import Reading
from flows.page.tab import Tab

LISTED = '<div id="header-avatar" data-login="a@example.com"></div><p class="w">one</p><p class="w">two</p>'
NAMED = Reading(None, 'return many("shell.avatar").map((el) => el.dataset.login);', name="avatars")
UNNAMED = Reading(None, 'return many("shell.avatar").length;')


class Listener:
    """Takes down what it is told."""

    def __init__(self) -> None:
        self.readings: list[PageReading] = []
        self.uses: list[ControlUse] = []

    async def page_read(self, reading: PageReading) -> None:
        self.readings.append(reading)

    async def control_used(self, use: ControlUse) -> None:
        self.uses.append(use)


@pytest.fixture
def listener() -> Listener:
    """Nobody has told anything yet."""
    return Listener()


@pytest.fixture
async def tab(page: Page, listener: Listener) -> Tab:
    """A tab with a small page in it."""
    await page.set_content(f"<html><head><title>T</title></head><body>{LISTED}</body></html>")
    tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")
    timeouts = Timeouts(page=5, answer=1, hook=0.2, control=0.3, submit=1, margin=1)
    return Tab(page, tenant, Catalogue.load(), timeouts, listener)


async def test_a_reading_is_told_once_with_what_it_found(tab: Tab, listener: Listener) -> None:
    """The data, the count for each key, the version of the script, the surroundings."""
    await tab.read(NAMED)

    (told,) = listener.readings
    assert (told.reading, told.data, told.script_sha256) == ("avatars", ["a@example.com"], NAMED.sha256)
    assert told.found["shell.avatar"] == 2  # once by the surroundings, once by the reading
    assert "shell.flash" not in told.found
    assert told.shell["login"] == "a@example.com"
    assert told.ready
    assert told.problems == []


async def test_an_unnamed_reading_is_not_told(tab: Tab, listener: Listener) -> None:
    """Pages that ask for a password are read by such."""
    assert await tab.read(UNNAMED) == 1
    assert listener.readings == []


async def test_a_page_that_is_not_understood_is_told_with_its_problems(tab: Tab, listener: Listener) -> None:
    """The page that stops a job is the one an engineer wants to see again."""
    with pytest.raises(UnknownPage):
        await tab.read(EDIT_PAGE)

    (told,) = listener.readings
    assert (told.reading, told.ready, told.data) == ("edit_page", False, None)


async def test_a_use_is_told_with_the_places_it_needed(tab: Tab, listener: Listener) -> None:
    """Each selector comes with the key it was made of; each is told anew when it is made anew."""
    for _ in range(2):
        await tab.act("looking at the avatar", tab.at("shell.avatar").is_visible)

    assert [use.what for use in listener.uses] == ["looking at the avatar"] * 2
    for use in listener.uses:
        (place,) = use.places
        assert place.selector == tab.catalogue.selector("shell.avatar")
        assert [part.key for part in place.uses] == ["shell.avatar"]
        assert not use.failed


async def test_a_use_that_fails_is_told_as_failed(tab: Tab, listener: Listener) -> None:
    """What could not be clicked stands in the log, before the surroundings that are read to say why."""
    with pytest.raises(UnknownPage):
        await tab.act("clicking nothing", lambda: tab.at("list.root").click(timeout=100))

    assert [(use.what, use.failed) for use in listener.uses] == [("clicking nothing", True)]
    assert [told.reading for told in listener.readings] == ["shell"]


async def test_without_an_observer_nothing_is_kept(page: Page) -> None:
    """The flows work the same where nobody listens."""
    await page.set_content(f"<body>{LISTED}</body>")
    alone = Tab(
        page, TenantAddress("https://login.example.test", "https://app.example.test", "1"), Catalogue.load(), Timeouts()
    )

    assert await alone.read(NAMED) == ["a@example.com"]
    await alone.act("looking", alone.at("shell.avatar").is_visible)

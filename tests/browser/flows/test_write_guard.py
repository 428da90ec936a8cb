"""Before the gate has let a write through, nothing that could write leaves the page, whatever the page does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page

from agent.errors import UnknownPage
from flows import Catalogue, Directory, HeldRequest, TenantAddress, open_directory
from flows.page.reading import Reading
from flows.page.tab import Tab
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    IMPATIENT,
    RecordingGate,
    SmallSite,
    account_of,
    make_person,
    options_of,
    person_in,
    tenant_of,
    until,
    writes_in,
)

HEADING = Reading(None, 'return document.querySelector("h1").textContent;')
ACTS_AT_ONCE = """
addEventListener("click", (event) => {
  const button = event.target.closest("%s");
  if (!button) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  const form = document.createElement("form");
  form.method = "post";
  form.action = "%s";
  document.body.append(form);
  %s
}, true);
"""
SUBMIT = "form.submit();"
FETCH = "fetch(form.action, { method: 'POST' }).catch(() => null);"
BEACON = "navigator.sendBeacon(form.action, 'x');"


@dataclass
class Listener:
    """An observer that only wants to know what is held back."""

    held: list[HeldRequest] = field(default_factory=list)

    def request_held(self, held: HeldRequest) -> None:
        """Remember it."""
        self.held.append(held)

    async def page_read(self, reading: Any) -> None:
        """Not asked for."""

    async def control_used(self, use: Any) -> None:
        """Not asked for."""

    @property
    def words(self) -> list[str]:
        return [held.words for held in self.held]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def guarded(small_site: SmallSite, page: Page, listener: Listener) -> SmallSite:
    """A small site whose tab is shut."""
    tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")
    small_site.tab = Tab(page, tenant, Catalogue.load(), IMPATIENT, listener)
    await small_site.tab.shut()
    return small_site


async def click(tab: Tab, key: str = "#x") -> None:
    await tab.act(f"clicking {key}", tab.page.locator(key).click)


@pytest.mark.parametrize("how", [SUBMIT, FETCH, BEACON], ids=["form", "fetch", "beacon"])
async def test_a_click_that_should_only_ask_sends_nothing(guarded: SmallSite, listener: Listener, how: str) -> None:
    """A form, a script's request and a beacon are stopped, the document stays, and the observer is told whose doing it
    was."""
    tab = await guarded.show(
        f"<h1>Here</h1><button id=x>X</button><script>{ACTS_AT_ONCE % ('#x', '/gone', how)}</script>"
    )
    await click(tab)
    await until(lambda: bool(listener.held))
    assert listener.held == [HeldRequest("POST", "app.example.test", "/gone", True)]
    assert guarded.posted == []
    assert await tab.read(HEADING) == "Here"


async def test_requests_to_other_hosts_are_held_and_blamed_on_nobody(guarded: SmallSite, listener: Listener) -> None:
    """Counters and guides of other sites say nothing about the click; the site's own API host does."""
    elsewhere = FETCH.replace("form.action", "'https://counter.test/n'")
    acts = ACTS_AT_ONCE % ("#x", "https://api.example.test/users", FETCH + elsewhere)
    tab = await guarded.show(f"<button id=x>X</button><script>{acts}</script>")
    await click(tab)
    await until(lambda: len(listener.held) == 2)
    blamed = {held.host: (held.by_touch, held.at_app) for held in listener.held}
    assert blamed == {"api.example.test": (True, False), "counter.test": (False, False)}
    assert guarded.posted == []


async def test_what_a_page_sends_unasked_is_held_and_blamed_on_no_click(guarded: SmallSite, listener: Listener) -> None:
    """A page that reports home as it loads does so after a click, too: no reason to stop."""
    report = "fetch('/report', { method: 'POST' }).catch(() => null);"
    tab = await guarded.show(f'<button id=x onclick="{report}">X</button><script>{report}</script>')
    await until(lambda: len(listener.held) == 1)
    await click(tab)
    await until(lambda: len(listener.held) == 2)
    assert [held.by_touch for held in listener.held] == [False, False]
    assert guarded.posted == []


async def test_a_commit_lifts_the_guard_and_it_falls_shut_again(guarded: SmallSite, listener: Listener) -> None:
    """What is sent while it is lifted arrives; right afterwards nothing does."""
    tab = await guarded.show("<h1>Here</h1>")
    post = "fetch('/save', { method: 'POST' }).then((answer) => answer.status, () => 0)"
    with tab.guard.lifted():
        assert await tab.page.evaluate(post) == 404
    assert await tab.page.evaluate(post) == 0
    assert guarded.posted == ["save"]
    assert listener.words == ["POST app.example.test/save"]


async def test_the_sign_in_host_and_reading_requests_pass(guarded: SmallSite, listener: Listener) -> None:
    """A session that keeps itself alive at the sign-in host is no write."""
    tab = await guarded.show("<h1>Here</h1>")
    send = "([url, method]) => fetch(url, { method, mode: 'no-cors' }).then(() => true, () => false)"
    assert await tab.page.evaluate(send, ["https://login.example.test/alive", "POST"])
    assert await tab.page.evaluate(send, ["/page", "GET"])
    assert (guarded.posted, listener.held) == (["alive"], [])


@pytest.mark.parametrize("how", [SUBMIT, FETCH], ids=["form", "fetch"])
async def test_a_reactivate_button_that_acts_at_once_reactivates_nobody(
    sandbox: Sandbox, context: BrowserContext, gate: RecordingGate, how: str
) -> None:
    """The legacy list's button has lost its window: the flow stops, the gate was never asked, and nothing arrived."""
    with options_of(sandbox, company_directory="legacy"):
        page, listener = await context.new_page(), Listener()
        tenant, who = tenant_of(sandbox), account_of(sandbox)
        directory: Directory = await open_directory(
            page, tenant, gate, who, Catalogue.load(), IMPATIENT, observer=listener
        )
        user_id = await make_person(sandbox, is_active=False)
        path = f"{tenant.directory_path}/users/{user_id}/reactivate"
        button = "[data-pendo=shared-users-reactivate-button]"
        await page.add_init_script(ACTS_AT_ONCE % (button, path, how))
        sandbox.forget_requests()
        with pytest.raises(UnknownPage):
            await directory.reactivate(user_id, EMAIL)
    assert (gate.asked, writes_in(sandbox)) == ([], [])
    assert not person_in(sandbox, EMAIL)["is_active"]
    assert [(held.path, held.by_touch) for held in listener.held] == [(path, True)]


async def test_a_window_that_takes_its_button_for_a_no_stops_by_its_name(
    generation: str, directory: Directory, sandbox: Sandbox, context: BrowserContext, gate: RecordingGate
) -> None:
    """Its question is as known, and its button closes it without sending: an unknown page, not a mere silence."""
    user_id = await make_person(sandbox, is_active=False)
    turned_round = """addEventListener("click", (event) => {
      if (!event.target.matches("button.primary")) return;
      event.stopImmediatePropagation();
      event.target.parentElement.querySelector("button:not(.primary)").click();
    }, true);"""
    await context.pages[-1].add_init_script(turned_round)
    sandbox.forget_requests()
    with pytest.raises(UnknownPage) as failure:
        await directory.reactivate(user_id, EMAIL)
    assert failure.value.code == "window-without-effect"
    assert "Reactivate User" in failure.value.message
    assert (len(gate.asked), writes_in(sandbox)) == (1, [])

"""What a recording of changed pages says about the catalogue, and what the guard of the walk stops."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route

from agent.browser.read_only import read_only
from agent.structure.compare import Compared, Verdict, compare_in
from agent.structure.recorder import Recorder
from flows import Catalogue, RawNode, RawPage, StructureWalk, TenantAddress, Timeouts
from tests.browser.conftest import Sandbox
from tests.browser.structure.conftest import Record
from tests.unit.structure.planted import PLANTED, encodings

pytestmark = pytest.mark.timeout(300)
CATALOGUE = Catalogue.load()


async def compared(browser: Browser, record: Record, *places: str) -> dict[str, Compared]:
    """What a recording of these places says, by key."""
    made = await record(*places)
    return {item.key: item for item in await compare_in(browser, made.recording, CATALOGUE)}


async def test_a_hook_that_is_gone_is_contradicted_with_what_is_like_it(
    browser: Browser, sandbox: Sandbox, record: Record
) -> None:
    """The edit link has lost its hook: the entry is wrong for this tenant, and the link without it is shown."""
    hook = 'data-pendo="user-edit-button"'
    sandbox.post("/faults", [{"operation": "list", "effect": "remove_hook", "hook": hook, "times": 50}])
    try:
        found = await compared(browser, record, "company/users")
    finally:
        sandbox.forget_faults()
    assert found["list.edit_link"].verdict is Verdict.CONTRADICTED
    assert any("Edit" in near for near in found["list.edit_link"].candidates)
    assert found["list.view_link"].verdict is Verdict.CONFIRMED
    assert found["add_user.form"].verdict is Verdict.UNSEEN


async def test_an_unknown_field_is_contradicted(browser: Browser, sandbox: Sandbox, record: Record) -> None:
    """A form with a field that the catalogue does not know is told, with the field."""
    fault = {"operation": "popup", "effect": "unknown_field", "field": "user[cost_center]", "text": "Cost"}
    sandbox.post("/faults", [{**fault, "times": 20}])
    try:
        found = await compared(browser, record, "company/add-user")
    finally:
        sandbox.forget_faults()
    assert found["form.add_user"].verdict is Verdict.CONTRADICTED
    assert "user[cost_" in found["form.add_user"].found


async def test_a_page_that_tries_to_write_while_it_is_recorded_is_stopped(context: BrowserContext) -> None:
    """A script of the page that posts by itself does not get through the guard, and the recording goes on."""
    posted: list[str] = []
    page = await site(context, "<script>fetch('/users/1/invite', {method: 'POST'}).catch(() => {});</script>", posted)
    async with read_only(context) as held:
        taken = [item async for item in walk_of(page).pages({"company/users"})]
    assert isinstance(taken[0], RawPage)
    assert posted == []
    assert held == ["POST /users/1/invite"]


async def test_nothing_planted_in_a_real_page_comes_out(context: BrowserContext) -> None:
    """As the browser gives it, with comments, styles, shadow roots and scripts: the recording is clean."""
    markup = "".join(planted_markup(text) for text in PLANTED.values())
    page = await site(context, markup, [])
    (taken,) = [item async for item in walk_of(page).pages({"company/users"})]
    assert isinstance(taken, RawPage)
    assert texts_of(taken.root) & set(PLANTED.values()), "the page held what was planted"
    recorder = Recorder(CATALOGUE)
    recorder.take(taken)
    text = recorder.finish(date(2026, 11, 22)).text
    for planted in PLANTED.values():
        assert [form for form in encodings(planted) if form in text] == []


def planted_markup(text: str) -> str:
    """Markup that only a real parser and real scripts make sense of."""
    quoted = text.replace("&", "&amp;").replace('"', "&quot;")
    return f"""
      <!-- {quoted} --><style>.x::after {{ content: "{quoted}" }}</style>
      <div class="row" data-login="{quoted}" title="{quoted}" data-props='["{quoted}"]'><b>{quoted}</b> {quoted}</div>
      <input id="box" placeholder="{quoted}" value="{quoted}"><textarea>{quoted}</textarea>
      <select><option value="{quoted}" label="{quoted}">{quoted}</option></select>
      <template><p>{quoted}</p></template><noscript>{quoted}</noscript>
      <custom-card name="{quoted}"><template shadowrootmode="open"><p>{quoted}</p></template></custom-card>
      <script>window.somebody = "{quoted}"; document.title = "{quoted}";</script>
      <script type="application/json">{{"who": "{quoted}"}}</script>
      <svg><title>{quoted}</title><text>{quoted}</text></svg>
    """


async def site(context: BrowserContext, body: str, posted: list[str]) -> Page:
    """A site of our own, answered without a network."""
    page = await context.new_page()

    async def answer(route: Route) -> None:
        request = route.request
        if request.method != "GET":
            posted.append(request.url)
        html = f"<!doctype html><html lang=en><body><span id=header-avatar></span>{body}</body></html>"
        await route.fulfill(body=html, content_type="text/html; charset=utf-8")

    await context.route("**/*", answer)
    return page


def walk_of(page: Page) -> StructureWalk:
    """A walk on that site."""
    tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")
    return StructureWalk(page, tenant, CATALOGUE, Timeouts(page=10, hook=3), "svc@example.com")


def texts_of(node: RawNode) -> set[str]:
    """Every text of a raw page."""
    return {
        text for child in node.children for text in ({child.strip()} if isinstance(child, str) else texts_of(child))
    }

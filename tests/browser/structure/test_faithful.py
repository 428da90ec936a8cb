"""What the redaction takes away is nothing that the catalogue's selectors ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from agent.structure.compare import _BUILD
from agent.structure.recording import Node
from agent.structure.reduce import reduced_page
from agent.structure.vocabulary import Vocabulary
from agent.structure.widened import widened
from flows import Catalogue, RawNode, RawPage, StructureWalk
from tests.browser.conftest import Sandbox
from tests.browser.structure.conftest import sign_in

pytestmark = pytest.mark.timeout(300)
CATALOGUE = Catalogue.load()
PLACES = ("company/users", "company/add-user", "user/edit", "company/portfolio")
_TIMES = r"""
(elements) => elements.reduce((sum, element) => {
  let times = 1;
  for (let at = element; at; at = at.parentElement) times *= Number(at.getAttribute("x-times") || 1);
  return sum + times;
}, 0)
"""
_RAW_NAME = r"^[A-Za-z_:][-A-Za-z0-9_:.]*$"


def as_tree(node: RawNode) -> dict[str, Any]:
    """A raw element in the form in which recorded ones are built up again; what never runs or counts left out."""
    left_out = {"style", "noscript", "template", "link", "base", "script"}
    inner = [
        child if isinstance(child, str) else as_tree(child)
        for child in node.children
        if isinstance(child, str) or child.tag not in left_out
    ]
    kept = {name: value for name, value in node.attributes.items() if not name.startswith("on") and name != "src"}
    return {"tag": node.tag, "at": kept, "in": inner}


async def counts(page: Page, tree: dict[str, Any], selectors: dict[str, str]) -> dict[str, int]:
    """How often each selector finds something in the tree."""
    await page.goto("about:blank")
    await page.evaluate(_BUILD, tree)
    return {key: await page.locator(css).evaluate_all(_TIMES) for key, css in selectors.items()}


async def test_every_hook_finds_as_much_in_the_recording_as_on_the_page(
    browser: Browser, context: BrowserContext, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Counts of each selector without a blank are the same on the raw page and on what is left of it."""
    sandbox.post("/options", {"mfa": "off"})
    known, entry = Vocabulary.of(CATALOGUE), sign_in(sandbox, tmp_path)
    walk = StructureWalk(
        await context.new_page(), entry.address, CATALOGUE, entry.timeouts, own_address=entry.credentials.email
    )
    await walk.enter(entry.credentials)
    pages = [page async for page in walk.pages(PLACES) if isinstance(page, RawPage)]
    assert {page.place for page in pages} == set(PLACES)
    plain = {key: hook.selector for key, hook in CATALOGUE.hooks.items() if "{" not in hook.selector and hook.is_css}
    frozen = await browser.new_context(java_script_enabled=False, offline=True)
    try:
        tab = await frozen.new_page()
        met = 0
        for page in pages:
            reduced: Node = reduced_page(page, known).root
            before = await counts(tab, as_tree(page.root), plain)
            after = await counts(
                tab, reduced.model_dump(mode="json", by_alias=True), {key: widened(css) for key, css in plain.items()}
            )
            assert {key: n for key, n in after.items() if n != before[key]} == {}, f"{page.place} {before}"
            met += sum(1 for n in before.values() if n)
        assert met > 60
    finally:
        await frozen.close()

"""The hazards of windows and layers over the page (6, 7 and 17 of the shared design: ui-hazards), each survived."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import BrowserContext, Page

from agent.domain.person import NewUser, UserChange
from agent.domain.touch import Target
from agent.errors import UnknownPage
from flows import Directory
from flows.page.commit import commit
from flows.page.windows import button, confirm_window, window
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    SMALL_ACCOUNT,
    RecordingGate,
    SmallSite,
    make_person,
    person_in,
    plan_fault,
    writes_in,
)


async def test_6_a_window_that_drops_typed_data_sends_nothing(
    directory: Directory, sandbox: Sandbox, context: BrowserContext
) -> None:
    """A click on the backdrop closes the window and drops all that was typed, unasked."""
    page = context.pages[-1]
    await page.evaluate(
        """document.addEventListener('input', (event) => {
          if (event.target.id === 'user_last_name') document.querySelector('.ui-widget-overlay').click(); })"""
    )

    with pytest.raises(UnknownPage):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron", "job_title": "X"}))

    assert writes_in(sandbox) == []


async def test_6_the_lingering_shell_of_a_closed_window_is_waited_out(directory: Directory, sandbox: Sandbox) -> None:
    """The shell stays a second after the form is gone; it is no unknown dialog."""
    user_id = await make_person(sandbox)
    sandbox.post("/options", {"dialog_linger": 1.0})
    try:
        await directory.save_user(user_id, UserChange(default_project_template="Read Only - Internal"))
    finally:
        sandbox.post("/options", {"dialog_linger": 0.0})

    assert person_in(sandbox, EMAIL)["default_template"] == "Read Only - Internal"


ROWS_AND_WINDOW = """
<div id="rows">%s</div><div id="alert_wrapper"></div>
<div class="confirm-window"><h2>Inactivate Users</h2><div data-qa="bulk-user" data-id="7">Ann</div>
<form action="/post" method="post"><button>Inactivate</button></form></div>%s
"""


async def test_7_the_window_is_found_by_its_headline_among_twenty_buttons(
    small_site: SmallSite, gate: RecordingGate
) -> None:
    """No dialog role, and every row has a button of the same name."""
    tab = await small_site.show(ROWS_AND_WINDOW % ("<button>Inactivate</button>" * 20, ""))
    small_site.pages["/post"] = small_site.pages["/page"]

    _, users = await confirm_window(tab, "Inactivate Users")
    control = button(tab, "Inactivate Users", "Inactivate")
    layers = window("Inactivate Users")
    await commit(tab, gate, control, "x", account=SMALL_ACCOUNT, lands=re.compile("^/post$"), layers=layers)

    assert users == ["7"]
    assert small_site.posted == ["post"]


@pytest.mark.parametrize("other", ["Before you go on", "Inactivate Users"])
async def test_7_a_second_window_stops_the_flow(small_site: SmallSite, other: str) -> None:
    """It may be the warning."""
    second = f'<div class="confirm-window"><h2>{other}</h2><button>Inactivate</button></div>'
    tab = await small_site.show(ROWS_AND_WINDOW % ("", second))

    with pytest.raises(UnknownPage) as failure:
        await confirm_window(tab, "Inactivate Users")

    assert failure.value.code == "unknown-dialog"


@pytest.mark.parametrize("effect", ["announcement", "guided_tour", "cookie_consent"])
@pytest.mark.parametrize("operation", ["edit_page", "list"])
async def test_17_known_layers_are_closed(directory: Directory, sandbox: Sandbox, effect: str, operation: str) -> None:
    """And the write is sent once."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, operation, effect)

    if operation == "list":
        await directory.inactivate(user_id, EMAIL)
        assert person_in(sandbox, EMAIL)["is_active"] is False
    else:
        await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))
        assert person_in(sandbox, EMAIL)["job_title"] == "New"
    assert len(writes_in(sandbox)) == 1
    assert sandbox.get("/faults")["never_fired"] == []


SAVE = '<form action="/post" method="post"><button>Save</button></form><div id="alert_wrapper"></div>'


LAYER = """(id) => {
  const layer = document.createElement("div"); layer.id = id;
  layer.style.cssText = "position:fixed;inset:0;background:#fff"; layer.innerHTML = "<button>Got it</button>";
  layer.querySelector("button").onclick = () => layer.remove();
  document.body.append(layer);
}"""


class CoveringGate(RecordingGate):
    """While the gate is asked, a layer comes up over the page."""

    layer = "announcement-overlay"

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """Cover the page."""
        await super().before(page, intent, target)
        await page.evaluate(LAYER, self.layer)


async def test_17_a_layer_that_comes_up_last_does_not_take_the_click(small_site: SmallSite) -> None:
    """Between the last look and the click: it is closed, the gate is not asked again, one request is sent."""
    gate = CoveringGate()
    tab = await small_site.show(SAVE)
    small_site.pages["/post"] = small_site.pages["/page"]
    save = tab.page.get_by_role("button", name="Save")

    await commit(tab, gate, save, "x", account=SMALL_ACCOUNT, lands=re.compile("^/post$"))

    assert small_site.posted == ["post"]
    assert gate.asked == ["x"]


async def test_17_an_unknown_layer_over_the_button_stops_the_write(small_site: SmallSite) -> None:
    """What nobody knows is not clicked away."""
    gate = CoveringGate()
    gate.layer = "who-knows"
    tab = await small_site.show(SAVE)
    save = tab.page.get_by_role("button", name="Save")

    with pytest.raises(UnknownPage) as failure:
        await commit(tab, gate, save, "x", account=SMALL_ACCOUNT, lands=re.compile("^/post$"))

    assert failure.value.code == "unusable-control"
    assert small_site.posted == []


async def test_6_a_window_that_a_click_opens_is_waited_for_until_it_shows(small_site: SmallSite) -> None:
    """One that comes up late is seen, one that is there and stays hidden stops the flow."""
    late = "<script>setTimeout(() => { document.getElementById('w').hidden = false; }, 200);</script>"
    tab = await small_site.show(f"<div id=w hidden>Window</div>{late}")
    await tab.appears("the window", "#w")

    tab = await small_site.show("<div id=w hidden>Window</div>")
    with pytest.raises(UnknownPage) as failure:
        await tab.appears("the window", "#w")

    assert failure.value.code == "unusable-control"
    assert "the window" in failure.value.message

"""The eighteen hazards of the controls that Procore's pages are made of, each survived (shared design: ui-hazards).

On the sandbox where it has the hazard, else on small pages of our own that have it worse.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page

import flows
from agent.domain.person import Listing, NewUser, UserChange
from agent.errors import Failed, UnknownPage
from flows import Directory
from flows.legacy.commit import commit
from flows.legacy.controls import (
    DesignSelect,
    choose_by_name,
    choose_by_value,
    choose_nothing,
    held_value,
    set_checkbox,
)
from flows.legacy.listing import open_list
from flows.legacy.windows import button, confirm_window, window
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import RecordingGate, SmallSite, person_in, plan_fault, writes_in
from tests.browser.flows.test_directory import make_person

EMAIL = "ada.byron@example.com"
ACCOUNT = "svc@example.com"

# A select as the design system has them, with more of each vice: menu at the end of the body, 24 options in the page,
# old options on screen while a query runs, values as JSON text, ids and classes new with every load.
SELECT = """
<form id="new_user" action="/post" method="post"><input type="hidden" name="authenticity_token" value="t">
<label id="l1">Company</label>
<div data-qa="user-vendor-select" class="StyledSelect-core-12_27_1__sc-%(noise)s">
  <div role="button" tabindex="0" aria-haspopup="listbox" aria-labelledby="l1"><i>Select a company</i></div>
  <input type="hidden" name="user[vendor_id]" value="">
  <button type="button" data-qa="core-select-clear">x</button></div>
<button type="submit">Create</button></form>
<div id="alert_wrapper"></div>
<script>
const ALL = %(options)s, SEARCH = %(search)s, DELAY = %(delay)s;
const box = document.querySelector('[data-qa="user-vendor-select"]'), trigger = box.querySelector('[role=button]');
const hidden = box.querySelector('input');
box.querySelector('button').onclick = () => { hidden.value = ""; trigger.innerHTML = "<i>Select a company</i>"; };
trigger.onclick = () => {
  const menu = document.createElement("div");
  menu.setAttribute("role", "listbox"); menu.dataset.qa = "core-select-menu";
  menu.style.cssText = "position:absolute;top:60px;width:300px;height:240px;overflow:auto;background:#fff";
  document.body.append(menu);
  let shown = ALL, first = 0;
  const list = document.createElement("div");
  const draw = () => {
    list.innerHTML = ""; list.style.cssText = `position:relative;height:${shown.length * 20}px`;
    shown.slice(first, first + 24).forEach((option, index) => {
      const el = document.createElement("div");
      el.setAttribute("role", "option"); el.dataset.value = JSON.stringify(option.id);
      el.setAttribute("aria-setsize", shown.length); el.setAttribute("aria-posinset", first + index + 1);
      el.style.cssText = `position:absolute;height:20px;top:${(first + index) * 20}px`;
      el.innerHTML = `${option.name} <small data-qa="option-hint">${option.hint || ""}</small>`;
      el.onclick = () => { hidden.value = option.id; trigger.textContent = option.name; menu.remove(); };
      list.append(el);
    });
  };
  menu.onscroll = () => { first = Math.floor(menu.scrollTop / 20); draw(); };
  if (SEARCH) {
    const search = document.createElement("input"); search.type = "search"; menu.append(search); search.focus();
    search.oninput = () => {
      menu.setAttribute("aria-busy", "true"); clearTimeout(menu.timer);
      menu.timer = setTimeout(() => {
        shown = ALL.filter((option) => option.name.toLowerCase().includes(search.value.toLowerCase()));
        first = 0; draw(); menu.removeAttribute("aria-busy");
      }, DELAY);
    };
  }
  menu.append(list); draw();
};
</script>
"""
COMPANY = DesignSelect("add_user.vendor_box", "add_user.vendor_value", "Company")


def select_page(options: list[tuple[str, str, str]], *, search: bool, delay: int = 0) -> str:
    """The page with these options (id, name, hint)."""
    listed = ",".join(f'{{id: "{key}", name: "{name}", hint: "{hint}"}}' for key, name, hint in options)
    return SELECT % {"options": f"[{listed}]", "search": str(search).lower(), "delay": delay, "noise": "kTzQrP"}


MANY = [(str(562949953421000 + number), f"Company {number:03}", "") for number in range(120)]


async def test_1_options_in_a_portal_are_found(small_site: SmallSite) -> None:
    """The menu lies at the end of the body, outside the form."""
    tab = await small_site.show(select_page(MANY[:5], search=False))

    await choose_by_name(tab, COMPANY, "Company 003")

    assert await held_value(tab, COMPANY) == ("562949953421003", "Company 003")


@pytest.mark.parametrize("search", [True, False])
async def test_2_an_option_beyond_the_24_in_the_page_is_found(small_site: SmallSite, search: bool) -> None:
    """By the menu's search box, or by scrolling where it has none."""
    tab = await small_site.show(select_page(MANY, search=search))

    await choose_by_name(tab, COMPANY, "Company 117")

    assert (await held_value(tab, COMPANY))[0] == "562949953421117"


async def test_2_an_option_that_does_not_exist_is_said_to_be_missing(small_site: SmallSite) -> None:
    """Absent is what is still absent when all has been seen."""
    tab = await small_site.show(select_page(MANY, search=True))

    with pytest.raises(Failed) as failure:
        await choose_by_value(tab, COMPANY, "1", "Company 500")

    assert failure.value.code == "choice-not-offered"


async def test_3_old_options_are_not_clicked_while_a_query_runs(small_site: SmallSite) -> None:
    """The wanted one is waited for, and what was chosen is read back."""
    tab = await small_site.show(select_page(MANY, search=True, delay=700))

    await choose_by_value(tab, COMPANY, "562949953421119", "Company 119")

    assert await held_value(tab, COMPANY) == ("562949953421119", "Company 119")


async def test_3_two_companies_of_one_name_are_told_apart_by_id(small_site: SmallSite) -> None:
    """The text is the same; the id is not."""
    twins = [("71", "Summit Electric", "Denver, CO"), ("72", "Summit Electric", "Reno, NV")]
    tab = await small_site.show(select_page(twins, search=True, delay=100))

    await choose_by_value(tab, COMPANY, "72", "Summit Electric")

    assert (await held_value(tab, COMPANY))[0] == "72"


async def test_3_two_options_of_one_name_are_not_guessed_between(small_site: SmallSite) -> None:
    """By name alone there is no right one."""
    twins = [("71", "Foreman", "old"), ("72", "Foreman", "new")]
    tab = await small_site.show(select_page(twins, search=False))

    with pytest.raises(Failed) as failure:
        await choose_by_name(tab, COMPANY, "Foreman")

    assert failure.value.code == "choice-ambiguous"


async def test_3_the_slow_select_of_the_sandbox(directory: Directory, sandbox: Sandbox) -> None:
    """The same on the whole window, with a company select that takes its time."""
    sandbox.post("/options", {"select_delay": 0.8})
    try:
        vendor = (await directory.find_vendors("Summit Electric"))[1]
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}, company=vendor))
    finally:
        sandbox.post("/options", {"select_delay": 0.0})

    assert str(person_in(sandbox, EMAIL)["vendor_id"]) == vendor.id


async def test_4_the_company_field_is_the_forms_own(small_site: SmallSite) -> None:
    """A filter and a checkbox of the same label lie around it."""
    others = '<label>Company <select><option>x</option></select></label><label><input type="checkbox">Company</label>'
    tab = await small_site.show(others + select_page(MANY[:3], search=False) + others)

    await choose_by_name(tab, COMPANY, "Company 001")

    assert (await held_value(tab, COMPANY))[0] == "562949953421001"


@pytest.mark.parametrize(
    "markup",
    [
        '<label style="position:relative"><input type="checkbox" style="opacity:0;position:absolute">Employee</label>',
        '<label style="display:block;width:0"><input type="checkbox" style="opacity:0;width:0;height:0"></label>',
        '<input type="checkbox" id="c" style="display:none"><label for="c">Is Employee</label>',
        '<div style="position:relative"><input type="checkbox"><div style="position:absolute;inset:0"></div></div>',
    ],
)
async def test_5_a_checkbox_under_its_label_is_toggled(small_site: SmallSite, markup: str) -> None:
    """Invisible, of no size, not displayed, or covered: the state is what counts, and it is read back."""
    tab = await small_site.show(f'<form>{markup}</form><div id="alert_wrapper"></div>')
    box = tab.page.locator("input[type=checkbox]")

    await set_checkbox(tab, box, "Is Employee", True)
    assert await box.is_checked()
    await set_checkbox(tab, box, "Is Employee", False)
    assert not await box.is_checked()


async def test_5_a_checkbox_that_does_not_toggle_is_noticed(small_site: SmallSite) -> None:
    """A script that takes the tick back must not go unseen."""
    tab = await small_site.show('<label><input type="checkbox" onclick="return false">Is Employee</label>')

    with pytest.raises(UnknownPage) as failure:
        await set_checkbox(tab, tab.page.locator("input"), "Is Employee", True)

    assert failure.value.code == "control-mismatch"


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
    await commit(tab, gate, control, "x", account=ACCOUNT, lands=re.compile("^/post$"), layers=layers)

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


async def test_8_fields_are_required_without_the_browser_knowing(directory: Directory) -> None:
    """aria-required is read, not required."""
    assert "last_name" in (await directory.facts()).required_fields


async def test_9_each_message_stands_with_its_field(directory: Directory, sandbox: Sandbox) -> None:
    """Not the banner that only says that there are errors."""
    user_id = await make_person(sandbox)

    with pytest.raises(Failed, match=r"Last Name: ") as failure:
        await directory.save_user(user_id, UserChange(attributes={"last_name": ""}))

    assert "Please fix" not in failure.value.message
    assert person_in(sandbox, EMAIL)["last_name"] == "Byron"


async def test_10_a_missed_flash_is_neither_success_nor_failure(directory: Directory, sandbox: Sandbox) -> None:
    """The page answered; whether it was saved is for the read-back to say."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", "missing_flash")

    await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))

    assert person_in(sandbox, EMAIL)["job_title"] == "New"


async def test_11_the_address_says_which_list_it_is(small_site: SmallSite) -> None:
    """Every tab claims to be selected; a redirect to another list must not pass for the one asked for."""
    body = '<div id="root" data-props="{}"></div><i>Displaying 0 - 0 of 0</i><a role="tab" aria-selected="true">All</a>'
    asked = "/1/company/directory/groups/inactive_users?page=1&per_page=150&search=&group_by=&sort=name"
    moved = "<script>history.replaceState({}, '', '/1/company/directory/groups/users')</script>"
    await small_site.show(body + moved, asked)

    with pytest.raises(UnknownPage) as failure:
        await open_list(small_site.tab, Listing.INACTIVE_USERS.value)

    assert failure.value.seen.endswith("/groups/users")


def test_11_and_15_no_flow_looks_at_what_lies_or_changes() -> None:
    """Neither aria-selected nor hashed classes, generated ids and row numbers are in the flows."""
    source = "".join(file.read_text(encoding="utf-8") for file in Path(flows.__file__).parent.rglob("*.py"))

    assert not re.search(
        r"aria-selected|react-aria|styled-|rownum|rowindex|networkidle", source.replace("``networkidle``", "")
    )


async def test_12_fifty_matches_prove_nothing(directory: Directory, sandbox: Sandbox) -> None:
    """The person may be number 51: narrower, or an error, never "absent"."""
    sandbox.post(
        "/people",
        [{"email_address": f"x{n}.byron@example.com", "values": {"last_name": "Byronic"}} for n in range(60)],
    )

    assert (await directory.find("nobody@example.com", full_name="Zoe Byronic")).near == ()
    with pytest.raises(Failed) as failure:
        await directory.find("byron@example.com")
    assert failure.value.code == "search-inconclusive"


async def test_13_values_are_json_text_with_quotes(small_site: SmallSite) -> None:
    """``"\\"71\\""`` is the id 71; quotes in a value do not break the selector either."""
    tab = await small_site.show(select_page([("71", "One", ""), ("7'1", "Two", "")], search=False))

    await choose_by_value(tab, COMPANY, "7'1", "Two")

    assert (await held_value(tab, COMPANY))[0] == "7'1"


async def test_14_a_select_without_its_placeholder_is_changed_and_cleared(small_site: SmallSite) -> None:
    """The placeholder goes once something is chosen: it is never looked for."""
    tab = await small_site.show(select_page(MANY[:5], search=True))

    await choose_by_name(tab, COMPANY, "Company 001")
    await choose_by_name(tab, COMPANY, "Company 002")
    assert (await held_value(tab, COMPANY))[1] == "Company 002"
    await choose_nothing(tab, COMPANY)
    assert (await held_value(tab, COMPANY))[0] == ""


async def test_15_the_sandbox_changes_its_classes_and_flows_do_not_care(directory: Directory) -> None:
    """Names that change with every start are everywhere on the page; the fingerprint is taken all the same."""
    assert (await directory.fingerprint()).generation == "legacy"


async def test_16_the_new_grid_is_not_touched(directory: Directory, sandbox: Sandbox) -> None:
    """Its cells turn into inputs when clicked: another generation is recognised and left alone."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "list", "unknown_page")

    with pytest.raises(UnknownPage) as failure:
        await directory.invite(user_id, EMAIL)

    assert failure.value.code == "unknown-generation"
    assert writes_in(sandbox) == []


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

    async def before(self, page: Page, intent: str) -> None:
        """Cover the page."""
        await super().before(page, intent)
        await page.evaluate(LAYER, self.layer)


async def test_17_a_layer_that_comes_up_last_does_not_take_the_click(small_site: SmallSite) -> None:
    """Between the last look and the click: it is closed, the gate is not asked again, one request is sent."""
    gate = CoveringGate()
    tab = await small_site.show(SAVE)
    small_site.pages["/post"] = small_site.pages["/page"]
    save = tab.page.get_by_role("button", name="Save")

    await commit(tab, gate, save, "x", account=ACCOUNT, lands=re.compile("^/post$"))

    assert small_site.posted == ["post"]
    assert gate.asked == ["x"]


async def test_17_an_unknown_layer_over_the_button_stops_the_write(small_site: SmallSite) -> None:
    """What nobody knows is not clicked away."""
    gate = CoveringGate()
    gate.layer = "who-knows"
    tab = await small_site.show(SAVE)
    save = tab.page.get_by_role("button", name="Save")

    with pytest.raises(UnknownPage) as failure:
        await commit(tab, gate, save, "x", account=ACCOUNT, lands=re.compile("^/post$"))

    assert failure.value.code == "unusable-control"
    assert small_site.posted == []


async def test_18_unticking_is_sent_by_the_hidden_twin(directory: Directory, sandbox: Sandbox) -> None:
    """An unticked checkbox is not sent at all; its hidden 0 is."""
    user_id = await make_person(sandbox, is_employee=True)

    await directory.save_user(user_id, UserChange(attributes={"is_employee": "no"}))

    assert person_in(sandbox, EMAIL)["is_employee"] is False


async def test_18_a_missing_twin_stops_the_write(directory: Directory, sandbox: Sandbox) -> None:
    """Without it the save would go through and change nothing."""
    user_id = await make_person(sandbox, is_employee=True)
    hook = 'type="hidden" name="user[is_employee]"'
    plan_fault(sandbox, "edit_page", "remove_hook", hook=hook)

    with pytest.raises(UnknownPage, match="twin"):
        await directory.save_user(user_id, UserChange(attributes={"is_employee": "no"}))

    assert sandbox.get("/faults")["never_fired"] == []
    assert writes_in(sandbox) == []


async def test_18_a_stale_token_saves_nothing(directory: Directory, sandbox: Sandbox) -> None:
    """The answer is a redirect and a flash, which looks much like success."""
    user_id = await make_person(sandbox, job_title="Old")
    plan_fault(sandbox, "edit_page", "stale_csrf")

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, UserChange(attributes={"job_title": "New"}))

    assert failure.value.code == "stale-token"
    assert person_in(sandbox, EMAIL)["job_title"] == "Old"

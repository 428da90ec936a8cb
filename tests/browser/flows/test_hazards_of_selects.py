"""The hazards of the design system's selects (1 to 4, 13 and 14 of the shared design: ui-hazards), each survived.

On the sandbox where it has the hazard, else on small pages of our own that have it worse.
"""

from __future__ import annotations

import pytest

from agent.domain.person import NewUser
from agent.errors import Failed, UnknownPage
from flows import Directory
from flows.page.controls import DesignSelect, choose_by_name, choose_by_value, choose_nothing, held_value
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, SmallSite, person_in

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
let lost = %(lost)s;
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
      el.onmousedown = () => { if (lost-- > 0) draw(); };
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


def select_page(options: list[tuple[str, str, str]], *, search: bool, delay: int = 0, lost: int = 0) -> str:
    """The page with these options (id, name, hint); of its clicks on options the first ``lost`` come to nothing."""
    listed = ",".join(f'{{id: "{key}", name: "{name}", hint: "{hint}"}}' for key, name, hint in options)
    facts = {"options": f"[{listed}]", "search": str(search).lower(), "delay": delay, "lost": lost, "noise": "kTzQrP"}
    return SELECT % facts


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


async def test_2_an_option_that_is_drawn_anew_under_the_click_is_pressed_again(small_site: SmallSite) -> None:
    """A click that the redrawing of a long list has swallowed is made again: nothing was chosen by it."""
    tab = await small_site.show(select_page(MANY, search=False, lost=1))

    await choose_by_name(tab, COMPANY, "Company 100")

    assert (await held_value(tab, COMPANY))[1] == "Company 100"


async def test_2_a_menu_that_no_click_closes_is_an_unknown_page(small_site: SmallSite) -> None:
    """After a few clicks the agent gives up, and says what it was waiting for."""
    tab = await small_site.show(select_page(MANY, search=False, lost=99))

    with pytest.raises(UnknownPage, match="does not close"):
        await choose_by_name(tab, COMPANY, "Company 100")


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

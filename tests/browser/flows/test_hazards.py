"""The hazards of fields, lists and answers (5, 8 to 12, 15, 16 and 18 of the shared design: ui-hazards), each survived.

Those of selects and of layers have files of their own.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flows
from agent.domain.person import Listing, UserChange
from agent.errors import Failed, UnknownPage
from flows import Directory
from flows.legacy.listing import open_list
from flows.page.controls import set_checkbox
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, SmallSite, make_person, person_in, plan_fault, writes_in


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

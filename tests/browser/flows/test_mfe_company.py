"""The company Directory in the new generation: whose row it is, whose menu, whose page, and what is never clicked."""

from __future__ import annotations

from typing import Any

import pytest

from agent.domain.person import Listing, NewUser, UserChange
from agent.errors import AnswerLost, Failed, UnknownPage
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    SERVICE_ACCOUNT,
    Opener,
    RecordingGate,
    assert_nothing_written,
    job_title,
    make_person,
    options_of,
    person_in,
    plan_fault,
    writes_in,
)

BEN = "ben.byron@example.com"
CHANGE = UserChange(attributes={"job_title": "New"})


@pytest.fixture(autouse=True)
def _new_pages(sandbox: Sandbox) -> Any:
    """Everything here is about the new generation, without changes that nobody has announced."""
    with options_of(sandbox, company_directory="mfe"):
        yield
    sandbox.post("/options", {"drift": None})


def drift(sandbox: Sandbox, *mutations: str) -> None:
    """From now on pages are served with these changes."""
    sandbox.post("/options", {"drift": {"only": list(mutations)}})


async def two_of_one_name(sandbox: Sandbox) -> tuple[str, str]:
    """Two people whom one search finds; their user ids."""
    return await make_person(sandbox), await make_person(sandbox, BEN, first_name="Ben", notes=EMAIL)


async def test_a_search_is_waited_for_however_long_it_takes(directory: Directory, sandbox: Sandbox) -> None:
    """The old rows stay until the new ones come, without a sign: they are not taken for the answer."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "grid_rows", "slow", seconds=0.8, times=4)

    found = await directory.find(EMAIL)

    assert [(row.listing, row.user_id, row.email) for row in found.matches] == [(Listing.USERS, user_id, EMAIL)]


async def test_whether_somebody_was_invited_is_read_from_the_menu(directory: Directory, sandbox: Sandbox) -> None:
    """Invite, then Re-invite; inactive people have neither. Reading it sends nothing."""
    user_id = await make_person(sandbox)
    before = (await directory.find(EMAIL)).matches[0].invited
    assert writes_in(sandbox) == []
    await directory.invite(user_id, EMAIL)
    after = (await directory.find(EMAIL)).matches[0].invited
    await directory.inactivate(user_id, EMAIL)

    assert (before, after, (await directory.find(EMAIL)).matches[0].invited) == (False, True, None)


async def test_a_contact_of_the_same_address_is_left_alone(directory: Directory, sandbox: Sandbox) -> None:
    """Contacts are rows of the same grid, with a menu that could inactivate them."""
    user_id = await make_person(sandbox)
    sandbox.post("/people", [{"email_address": EMAIL, "kind": "contact", "values": {"last_name": "Byron"}}])

    found = await directory.find(EMAIL)
    await directory.inactivate(user_id, EMAIL)

    assert {row.listing for row in found.matches} == {Listing.USERS, Listing.CONTACTS}
    truth = sandbox.get("/state", person=EMAIL)
    assert truth["user"]["is_active"] is False
    assert [contact["is_active"] for contact in truth["contacts"]] == [True]


async def test_a_row_that_leads_to_another_persons_page_stops_the_look(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """The page says who it is about; the row alone is not believed."""
    await two_of_one_name(sandbox)
    drift(sandbox, "edit_links_crossed")

    with pytest.raises(UnknownPage) as failure:
        await directory.find(EMAIL)

    assert failure.value.code == "person-mismatch"
    assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize("mutation", ["edit_links_crossed", "menus_shifted"])
async def test_nobody_else_gets_what_a_row_was_opened_for(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate, mutation: str
) -> None:
    """Crossed links, or a menu about the next row: no mail and no inactivation, for nobody."""
    user_id, _ = await two_of_one_name(sandbox)
    await directory.read_person(user_id)
    drift(sandbox, mutation)

    with pytest.raises(UnknownPage):
        await directory.invite(user_id, EMAIL)
    with pytest.raises(UnknownPage):
        await directory.inactivate(user_id, EMAIL)

    assert sandbox.get("/outbox") == []
    assert person_in(sandbox, EMAIL)["is_active"]
    assert person_in(sandbox, BEN)["is_active"]
    assert_nothing_written(sandbox, gate)


async def test_a_list_of_another_company_is_not_an_absent_person(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Nobody of this address there would end an off-boarding as done. Whose people it shows, only their pages tell."""
    await make_person(sandbox)
    drift(sandbox, "foreign_people")

    with pytest.raises(UnknownPage) as found:
        await directory.find(EMAIL)
    with pytest.raises(UnknownPage) as listed:
        await directory.list_people(Listing.USERS)

    assert (found.value.code, listed.value.code) == ("foreign-list", "foreign-list")
    assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize("mutation", ["menu_labels_swapped", "action_renamed"])
async def test_an_entry_whose_words_and_value_disagree_is_not_chosen(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate, mutation: str
) -> None:
    """One of the two lies; which one is for a person to find out."""
    user_id = await make_person(sandbox)
    drift(sandbox, mutation)

    with pytest.raises(UnknownPage):
        await directory.inactivate(user_id, EMAIL)

    assert_nothing_written(sandbox, gate)


async def test_no_cell_is_ever_edited(directory: Directory, sandbox: Sandbox) -> None:
    """A click into a cell makes an input, and leaving it saves (hazard 16)."""
    user_id = await make_person(sandbox, job_title="Old")
    await directory.find(EMAIL, full_name="Ada Byron")
    await directory.list_people(Listing.USERS)
    await directory.find_vendors("Summit Electric")
    await directory.invite(user_id, EMAIL)
    await directory.inactivate(user_id, EMAIL)
    await directory.reactivate(user_id, EMAIL)

    assert "cell_save" not in {item["operation"] for item in sandbox.get("/requests")}
    assert len(writes_in(sandbox)) == 3
    assert job_title(sandbox) == "Old"


async def test_a_created_person_who_is_not_listed_is_a_lost_answer(directory: Directory, sandbox: Sandbox) -> None:
    """The page does not tell the new id. "Saved", it says, and nobody is found: to be looked for, not created again."""
    plan_fault(sandbox, "create_user", "stale_list", seconds=30)

    with pytest.raises(AnswerLost):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert len(writes_in(sandbox)) == 1


async def test_a_created_person_who_is_listed_a_moment_later_is_found(directory: Directory, sandbox: Sandbox) -> None:
    """Lists lag behind writes."""
    plan_fault(sandbox, "create_user", "stale_list", seconds=0.8)

    user_id = await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert user_id == str(person_in(sandbox, EMAIL)["user_id"])


async def test_a_company_that_changes_over_in_mid_session_is_met_as_it_is(
    directory: Directory, sandbox: Sandbox
) -> None:
    """Detected page by page, in both directions, by every flow and before its write."""
    user_id = await make_person(sandbox, job_title="Old")
    sandbox.post("/options", {"company_directory": "legacy"})
    assert (await directory.find(EMAIL)).matches[0].user_id == user_id
    assert (await directory.fingerprint()).generation == "mfe"  # taken when the session began
    await directory.inactivate(user_id, EMAIL)
    assert (await directory.fingerprint()).generation == "legacy"
    sandbox.post("/options", {"company_directory": "mfe"})
    await directory.reactivate(user_id, EMAIL)
    await directory.save_user(user_id, CHANGE)

    truth = person_in(sandbox, EMAIL)
    assert (truth["is_active"], truth["job_title"]) == (True, "New")
    assert len(writes_in(sandbox)) == 3


async def test_the_page_of_another_person_is_not_written_to(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Both ids stand on the page, and both must be the person's."""
    user_id, other = await two_of_one_name(sandbox)
    await directory.read_person(user_id)
    directory._mfe._person_ids[user_id] = str(person_in(sandbox, BEN)["person_id"])  # type: ignore[attr-defined] # mixed up

    with pytest.raises(UnknownPage) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "person-mismatch"
    assert other in failure.value.seen
    assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize("account", [SERVICE_ACCOUNT, "ops.granular@example.com"])
async def test_rights_are_read_from_what_the_page_offers(open_it: Opener, sandbox: Sandbox, account: str) -> None:
    """The new pages state no rights; what they offer comes to the same as what the legacy ones state. Only the column
    of the templates is there for everybody."""
    offered = (await (await open_it(account)).fingerprint()).capabilities
    sandbox.post("/options", {"company_directory": "legacy"})
    stated = (await (await open_it(account)).fingerprint()).capabilities

    assert offered == stated.model_copy(update={"can_see_templates": True})


async def test_a_page_that_cannot_be_loaded_is_no_empty_list(directory: Directory, sandbox: Sandbox) -> None:
    """The rows come by a request of their own; without them there is no list, rather than an empty one."""
    await make_person(sandbox)
    plan_fault(sandbox, "grid_rows", "refuse_before", times=9)

    with pytest.raises(Failed):
        await directory.find(EMAIL)

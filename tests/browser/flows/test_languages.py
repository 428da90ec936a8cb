"""English of another country is English; any other language stops before a write, on every kind of page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from agent.domain.access import CompanyAccess
from agent.domain.person import NewUser, UserChange
from agent.errors import UnknownPage
from flows import Directory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    Opener,
    RecordingGate,
    assert_nothing_written,
    has_memberships,
    make_person,
    options_of,
    person_in,
    until,
)

VARIANTS = [
    pytest.param({"projects_tab": "old"}, id="legacy"),
    pytest.param({"projects_tab": "new"}, id="redesigned tab"),
    pytest.param({"company_directory": "mfe"}, id="new generation"),
]
Write = Callable[[Directory, str], Awaitable[object]]


@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_write_works_in_british_english(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate, variant: dict[str, str]
) -> None:
    """From the creation to the return: the words that differ are not the ones that the flows go by."""
    with options_of(sandbox, language="en-GB", assignment_delay=0.0, **variant):
        directory = await open_it()
        assert (await directory.fingerprint()).locale == "en-GB"
        facts = await directory.facts()
        first, second = facts.projects[:2]

        user_id = await directory.create_user(
            NewUser(
                email=EMAIL,
                attributes={"first_name": "Ada", "last_name": "Byron"},
                default_project_template="Project Manager - Internal",
            )
        )
        await directory.save_user(
            user_id, UserChange(attributes={"city": "Leeds"}, company_access=CompanyAccess(template="Field Staff"))
        )
        await directory.add_to_project(user_id, first, "Read Only - Internal")
        await directory.change_project_template(user_id, first, "Project Engineer - Internal")
        await directory.assign_projects(user_id, add=[second], remove=[])
        await until(partial(has_memberships, sandbox, 2))
        await directory.remove_from_project(user_id, first)
        await directory.invite(user_id, EMAIL)
        await directory.remove_from_all_projects(user_id)
        await directory.inactivate(user_id, EMAIL)
        assert not person_in(sandbox, EMAIL)["is_active"]
        await directory.reactivate(user_id, EMAIL)
        assert await directory.history(user_id, await directory.server_time()) is not None

    truth = person_in(sandbox, EMAIL)
    assert (truth["is_active"], truth["city"], truth["company_template"]) == (True, "Leeds", "Field Staff")
    assert truth["memberships"] == []
    assert len(gate.asked) == 10


@pytest.mark.parametrize("variant", VARIANTS)
async def test_german_is_refused_before_anything(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate, variant: dict[str, str]
) -> None:
    """A person changes the account's profile; no page is guessed at."""
    with options_of(sandbox, language="de", **variant), pytest.raises(UnknownPage) as failure:
        await open_it()

    assert failure.value.code == "unknown-language"
    assert (failure.value.seen, gate.asked) == ("de", [])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(
            lambda d, u: d.create_user(NewUser(email="new@example.com", attributes={"last_name": "N"})), id="add"
        ),
        pytest.param(lambda d, u: d.save_user(u, UserChange(attributes={"city": "Ulm"})), id="save"),
        pytest.param(lambda d, u: d.invite(u, EMAIL), id="invite"),
        pytest.param(lambda d, u: d.inactivate(u, EMAIL), id="inactivate"),
    ],
)
async def test_a_page_that_turns_german_is_not_written_to(
    open_it: Opener, sandbox: Sandbox, gate: RecordingGate, variant: dict[str, str], write: Write
) -> None:
    """Somebody changes the profile while the session is open."""
    user_id = await make_person(sandbox)
    with options_of(sandbox, **variant):
        directory = await open_it()
        sandbox.forget_requests()
        with options_of(sandbox, language="de"), pytest.raises(UnknownPage) as failure:
            await write(directory, user_id)

    # the window of Add User is loaded into a page that was English when it was opened
    assert failure.value.code in {"unknown-language", "shape-changed"}
    assert_nothing_written(sandbox, gate)

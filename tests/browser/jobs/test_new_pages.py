"""What jobs promise holds on the new generation of pages, too; the promises are those of :mod:`test_actions`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.browser.conftest import Sandbox
from tests.browser.jobs import test_actions as actions
from tests.browser.jobs.conftest import Desk

PROMISES: list[Callable[[Desk], Awaitable[None]]] = [
    actions.test_provision_creates_grants_invites_and_proves_it,
    actions.test_update_changes_what_it_names_and_nothing_else,
    actions.test_update_sets_levels_tool_by_tool,
    actions.test_change_email_moves_the_address,
    actions.test_offboard_leaves_nothing_that_could_come_back,
    actions.test_projects_are_added_changed_and_removed,
    actions.test_reactivate_gives_exactly_what_it_says,
    actions.test_invite_sends_one_mail_and_resend_one_more,
    actions.test_snapshot_holds_everybody_of_all_four_lists,
]


@pytest.fixture(autouse=True)
def _new_pages(sandbox: Sandbox) -> Iterator[None]:
    """A company whose own Directory is of the new generation."""
    sandbox.post("/options", {"company_directory": "mfe"})
    yield
    sandbox.post("/options", {"company_directory": "legacy"})


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__.removeprefix("test_"))
async def test_a_promise_holds_on_the_new_pages(desk: Desk, promise: Callable[[Desk], Awaitable[None]]) -> None:
    """The same jobs, the same truth afterwards, and no cell of a grid edited on the way."""
    await promise(desk)

    assert "cell_save" not in {item["operation"] for item in desk.sandbox.get("/requests")}

"""Answers that are lost, refused or somebody else's: for each write of a project's Directory, never a second one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from agent.domain.project import GroupChange
from agent.errors import AgentError, AnswerLost, Failed, SignedOut
from flows.interface import ProjectDirectory
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, RecordingGate, make_person, person_in, plan_fault, writes_in
from tests.browser.flows.projects.conftest import NUMBER, as_member, as_new, in_group, membership

Write = Callable[[ProjectDirectory, Sandbox], Awaitable[object]]


def user_id(sandbox: Sandbox) -> str:
    """The person's user id."""
    return str(person_in(sandbox, EMAIL)["user_id"])


def is_member(sandbox: Sandbox) -> bool:
    """Whether the person is in the project."""
    return membership(sandbox) is not None


def has_template(sandbox: Sandbox) -> bool:
    """Whether the person has a template there."""
    return bool((membership(sandbox) or {}).get("template"))


def has_group(sandbox: Sandbox) -> bool:
    """Whether the group was made."""
    return any(group["name"] == "Crane Crew" for group in sandbox.get("/state")["companies"][0]["groups"])


#: operation of the sandbox, the write, what tells that it was done, and whether the person is a member before
WRITES: dict[str, tuple[str, Write, Callable[[Sandbox], bool], bool, bool]] = {
    "add": ("member_create", lambda it, box: it.add_member(as_new(box, EMAIL)), is_member, True, False),
    "template": (
        "member_save",
        lambda it, box: it.change_member_template(user_id(box), EMAIL, "Read Only - Internal"),
        has_template,
        True,
        True,
    ),
    "remove": ("member_remove", lambda it, box: it.remove_member(user_id(box), EMAIL), is_member, False, True),
    "bulk add": ("bulk_add", lambda it, box: it.bulk_add([as_new(box, EMAIL)]), is_member, True, False),
    "bulk remove": ("member_remove", lambda it, box: it.bulk_remove([as_member(box, EMAIL)]), is_member, False, True),
    "invite": (
        "invite",
        lambda it, box: it.invite_member(user_id(box), EMAIL),
        lambda box: bool(box.get("/outbox")),
        True,
        True,
    ),
    "group": (
        "group_create",
        lambda it, box: it.groups().create_group("Crane Crew", GroupChange()),
        has_group,
        True,
        False,
    ),
}


async def begin(sandbox: Sandbox, name: str) -> tuple[str, Write, Callable[[Sandbox], bool], bool]:
    """The person as the write needs one."""
    operation, write, look, done, member = WRITES[name]
    await make_person(sandbox, memberships={NUMBER: None} if member else {})
    return operation, write, look, done


@pytest.mark.parametrize("name", WRITES)
async def test_a_dropped_answer_is_lost_and_sent_once(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate, name: str
) -> None:
    """It was done, nobody was told, and it is not done again."""
    operation, write, look, done = await begin(sandbox, name)
    plan_fault(sandbox, operation, "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost):
        await write(directory, sandbox)

    assert look(sandbox) is done
    assert len(writes_in(sandbox)) == len(gate.asked) == 1
    assert gate.told == []


@pytest.mark.parametrize("name", WRITES)
async def test_an_error_page_says_nothing_certain(directory: ProjectDirectory, sandbox: Sandbox, name: str) -> None:
    """Whether before or after the change: status 500 is a lost answer."""
    operation, write, look, done = await begin(sandbox, name)
    plan_fault(sandbox, operation, "refuse_before")

    with pytest.raises(AnswerLost):
        await write(directory, sandbox)

    assert look(sandbox) is not done
    assert len(writes_in(sandbox)) == 1


@pytest.mark.parametrize("name", WRITES)
async def test_the_sign_in_form_as_an_answer_means_nothing_was_saved(
    directory: ProjectDirectory, sandbox: Sandbox, name: str
) -> None:
    """The session ended while the form was open."""
    operation, write, look, done = await begin(sandbox, name)
    plan_fault(sandbox, operation, "sign_out")

    with pytest.raises(SignedOut):
        await write(directory, sandbox)

    assert look(sandbox) is not done


@pytest.mark.parametrize("name", WRITES)
async def test_a_stale_form_saves_nothing(directory: ProjectDirectory, sandbox: Sandbox, name: str) -> None:
    """A token that is out of date: Failed, so that it may be tried again."""
    operation, write, look, done = await begin(sandbox, name)
    plan_fault(sandbox, operation, "stale_csrf")

    with pytest.raises(Failed) as failure:
        await write(directory, sandbox)

    assert failure.value.code == "stale-token"
    assert look(sandbox) is not done


@pytest.mark.parametrize("name", WRITES)
async def test_a_gate_that_refuses_stops_the_write(
    directory: ProjectDirectory, sandbox: Sandbox, gate: RecordingGate, name: str
) -> None:
    """A dry run, a lost lease or a spent budget: everything up to the click, and no request."""
    _, write, look, done = await begin(sandbox, name)
    gate.refuse_with = Failed("dry-run", "Not now.")

    with pytest.raises(AgentError) as failure:
        await write(directory, sandbox)

    assert failure.value.code == "dry-run"
    assert look(sandbox) is not done
    assert len(gate.asked) == 1
    assert writes_in(sandbox) == []


async def test_a_group_is_changed_again_without_doubling(directory: ProjectDirectory, sandbox: Sandbox) -> None:
    """After a lost answer the same change is asked for again: what is there already is not written again."""
    await make_person(sandbox, memberships={NUMBER: None})
    groups = directory.groups()
    group_id = await groups.create_group("Crane Crew", GroupChange())
    change = GroupChange(description="Who lifts", add=(in_group(sandbox, EMAIL),))
    plan_fault(sandbox, "group_save", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost):
        await groups.save_group(group_id, change)
    await groups.save_group(group_id, change)
    sandbox.forget_requests()
    await groups.save_group(group_id, change)

    held = await groups.read_group(group_id)
    assert (held.description, [member.email for member in held.members]) == ("Who lifts", [EMAIL])
    assert writes_in(sandbox) == []

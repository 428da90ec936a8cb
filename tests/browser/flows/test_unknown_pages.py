"""What a flow does not know it does not write from."""

from __future__ import annotations

from contextlib import suppress

import pytest

from agent.domain.person import NewUser, UserChange
from agent.errors import AgentError, Failed, UnknownPage
from flows import Directory
from flows.page.shell import Shell
from flows.shapes import examining
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    Opener,
    RecordingGate,
    assert_nothing_written,
    make_person,
    plan_fault,
    writes_in,
)

CHANGE = UserChange(attributes={"job_title": "New"})


async def test_another_account_on_the_page_stops_the_write(generation: str, open_it: Opener, sandbox: Sandbox) -> None:
    """The session must be the service account's."""
    directory = await open_it()
    user_id = await make_person(sandbox)
    for flows in (directory._legacy, directory._mfe):  # type: ignore[attr-defined] # the account this tab should have
        flows._account = "somebody.else@example.com"

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "other-account"


@pytest.mark.parametrize(
    ("operation", "effect", "more", "code"),
    [
        ("edit_page", "unknown_dialog", {}, "unknown-dialog"),
        ("edit_page", "unknown_field", {"field": "cost_center", "text": "Cost Center"}, "shape-changed"),
        ("edit_page", "unknown_page", {}, "unknown-generation"),
        ("edit_page", "language", {"language": "de"}, "unknown-language"),
        ("edit_page", "remove_hook", {"hook": 'id="edit_user"'}, "unknown-page"),
    ],
)
async def test_an_unknown_edit_page_is_not_written_from(
    directory: Directory,
    sandbox: Sandbox,
    gate: RecordingGate,
    operation: str,
    effect: str,
    more: dict[str, object],
    code: str,
) -> None:
    """Dialog, field, generation, language or place that is not known: stop, and write nothing."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, operation, effect, times=3, **more)

    with pytest.raises(UnknownPage) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == code
    assert failure.value.expected
    assert failure.value.seen
    assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize(
    ("effect", "more", "refusals"),
    [
        ("unknown_field", {"field": "cost_center", "text": "Cost Center"}, [(examining, "compared")]),
        ("language", {"language": "de"}, [(Shell, "refuse_before_write"), (examining, "compared")]),
    ],
)
async def test_a_flow_without_its_refusal_is_caught(
    directory: Directory,
    sandbox: Sandbox,
    gate: RecordingGate,
    monkeypatch: pytest.MonkeyPatch,
    effect: str,
    more: dict[str, object],
    refusals: list[tuple[object, str]],
) -> None:
    """Planted violation: the refusal of an unknown page is taken out, and the assertion above must notice."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "edit_page", effect, times=3, **more)
    for refusal in refusals:
        monkeypatch.setattr(*refusal, lambda *_: ())

    with suppress(AgentError):  # the server may refuse what arrives
        await directory.save_user(user_id, CHANGE)

    assert len(writes_in(sandbox)) == 1
    with pytest.raises(AssertionError):
        assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize(("effect", "code"), [("unknown_field", "shape-changed"), ("unknown_dialog", "unknown-dialog")])
async def test_an_unknown_add_user_window_is_not_filled(
    directory: Directory, sandbox: Sandbox, effect: str, code: str
) -> None:
    """A further required field would be left empty; a further window may be the warning."""
    more = {"field": "cost_center", "text": "Cost Center"} if effect == "unknown_field" else {}
    operation = "popup" if effect == "unknown_field" else "list"
    plan_fault(sandbox, operation, effect, times=4, **more)
    await directory.find(EMAIL)

    with pytest.raises(UnknownPage) as failure:
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert failure.value.code == code
    assert writes_in(sandbox) == []


async def test_a_missing_place_is_named_by_its_key(directory: Directory, sandbox: Sandbox) -> None:
    """Who mends the catalogue learns which entry no longer fits."""
    plan_fault(sandbox, "list", "remove_hook", hook='data-props="', times=9)

    with pytest.raises(UnknownPage) as failure:
        await directory.find(EMAIL)

    assert "list.root" in failure.value.expected

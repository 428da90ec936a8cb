"""A write goes through the gate once, leaves the browser once, and ends in one of four ways."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agent.domain.person import NewUser, UserChange
from agent.errors import AgentError, AnswerLost, Failed, SaveRejected, SignedOut
from flows import Directory
from flows.page import commit as commit_module
from flows.page.tab import Tab
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    EMAIL,
    SHELL,
    SMALL_ACCOUNT,
    RecordingGate,
    SmallSite,
    job_title,
    make_person,
    options_of,
    person_in,
    plan_fault,
    writes_in,
)

CHANGE = UserChange(attributes={"job_title": "New"})


@pytest.mark.parametrize(
    ("effect", "more", "error", "code", "saved"),
    [
        ("error_after", {}, AnswerLost, "answer-lost", True),
        ("refuse_before", {}, AnswerLost, "answer-lost", False),
        ("refuse_before", {"status": 503}, AnswerLost, "answer-lost", False),
        ("slow", {"seconds": 20}, AnswerLost, "answer-lost", True),
        (
            "refuse_text",
            {"text": "Not allowed", "field": "job_title"},
            SaveRejected,
            "save-rejected",
            False,
        ),
        ("refuse_text", {"text": "Locked by an integration"}, SaveRejected, "save-rejected", False),
        ("sign_out", {}, SignedOut, "signed-out", False),
        ("denied", {}, Failed, "denied", False),
        ("stale_csrf", {}, Failed, "stale-token", False),
    ],
)
async def test_each_answer_has_its_meaning(
    generation: str,
    directory: Directory,
    sandbox: Sandbox,
    gate: RecordingGate,
    effect: str,
    more: dict[str, object],
    error: type[AgentError],
    code: str,
    saved: bool,
) -> None:
    """Rejected, signed out, denied, stale: nothing was saved. What is not understood counts as a lost answer."""
    user_id = await make_person(sandbox, job_title="Old")
    plan_fault(sandbox, "save_user", effect, **more)

    with pytest.raises(error) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == code
    assert job_title(sandbox) == ("New" if saved else "Old")
    assert len(writes_in(sandbox)) == len(gate.asked) == 1
    assert sandbox.get("/faults")["never_fired"] == []


@pytest.mark.parametrize(("effect", "code"), [("denied", "denied"), ("stale_csrf", "stale-token")])
async def test_a_flash_that_has_faded_is_read_all_the_same(
    directory: Directory, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, effect: str, code: str
) -> None:
    """A loaded machine looks at the answer when its flash is gone (hazard 10): a refusal is still no save."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", effect)
    wait_for_answer = commit_module._wait_for_answer

    async def late(tab: Tab, *more: Any) -> None:
        await wait_for_answer(tab, *more)
        await tab.page.wait_for_function("document.body && !document.querySelector('#alert_wrapper .alert')")

    monkeypatch.setattr(commit_module, "_wait_for_answer", late)
    with options_of(sandbox, flash_seconds=0.05), pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == code


@pytest.mark.parametrize(
    ("markup", "read"),
    [
        (
            "Please fix the errors below<br>Locked by an integration",
            "Please fix the errors below Locked by an integration",
        ),
        ("<p>Not saved</p><p>Ask <b>An</b>n</p>", "Not saved Ask Ann"),
        ("<ul><li>One</li><li>Two</li></ul>", "One Two"),
    ],
)
async def test_a_banner_of_several_lines_is_read_line_by_line(
    small_site: SmallSite, gate: RecordingGate, markup: str, read: str
) -> None:
    """With a space between the lines and none within a word: people read it in the summary."""
    form = '<form action="/post" method="post">%s<button>Save</button></form><div id="alert_wrapper"></div>'
    tab = await small_site.show(form % "")
    small_site.pages["/post"] = SHELL % (form % f'<div class="form-banner" role="alert">{markup}</div>')
    save = tab.page.get_by_role("button", name="Save")

    with pytest.raises(SaveRejected) as failure:
        await commit_module.commit(tab, gate, save, "x", account=SMALL_ACCOUNT, lands=re.compile("^/page$"))

    assert failure.value.seen == read


async def test_a_message_is_told_without_the_close_button_of_its_flash(directory: Directory, sandbox: Sandbox) -> None:
    """What the flash says, and nothing of its furniture."""
    user_id = await make_person(sandbox)
    project = (await directory.facts()).projects[0]
    plan_fault(sandbox, "project_add", "refuse_text", text="Locked by an integration")

    with pytest.raises(SaveRejected) as failure:
        await directory.add_to_project(user_id, project, None)

    assert failure.value.seen == "Locked by an integration"


async def test_the_sign_in_form_under_the_targets_own_address_is_understood(
    generation: str, directory: Directory, sandbox: Sandbox
) -> None:
    """Signed out is judged by the page, not by its address [C]."""
    user_id = await make_person(sandbox, job_title="Old")
    sandbox.post("/options", {"signin_at_target": True})
    plan_fault(sandbox, "save_user", "sign_out")

    with pytest.raises(SignedOut):
        await directory.save_user(user_id, CHANGE)

    assert job_title(sandbox) == "Old"


async def test_field_errors_are_told_and_not_the_banner(
    generation: str, directory: Directory, sandbox: Sandbox
) -> None:
    """Each message with its field (hazard 9); the window's answer is understood, too."""
    with pytest.raises(SaveRejected) as failure:
        await directory.create_user(NewUser(email="not-an-address", attributes={"first_name": "Ada"}))

    assert "Last Name" in failure.value.seen
    assert "Email Address" in failure.value.seen
    assert "fix the errors" not in failure.value.seen
    assert len(writes_in(sandbox)) == 1


@pytest.mark.parametrize("words", ["has already been taken", "Dieser Benutzer existiert schon", "duplicate"])
async def test_a_taken_address_is_rejected_in_whatever_words(
    generation: str, directory: Directory, sandbox: Sandbox, words: str
) -> None:
    """The wording varies; the caller decides by looking the address up."""
    await make_person(sandbox)
    plan_fault(sandbox, "create_user", "duplicate_email_text", text=words)

    with pytest.raises(SaveRejected, match=words):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))


async def test_a_write_of_a_fresh_page_costs_no_page_load(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Where the last save has landed the next one may start: two saves, one page opened by address."""
    user_id = await make_person(sandbox)

    await directory.save_user(user_id, UserChange(attributes={"job_title": "One"}))
    await directory.save_user(user_id, UserChange(attributes={"job_title": "Two"}))

    edit_pages = [item for item in sandbox.get("/requests") if item["operation"] == "edit_page"]
    assert len(edit_pages) == 3  # opened once, landed on twice
    assert job_title(sandbox) == "Two"


async def test_a_page_that_was_touched_is_not_written_from(
    generation: str, directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """What a write that stopped midway left in the form must not ride along with the next one."""
    user_id = await make_person(sandbox, job_title="Old")
    gate.refuse_with = Failed("stop", "stopped by the test")
    with pytest.raises(Failed, match="stopped by the test"):
        await directory.save_user(user_id, UserChange(attributes={"first_name": "Left Over"}))
    gate.refuse_with = None

    await directory.save_user(user_id, CHANGE)

    assert person_in(sandbox, EMAIL)["first_name"] == "Ada"
    assert job_title(sandbox) == "New"

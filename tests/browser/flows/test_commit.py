"""A write goes through the gate once, leaves the browser once, and ends in one of four ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext

from agent.domain.person import NewUser, UserChange
from agent.errors import AgentError, AnswerLost, Failed, SaveRejected, SignedOut, UnknownPage
from flows import Catalogue, Directory, TenantAddress, Timeouts
from flows.legacy import commit as commit_module
from flows.legacy.person_form import Fields
from flows.legacy.shell import Shell
from flows.legacy.tab import Tab
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import (
    Opener,
    RecordingGate,
    assert_nothing_written,
    options_of,
    person_in,
    plan_fault,
    writes_in,
)
from tests.browser.flows.test_directory import make_person

EMAIL = "ada.byron@example.com"
CHANGE = UserChange(attributes={"job_title": "New"})


async def job_title_after(sandbox: Sandbox) -> str:
    """The truth after a save."""
    return str(person_in(sandbox, EMAIL)["job_title"])


async def test_a_dropped_answer_is_lost_and_sent_once(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Chromium repeats a POST by itself when a reused connection dies: the flows' contexts reuse none."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "answer-lost"
    assert "ada.byron@example.com" in failure.value.message
    assert await job_title_after(sandbox) == "New"
    assert len(writes_in(sandbox)) == 1
    assert gate.asked
    assert gate.told == []


async def test_a_dropped_answer_to_an_invitation_sends_one_mail(directory: Directory, sandbox: Sandbox) -> None:
    """The same where a repetition would be seen by the person."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "invite", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost):
        await directory.invite(user_id, EMAIL)

    assert len(sandbox.get("/outbox")) == 1


async def test_a_dropped_answer_to_create_creates_one_user(directory: Directory, sandbox: Sandbox) -> None:
    """The new person is there, once; finding out is the caller's part."""
    plan_fault(sandbox, "create_user", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert len(writes_in(sandbox)) == 1
    assert len((await directory.find(EMAIL)).matches) == 1


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
    assert await job_title_after(sandbox) == ("New" if saved else "Old")
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


async def test_a_message_is_told_without_the_close_button_of_its_flash(directory: Directory, sandbox: Sandbox) -> None:
    """What the flash says, and nothing of its furniture."""
    user_id = await make_person(sandbox)
    project = (await directory.facts()).projects[0]
    plan_fault(sandbox, "project_add", "refuse_text", text="Locked by an integration")

    with pytest.raises(SaveRejected) as failure:
        await directory.add_to_project(user_id, project, None)

    assert failure.value.seen == "Locked by an integration"


async def test_an_answer_in_time_is_waited_for(directory: Directory, sandbox: Sandbox) -> None:
    """Slow is not lost."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", "slow", seconds=3)

    await directory.save_user(user_id, CHANGE)

    assert await job_title_after(sandbox) == "New"


async def test_the_sign_in_form_under_the_targets_own_address_is_understood(
    directory: Directory, sandbox: Sandbox
) -> None:
    """Signed out is judged by the page, not by its address [C]."""
    user_id = await make_person(sandbox, job_title="Old")
    sandbox.post("/options", {"signin_at_target": True})
    plan_fault(sandbox, "save_user", "sign_out")

    with pytest.raises(SignedOut):
        await directory.save_user(user_id, CHANGE)

    assert await job_title_after(sandbox) == "Old"


async def test_field_errors_are_told_and_not_the_banner(directory: Directory, sandbox: Sandbox) -> None:
    """Each message with its field (hazard 9); the window's answer is understood, too."""
    with pytest.raises(SaveRejected) as failure:
        await directory.create_user(NewUser(email="not-an-address", attributes={"first_name": "Ada"}))

    assert "Last Name" in failure.value.seen
    assert "Email Address" in failure.value.seen
    assert "fix the errors" not in failure.value.seen
    assert len(writes_in(sandbox)) == 1


@pytest.mark.parametrize("words", ["has already been taken", "Dieser Benutzer existiert schon", "duplicate"])
async def test_a_taken_address_is_rejected_in_whatever_words(
    directory: Directory, sandbox: Sandbox, words: str
) -> None:
    """The wording varies; the caller decides by looking the address up."""
    await make_person(sandbox)
    plan_fault(sandbox, "create_user", "duplicate_email_text", text=words)

    with pytest.raises(SaveRejected, match=words):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))


async def test_a_form_that_sends_nothing_is_no_write(
    directory: Directory, sandbox: Sandbox, context: BrowserContext
) -> None:
    """A script that swallows the click is found out, and the page is left so that nothing follows."""
    user_id = await make_person(sandbox, job_title="Old")
    await directory.read_person(user_id)
    page = context.pages[-1]
    await page.evaluate(
        "document.querySelector('form#edit_user').addEventListener('submit', (e) => e.preventDefault())"
    )

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "not-sent"
    assert page.url == "about:blank"
    assert writes_in(sandbox) == []


async def test_a_tab_lost_before_the_write_changes_nothing(
    directory: Directory, sandbox: Sandbox, context: BrowserContext
) -> None:
    """The browser is gone: Failed, and safe to try again."""
    user_id = await make_person(sandbox)
    await context.pages[-1].close()

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "browser-lost"
    assert writes_in(sandbox) == []


async def test_a_tab_lost_after_the_click_is_a_lost_answer(
    directory: Directory, sandbox: Sandbox, context: BrowserContext
) -> None:
    """From the click on, nobody knows."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", "slow", seconds=4)
    page = context.pages[-1]

    async def close_once_sent() -> None:
        async with page.expect_request(lambda request: request.method == "POST"):
            pass
        await page.close()

    closing = asyncio.create_task(close_once_sent())
    with pytest.raises(AnswerLost):
        await directory.save_user(user_id, CHANGE)
    await closing


async def test_a_write_of_a_fresh_page_costs_no_page_load(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Where the last save has landed the next one may start: two saves, one page opened by address."""
    user_id = await make_person(sandbox)

    await directory.save_user(user_id, UserChange(attributes={"job_title": "One"}))
    await directory.save_user(user_id, UserChange(attributes={"job_title": "Two"}))

    edit_pages = [item for item in sandbox.get("/requests") if item["operation"] == "edit_page"]
    assert len(edit_pages) == 3  # opened once, landed on twice
    assert await job_title_after(sandbox) == "Two"


async def test_a_page_that_was_touched_is_not_written_from(
    directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """What a write that stopped midway left in the form must not ride along with the next one."""
    user_id = await make_person(sandbox, job_title="Old")
    gate.refuse_with = Failed("stop", "stopped by the test")
    with pytest.raises(Failed, match="stopped by the test"):
        await directory.save_user(user_id, UserChange(attributes={"first_name": "Left Over"}))
    gate.refuse_with = None

    await directory.save_user(user_id, CHANGE)

    assert person_in(sandbox, EMAIL)["first_name"] == "Ada"
    assert await job_title_after(sandbox) == "New"


async def test_another_account_on_the_page_stops_the_write(open_it: Opener, sandbox: Sandbox) -> None:
    """The session must be the service account's."""
    directory = await open_it()
    user_id = await make_person(sandbox)
    directory._account = "somebody.else@example.com"  # type: ignore[attr-defined] # the account this tab should have

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "other-account"


@pytest.mark.parametrize(
    ("operation", "effect", "more", "code"),
    [
        ("edit_page", "unknown_dialog", {}, "unknown-dialog"),
        ("edit_page", "unknown_field", {"field": "cost_center", "text": "Cost Center"}, "unknown-field"),
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
    ("effect", "more", "refusal"),
    [
        ("unknown_field", {"field": "cost_center", "text": "Cost Center"}, (Fields, "refuse_unknown")),
        ("language", {"language": "de"}, (Shell, "refuse_before_write")),
    ],
)
async def test_a_flow_without_its_refusal_is_caught(
    directory: Directory,
    sandbox: Sandbox,
    gate: RecordingGate,
    monkeypatch: pytest.MonkeyPatch,
    effect: str,
    more: dict[str, object],
    refusal: tuple[type, str],
) -> None:
    """Planted violation: the refusal of an unknown page is taken out, and the assertion above must notice."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "edit_page", effect, times=3, **more)
    monkeypatch.setattr(*refusal, lambda *_: None)

    with suppress(AgentError):  # the server may refuse what arrives
        await directory.save_user(user_id, CHANGE)

    assert len(writes_in(sandbox)) == 1
    with pytest.raises(AssertionError):
        assert_nothing_written(sandbox, gate)


@pytest.mark.parametrize(("effect", "code"), [("unknown_field", "unknown-field"), ("unknown_dialog", "unknown-dialog")])
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


async def test_reads_survive_one_bad_answer(directory: Directory, sandbox: Sandbox) -> None:
    """Loading a page changes nothing, so a 500 or a dropped connection is tried once more."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "edit_page", "refuse_before")

    assert (await directory.read_person(user_id)).email == EMAIL

    plan_fault(sandbox, "edit_page", "drop_response")

    assert (await directory.read_person(user_id)).email == EMAIL


async def test_reads_give_up_after_two_bad_answers(directory: Directory, sandbox: Sandbox) -> None:
    """A service that is down is said to be down."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "edit_page", "refuse_before", times=2)

    with pytest.raises(Failed) as failure:
        await directory.read_person(user_id)

    assert failure.value.code == "service-error"


# --- the reason for "Connection: close", with a server of our own that hangs up ---


class HangingUp:
    """A server that reads every POST and closes the connection instead of answering the first."""

    def __init__(self) -> None:
        self.posts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = next((int(line[15:]) for line in head.splitlines() if line.startswith("content-length:")), 0)
                await reader.readexactly(length)
                if head.startswith("post"):
                    self.posts += 1
                    if self.posts == 1:
                        break
                body = b"<form method=post><button>Go</button></form>"
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
                await writer.drain()
                if "connection: close" in head:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@pytest.fixture
async def hanging_up() -> AsyncIterator[tuple[HangingUp, str]]:
    """The server, and its address."""
    behaviour = HangingUp()
    server = await asyncio.start_server(behaviour.serve, "127.0.0.1", 0)
    yield behaviour, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize(("prepared", "posts"), [(True, 1), (False, 2)])
async def test_the_browser_repeats_a_post_unless_told_otherwise(
    browser: Browser, hanging_up: tuple[HangingUp, str], prepared: bool, posts: int
) -> None:
    """With reused connections Chromium sends the lost POST again on its own: one click, two writes."""
    behaviour, url = hanging_up
    context = await browser.new_context()
    page = await context.new_page()
    if prepared:
        await Tab(page, TenantAddress(url, url, "1"), Catalogue.load(), Timeouts()).prepare()
    await page.goto(url)

    async with page.expect_event("framenavigated" if not prepared else "requestfailed"):
        await page.click("button", no_wait_after=True)

    assert behaviour.posts == posts
    await context.close()

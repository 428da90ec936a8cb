"""A connection, a tab or an answer that is lost: never a second write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from agent.domain.person import NewUser, UserChange
from agent.errors import AnswerLost, Failed, UnknownPage
from flows import Catalogue, Directory, TenantAddress, Timeouts
from flows.page import commit, commit_by_script, sending
from flows.page.tab import Tab
from tests.browser.conftest import Sandbox
from tests.browser.flows.conftest import EMAIL, RecordingGate, job_title, make_person, plan_fault, writes_in

WINDOWS = ".confirm-window, .ui-dialog:not(.leaving)"

CHANGE = UserChange(attributes={"job_title": "New"})


async def test_a_dropped_answer_is_lost_and_sent_once(
    generation: str, directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Chromium repeats a POST by itself when a reused connection dies: the flows' contexts reuse none."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "answer-lost"
    assert "ada.byron@example.com" in failure.value.message
    assert job_title(sandbox) == "New"
    assert len(writes_in(sandbox)) == 1
    assert gate.asked
    assert gate.told == []


async def test_a_dropped_answer_to_an_invitation_sends_one_mail(
    generation: str, directory: Directory, sandbox: Sandbox
) -> None:
    """The same where a repetition would be seen by the person."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "invite", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost):
        await directory.invite(user_id, EMAIL)

    assert len(sandbox.get("/outbox")) == 1


async def test_a_dropped_answer_to_create_creates_one_user(
    generation: str, directory: Directory, sandbox: Sandbox
) -> None:
    """The new person is there, once; finding out is the caller's part."""
    plan_fault(sandbox, "create_user", "drop_response", browser_repeats=True)

    with pytest.raises(AnswerLost):
        await directory.create_user(NewUser(email=EMAIL, attributes={"last_name": "Byron"}))

    assert len(writes_in(sandbox)) == 1
    assert len((await directory.find(EMAIL)).matches) == 1


async def test_an_answer_in_time_is_waited_for(generation: str, directory: Directory, sandbox: Sandbox) -> None:
    """Slow is not lost."""
    user_id = await make_person(sandbox)
    plan_fault(sandbox, "save_user", "slow", seconds=3)

    await directory.save_user(user_id, CHANGE)

    assert job_title(sandbox) == "New"


async def test_a_form_that_sends_nothing_is_no_write(
    generation: str, directory: Directory, sandbox: Sandbox, context: BrowserContext
) -> None:
    """A script that swallows the click is found out, and the page is left so that nothing follows."""
    user_id = await make_person(sandbox, job_title="Old")
    page = context.pages[-1]
    swallow = "addEventListener('submit', (e) => { e.preventDefault(); e.stopImmediatePropagation(); }, true);"
    await page.add_init_script(swallow)

    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "not-sent"
    assert page.url == "about:blank"
    assert writes_in(sandbox) == []


async def test_a_page_that_loads_itself_anew_while_the_gate_is_asked_is_not_written_from(
    generation: str, directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """What was examined and filled is gone, whatever the new document shows: the button on it is not touched."""
    user_id = await make_person(sandbox, job_title="Old")

    async def loaded_anew(page: Page) -> None:
        await page.reload()

    gate.meanwhile = loaded_anew
    sandbox.forget_requests()
    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "document-replaced"
    assert (len(gate.asked), writes_in(sandbox)) == (1, [])


async def test_nor_from_one_that_came_right_before_the_gate_is_asked(
    generation: str, directory: Directory, sandbox: Sandbox, gate: RecordingGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document that counts is the one of the last look, and not the one that is there when the gate is reached."""
    user_id = await make_person(sandbox, job_title="Old")
    let_through = sending.let_through

    async def too_late(tab: Tab, *of_the_write: Any) -> None:
        await tab.page.reload()
        await let_through(tab, *of_the_write)

    for module in (commit, commit_by_script):
        monkeypatch.setattr(module, "let_through", too_late)
    sandbox.forget_requests()
    with pytest.raises(Failed) as failure:
        await directory.save_user(user_id, CHANGE)

    assert failure.value.code == "document-replaced"
    assert (len(gate.asked), writes_in(sandbox)) == (1, [])


async def test_a_button_that_goes_before_it_is_clicked_was_not_clicked(
    generation: str, directory: Directory, sandbox: Sandbox, gate: RecordingGate
) -> None:
    """Its window went while the gate was asked: an unusable control, and no window that has turned round."""
    user_id = await make_person(sandbox, is_active=False)

    async def closed(page: Page) -> None:
        await page.keyboard.press("Escape")
        await page.locator(WINDOWS).wait_for(state="hidden")

    gate.meanwhile = closed
    sandbox.forget_requests()
    with pytest.raises(UnknownPage) as failure:
        await directory.reactivate(user_id, EMAIL)

    assert failure.value.code == "unusable-control"
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
    generation: str, directory: Directory, sandbox: Sandbox, context: BrowserContext
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

"""The one place where a flow sends a form that loads another page, and so changes Procore.

A write is: look at the page, ask the gate, click once, wait for the answer, say what it means. Never repeated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Locator, Page, Request, Response

from agent.domain.touch import Target
from agent.errors import AgentError, Failed, SignedOut
from flows.interface import CommitGate
from flows.page import overlays
from flows.page.sending import (
    ANSWER,
    click_once,
    explain_silence,
    flash_refusal,
    let_through,
    lost,
    rejected,
    said_words,
    told_of,
)
from flows.page.shell import Layer, Shell
from flows.page.tab import Tab


@dataclass
class _Traffic:
    """What the network did after the click: the main frame's non-GET navigation and what came of it."""

    sent: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[Request] = field(default_factory=list)
    status: int | None = None
    lost: str = ""
    hush: Callable[[str], None] = lambda event: None

    def note_request(self, request: Request) -> None:
        if not request.is_navigation_request() or request.frame.parent_frame is not None:
            return
        if request.method != "GET" or request.redirected_from in self.requests:
            self.requests.append(request)
            self.sent.set()

    def note_failure(self, request: Request) -> None:
        if request in self.requests:
            self.lose(request.failure or "the connection was closed")

    def note_response(self, response: Response) -> None:
        if response.request in self.requests and not 300 <= response.status < 400:
            self.status = response.status
            for event in ("request", "response"):  # those that the answer's own page makes say nothing about the change
                self.hush(event)

    def note_document(self, _page: Page) -> None:
        if self.status is not None:
            self.over.set()

    def lose(self, reason: str) -> None:
        self.lost = reason
        self.over.set()
        self.sent.set()


@contextmanager
def _listening(page: Page) -> Iterator[_Traffic]:
    traffic = _Traffic()
    handlers: dict[str, Callable[..., None]] = {
        "request": traffic.note_request,
        "requestfailed": traffic.note_failure,
        "response": traffic.note_response,
        "domcontentloaded": traffic.note_document,
    }
    with told_of(page, handlers, lambda: traffic.lose("the tab is gone")) as traffic.hush:
        yield traffic


async def commit(
    tab: Tab,
    gate: CommitGate,
    control: Locator | str,
    intent: str,
    *,
    account: str,
    lands: re.Pattern[str],
    layers: tuple[Layer, ...] = (),
) -> str:
    """Send one write by a click on ``control`` and return the path of the page that answered.

    ``control`` is a selector, so that the gate can be told where the click will go; a Locator is not told.
    ``lands`` matches the paths which answer a saved change; ``layers`` are the windows which the flow has opened.

    Raises, with nothing saved: SaveRejected (field errors or an error flash), SignedOut, Failed("denied"),
    Failed("stale-token"), Failed("not-sent"), Failed("document-replaced"), UnknownPage, and whatever the gate raises.
    Raises AnswerLost when the request went out and no answer that can be understood came: error page, closed
    connection, no answer in time, browser gone, an unexpected page. A success flash is not looked for (hazard 10).
    """
    before = await overlays.clear(tab, layers=layers)
    before.refuse_before_write(tab.tenant, account)
    target = Target.of(control) if isinstance(control, str) else None
    control = tab.page.locator(control) if isinstance(control, str) else control
    await let_through(tab, gate, intent, target)
    with tab.guard.lifted(), _listening(tab.page) as traffic:
        await click_once(tab, control, intent, traffic.sent, layers, before.document)
        await _wait_for_answer(tab, intent, traffic, layers)
        try:
            answer, said = await tab.read_all(ANSWER)
        except Failed as error:
            raise lost(intent, error.seen or error.message) from error
    refusal = _refusal(tab, answer, said, traffic, lands)
    if isinstance(refusal, str):
        raise lost(intent, refusal)
    await gate.after(tab.page, intent)
    if refusal is not None:
        raise refusal
    tab.trust()
    return tab.path


async def _wait_for_answer(tab: Tab, intent: str, traffic: _Traffic, layers: tuple[Layer, ...]) -> None:
    try:
        await asyncio.wait_for(traffic.sent.wait(), tab.timeouts.submit)
    except TimeoutError:
        await explain_silence(tab, intent, traffic.sent, layers)
    try:
        await asyncio.wait_for(traffic.over.wait(), tab.timeouts.answer)
    except TimeoutError:
        raise lost(intent, f"no answer within {tab.timeouts.answer:g} s") from None
    if traffic.lost:
        raise lost(intent, traffic.lost)


def _refusal(
    tab: Tab, answer: Shell, said: dict[str, Any], traffic: _Traffic, lands: re.Pattern[str]
) -> AgentError | str | None:
    """None: answered as saved. An error: nothing was saved. A text: the answer says nothing certain."""
    if answer.is_signed_out:
        return SignedOut("The session ended just before the save: Procore shows its sign-in form instead.")
    by_flash = flash_refusal(tab.catalogue, answer)
    if by_flash is not None and by_flash.code == "denied":
        return by_flash
    if words := said_words(said):
        return rejected(words)
    if traffic.status is not None and traffic.status >= 400:
        return f"status {traffic.status} {answer.error}".strip()
    if by_flash is not None:
        return by_flash
    if not answer.signed_in or answer.error:
        return answer.error or f"a page that is not known ({tab.path})"
    if not lands.search(tab.path):
        return f"an unexpected page ({tab.path})"
    return None

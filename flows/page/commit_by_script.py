"""The one place where a flow lets a script of the page send a change (the new generation saves without leaving).

As :mod:`flows.page.commit`: look, ask the gate, click once, wait, say what the answer means; never repeated. Here the
answer is what the network did with the one request, and only then what the page says. A toast that says "nothing was
saved" after a lost connection does not know it, and one that says "saved" is no success (hazard 10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page, Request, Response

from agent.domain.touch import Target
from agent.errors import AgentError, AnswerLost, Failed, SaveRejected, SignedOut
from flows.interface import CommitGate
from flows.page import overlays
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.sending import (
    FORM_MESSAGES,
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
from flows.page.write_guard import READING
from flows.tenant import TenantAddress

_BODY_SECONDS = 5.0

SCRIPT_ANSWER = Reading(
    None,
    FORM_MESSAGES
    + r"""
    const noted = window[Symbol.for("agent.toasts")];
    const open = (css, headline) => [...document.querySelectorAll(css)].some((el) => visible(el) &&
      (!headline || many("confirm.headline", el).some((head) => words(head) === headline)));
    return { messages, banner, same: noted !== undefined, toasts: noted ? [...noted.values()] : [],
      layers: layers.filter(({ css, headline }) => open(css, headline)).length };
    """,
    name="script_answer",
)

# The body of an answer, looked at apart from the page: it may be the sign-in form. Not told to anybody.
_BODY = Reading(
    None,
    r"""
    const body = new DOMParser().parseFromString(given.html, "text/html");
    return many("sign_in.field", body).length > 0;
    """,
)


@dataclass
class _Traffic:
    """What the network did after the click: every request to the app host that may change something.

    Other hosts get what pages count and report with: no write, but where nothing else was sent nobody knows.
    """

    tenant: TenantAddress
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[Request] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)  # other hosts that something was sent to
    response: Response | None = None
    lost: str = ""

    @property
    def status(self) -> int:
        return self.response.status if self.response is not None else 0

    @property
    def several(self) -> str:
        """In words, when more went out than the one request of the change."""
        others = [request for request in self.requests if request.redirected_from not in self.requests]
        return f"{len(others)} requests went out in place of one" if len(others) > 1 else ""

    def note_request(self, request: Request) -> None:
        may_write = request.method not in READING
        ours = may_write and self.tenant.is_at_app(request.url)
        if may_write and not ours and not self.tenant.is_at_sign_in(request.url):
            self.elsewhere.add(urlsplit(request.url).hostname or "")
        if ours or (request.redirected_from in self.requests and request.method != "GET"):
            self.requests.append(request)
            self.sent.set()

    def note_response(self, response: Response) -> None:
        if self.requests and response.request is self.requests[-1]:
            self.response = response
            if 300 <= response.status < 400:
                self.over.set()  # the page follows it or loads itself anew

    def note_end(self, request: Request) -> None:
        if request in self.requests:
            self.over.set()

    def note_failure(self, request: Request) -> None:
        if request not in self.requests:
            return
        if self.status >= 300:  # refused by its status: a page that loads itself anew does not wait for the body
            self.over.set()
        else:
            self.lose(request.failure or "the connection was closed")

    def lose(self, reason: str) -> None:
        self.lost = reason
        self.over.set()
        self.sent.set()


@contextmanager
def _listening(page: Page, tenant: TenantAddress) -> Iterator[_Traffic]:
    traffic = _Traffic(tenant)
    handlers: dict[str, Callable[..., None]] = {
        "request": traffic.note_request,
        "requestfailed": traffic.note_failure,
        "requestfinished": traffic.note_end,
        "response": traffic.note_response,
    }
    with told_of(page, handlers, lambda: traffic.lose("the tab is gone")):
        yield traffic


async def commit_by_script(
    tab: Tab, gate: CommitGate, selector: str, intent: str, *, account: str, layers: tuple[Layer, ...] = ()
) -> None:
    """Send one write by a click on the place of ``selector``; ``layers`` are the windows which the flow has opened.

    Returns when the request was answered with a status of success and the page says so too: by a toast, or by having
    closed the flow's windows. Raises, with nothing saved: SaveRejected (field errors, the form's alert or an error
    toast), SignedOut, Failed("denied"), Failed("stale-token"), Failed("not-sent"), Failed("document-replaced"),
    UnknownPage, and whatever the gate raises. Raises AnswerLost when the request went out and its answer is not
    understood: a status of 500 and above, a closed connection, no answer in time, more than one request, a page that
    says nothing, browser gone.
    """
    before = await overlays.clear(tab, layers=layers)
    before.refuse_before_write(tab.tenant, account)
    await let_through(tab, gate, intent, Target.of(selector))
    with tab.guard.lifted(), _listening(tab.page, tab.tenant) as traffic:
        await click_once(tab, tab.page.locator(selector), intent, traffic.sent, layers, before.document)
        await _wait_for_answer(tab, intent, traffic, layers)
        outcome = await _outcome(tab, intent, traffic, layers)
    if isinstance(outcome, AnswerLost):
        raise outcome
    await gate.after(tab.page, intent)
    if outcome is not None:
        raise outcome


async def _wait_for_answer(tab: Tab, intent: str, traffic: _Traffic, layers: tuple[Layer, ...]) -> None:
    try:
        await asyncio.wait_for(traffic.sent.wait(), tab.timeouts.submit)
    except TimeoutError:
        await explain_silence(tab, intent, traffic.sent, layers, traffic.elsewhere)
    try:
        await asyncio.wait_for(traffic.over.wait(), tab.timeouts.answer)
    except TimeoutError:
        raise lost(intent, f"no answer within {tab.timeouts.answer:g} s") from None
    _refuse_doubt(intent, traffic)


def _refuse_doubt(intent: str, traffic: _Traffic) -> None:
    """Raise when the traffic alone says that nobody knows, whatever the page says."""
    if traffic.several:
        raise lost(intent, traffic.several)
    if traffic.lost:
        raise lost(intent, traffic.lost)
    if traffic.status >= 500:
        raise lost(intent, f"status {traffic.status}")


async def _outcome(tab: Tab, intent: str, traffic: _Traffic, layers: tuple[Layer, ...]) -> AgentError | None:
    """What the page makes of the answer; None: answered as saved."""
    patience = Patience(tab.timeouts.submit)
    while True:
        try:
            shell, said = await tab.read_all(SCRIPT_ANSWER, layers=layers)
        except Failed as error:
            return lost(intent, error.seen or error.message)
        _refuse_doubt(intent, traffic)
        accepted = 200 <= traffic.status < 300
        refusal = _refusal(tab, shell, said)
        if refusal is not None:
            # A form that is still open and says what it does not take is believed; a toast may be about anything.
            if accepted and not (isinstance(refusal, SaveRejected) and said_words(said)):
                return lost(intent, f"status {traffic.status}, and then: {refusal.message}")
            return refusal
        succeeded = any(toast["kind"] == "success" for toast in said["toasts"])
        if accepted and said["same"] and (succeeded or (layers and not said["layers"])):
            return None
        if patience.is_over:
            return await _silence(tab, intent, traffic)
        await patience.pause()


def _refusal(tab: Tab, shell: Shell, said: dict[str, Any]) -> AgentError | None:
    if shell.is_signed_out:
        return SignedOut("The session ended just before the save: Procore shows its sign-in form instead.")
    if not said["same"]:  # a document that came as the answer: what it says is about this change
        return flash_refusal(tab.catalogue, shell)
    if words := said_words(said):
        return rejected(words)
    errors = [toast["text"] for toast in said["toasts"] if toast["kind"] == "error"]
    return rejected(errors) if errors else None


async def _silence(tab: Tab, intent: str, traffic: _Traffic) -> AgentError:
    """The page has made nothing of the answer. It may have been the sign-in form, sent in place of data [C]."""
    if traffic.response is not None and "html" in traffic.response.headers.get("content-type", ""):
        try:
            html = await asyncio.wait_for(traffic.response.text(), _BODY_SECONDS)
            if await tab.read(_BODY, html=html):
                return SignedOut("The session ended just before the save: Procore sent its sign-in form instead.")
        except (BrowserError, TimeoutError, Failed):
            pass  # a body that cannot be read says nothing
    return lost(intent, f"status {traffic.status or 'unknown'}, and the page does not say what became of it")

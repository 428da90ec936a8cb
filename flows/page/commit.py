"""The one place where a flow sends something that changes Procore.

A write is: look at the page, ask the gate, click once, wait for the answer, say what it means. Never repeated.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Error as BrowserError
from playwright.async_api import Locator, Page, Request, Response
from playwright.async_api import TimeoutError as BrowserTimeout

from agent.domain.touch import Target
from agent.errors import AgentError, AnswerLost, Failed, Mender, SaveRejected, SignedOut, UnknownPage
from flows.interface import CommitGate
from flows.page import overlays
from flows.page.limits import bounded, is_browser_lost, translated
from flows.page.reading import Reading
from flows.page.shell import Layer, Shell
from flows.page.tab import Tab

_ROUNDS = 3
_USUALLY_SENT_SECONDS = 1.0

# Put into the document right before the click, and asked only where no request follows.
_WITNESS = Reading(
    None,
    r"""
    const clicked = (window[Symbol.for("agent.clicked")] = []);
    document.addEventListener("click", (event) => clicked.push(event.target), { capture: true });
    return null;
    """,
)
# A document without the witness is another one: the click has led away from the one it was meant for.
_WAS_CLICKED = r"""(control) => {
  const clicked = window[Symbol.for("agent.clicked")];
  return !clicked || clicked.some((target) => control.contains(target));
}"""

ANSWER = Reading(
    None,
    r"""
    const messages = [];
    for (const el of many("form.invalid")) {
      if (!visible(el) && el.type !== "hidden") continue;
      const ids = (el.getAttribute("aria-describedby") || "").split(/\s+/).filter(Boolean);
      const said = ids.map((id) => message(document.getElementById(id))).filter(Boolean).join(" ");
      const labelled = (el.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
      const label = el.labels && el.labels.length ? words(el.labels[0])
        : labelled.map((id) => words(document.getElementById(id))).filter(Boolean)[0] || el.name || el.id;
      messages.push(`${label.replace(/\s*\*$/, "")}: ${said || "not accepted"}`);
    }
    const banner = many("form.banner").filter(visible).map(message).filter(Boolean);
    return { messages, banner };
    """,
    name="answer",
)


@dataclass
class _Traffic:
    """What the network did after the click: the main frame's non-GET navigation and what came of it."""

    sent: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[Request] = field(default_factory=list)
    status: int | None = None
    lost: str = ""

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

    def note_document(self, _page: Page) -> None:
        if self.status is not None:
            self.over.set()

    def lose(self, reason: str) -> None:
        self.lost = reason
        self.over.set()
        self.sent.set()


@asynccontextmanager
async def _listening(page: Page) -> AsyncIterator[_Traffic]:
    traffic = _Traffic()

    def gone(_page: Page) -> None:
        traffic.lose("the tab is gone")

    handlers: list[tuple[Any, Callable[..., None]]] = [
        ("request", traffic.note_request),
        ("requestfailed", traffic.note_failure),
        ("response", traffic.note_response),
        ("domcontentloaded", traffic.note_document),
        ("close", gone),
        ("crash", gone),
    ]
    for event, handler in handlers:
        page.on(event, handler)
    try:
        yield traffic
    finally:
        for event, handler in handlers:
            page.remove_listener(event, handler)


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
    Failed("stale-token"), Failed("not-sent"), UnknownPage, and whatever the gate raises. Raises AnswerLost when the
    request went out and no answer that can be understood came: error page, closed connection, no answer in time,
    browser gone, an unexpected page. A success flash is not looked for (hazard 10).
    """
    before = await overlays.clear(tab, layers=layers)
    before.refuse_before_write(tab.tenant, account)
    target = Target.of(control) if isinstance(control, str) else None
    control = tab.page.locator(control) if isinstance(control, str) else control
    await gate.before(tab.page, intent, target)
    tab.untrust()
    async with _listening(tab.page) as traffic:
        await _click_once(tab, control, intent, traffic, layers)
        await _wait_for_answer(tab, intent, traffic)
        try:
            answer, said = await tab.read_all(ANSWER)
        except Failed as error:
            raise _lost(intent, error.seen or error.message) from error
    refusal = _refusal(tab, answer, said, traffic, lands)
    if isinstance(refusal, str):
        raise _lost(intent, refusal)
    await gate.after(tab.page, intent)
    if refusal is not None:
        raise refusal
    tab.trust()
    return tab.path


async def _click_once(tab: Tab, control: Locator, intent: str, traffic: _Traffic, layers: tuple[Layer, ...]) -> None:
    """Deliver exactly one click. One that a layer caught was not delivered (the page's own event is the witness): the
    layer is closed first, and only then the click is tried again."""
    limit = tab.timeouts.control
    await tab.read(_WITNESS)
    for _ in range(_ROUNDS):
        try:
            click = control.click(timeout=limit * 1000, no_wait_after=True)
            await asyncio.wait_for(click, limit + tab.timeouts.margin)
        except BrowserTimeout:
            pass  # covered all the time, or delivered and then slow: the witness knows
        except TimeoutError:
            raise _lost(intent, "the browser did not answer to the click") from None
        except BrowserError as error:
            if traffic.sent.is_set() or is_browser_lost(error):
                raise _lost(intent, str(error).split("\n", 1)[0]) from None
            raise translated(error, intent) from None
        if await _is_delivered(tab, control, traffic):
            return
        await overlays.clear(tab, layers=layers)
    raise UnknownPage(
        "unusable-control",
        f"The button could not be clicked: {intent}.",
        expected="a button that nothing covers",
        seen="something keeps covering it",
    )


async def _is_delivered(tab: Tab, control: Locator, traffic: _Traffic) -> bool:
    """Whether the control has got the click. A document that is gone or busy counts as yes: then the traffic tells."""
    try:
        await asyncio.wait_for(traffic.sent.wait(), _USUALLY_SENT_SECONDS)
        return True
    except TimeoutError:
        pass  # rare: ask the page, which cannot answer while it is being replaced
    try:
        return bool(await asyncio.wait_for(control.evaluate(_WAS_CLICKED), tab.timeouts.control))
    except (BrowserError, TimeoutError):
        return True


async def _wait_for_answer(tab: Tab, intent: str, traffic: _Traffic) -> None:
    try:
        await asyncio.wait_for(traffic.sent.wait(), tab.timeouts.submit)
    except TimeoutError:
        await _explain_silence(tab, intent, traffic)
    try:
        await asyncio.wait_for(traffic.over.wait(), tab.timeouts.answer)
    except TimeoutError:
        raise _lost(intent, f"no answer within {tab.timeouts.answer:g} s") from None
    if traffic.lost:
        raise _lost(intent, traffic.lost)


async def _explain_silence(tab: Tab, intent: str, traffic: _Traffic) -> None:
    """The click was delivered and no request went out: say why, and make sure that none follows."""
    try:
        _, said = await tab.read_all(ANSWER)
        # Leaving the document ends whatever its script still had in mind.
        limit = tab.timeouts.control
        await bounded(tab.page.goto("about:blank", timeout=limit * 1000), limit + 1, "leaving the page")
    except Failed as error:
        raise _lost(intent, error.seen or error.message) from error
    if traffic.sent.is_set():
        raise _lost(intent, "the request went out late and its answer was not waited for")
    if said["messages"]:
        raise _rejected(said["messages"])
    raise Failed(
        "not-sent",
        "The page did not send the change.",
        expected=f"a request within {tab.timeouts.submit:g} s of the click",
        seen="; ".join(said["banner"]) or "none",
        mender=Mender.DEVELOPER,
    )


def _refusal(
    tab: Tab, answer: Shell, said: dict[str, Any], traffic: _Traffic, lands: re.Pattern[str]
) -> AgentError | str | None:
    """None: answered as saved. An error: nothing was saved. A text: the answer says nothing certain."""
    if answer.is_signed_out:
        return SignedOut("The session ended just before the save: Procore shows its sign-in form instead.")
    if answer.is_denied(tab.catalogue):
        return Failed(
            "denied",
            "The service account has no right to make this change.",
            expected="the page of a saved change",
            seen="the flash for a part of the site without access",
            mender=Mender.ADMINISTRATOR,
        )
    if said["messages"] or said["banner"]:
        return _rejected(said["messages"] or said["banner"])
    if traffic.status is not None and traffic.status >= 400:
        return f"status {traffic.status} {answer.error}".strip()
    errors = [flash.text for flash in answer.flashes if flash.kind == "error"]
    if errors:
        stale = re.compile(tab.catalogue.text("flash.stale_token"), re.IGNORECASE)
        if any(stale.search(text) for text in errors):
            return Failed(
                "stale-token",
                "The form had gone stale; Procore did not save it.",
                expected="the page of a saved change",
                seen="; ".join(errors),
            )
        rejected = _rejected(errors)
        rejected.by_flash = True
        return rejected
    if not answer.signed_in or answer.error:
        return answer.error or f"a page that is not known ({tab.path})"
    if not lands.search(tab.path):
        return f"an unexpected page ({tab.path})"
    return None


def _rejected(messages: list[str]) -> SaveRejected:
    return SaveRejected(
        "save-rejected",
        "Procore did not accept the change: " + "; ".join(messages),
        expected="the page of a saved change",
        seen="; ".join(messages),
    )


def _lost(intent: str, seen: str) -> AnswerLost:
    return AnswerLost(
        "answer-lost",
        f"Procore's answer was lost, so it is not known whether this was done: {intent}.",
        expected="the page of a saved change",
        seen=seen,
    )

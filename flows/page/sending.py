"""One click that sends a change, and what can be said when no answer or a refusal comes.

Shared by the writes that load another page (:mod:`flows.page.commit`) and those that a script of the page sends
(:mod:`flows.page.commit_by_script`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.async_api import Error as BrowserError
from playwright.async_api import Locator, Page
from playwright.async_api import TimeoutError as BrowserTimeout

from agent.domain.touch import Target
from agent.errors import AgentError, AnswerLost, Failed, Mender, SaveRejected, UnknownPage
from flows.catalogue import Catalogue
from flows.interface import CommitGate
from flows.page import overlays
from flows.page.limits import bounded, is_browser_lost, translated
from flows.page.reading import Reading
from flows.page.shell import Layer, Shell
from flows.page.tab import Tab

_ROUNDS = 3
_USUALLY_SENT_SECONDS = 1.0

# Put into the document right before the click, and asked only where no request follows. What a page says in a toast
# fades, so it is noted as it comes.
WITNESS = Reading(
    None,
    r"""
    const clicked = (window[Symbol.for("agent.clicked")] = []);
    document.addEventListener("click", (event) => clicked.push(event.target), { capture: true });
    const toasts = (window[Symbol.for("agent.toasts")] = new Map());
    const old = new Set([...many("toast.success"), ...many("toast.error")]);
    const note = (kind, all) => {
      for (const el of all) if (!old.has(el)) toasts.set(el, { kind, text: message(el) });
    };
    new MutationObserver(() => { note("success", many("toast.success")); note("error", many("toast.error")); })
      .observe(document.documentElement, { childList: true, subtree: true, characterData: true });
    return performance.timeOrigin;
    """,
)
# Of a document without the witness null: it is another one, and the click has led away from the one it was meant for.
_CLICKS = r"""() => window[Symbol.for("agent.clicked")]?.length ?? null"""
_WAS_CLICKED = r"""(control) => {
  const clicked = window[Symbol.for("agent.clicked")];
  return !clicked || clicked.some((target) => control.contains(target));
}"""

#: what a form says about its fields, and the banner above it: two names for a reading's script
FORM_MESSAGES = r"""
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
"""

_STILL_OPEN = Reading(
    None,
    r"""
    return layers.some(({ css, headline }) => [...document.querySelectorAll(css)].some((el) => visible(el) &&
      (!headline || many("confirm.headline", el).some((head) => words(head) === headline))));
    """,
)

ANSWER = Reading(None, FORM_MESSAGES + "    return { messages, banner };", name="answer")


@contextmanager
def told_of(
    page: Page, handlers: Mapping[str, Callable[..., None]], gone: Callable[[], None]
) -> Iterator[Callable[[str], None]]:
    """The page's events go to these handlers meanwhile; ``gone`` hears of the end of the page itself.

    Yields what ends the telling of one event: a page asks for much that nobody needs to hear of.
    """

    def ended(_page: Page) -> None:
        gone()

    told: dict[Any, Callable[..., None]] = {**handlers, "close": ended, "crash": ended}
    for event, handler in told.items():
        page.on(event, handler)

    def hush(event: str) -> None:
        if handler := told.pop(event, None):
            page.remove_listener(event, handler)

    try:
        yield hush
    finally:
        for event in list(told):
            hush(event)


async def let_through(tab: Tab, gate: CommitGate, intent: str, target: Target | None) -> None:
    """Ask the gate, which raises where it says no."""
    await gate.before(tab.page, intent, target)
    tab.untrust()


async def click_once(
    tab: Tab, control: Locator, intent: str, sent: asyncio.Event, layers: tuple[Layer, ...], document: float
) -> None:
    """Deliver exactly one click. One that a layer caught was not delivered (the page's own event is the witness): the
    layer is closed first, and only then the click is tried again. ``sent`` is set once a request has gone out.

    Failed("document-replaced") when ``document``, which was looked at before the gate was asked, is not on the page any
    more: nobody has looked at the one that is.
    """
    limit = tab.timeouts.control
    if await tab.read(WITNESS) != document:
        raise Failed(
            "document-replaced",
            f"Another document came onto the page right before the click; nothing was sent: {intent}.",
            expected="the document that was looked at before the write was let through",
            seen=f"another one ({tab.path})",
            mender=Mender.DEVELOPER,
        )
    for _ in range(_ROUNDS):
        try:
            click = control.click(timeout=limit * 1000, no_wait_after=True)
            await asyncio.wait_for(click, limit + tab.timeouts.margin)
        except BrowserTimeout:
            pass  # covered all the time, or delivered and then slow: the witness knows
        except TimeoutError:
            raise lost(intent, "the browser did not answer to the click") from None
        except BrowserError as error:
            if sent.is_set() or is_browser_lost(error):
                raise lost(intent, str(error).split("\n", 1)[0]) from None
            raise translated(error, intent) from None
        if await _is_delivered(tab, control, sent):
            return
        await overlays.clear(tab, layers=layers)
    raise UnknownPage(
        "unusable-control",
        f"The button could not be clicked: {intent}.",
        expected="a button that nothing covers",
        seen="something keeps covering it",
    )


async def _is_delivered(tab: Tab, control: Locator, sent: asyncio.Event) -> bool:
    """Whether the control has got the click. A document that is gone or busy counts as yes: then the traffic tells."""
    try:
        await asyncio.wait_for(sent.wait(), _USUALLY_SENT_SECONDS)
        return True
    except TimeoutError:
        pass  # rare: ask the page, which cannot answer while it is being replaced
    try:
        if await asyncio.wait_for(tab.page.evaluate(_CLICKS), tab.timeouts.control) == 0:
            return False  # the control may be gone: then nobody could ask it
        return bool(await asyncio.wait_for(control.evaluate(_WAS_CLICKED), tab.timeouts.control))
    except (BrowserError, TimeoutError):
        return True


async def explain_silence(
    tab: Tab, intent: str, sent: asyncio.Event, layers: tuple[Layer, ...] = (), elsewhere: Collection[str] = ()
) -> None:
    """The click was delivered and no request went out: say why, and make sure that none follows.

    ``elsewhere`` are other hosts that something was sent to. A window of ``layers`` that has closed without a
    request has taken its own button for a no: UnknownPage("window-without-effect").
    """
    try:
        closed = bool(layers) and not await tab.read(_STILL_OPEN, layers=layers)
        _, said = await tab.read_all(ANSWER)
        # Leaving the document ends whatever its script still had in mind.
        limit = tab.timeouts.control
        await bounded(tab.page.goto("about:blank", timeout=limit * 1000), limit + 1, "leaving the page")
    except Failed as error:
        raise lost(intent, error.seen or error.message) from error
    if sent.is_set():
        raise lost(intent, "the request went out late and its answer was not waited for")
    if said["messages"]:
        raise rejected(said["messages"])
    if elsewhere:
        raise lost(intent, f"nothing went to the app host, but something to {', '.join(sorted(elsewhere))}")
    if closed:
        name = " and ".join(repr(layer.headline) for layer in layers if layer.headline) or "that was open"
        raise UnknownPage(
            "window-without-effect",
            f"The window {name} closed at its own button and nothing was sent: it may ask the opposite of what it did.",
            expected=f"a request within {tab.timeouts.submit:g} s of the click: {intent}",
            seen=f"the window {name} gone, and no request",
        )
    raise Failed(
        "not-sent",
        "The page did not send the change.",
        expected=f"a request within {tab.timeouts.submit:g} s of the click",
        seen="; ".join(said["banner"]) or "none",
        mender=Mender.DEVELOPER,
    )


def flash_refusal(catalogue: Catalogue, answer: Shell) -> AgentError | None:
    """What the flashes of a document that came as an answer refuse; None when they refuse nothing."""
    if answer.is_denied(catalogue):
        return Failed(
            "denied",
            "The service account has no right to make this change.",
            expected="the page of a saved change",
            seen="the flash for a part of the site without access",
            mender=Mender.ADMINISTRATOR,
        )
    errors = [flash.text for flash in answer.flashes if flash.kind == "error"]
    if not errors:
        return None
    stale = re.compile(catalogue.text("flash.stale_token"), re.IGNORECASE)
    if any(stale.search(text) for text in errors):
        return Failed(
            "stale-token",
            "The form had gone stale; Procore did not save it.",
            expected="the page of a saved change",
            seen="; ".join(errors),
        )
    refused = rejected(errors)
    refused.by_flash = True
    return refused


def rejected(messages: list[str]) -> SaveRejected:
    """The page refused with these messages."""
    return SaveRejected(
        "save-rejected",
        "Procore did not accept the change: " + "; ".join(messages),
        expected="the page of a saved change",
        seen="; ".join(messages),
    )


def lost(intent: str, seen: str) -> AnswerLost:
    """The change was sent, and nothing certain is known about it."""
    return AnswerLost(
        "answer-lost",
        f"Procore's answer was lost, so it is not known whether this was done: {intent}.",
        expected="the page of a saved change",
        seen=seen,
    )


def said_words(said: dict[str, Any]) -> list[str]:
    """The messages of a form's fields, or its banner where they say nothing (hazard 9)."""
    words: list[str] = said["messages"] or said["banner"]
    return words

"""Set a control and read it back: text, native select, checkbox under a label, the design system's select.

Nothing here sends anything. Each function but :func:`set_text` returns only when the page itself holds the value that
was wanted (hazards 1, 2, 3, 5, 13, 14); otherwise UnknownPage("control-mismatch"), or Failed when a choice is not
offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Locator

from agent.domain.names import find_names, normal_name
from agent.errors import Failed, Mender, UnknownPage
from flows.page.patience import DRAWING_SECONDS, SHORTEST_SECONDS, Patience
from flows.page.reading import Reading
from flows.page.tab import Tab

_PRESSES = 3
_CLOSING_SECONDS = 1.0  # a menu that is still open has not noticed the click


async def set_text(tab: Tab, control: Locator, label: str, value: str) -> None:
    """Type a text into a field. Whoever sends the form reads the whole of it back right before."""
    await tab.act(f"typing into {label}", lambda: control.fill(value))


async def set_checkbox(tab: Tab, control: Locator, label: str, wanted: bool) -> None:
    """Tick or untick a checkbox, or choose a radio button, whose input may lie invisible under its label.

    The keyboard reaches it wherever it lies; where it cannot take the focus, its label is clicked.
    """
    if await tab.act(f"reading {label}", control.is_checked) is wanted:
        return
    await tab.act(f"toggling {label}", lambda: control.press("Space"))
    if await tab.act(f"reading {label}", control.is_checked) is not wanted:
        await tab.act(
            f"toggling {label}",
            lambda: control.evaluate("(el) => (el.labels && el.labels[0] ? el.labels[0] : el).click()"),
        )
    held = await tab.act(f"reading {label}", control.is_checked)
    _same(label, "ticked" if wanted else "not ticked", "ticked" if held else "not ticked")


@dataclass(frozen=True)
class NativeSelect:
    """A select of the browser: where it is, as plain CSS, and its label."""

    css: str
    label: str
    templates: bool = True  # chosen by name it is one of permission templates


NATIVE = Reading(
    None,
    r"""
    const selects = [...document.querySelectorAll(given.css)];
    const select = selects.length === 1 ? selects[0] : null;
    const group = (option) => (option.parentElement.tagName === "OPTGROUP" ? option.parentElement.label : "");
    const shown = (option) => ({ value: option.value, text: words(option), group: group(option) });
    return { selects: selects.length, value: select ? select.value : "",
      options: select ? [...select.options].map(shown) : [] };
    """,
    name="native_select",
    generation="any",
)


async def _native(tab: Tab, select: NativeSelect) -> dict[str, Any]:
    """The select's value and its options, once it is there."""
    patience = Patience(tab.timeouts.control)
    while True:
        state: dict[str, Any] = await tab.read(NATIVE, css=select.css)
        if state["selects"] == 1:
            return state
        if patience.is_over:
            raise UnknownPage(
                "unusable-control",
                f"A control could not be used: {select.label}.",
                expected=f"one element {select.css}",
                seen=f"{state['selects']} elements",
            )
        await patience.pause()


async def choose_native(tab: Tab, select: NativeSelect, value: str) -> None:
    """Choose the option of this value in a native select."""
    await _choose_native_of(tab, select, value, (await _native(tab, select))["options"])


async def _choose_native_of(tab: Tab, select: NativeSelect, value: str, options: list[dict[str, str]]) -> None:
    if all(option["value"] != value for option in options):
        raise not_offered(select.label, value, [option["text"] for option in options])
    control = tab.page.locator(select.css)
    await tab.act(f"choosing in {select.label}", lambda: control.select_option(value=value))
    _same(select.label, value, (await _native(tab, select))["value"])


async def choose_native_by_name(tab: Tab, select: NativeSelect, name: str | None, *, none: str = "") -> None:
    """Choose the option of this name in a native select; None chooses the option of value ``none``."""
    everything = (await _native(tab, select))["options"]
    if name is None:
        await _choose_native_of(tab, select, none, everything)
        return
    options = [option for option in everything if option["value"] not in {"", none}]
    fitting = find_names(name, [option["text"] for option in options])
    if not fitting:
        raise not_offered(select.label, name, [option["text"] for option in options])
    values = [option for option in options if option["text"] in fitting]
    if len(values) > 1:
        raise _ambiguous(select.label, name, [f"{option['group']} / {option['text']}" for option in values])
    for option in options if select.templates else ():
        refuse_renamed(tab, select.label, option["value"], option["text"])
    await _choose_native_of(tab, select, values[0]["value"], everything)


@dataclass(frozen=True)
class DesignSelect:
    """A select of the design system: catalogue keys of its box and of the hidden input that is sent, and its label;
    ``values`` go into the placeholders of both keys."""

    box: str
    value: str
    label: str
    values: Mapping[str, str] = field(default_factory=dict)


STATE = Reading(
    None,
    r"""
    const boxes = document.querySelectorAll(given.box), inputs = document.querySelectorAll(given.value);
    const trigger = boxes.length === 1 ? one("select.trigger", boxes[0]) : null;
    return { boxes: boxes.length, inputs: inputs.length, open: many("select.menu").some(visible),
      text: words(trigger), value: inputs.length === 1 ? inputs[0].value : null };
    """,
    name="select",
    generation="any",
)

MENU = Reading(
    "select.menu",
    r"""
    const menu = one("select.menu");
    const value = (raw) => { try { return String(JSON.parse(raw)); } catch { return raw; } };
    const options = many("select.option", menu).map((el) => {
      const hint = maybe("select.hint", el);
      const copy = el.cloneNode(true);
      if (hint) copy.querySelector(hooks["select.hint"]).remove();
      const raw = el.getAttribute("data-value");
      return { raw, value: value(raw), text: words(copy), hint: words(hint) };
    });
    const busy = menu.getAttribute("aria-busy") === "true";
    // The next reading finds the next options of a list that draws only what is in view.
    if (given.scroll) for (const el of [menu, ...menu.querySelectorAll("*")]) el.scrollTop += el.clientHeight / 2;
    return { busy, searchable: many("select.search").length === 1, options };
    """,
    name="select_menu",
    generation="any",
)


async def _state(tab: Tab, select: DesignSelect) -> dict[str, Any]:
    data: dict[str, Any] = await tab.read(
        STATE, box=tab.css(select.box, **select.values), value=tab.css(select.value, **select.values)
    )
    return data


async def held_value(tab: Tab, select: DesignSelect, just_read: dict[str, Any] | None = None) -> tuple[str, str]:
    """The value that would be sent, and the text that the person at the screen sees, once no menu is open.
    ``just_read`` is the state, if it was read since the control was last used."""
    patience = Patience(tab.timeouts.control)
    while True:
        state, just_read = just_read or await _state(tab, select), None
        if not state["open"]:
            break
        if patience.is_over:
            raise UnknownPage(
                "unusable-control",
                f"The menu of {select.label} does not close.",
                expected="no open menu once something was chosen",
                seen="an open menu",
            )
        await patience.pause()
    if state["boxes"] != 1 or state["inputs"] != 1:
        raise UnknownPage(
            "unknown-page",
            f"The {select.label} field does not look as known.",
            expected=f"{select.box}: one element; {select.value}: one element",
            seen=f"{state['boxes']} and {state['inputs']} elements",
        )
    return state["value"], state["text"]


async def choose_by_value(tab: Tab, select: DesignSelect, value: str, search: str, *, hint: str = "") -> None:
    """Choose the option of this value, typing ``search`` where the menu has a search box.

    In an async select the old options stay while the query runs: only the wanted value counts, wherever it appears.
    With ``hint`` its hint must say this, too (a person's address): another's option of that value is not chosen.
    """
    if (await held_value(tab, select))[0] == value:
        return
    await _open(tab, select)

    def is_wanted(option: dict[str, Any]) -> bool:
        return option["value"] == value and (not hint or normal_name(option["hint"]) == normal_name(hint))

    chosen = await _choose(tab, select, search, is_wanted, f"{search} ({value})")
    held, _ = await held_value(tab, select, chosen)
    _same(select.label, value, held)


async def choose_by_name(tab: Tab, select: DesignSelect, name: str | None) -> None:
    """Choose the option of this name; None leaves or sets the first option, which has an empty value."""
    if name is None:
        await choose_nothing(tab, select)
        return
    await _open(tab, select)
    named = normal_name(name)
    chosen = await _choose(tab, select, name, lambda option: normal_name(option["text"]) == named, name, templates=True)
    value, text = await held_value(tab, select, chosen)
    refuse_renamed(tab, select.label, value, text)
    if not value or normal_name(text) != normal_name(name):
        _same(select.label, name, f"{text} ({value or 'no value'})")


async def choose_nothing(tab: Tab, select: DesignSelect) -> None:
    """Leave the select empty, clearing it if something is chosen."""
    if (await held_value(tab, select))[0] == "":
        return
    clear = tab.at(select.box, **select.values).locator(tab.selector("select.clear"))
    await tab.act(f"clearing {select.label}", clear.click)
    held, _ = await held_value(tab, select)
    _same(select.label, "", held)


async def _open(tab: Tab, select: DesignSelect) -> None:
    trigger = tab.at(select.box, **select.values).locator(tab.selector("select.trigger"))
    await tab.act(f"opening {select.label}", trigger.click)


async def _choose(
    tab: Tab,
    select: DesignSelect,
    search: str,
    wanted: Callable[[dict[str, Any]], bool],
    described: str,
    *,
    templates: bool = False,
) -> dict[str, Any] | None:
    """Open menu, option, closed menu; the state of the select afterwards, None while its menu is still open."""
    menu = await _menu(tab)
    if menu["searchable"]:
        await tab.act(f"searching in {select.label}", lambda: tab.at("select.search").fill(search))
        menu = await _menu(tab)
    seen: dict[str, str] = {}
    shortest = SHORTEST_SECONDS if menu["searchable"] else DRAWING_SECONDS  # without a search it is scrolled
    patience = Patience(tab.timeouts.control, shortest=shortest)
    while not patience.is_over:
        for option in menu["options"] if templates else ():
            refuse_renamed(tab, select.label, option["value"], option["text"])
        fitting = [option for option in menu["options"] if wanted(option)]
        if fitting and not menu["busy"]:
            if len({option["value"] for option in fitting}) > 1:
                raise _ambiguous(select.label, described, [f"{item['text']} {item['hint']}" for item in fitting])
            return await _press(tab, select, fitting[0]["raw"])
        known = len(seen)
        seen |= {option["raw"]: option["text"] for option in menu["options"]}
        if len(seen) > known:  # a long list on a slow machine: as long as it goes on there is hope
            patience.renew()
        await patience.pause()
        menu = await _menu(tab, scroll=not menu["searchable"])
    raise not_offered(select.label, described, list(seen.values()))


async def _press(tab: Tab, select: DesignSelect, raw: str) -> dict[str, Any] | None:
    """Click the option of this value until the menu closes: a list that draws only what is in view may draw the option
    anew between the pressing and the letting go, and the click is lost. The state once it is closed, else None."""
    option = tab.at("select.option_of_value", value=raw)
    for _ in range(_PRESSES):
        try:
            await tab.act(f"choosing in {select.label}", option.click)
        except UnknownPage:
            if (await _state(tab, select))["open"]:
                raise
        if closed := await _closed(tab, select):
            return closed
    return None


async def _closed(tab: Tab, select: DesignSelect) -> dict[str, Any] | None:
    """The state of the select as soon as no menu is open; None when one is for more than a second."""
    patience = Patience(_CLOSING_SECONDS)
    while (state := await _state(tab, select))["open"]:
        if patience.is_over:
            return None
        await patience.pause()
    return state


async def _menu(tab: Tab, *, scroll: bool = False) -> dict[str, Any]:
    """The options that the open menu draws; with ``scroll`` it is moved on by half its height afterwards."""
    data: dict[str, Any] = await tab.read(MENU, scroll=scroll)
    return data


def not_offered(label: str, wanted: str, offered: list[str]) -> Failed:
    """A choice that the page does not offer to this account."""
    shown = [text for text in offered if text][:20]
    return Failed(
        "choice-not-offered",
        f"{label} does not offer {wanted!r} to the service account.",
        expected=wanted,
        seen=", ".join(shown) or "no options",
        mender=Mender.ADMINISTRATOR,
    )


def _ambiguous(label: str, wanted: str, offered: list[str]) -> Failed:
    return Failed(
        "choice-ambiguous",
        f"{label} offers {wanted!r} more than once.",
        expected="one option of this name",
        seen=", ".join(offered),
        mender=Mender.ADMINISTRATOR,
    )


def refuse_renamed(tab: Tab, label: str, value: str, text: str) -> None:
    """UnknownPage when the template of this id bears another name than in the Permissions tool, as far as that was
    read: the id is what is sent, the name is what was asked for."""
    known = tab.template_ids.get(value)
    if tab.template_ids and value and normal_name(known or "") != normal_name(text):
        raise UnknownPage(
            "template-mismatch",
            f"{label} offers a template under a name that is not its own.",
            expected=f"{value}: {known or 'a template of the Permissions tool'}",
            seen=text,
        )


def _same(label: str, wanted: str, held: str) -> None:
    if wanted != held:
        raise UnknownPage(
            "control-mismatch",
            f"The field {label} does not hold what was put into it.",
            expected=wanted or "nothing",
            seen=held or "nothing",
        )

"""Menus of the new generation: they open in a portal at the end of the body, whoever they belong to [C].

Entries are told by their ``data-value``, which is JSON text with its quotes (hazard 13), and by their words: where the
two disagree nothing is clicked. A row's menu says whose it is by where its Edit leads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.errors import Failed, Mender, UnknownPage
from flows.mfe.grid import GridRow, bring_into_view
from flows.page.patience import Patience
from flows.page.reading import Reading
from flows.page.tab import Tab

MENU = Reading(
    "menu.open",
    r"""
    const open = many("menu.open").filter(visible);
    if (open.length !== 1) {
      problems.push({ key: "menu.open", expected: "one open menu", seen: `${open.length} open menus` });
      return null;
    }
    const value = (raw) => { try { return String(JSON.parse(raw)); } catch { return raw; } };
    return many("menu.item", open[0]).map((el) => {
      const link = maybe("menu.link", el), raw = el.getAttribute("data-value") || "";
      return { raw, value: value(raw), text: words(el), href: link ? link.getAttribute("href") : "" };
    });
    """,
    name="menu",
    generation="mfe",
)

_NONE_OPEN = Reading(None, 'return many("menu.open").filter(visible).length;', name="menus_open", generation="mfe")


@dataclass(frozen=True)
class Entry:
    """One entry of a menu: its ``data-value`` as it stands and decoded, its words, where it leads."""

    raw: str
    value: str
    text: str
    href: str


async def open_row_menu(tab: Tab, row: GridRow) -> Mapping[str, Entry]:
    """Open the menu of a row, and make sure it is about this row's person: its Edit leads to where the row's name
    leads. The entries, by value."""
    if row.menus != 1:
        raise UnknownPage(
            "unknown-page",
            f"The row of {row.name} has not just one menu.",
            expected="grid.row_menu: one element",
            seen=f"{row.menus} elements",
        )
    await bring_into_view(tab, row)
    await _press(tab, f"opening the menu of {row.name}", tab.selector("grid.row_menu_of", index=str(row.index)))
    entries = await _entries(tab)
    edit = entries.get("edit")
    if edit is None or edit.href != row.href:
        raise UnknownPage(
            "person-mismatch",
            f"The menu in the row of {row.name} is not about that person.",
            expected=f"menu.item: Edit, leading to {row.href}",
            seen=edit.href if edit is not None else ", ".join(entry.text for entry in entries.values()),
        )
    return entries


async def open_add_menu(tab: Tab) -> Mapping[str, Entry]:
    """Open the Add menu; its entries, by value."""
    await _press(tab, "opening the Add menu", tab.selector("grid.add"))
    return await _entries(tab)


def entry_of(tab: Tab, entries: Mapping[str, Entry], value: str, words: str) -> tuple[Entry, str]:
    """The entry of this value, whose words must match the text ``words`` of the catalogue, and its selector.

    Failed("choice-not-offered") when there is none; UnknownPage when its words are others.
    """
    entry = entries.get(value)
    if entry is None:
        raise Failed(
            "choice-not-offered",
            "The menu does not offer this to the service account.",
            expected=value,
            seen=", ".join(entry.text for entry in entries.values()) or "no entries",
            mender=Mender.ADMINISTRATOR,
        )
    if not re.search(tab.catalogue.text(words), entry.text):
        raise UnknownPage(
            "unknown-page",
            "An entry of the menu is named otherwise than known.",
            expected=f"{words}: {tab.catalogue.text(words)} for {value}",
            seen=entry.text,
        )
    return entry, tab.selector("menu.item_of", value=entry.raw)


async def close_menu(tab: Tab) -> None:
    """Leave the open menu without choosing."""
    await tab.act("leaving the menu", lambda: tab.page.keyboard.press("Escape"))
    patience = Patience(tab.timeouts.control)
    while await tab.read(_NONE_OPEN):
        if patience.is_over:
            raise UnknownPage("unusable-control", "The menu does not close.", expected="no menu", seen="an open menu")
        await patience.pause()


async def _press(tab: Tab, what: str, selector: str) -> None:
    await tab.act(what, tab.page.locator(selector).click)


async def _entries(tab: Tab) -> Mapping[str, Entry]:
    raw: list[dict[str, Any]] = await tab.read(MENU)
    entries = [Entry(item["raw"], item["value"], item["text"], item["href"]) for item in raw]
    if len({entry.value for entry in entries}) != len(entries):
        raise UnknownPage(
            "unknown-page",
            "Two entries of the menu have one value.",
            expected="menu.item: each value once",
            seen=", ".join(entry.raw for entry in entries),
        )
    return {entry.value: entry for entry in entries}

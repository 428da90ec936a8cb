"""Confirm windows: they may have no dialog role, so they are known by their headline (hazard 7) [I]."""

from __future__ import annotations

from agent.errors import UnknownPage
from flows.page.reading import Reading
from flows.page.shell import Layer
from flows.page.tab import Tab

WINDOW = Reading(
    "confirm.window",
    r"""
    const headline = (el) => words(many("confirm.headline", el)[0]);
    const open = many("confirm.window").filter((el) => visible(el) && headline(el) === given.headline);
    return open.map((el) => ({ text: words(el), users: many("confirm.user", el).map((user) => user.dataset.id) }));
    """,
    name="confirm_window",
    generation="any",
)


def window(headline: str) -> tuple[Layer, ...]:
    """The window of this headline, as one that the flow has opened."""
    return (Layer("confirm.window", headline),)


def button(tab: Tab, headline: str, label: str) -> str:
    """The selector of the button of this label in the window of this headline; rows of the page may carry others like
    it."""
    return f"{tab.selector('confirm.window_of', headline=headline)} >> {tab.selector('confirm.button', label=label)}"


async def confirm_window(tab: Tab, headline: str) -> tuple[str, list[str]]:
    """Wait for the one window of this headline; its text, and the ids of the users that it lists.

    UnknownPage when another window comes up instead, or as well.
    """
    place = tab.at("confirm.window_of", headline=headline)
    try:
        await tab.act(f"waiting for the window {headline!r}", lambda: place.first.wait_for())
    except UnknownPage:
        (await tab.shell(layers=window(headline))).refuse_unknown_layers()
        raise
    shell, found = await tab.read_all(WINDOW, layers=window(headline), headline=headline)
    shell.refuse_unknown_layers()
    if len(found) != 1:
        raise UnknownPage(
            "unknown-dialog",
            "The window that should confirm the change is not there just once.",
            expected=f"one window {headline!r}",
            seen=f"{len(found)} windows",
        )
    return found[0]["text"], found[0]["users"]

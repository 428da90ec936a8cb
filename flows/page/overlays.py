"""Layers that now and then cover a page (hazard 17): known ones are closed, any other stops the flow.

Announcements, guided tours and cookie consent come up on any page [C]; how they are closed is inferred [I].
"""

from __future__ import annotations

from agent.errors import UnknownPage
from flows.page.patience import Patience
from flows.page.shell import Layer, Shell
from flows.page.tab import Tab

_ROUNDS = 4
_CLOSING_SECONDS = 1.5


async def clear(tab: Tab, *, layers: tuple[Layer, ...] = ()) -> Shell:
    """Close every known layer and return the surroundings afterwards (one evaluation when nothing is on top).

    ``layers`` are the keys of windows which the flow itself has opened. UnknownPage for any other window, and for a
    known layer that does not go away.
    """
    for _ in range(_ROUNDS):
        shell = await _without_unknown(tab, layers)
        if not shell.overlays:
            return shell
        for kind in shell.overlays:
            await _close(tab, kind)
    raise UnknownPage(
        "stubborn-overlay",
        "A layer covers the page and does not close.",
        expected="a page with nothing on top",
        seen=", ".join(shell.overlays),
    )


async def cleared(tab: Tab, shell: Shell, *, layers: tuple[Layer, ...] = ()) -> Shell:
    """As :func:`clear`, for a page whose surroundings have just been read: costs nothing when nothing is on top."""
    return await clear(tab, layers=layers) if shell.overlays or shell.unknown_layers else shell


async def _without_unknown(tab: Tab, layers: tuple[Layer, ...]) -> Shell:
    """The surroundings without an unknown window; one that is just closing (hazard 6) is given a moment to go."""
    patience = Patience(_CLOSING_SECONDS)
    while True:
        shell = await tab.shell(layers=layers)
        if not shell.unknown_layers or patience.is_over:
            shell.refuse_unknown_layers()
            return shell
        await patience.pause()


async def _close(tab: Tab, kind: str) -> None:
    places = {
        "announcement": (tab.at("overlay.announcement"), tab.at("overlay.announcement_close")),
        "guide": (tab.at("overlay.guide"), tab.at("overlay.guide_close")),
        "consent": (tab.at("overlay.consent"), tab.at("overlay.consent_close")),
    }
    layer, button = places[kind]
    # One layer may cover the button of another; a click that goes astray could do anything, the event cannot.
    await tab.act(f"closing the {kind} layer", lambda: button.dispatch_event("click"))
    await tab.act(f"waiting for the {kind} layer to go", lambda: layer.wait_for(state="hidden"))

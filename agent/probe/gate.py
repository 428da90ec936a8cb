"""The gate that a probe goes with: it lets nothing through, and remembers what was looked at.

A flow asks its gate right before the click that sends something. So a flow that has come to this gate has opened its
page, compared every region with its known shape, filled its form and found its button: all of it but the write.
"""

from __future__ import annotations

from playwright.async_api import Page

from agent.domain.touch import Target
from flows import ControlUse, Examined, PageReading


class BeforeTheWrite(Exception):
    """A flow has come as far as a probe goes. No AgentError: no flow may take it for a trouble that it can mend."""


class ProbeGate:
    """Refuses every write, for as long as it lives (a :class:`flows.interface.Attendant`)."""

    def __init__(self) -> None:
        self.asked: list[str] = []  #: what would have been sent, in words
        self.examined: list[Examined] = []  #: the regions that were compared, in order

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """Stop right here. Nothing else can come of it: no setting, no state opens this gate."""
        self.asked.append(intent)
        raise BeforeTheWrite(intent)

    async def after(self, page: Page, intent: str) -> None:
        """Not reached, since nothing is sent."""

    async def page_read(self, reading: PageReading) -> None:
        """What is read belongs to nobody's evidence."""

    async def control_used(self, use: ControlUse) -> None:
        """What is used belongs to nobody's evidence."""

    async def shape_examined(self, examined: Examined) -> None:
        """Remember how a region compares with its known shape."""
        self.examined.append(examined)

"""The gate before each write: tells the observers, and in a dry run lets nothing through.

Flows call it once per write, right before the click that sends it. What it counts is what the job has to answer for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Page

from agent.domain.touch import Target
from agent.errors import Failed
from agent.execute.events import ControlUsed, Event, PageRead, ShapeExamined, WriteAnswered, WriteSending
from agent.execute.telling import Telling
from flows import ControlUse, Examined, PageReading


class DryRunViolation(Failed):
    """A flow was about to write in a dry run: a mistake in the agent. The write was stopped."""

    def __init__(self, intent: str) -> None:
        super().__init__(
            "dry-run-write",
            f"A write was attempted in a dry run, and stopped: {intent}",
            expected="reading only",
            seen=intent,
        )


class JobGate:
    """The commit gate of one job, which is also told what is read (a :class:`flows.interface.Attendant`)."""

    def __init__(self, telling: Telling, *, dry_run: bool) -> None:
        self._telling = telling
        self._dry_run = dry_run
        self.sent = 0  #: writes that were let through
        self.answered = 0  #: of those, how many got an answer
        #: awaited last before each write leaves; what it raises stops the write
        self.about_to_send: Callable[[], Awaitable[None]] | None = None
        self.on_examined: Callable[[Examined], None] | None = None  #: told how each region compares with what is known

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """Let one write through; an observer that cannot keep evidence any more raises here, and nothing is sent."""
        if self._dry_run:
            raise DryRunViolation(intent)
        await self._tell(WriteSending(page, intent, target))
        if self.about_to_send is not None:
            await self.about_to_send()
        self.sent += 1

    async def after(self, page: Page, intent: str) -> None:
        """Take note of the answer."""
        self.answered += 1
        await self._tell(WriteAnswered(page, intent))

    async def page_read(self, reading: PageReading) -> None:
        """Tell what was read."""
        await self._tell(PageRead(reading))

    async def control_used(self, use: ControlUse) -> None:
        """Tell what was used."""
        await self._tell(ControlUsed(use))

    async def shape_examined(self, examined: Examined) -> None:
        """Tell how a region compares with its known shape."""
        if self.on_examined is not None:
            self.on_examined(examined)
        await self._tell(ShapeExamined(examined))

    async def _tell(self, event: Event) -> None:
        await self._telling.tell(event)


class GateRelay:
    """The gate that a session's Directory is opened with; each job puts its own gate behind it.

    Without a job behind it nothing can be written.
    """

    def __init__(self) -> None:
        self._gate: JobGate | None = None

    def attach(self, gate: JobGate | None) -> None:
        """Put the gate of the running job here, None when it ends."""
        self._gate = gate

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """Ask the running job's gate; outside a job, refuse."""
        if self._gate is None:
            raise Failed(
                "no-job", f"A write outside a job was stopped: {intent}", expected="a running job", seen="none"
            )
        await self._gate.before(page, intent, target)

    async def after(self, page: Page, intent: str) -> None:
        """Tell the running job's gate."""
        if self._gate is not None:
            await self._gate.after(page, intent)

    async def page_read(self, reading: PageReading) -> None:
        """Tell the running job's gate; what is read outside a job is nobody's evidence."""
        if self._gate is not None:
            await self._gate.page_read(reading)

    async def control_used(self, use: ControlUse) -> None:
        """Tell the running job's gate."""
        if self._gate is not None:
            await self._gate.control_used(use)

    async def shape_examined(self, examined: Examined) -> None:
        """Tell the running job's gate."""
        if self._gate is not None:
            await self._gate.shape_examined(examined)

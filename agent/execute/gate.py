"""The gate before each write: tells the observers, and in a dry run lets nothing through.

Flows call it once per write, right before the click that sends it. What it counts is what the job has to answer for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from playwright.async_api import Page

from agent.domain.touch import Target
from agent.errors import AgentError, Failed, ShapeChanged, UnknownPage, WriteBeforeGate
from agent.execute.events import ControlUsed, Event, Note, PageRead, ShapeExamined, WriteAnswered, WriteSending
from agent.execute.telling import Telling
from flows import ControlUse, Examined, HeldRequest, PageReading

#: How a flow fails besides UnknownPage where the page was kept from sending something.
_OF_A_HELD_REQUEST = frozenset({"page-timeout", "page-unreachable", "browser-error"})


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
        self._held: list[HeldRequest] = []  # before the gate, since the step began
        self._held_back: dict[str, bool] = {}  # all of them, in words, and whether that was told
        self.sent = 0  #: writes that were let through
        self.answered = 0  #: of those, how many got an answer
        #: awaited last before each write leaves; what it raises stops the write
        self.about_to_send: Callable[[], Awaitable[None]] | None = None
        self.on_examined: Callable[[Examined], None] | None = None  #: told how each region compares with what is known

    def begin_step(self) -> None:
        """What was held back until here is no matter of the next step's."""
        self._held.clear()

    def request_held(self, held: HeldRequest) -> None:
        """The page was about to send this, and no write had been let through."""
        self._held.append(held)
        self._held_back.setdefault(held.words, False)

    async def explained(self, error: AgentError) -> AgentError:
        """The error of a step of which nothing was sent: WriteBeforeGate where a held request accounts for it."""
        with contextlib.suppress(AgentError):  # of an observer: the end of the step meets it, too
            await self._tell_held()
        follows = isinstance(error, UnknownPage) or error.code in _OF_A_HELD_REQUEST
        blamed = _words([held for held in self._held if held.by_touch])
        if not blamed or not follows or isinstance(error, ShapeChanged | WriteBeforeGate):
            return error
        return WriteBeforeGate(blamed, seen=error.message)

    async def before(self, page: Page, intent: str, target: Target | None = None) -> None:
        """Let one write through; an observer that cannot keep evidence any more raises here, and nothing is sent.

        WriteBeforeGate when a control of this step that should send nothing was about to: the page is another one than
        is known, whatever it shows now.
        """
        if self._dry_run:
            raise DryRunViolation(intent)
        # Another host of the site may only count clicks: that accounts for trouble, and is none by itself.
        if blamed := _words([held for held in self._held if held.by_touch and held.at_app]):
            raise WriteBeforeGate(blamed)
        await self._tell(WriteSending(page, intent, target))
        if self.about_to_send is not None:
            await self.about_to_send()
        self.sent += 1
        self._held.clear()

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
        await self._tell_held()
        await self._telling.tell(event)

    async def _tell_held(self) -> None:
        # A dry run tells it at its end, from the list of its own guard.
        untold = [words for words, is_told in self._held_back.items() if not is_told and not self._dry_run]
        for words in untold:
            self._held_back[words] = True
            await self._telling.tell(Note("Held back: no write had been let through.", {"request": words}))


def _words(held: Sequence[HeldRequest]) -> str:
    return "; ".join(dict.fromkeys(one.words for one in held))


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

    def request_held(self, held: HeldRequest) -> None:
        """Tell the running job's gate."""
        if self._gate is not None:
            self._gate.request_held(held)

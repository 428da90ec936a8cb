"""One probe of one tenant: every flow walked under two locks, a gate that refuses and a guard in the network.

The guard holds back every request to the app host that is not a reading one, for as long as the probe is on its pages.
It is lifted only to sign in again, on a page of its own, when the session has ended meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Request

from agent.errors import AgentError, Failed, SignedOut, SignInRejected, Uncertain, UnknownPage
from agent.execute.flow_log import FlowLog
from agent.execute.session import OpenedSession
from agent.probe.gate import BeforeTheWrite, ProbeGate
from agent.probe.report import FlowProbe, ProbeReport, Trouble, Verdict
from agent.probe.subjects import NotVisited, Subjects, find_subjects
from agent.probe.walks import ONLY_LEGACY, WALKS
from agent.settings.probe import TenantProbe
from flows import Directory
from flows.names import Flow

LONGEST_S = 1800.0  #: a probe that takes longer is given up
_LEAVING_S = 10.0

#: Seen on every page alike: no flow's trouble, and no reason to look at the next one.
_EVERYWHERE = frozenset(
    {"unknown-language", "no-server-time", "other-account", "other-company", "browser-lost", "browser-hung"}
)
_VERDICTS = {"healthy": Verdict.HEALTHY, "degraded": Verdict.DEGRADED, "quarantined": Verdict.DANGEROUS}
_WORST = (Verdict.HEALTHY, Verdict.DEGRADED, Verdict.DANGEROUS)


class ProbeSession(Protocol):
    """The session that a probe goes on; both kinds of the agent's sessions are one."""

    async def open(self) -> OpenedSession:
        """Signed in, with as little ado as possible."""

    async def renew(self) -> OpenedSession:
        """Sign in again."""

    def reading_only(self) -> AbstractAsyncContextManager[list[str]]:
        """While inside, nothing that could write leaves the browser; yields the list of what was held back."""


@dataclass
class Probe:
    """One probe; :meth:`run` it once. ``gate`` is the one with which the session was made."""

    tenant: str
    session: ProbeSession
    gate: ProbeGate
    account: str
    named: TenantProbe
    most_page_loads: int
    flows: Sequence[Flow] = tuple(WALKS)
    on_flow: Callable[[FlowProbe], None] = lambda found: None
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _found: list[FlowProbe] = field(default_factory=list)
    _held_back: list[str] = field(default_factory=list)
    _loads: int = 0
    _subjects: Subjects | None = None
    _generations: dict[str, str] = field(default_factory=dict)
    _catalogue: str = ""

    async def run(self) -> ProbeReport:
        """Walk the flows. Trouble that ends it stands in the report; only being cancelled is raised."""
        at, began = datetime.fromtimestamp(self.clock(), UTC), self.monotonic()
        trouble = None
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._go()
        except AgentError as error:
            trouble = Trouble(code=error.code, message=error.message)
        except TimeoutError:
            trouble = Trouble(code="probe-too-long", message=f"The probe was given up after {LONGEST_S:g} s.")
        except Exception as error:
            # Not its words: they may hold what stands on a page.
            trouble = Trouble(code="unexpected", message=f"The probe broke: {type(error).__name__}.")
        return ProbeReport(
            tenant=self.tenant,
            at=at,
            took_ms=round((self.monotonic() - began) * 1000),
            generations=self._generations,
            catalogue=self._catalogue,
            flows=tuple(self._found),
            page_loads=self._loads,
            held_back=tuple(self._held_back),
            trouble=trouble,
        )

    async def _go(self) -> None:
        opened = await self.session.open()
        left = list(self.flows)
        with self._counted(opened.page):
            try:
                await self._guarded(opened, left)
                return
            except SignedOut:
                again = await self.session.renew()
        with self._counted(again.page):
            await self._guarded(again, left)

    async def _guarded(self, opened: OpenedSession, left: list[Flow]) -> None:
        """Walk what is left, with the network shut for writing until the last page has been left."""
        async with self.session.reading_only() as held:
            try:
                await self._walk(opened.directory, left)
            finally:
                with contextlib.suppress(PlaywrightError, TimeoutError):
                    await asyncio.wait_for(opened.page.goto("about:blank"), _LEAVING_S)
                self._held_back += held

    async def _walk(self, directory: Directory, left: list[Flow]) -> None:
        if self._subjects is None:
            self._subjects = await find_subjects(directory, self.account, self.named)
        fingerprint = await directory.fingerprint()
        self._generations = dict(fingerprint.generations) or {"company list": fingerprint.generation}
        self._catalogue = fingerprint.catalogue
        while left:
            flow = left[0]
            if flow in ONLY_LEGACY and fingerprint.generation != "legacy":
                found = _unvisited(flow, "the pages of this generation have no such sections")
            elif self._loads >= self.most_page_loads:
                found = _unvisited(flow, f"{self._loads} pages were opened, which is as many as the settings allow")
            else:
                found = await self._one(directory, flow, self._subjects)
            left.pop(0)
            self._found.append(found)
            self.on_flow(found)

    async def _one(self, directory: Directory, flow: Flow, on: Subjects) -> FlowProbe:
        began, looked = self.monotonic(), len(self.gate.examined)
        log, missing, arrived = FlowLog(), [], False
        for walk in WALKS[flow]:
            try:
                await walk(directory, on)
                missing.append("there was nothing to write")
            except BeforeTheWrite:
                arrived = True
            except NotVisited as error:
                missing.append(str(error))
            except UnknownPage as error:
                if error.code in _EVERYWHERE:
                    raise
                log.stopped(flow, error)
            except (SignedOut, SignInRejected):
                raise
            except Uncertain as error:
                log.stopped(flow, _wrote(error))
            except Failed as error:
                if error.code in _EVERYWHERE:
                    raise
                missing.append(f"{error.code}: {error.message}")
        examined = self.gate.examined[looked:]
        for item in examined:
            log.examined(item)
        uses = sorted(log.uses(), key=lambda use: _WORST.index(_VERDICTS[use.state]))
        words = f"Not looked at: {'; '.join(missing)}" if missing else ""
        common = {
            "flow": flow.value,
            "regions": tuple(dict.fromkeys(item.region for item in examined)),
            "took_ms": round((self.monotonic() - began) * 1000),
        }
        if not uses:
            verdict = Verdict.HEALTHY if arrived else Verdict.UNVISITED
            return FlowProbe(verdict=verdict, why=words, **common)
        worst = uses[-1]
        return FlowProbe(
            verdict=_VERDICTS[worst.state],
            code=worst.code,
            why=" ".join(part for part in (worst.why, words) if part),
            region=worst.region,
            findings=worst.findings,
            suspicion=worst.suspicion,
            **common,
        )

    @contextmanager
    def _counted(self, page: Page) -> Iterator[None]:
        """Count the pages that are loaded into the tab."""

        def note(request: Request) -> None:
            if request.is_navigation_request() and request.frame.parent_frame is None:
                self._loads += 1

        page.on("request", note)
        try:
            yield
        finally:
            page.remove_listener("request", note)


def _unvisited(flow: Flow, why: str) -> FlowProbe:
    return FlowProbe(flow=flow.value, verdict=Verdict.UNVISITED, why=why)


def _wrote(error: Uncertain) -> UnknownPage:
    """A flow that has sent something past the gate; the network guard has held it back."""
    return UnknownPage(
        "probe-write",
        "The flow was about to send something without asking; it was held back in the network.",
        expected="a flow that stops at its gate",
        seen=error.code,
    )

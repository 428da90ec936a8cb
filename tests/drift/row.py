"""One row of work: the actions of one side on one generation, level and seed, in one world and one session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from agent.browser.launch import LaunchOptions, WarmBrowser
from fixtures.running import browser_path
from tests.drift.agent_side import agent_side
from tests.drift.arena import Arena
from tests.drift.bare_side import Told, bare_side
from tests.drift.cases import Case
from tests.drift.judge import Claim, Judged, Verdict, judge
from tests.drift.project_cases import case_of

SIDES = ("agent", "bare")
LONGEST_S = 120.0
"""For one job. A job that is not over by then has stopped; it is told as "too long"."""


@dataclass(frozen=True)
class Row:
    """What is to be run. ``only`` names mutations instead of a level's choice; then the level is 0."""

    side: str
    generation: str
    level: int
    seed: int
    only: tuple[str, ...] = ()

    @property
    def drift(self) -> Mapping[str, Any] | None:
        """The sandbox's option."""
        if self.only:
            return {"seed": self.seed, "only": list(self.only)}
        return {"seed": self.seed, "level": self.level} if self.level else None


@dataclass(frozen=True)
class Result:
    """One job of the table."""

    side: str
    generation: str
    level: int
    seed: int
    only: tuple[str, ...]
    action: str
    verdict: str
    claim: str
    left: str
    why: str  # the agent's error code
    said: str
    findings: tuple[str, ...]
    active: tuple[str, ...]  # mutations in force
    met: tuple[str, ...]  # those that its pages bore
    dangerous: tuple[str, ...]  # the dangerous ones of these
    milliseconds: int

    @property
    def is_wrong(self) -> bool:
        """A wrong write, or an end told falsely."""
        return self.verdict == Verdict.WRONG

    def told(self) -> dict[str, Any]:
        """As a line of the results."""
        return asdict(self)


class Side(Protocol):
    """Who does a job."""

    async def run(self, case: Case) -> Told:
        """Do it, and say how it ended."""


@asynccontextmanager
async def warm_browser(folder: Path) -> AsyncIterator[WarmBrowser]:
    """The browser of one lane of work; both sides use it, each with contexts of its own."""
    traces = folder / "traces"
    traces.mkdir(parents=True, exist_ok=True)
    async with WarmBrowser(LaunchOptions(Path(browser_path()), (), traces)) as warm:
        yield warm


@asynccontextmanager
async def side_of(row: Row, arena: Arena, browser: WarmBrowser, folder: Path) -> AsyncIterator[Side]:
    """Who runs the row."""
    if row.side == "agent":
        async with agent_side(arena, browser, folder) as agent:
            yield agent
    else:
        async with bare_side(arena, await browser.ready(), row.generation) as bare:
            yield bare


async def run_row(
    row: Row, actions: Sequence[str], arena: Arena, browser: WarmBrowser, folder: Path
) -> AsyncIterator[Result]:
    """Every action of the row, one after the other, each judged by itself. ``folder`` is new for each row.

    Signing in does not drift for a bare script: it signs in first. The agent reads the tenant at its first job, and
    meets the drift there.
    """
    arena.prepare(row.generation, None if row.side == "bare" else row.drift)
    async with side_of(row, arena, browser, folder) as side:
        if row.side == "bare":
            arena.drift(row.drift)
        for action in actions:
            yield await run_case(row, case_of(action, row.seed), arena, side)


async def run_case(row: Row, case: Case, arena: Arena, side: Side) -> Result:
    """One job, and its judgement."""
    arena.start(case)
    before = arena.truth()
    began = time.monotonic()
    told = await _within(LONGEST_S, side, case)
    spent = time.monotonic() - began
    after, touched, met = arena.truth(), arena.touched(), arena.met()
    judged: Judged = judge(before, after, case.wanted, told.claim, touched)
    return Result(
        side=row.side,
        generation=row.generation,
        level=row.level,
        seed=row.seed,
        only=row.only,
        action=case.action,
        verdict=judged.verdict,
        claim=told.claim,
        left=judged.left,
        why=told.why,
        said=told.said[:400],
        findings=judged.findings,
        active=arena.active(),
        met=met.mutations,
        dangerous=met.dangerous,
        milliseconds=round(spent * 1000),
    )


async def _within(seconds: float, side: Side, case: Case) -> Told:
    """The job's own end. One that takes too long is cancelled; the agent then words an end of its own."""
    task = asyncio.ensure_future(side.run(case))
    done, _ = await asyncio.wait([task], timeout=seconds)
    if done:
        return task.result()
    task.cancel()
    await asyncio.wait([task])
    told = Told(Claim.UNSURE) if task.cancelled() else task.result()
    return replace(told, why="too long")

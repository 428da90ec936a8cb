"""Goes through recorded jobs again, one after the other, in one browser that reaches nobody."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

import agent
from agent.errors import Failed, Mender, RetrySafe
from agent.replay.decide import decide
from agent.replay.findings import Replay
from agent.replay.pages import FrozenJob, RecordedPagesOfJob
from agent.replay.recheck import Against, Recheck
from agent.replay.record import NotReplayable, RecordedJob
from flows import Catalogue, rechecking_for

TODAY, RECORDED = "today", "recorded"


@dataclass(frozen=True)
class Wish:
    """With what to go through jobs again.

    ``catalogue`` None: that of this agent. ``flow_version`` "today": today's readings and decisions; "recorded": the
    readings as they ran then, and no decisions, since those are not recorded as code; a version number: today's where
    this agent has that version, the recorded ones where the job was made with it, refused otherwise.
    """

    catalogue: Catalogue | None = None
    flow_version: str = TODAY

    def uses_recorded(self, job: RecordedJob) -> bool:
        """Whether the readings as they ran then are asked for. Failed("no-such-flow-version")."""
        if self.flow_version in (TODAY, agent.__version__):
            return False
        if self.flow_version in (RECORDED, job.version):
            return True
        raise Failed(
            "no-such-flow-version",
            f"{job.name} cannot be gone through with version {self.flow_version} of the flows: only those that a job "
            "was made with and those that are installed can be run.",
            expected=f"{TODAY} ({agent.__version__}) or {RECORDED} ({job.version or 'not known'})",
            seen=self.flow_version,
            mender=Mender.OPERATOR,
            retry_safe=RetrySafe.NO,
        )


@asynccontextmanager
async def replay_job(folder: Path, browser: Browser, wish: Wish) -> AsyncIterator[tuple[Replay, FrozenJob]]:
    """Go through one job. NotReplayable, RecordingNotUnderstood, Failed("no-such-flow-version").

    While inside, the frozen pages are still open, for pictures.
    """
    began = time.monotonic()
    job = RecordedJob(folder)
    recorded = wish.uses_recorded(job)
    recordings = job.recordings
    if not recordings:
        raise NotReplayable("its recording was not kept", expected="the evidence of a job, with trace.zip")
    catalogue = wish.catalogue or Catalogue.load()
    rechecking = rechecking_for(str(job.fingerprint.get("generation", "legacy")))
    against = Against(rechecking, catalogue, scripts_of_then=recorded)
    made_with = {told.reading: told.script for told in job.told if told.reading}
    changed = [name for name, sha256 in made_with.items() if rechecking.script_sha256(name) != sha256]
    replay = Replay(
        name=job.name,
        folder=str(folder),
        version_then=job.version,
        version_now=job.version if recorded else agent.__version__,
        catalogue_then=job.catalogue.sha256 if job.catalogue else str(job.fingerprint.get("catalogue", "")),
        catalogue_now=catalogue.sha256,
        changed_scripts=tuple(sorted(changed)),
    )
    pages = RecordedPagesOfJob(job, recordings)
    async with FrozenJob(browser, recordings) as frozen:
        await Recheck(job, pages, frozen, against, replay).run()
        if not recorded:
            await decide(job, pages, frozen, against, replay)
        replay.outgoing = frozen.outgoing
        replay.seconds = time.monotonic() - began
        yield replay, frozen

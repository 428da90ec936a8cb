"""Claims jobs and runs them side by side, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from agent.audit.ledgers import Ledgers
from agent.browser.find import find_browser
from agent.browser.launch import LaunchOptions
from agent.browser.orphans import end_orphans
from agent.browser.shared import SharedBrowser, Wear
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.errors import AgentError, Failed
from agent.evidence.budget import EvidenceRoom
from agent.evidence.presence import complete, unfinished
from agent.policy.windows import openings
from agent.queue.ending import Ending, GiveBack, Held, Trouble
from agent.queue.interface import ClaimLost, Queue
from agent.queue.record import Claim, Hold
from agent.settings import Settings
from agent.worker.claimed import ClaimedJob
from agent.worker.equipment import traces_folder
from agent.worker.freshness import Freshness
from agent.worker.nightly import NightProbes
from agent.worker.room import RoomWatch
from agent.worker.shop import Shop
from agent.worker.status import RunningJob, SessionStatus, WorkerStatus
from agent.worker.stops import GIVEN_BACK
from agent.worker.telemetry import NoTelemetry, Telemetry
from agent.worker.upkeep import tidy_evidence

_log = structlog.get_logger()
_LOOK_AT_WINDOWS_S = 60.0  # write windows open and close while nothing else happens
_CLAIM_AGAIN_S = 5.0
_IDLE_S = 1.0  # a queue that gives nothing for so long has nothing that is due
_GIVE_BACK_S = 5.0  # what the queue may take to have a job back while the agent leaves
_SEAL_S = 10.0  # what a cancelled run may take to seal its evidence


class Worker:
    """Works an open queue off; one per process. :meth:`run` until :meth:`drain`, or until cancelled."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        telemetry: Telemetry | None = None,
        *,
        store: CredentialStore | None = None,
        known: KnownSecrets | None = None,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        once: bool = False,
    ) -> None:
        """``once``: the run ends when nothing is due any more."""
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._settings = settings
        self._queue = queue
        self._once = once
        telemetry = telemetry or NoTelemetry()
        limits = settings.worker
        store = store or CredentialStore()
        known = known if known is not None else KnownSecrets()
        self.ledgers = Ledgers.of_settings(settings, store, known)
        self._shop = Shop(
            settings=settings,
            queue=queue,
            browsers=SharedBrowser(
                self._launch_options(),
                Wear(limits.browser_max_age_s, limits.browser_max_jobs, limits.browser_max_mib),
                on_start=telemetry.browser_started,
            ),
            store=store,
            known=known,
            telemetry=telemetry,
            ledgers=self.ledgers,
            clock=clock,
            chance=chance,
        )
        self._disk = RoomWatch(
            EvidenceRoom.of(settings.paths.evidence, settings.evidence),
            queue,
            telemetry,
            tuple(settings.tenants),
            self.tidy,
            clock,
        )
        self._room = asyncio.Semaphore(limits.jobs_at_once)
        self._stop = asyncio.Event()
        self._running: dict[asyncio.Task[None], ClaimedJob] = {}
        self._freshness = Freshness(self._shop, self._tenants_at_work)
        self._probes = NightProbes(self._shop, self._tenants_at_work, self._note_pause)
        self._ended = 0
        self._claims = 0
        self._seal_s = _SEAL_S
        self._paused_at: dict[str, int] = {}  # tenant -> how many claims there were when its pause was put on record

    def status(self) -> WorkerStatus:
        """As it is now."""
        accesses = self._shop.accesses
        return WorkerStatus(
            name=self.name,
            jobs_at_once=self._settings.worker.jobs_at_once,
            draining=self._shop.draining.asked,
            running=tuple(
                RunningJob(
                    job_id=job.record.id,
                    tenant=job.record.tenant,
                    action=job.record.op,
                    doing=job.watch.doing,
                    since=job.since,
                    evidence=str(job.folder or ""),
                )
                for job in self._running.values()
            ),
            browser=self._shop.browsers.status,
            sessions=tuple(
                SessionStatus(
                    name,
                    accesses[name].is_signed_in if name in accesses else False,
                    accesses[name].age_s if name in accesses else None,
                )
                for name in self._settings.tenants
            ),
            ended=self._ended,
            no_room=self._disk.trouble,
        )

    async def run(self) -> None:
        """Work until drained; orphaned browsers of a killed agent are ended before the first claim.

        Raises Failed("evidence-unwritable") when the evidence folder cannot be used at all.
        """
        paths = self._settings.paths
        ended, left = await asyncio.gather(
            asyncio.to_thread(end_orphans, paths.state), asyncio.to_thread(unfinished, paths.evidence)
        )
        if ended:
            _log.warning("orphaned-browsers-ended", count=ended)
        aside = [
            asyncio.create_task(self._complete(left)),
            asyncio.create_task(self._warm_up()),
            asyncio.create_task(self._disk.hold_reserve()),
        ]
        try:
            await self._serve()
        finally:
            await self._close(aside)

    def begin_drain(self) -> None:
        """Claim no more, and stop each running job at its next boundary."""
        self._shop.draining.asked = True
        self._stop.set()

    async def drain(self) -> None:
        """Stop in order: what is running is given back at its next boundary, or, after the limit, cancelled."""
        self.begin_drain()
        tasks = set(self._running)
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.worker.stop_limit_s)
        await self.leave(seal_s=_SEAL_S)

    async def leave(self, seal_s: float = 0.0) -> None:
        """Stop now: cancel what runs, and give back what does not end in time. Its evidence is completed by the next
        start."""
        self.begin_drain()
        self._seal_s = seal_s
        left = {task: job for task, job in self._running.items() if not task.done()}
        for task in left:
            task.cancel()
        if left and seal_s:
            await asyncio.wait(left, timeout=seal_s)
        for task, job in left.items():
            if not task.done() or task.cancelled():
                # A queue that does not answer gets its job back by the next start.
                with contextlib.suppress(ClaimLost, AgentError, TimeoutError):
                    ending = Ending(GiveBack(GIVEN_BACK), evidence=str(job.folder or ""))
                    await asyncio.wait_for(self._queue.finish(job.claim, ending), _GIVE_BACK_S)

    async def complete_evidence(self) -> None:
        """Complete what other processes (``agent run-job``) left unfinished that were killed while this one runs."""
        await self._complete(await asyncio.to_thread(unfinished, self._settings.paths.evidence))

    def tidy(self) -> None:
        """Remove evidence that has been kept long enough. Blocks; what could not be done is logged."""
        for trouble in tidy_evidence(self._settings, self.ledgers).troubles:
            _log.warning("evidence-not-tidied", text=trouble)

    async def tidy_evidence(self) -> None:
        """As :meth:`tidy`, in a thread."""
        await asyncio.to_thread(self.tidy)
        await self._disk.hold_reserve()

    async def keep_sessions(self) -> None:
        """Visit what is idle and will be needed soon, and seal all sessions as they are then."""
        await self._freshness.look()
        await self._seal_sessions()

    async def probe(self) -> None:
        """Begin the nightly probe of a tenant for which it is due; it goes on beside the work."""
        await self._probes.look()

    def _tenants_at_work(self) -> set[str]:
        return {job.record.tenant for job in self._running.values()}

    def _note_pause(self, tenant: str) -> None:
        self._paused_at[tenant] = self._claims

    async def _seal_sessions(self) -> None:
        """So that a start after a crash need not sign in."""
        for access in list(self._shop.accesses.values()):
            await access.seal()

    # --- claiming ---

    async def _serve(self) -> None:
        while not self._stop.is_set():
            await self._room.acquire()
            claim = await self._next()
            if claim is None:
                self._room.release()
                if self._once and not self._running:
                    break
                continue
            self._begin(claim)
        while self._running:
            await asyncio.wait(set(self._running))

    async def _next(self) -> Claim | None:
        """The next claim; None when it is time to look up: asked to stop, the hour has changed, nothing is due."""
        if self._stop.is_set():
            return None
        if not await self._disk.has_room():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _CLAIM_AGAIN_S)
            return None
        now = datetime.fromtimestamp(self._shop.clock(), UTC)
        claiming = asyncio.create_task(self._queue.next_claim(self.name, openings(self._settings, now)))
        stopping = asyncio.create_task(self._stop.wait())
        limit = _IDLE_S if self._once else _LOOK_AT_WINDOWS_S
        try:
            await asyncio.wait({claiming, stopping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            claiming.cancel()
        try:
            claim = await claiming
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            return None
        except Failed as error:  # the disk is full, the database away: it goes on when that has passed
            _log.error("nothing-claimed", code=error.code, text=error.message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _CLAIM_AGAIN_S)
            return None
        if self._stop.is_set():
            await self._queue.finish(claim, Ending(GiveBack(GIVEN_BACK)))
            return None
        if not await self._disk.has_room():  # the wait for the claim may have been long
            await self._queue.finish(claim, Ending(GiveBack("No room for evidence: it was not begun.")))
            return None
        return claim

    def _begin(self, claim: Claim) -> None:
        self._claims += 1
        tenant = claim.job.tenant
        if tenant in self._paused_at and self._claims > self._paused_at[tenant]:
            # Claimed although its pause is on record: so it has been resumed.
            del self._paused_at[tenant]
            self._shop.forget_rejection(tenant)
        job = ClaimedJob(self._shop, claim)
        task = asyncio.create_task(self._work(job), name=f"job {claim.job.id}")
        self._running[task] = job
        task.add_done_callback(self._over)

    async def _work(self, job: ClaimedJob) -> None:
        try:
            ending = await job.run()
        except Exception as error:  # a mistake in the agent, outside of what a run catches
            _log.exception("job-run-broken", queue_job=job.record.id)
            ending = await job.put_on_record(_broken(error, job))
        if ending is not None and ending.pause is not None:
            self._paused_at[job.record.tenant] = self._claims

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task)
        self._ended += 1
        self._room.release()

    # --- beginning and ending ---

    def _launch_options(self) -> LaunchOptions:
        settings = self._settings
        hosts = [host for tenant in settings.tenants.values() for host in tenant.hosts]
        return LaunchOptions(
            executable=find_browser(settings.browser.executable, headed=settings.browser.headed),
            allowed_hosts=tuple(dict.fromkeys(hosts)),
            traces_dir=traces_folder(settings),
            headed=settings.browser.headed,
            slow_ms=settings.browser.slow_ms,
            state=settings.paths.state,
        )

    def _learn_secrets(self) -> None:
        """Know what must not stand in evidence before any is completed; what is missing is told with the jobs."""
        for name in self._settings.tenants:
            with contextlib.suppress(AgentError):
                self._shop.access(name).know_stored()

    async def _complete(self, left: tuple[Path, ...]) -> None:
        """Complete the evidence of killed runs, beside the work."""
        await asyncio.to_thread(self._learn_secrets)
        if not left:
            return
        for line in await asyncio.to_thread(
            complete, left, traces_folder(self._settings), self._shop.known, self.ledgers.sink, self._shop.keeping
        ):
            _log.info("evidence-completed", text=line)

    async def _warm_up(self) -> None:
        """Have a browser ready for the first job; a job that finds none says why."""
        with contextlib.suppress(AgentError):
            await self._shop.browsers.give_back(await self._shop.browsers.take())

    async def _close(self, aside: list[asyncio.Task[None]]) -> None:
        self.begin_drain()
        await self._probes.stop()
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._seal_s)
        for task in aside:
            task.cancel()
        await asyncio.gather(*aside, return_exceptions=True)
        await self._seal_sessions()
        await self._disk.drop_reserve()
        await self._shop.browsers.close()


def _broken(error: Exception, job: ClaimedJob) -> Ending:
    """Nobody knows how far it came: a person looks."""
    said = f"Something unexpected happened in the agent ({type(error).__name__}); please report it with the evidence."
    held = Held(Hold.UNCERTAIN, said, trouble=Trouble("uncertain", "unexpected", said))
    return Ending(held, evidence=str(job.folder) if job.folder is not None else None)

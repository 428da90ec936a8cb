"""The queue of several hosts: the port over the ledger in PostgreSQL and the engine's lanes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException

from agent.errors import AgentError, Failed
from agent.queue.ending import Ending
from agent.queue.hosts import tables
from agent.queue.hosts.connection import Password, Unreachable
from agent.queue.hosts.demand import Ask, Demand
from agent.queue.hosts.engine import LaneEngine, connector
from agent.queue.hosts.patience import AGAIN_S, ANSWER_S, PatientQueue
from agent.queue.hosts.pulse import Times
from agent.queue.hosts.tickets import TASK, Held, Tickets, queue_of
from agent.queue.interface import ClaimLost, Openings, Wish
from agent.queue.ledger import budget, claiming, finishing, submitting
from agent.queue.ledger import tenants as tenant_rows
from agent.queue.ledger.database import Ledger
from agent.queue.record import Accepted, Claim, JobRecord, NewJob, Spending, Spent, TenantState

Result = TypeVar("Result")

EXIT_CLAIM_LOST = 75  #: of the process: start me again (EX_TEMPFAIL)
_LANES_AT_ONCE = 64  # more than a host ever asks for
_STEP_S = 15.0  # so long a running job waits for it at a step boundary
_FOREVER_S = float("inf")

_log = structlog.get_logger(__name__)
_NOBODY: Mapping[str, frozenset[str]] = MappingProxyType({})


def exit_at_once() -> None:
    """End the process without another instruction: a browser of ours may be in the middle of a write."""
    os._exit(EXIT_CLAIM_LOST)


@dataclass
class _Running:
    """A claim of this host, and the lane that is kept for it."""

    claim: Claim
    over: asyncio.Event = field(default_factory=asyncio.Event)


class PostgresQueue(PatientQueue):
    """One host's hand on the queue that all hosts share."""

    def __init__(
        self,
        url: str,
        password: Password = lambda: None,
        channels: Mapping[str, frozenset[str]] = _NOBODY,
        *,
        clock: Callable[[], float] = time.time,
        times: Times | None = None,
        on_claim_lost: Callable[[], None] = exit_at_once,
    ) -> None:
        """Not yet opened. ``on_claim_lost``: another host has a job that this one was working on."""
        super().__init__(url, password, channels, clock)
        self.url = url
        self._password = password
        self._times = times or Times()
        self._on_claim_lost = on_claim_lost
        self._tickets = Tickets(self._db)
        self._app: App | None = None
        self._running: dict[int, _Running] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._unheard: set[asyncio.Task[Any]] = set()

    # --- life ---

    async def open(self, tenants: Mapping[str, int]) -> None:
        """Join the hosts of this queue; jobs of these tenants are claimed here, and of no others.

        Raises Failed("queue-unreachable"), Refused("queue-newer").
        """
        assert self._thread is None, "the queue is open"
        self._is_closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._database = self._db
        self._demand = Demand()
        self._look = asyncio.Event()
        try:
            await self._in_thread(lambda: tables.bring_up(self._db))
            await self._write(self._set_limits, dict(tenants))
            connections = connector(self.url, self._password)
            self._app = App(connector=connections)
            self._engine = LaneEngine(connections, self._demand, self._times, self._declared_dead)
            self._app.job_manager = self._engine
            self._app.task(name=TASK, pass_context=True)(self._work_lane)
            await self._app.open_async()
            self._loops = [
                asyncio.create_task(self._run_engine([queue_of(name) for name in sorted(tenants)])),
                asyncio.create_task(self._run_upkeep()),
            ]
            await self._engine.registered.wait()
        except ConnectorException as error:
            await self.close()
            raise Unreachable(str(error.__cause__ or error)) from error
        except BaseException:
            await self.close()
            raise

    async def maintain(self, keep_s: float) -> int:
        """Forget what ended longer ago than this, and the marks of connections that are long gone."""
        gone = await super().maintain(keep_s)
        await self._write(self._forget_marks)
        return gone

    def _forget_marks(self, ledger: Ledger) -> None:
        ledger.rows("DELETE FROM ledger_writer WHERE at < now() - interval '7 days'")

    async def close(self) -> None:
        """Leave the others. What is still claimed goes back as after a crash, at once; waiting claims are cancelled."""
        if self._thread is None:
            return
        self._is_closing = True
        if self._app is not None:
            self._engine.end()
        engine, upkeep = self._loops or (None, None)
        if upkeep is not None:
            upkeep.cancel()
            await asyncio.wait([upkeep])
        while self._unheard:
            await asyncio.wait(self._unheard)
        if self._loops:
            with suppress(AgentError):
                await self._persist(ANSWER_S, self._abandon)
        for running in self._running.values():
            running.over.set()
        self._running.clear()
        if engine is not None:
            engine.cancel()
            await asyncio.wait([engine])
        if self._app is not None:
            await self._app.close_async()
        self._loops, self._app = [], None
        await self._in_thread(self._db.close)
        thread, self._thread = self._thread, None
        thread.shutdown(wait=False)  # it is idle: the line above was its last work

    def _set_limits(self, ledger: Ledger, limits: Mapping[str, int]) -> None:
        """Take over the limits of our tenants. Others belong to another host, or to nobody if there is none."""
        alone = not self._tickets.anybody_lives(ledger, self._times.stale_s)
        tenant_rows.set_limits(ledger, limits, are_all=alone)

    def _abandon(self, ledger: Ledger) -> None:
        """Let go of what this host still has, so that nobody needs to find out that it is gone."""
        for row in ledger.rows("SELECT job_id, ticket FROM lane ORDER BY job_id"):
            running = self._running.get(row["job_id"])
            if running is not None:
                self._tickets.vacate(ledger, row["job_id"])
        self._tickets.sweep(ledger)
        self._tickets.ensure_all(ledger)

    # --- what follows from each transaction ---

    def _within(self, ledger: Ledger, result: object) -> None:
        """What a person steers may let the tenant's jobs run: tell the engine in the same transaction."""
        if isinstance(result, JobRecord):
            self._tickets.ensure(ledger, result.tenant)
        elif isinstance(result, TenantState):
            self._tickets.ensure(ledger, result.name)

    def _stirred_by(self, result: object) -> None:
        if isinstance(result, JobRecord | TenantState) and (result.not_before or 0) > 0:
            self._look.set()  # something will be due by time alone
        if self._app is not None:
            self._engine.wake()  # sooner than the notification, which may find nobody listening yet

    # --- ways in ---

    async def submit(self, jobs: Sequence[NewJob]) -> tuple[Accepted, ...]:
        """Accept all, or none."""
        return await self._write(self._submit, tuple(jobs))

    def _submit(self, ledger: Ledger, jobs: tuple[NewJob, ...]) -> tuple[Accepted, ...]:
        accepted = submitting.submit(ledger, jobs)
        for tenant in sorted({job.tenant for job in jobs}):
            self._tickets.ensure(ledger, tenant)
        return accepted

    # --- work ---

    async def next_claim(self, worker: str, openings: Openings | None = None) -> Claim:
        """The next job; waits for a lane. Raises Failed("queue-unwritable") when a claim cannot be put on disk."""
        ask = Ask(worker, openings or Openings())
        self._demand.add(ask)
        try:
            return await ask.answer
        except asyncio.CancelledError:
            if ask.answer.done() and not ask.answer.cancelled() and ask.answer.exception() is None:
                self._in_background(self._give_back(ask.answer.result()))
            raise

    async def _work_lane(self, context: JobContext, tenant: str, lane: str) -> None:
        """Procrastinate's task: keep the lane for one job, from claim to end."""
        assert context.job.id is not None, "a task without a number"
        ask = self._engine.ask_of(context.job.id)
        held = Held(context.job.id, self._engine.host, lane)
        claim: Claim | None = None
        try:
            claim = await self._persist(_FOREVER_S, self._claim, held, tenant, ask)
        except Failed as error:
            if ask.is_open:
                ask.answer.set_exception(error)
        finally:
            if claim is None:
                self._demand.put_back(ask)
        if claim is None:
            return
        running = self._running[claim.job.id] = _Running(claim)
        if ask.is_open:
            ask.answer.set_result(claim)
        else:
            self._in_background(self._give_back(claim))
        await running.over.wait()

    def _claim(self, ledger: Ledger, held: Held, tenant: str, ask: Ask) -> Claim | None:
        """The tenant's next job, if the lane is (still) this host's."""
        if self._is_closing or not self._tickets.is_ours(ledger, held):
            return None
        claim = claiming.claim(ledger, ask.worker, ask.openings, tenant)
        if claim is not None:
            self._tickets.occupy(ledger, held, claim.job.id)
            self._tickets.ensure(ledger, tenant)
        return claim

    async def _give_back(self, claim: Claim) -> None:
        """Undo a claim that nobody received."""

        def unclaim(ledger: Ledger) -> None:
            claiming.unclaim(ledger, claim)
            self._tickets.vacate(ledger, claim.job.id)
            self._tickets.ensure(ledger, claim.job.tenant)

        with suppress(ClaimLost):
            await self._persist(_FOREVER_S, unclaim)
        self._let_go(claim)

    async def guard(self, claim: Claim) -> Wish:
        """Whether the claim still holds, and whether to stop.

        Answers only while this host is alive in the eyes of the others, and will be for the time of a write. Raises
        Unreachable when it cannot find out.
        """
        end = self._engine.pulse.now() + _STEP_S
        while True:
            if not self._engine.pulse.is_fresh():
                await self._engine.beat()
            wish = await self._own(claim, self._patiently(_STEP_S, lambda: self._look_at(claim)))
            if self._engine.pulse.is_fresh():
                return wish
            if self._engine.pulse.now() >= end:
                raise Unreachable("no heartbeat of this host was heard lately")
            await asyncio.sleep(AGAIN_S)

    def _look_at(self, claim: Claim) -> Wish:
        with self._db.reading():
            return claiming.guard(self._ledger(), claim)

    async def progress(self, claim: Claim, data: Mapping[str, Any]) -> None:
        """The step under way. A write comes next: answers, like :meth:`guard`, only while this host is alive."""
        await self._own(claim, self._persist(_STEP_S, claiming.progress, claim, data))
        if not self._engine.pulse.is_fresh():
            await self.guard(claim)

    async def spend(self, claim: Claim, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
        """Take from the tenant's budget."""
        return await self._own(claim, self._persist(_STEP_S, budget.spend, claim, wanted))

    async def finish(self, claim: Claim, ending: Ending) -> JobRecord:
        """The end of a run; waits for a server that is away, for as long as it takes."""
        return await asyncio.shield(self._in_background(self._finish(claim, ending)))

    async def _finish(self, claim: Claim, ending: Ending) -> JobRecord:
        def end(ledger: Ledger) -> JobRecord:
            record = finishing.finish(ledger, claim, ending)
            self._tickets.vacate(ledger, claim.job.id)
            return record

        record = await self._own(claim, self._persist(_FOREVER_S, end))
        self._let_go(claim)
        return record

    # --- claims that are lost ---

    async def _own(self, claim: Claim, asking: Coroutine[Any, Any, Result]) -> Result:
        """The answer; a claim that we believed to have, and another host has, ends the process."""
        try:
            return await asking
        except ClaimLost:
            if self._let_go(claim):
                _log.error("claim-lost", job=claim.job.id, tenant=claim.job.tenant)
                self._on_claim_lost()
            raise

    def _let_go(self, claim: Claim) -> bool:
        """Free the lane of a claim; whether this host had it."""
        running = self._running.get(claim.job.id)
        if running is None or running.claim.fence != claim.fence:
            return False
        del self._running[claim.job.id]
        running.over.set()
        return True

    def _declared_dead(self) -> None:
        """Others have buried this host, and have its jobs by now."""
        if not self._running:
            return
        for running in self._running.values():
            running.over.set()
        self._running.clear()
        self._on_claim_lost()

    def _in_background(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._unheard.add(task)
        task.add_done_callback(self._unheard.discard)
        return task

    # --- loops ---

    async def _run_engine(self, queues: Sequence[str]) -> None:
        """Procrastinate's worker; a new one should it ever give up."""
        assert self._app is not None
        while True:
            try:
                await self._app.run_worker_async(
                    queues=queues,
                    concurrency=_LANES_AT_ONCE,
                    wait=True,
                    listen_notify=True,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    update_heartbeat_interval=self._times.beat_s,
                    fetch_job_polling_interval=self._times.poll_s,
                    abort_job_polling_interval=3600,  # lanes are not aborted this way
                )
            except ConnectorException as error:
                _log.warning("engine-stopped", error=str(error.__cause__ or error))
            except Exception:  # a mistake, here or in the engine: without it this host would look alive and do nothing
                _log.exception("engine-broken")
            await asyncio.sleep(AGAIN_S)

    async def look(self) -> None:
        """Look now for hosts that are gone and jobs that have become due; it happens by itself every few seconds."""
        await self._write(self._keep_up)

    async def _run_upkeep(self) -> None:
        """Find hosts that are gone and jobs that have become due."""
        while True:
            wait_s = self._times.rescue_s
            try:
                wait_s = min(wait_s, await self._persist(_FOREVER_S, self._keep_up))
            except Failed as error:
                _log.warning("upkeep-failed", code=error.code, seen=error.seen)
            except Exception:  # a mistake: the next round may do better, and others look as well
                _log.exception("upkeep-broken")
            with suppress(TimeoutError):
                async with asyncio.timeout(max(wait_s, 0.05)):
                    await self._look.wait()
            self._look.clear()

    def _keep_up(self, ledger: Ledger) -> float:
        """Rescue, give up what is to be given up, hand out tickets; in how many seconds something more is due."""
        if self._engine.pulse.may_rescue(self._tickets.server_time(ledger)):
            buried = self._tickets.bury(ledger, self._times.stale_s)
            if buried:
                _log.warning("hosts-buried", number=buried)
        rescued = self._tickets.sweep(ledger)
        if rescued:
            _log.warning("jobs-rescued", number=rescued)
        finishing.expire(ledger)
        self._tickets.ensure_all(ledger)
        due = claiming.next_due(ledger)
        return self._times.rescue_s if due is None else due - ledger.now

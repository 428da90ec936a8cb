"""What both queues have in common: the ledger's operations, each in one transaction, away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from agent.queue.ending import Ending
from agent.queue.interface import Depth, JobFilter, Wish
from agent.queue.ledger import (
    budget,
    claiming,
    finishing,
    flows,
    grants,
    jobs,
    looking,
    notices,
    people,
    steering,
    submitting,
    tenants,
    upkeep,
)
from agent.queue.ledger.database import Database, Ledger
from agent.queue.record import (
    Accepted,
    Claim,
    FlowEvent,
    FlowReport,
    FlowState,
    Grant,
    JobEvent,
    JobRecord,
    NewGrant,
    NewJob,
    NewNotice,
    Notice,
    Spending,
    Spent,
    TenantState,
)

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Operation = Callable[Concatenate[Ledger, Parameters], Result]


class LedgerQueue:
    """A queue over a ledger; what is left to the adapters is opening, waking up and claiming."""

    def __init__(self, channels: Mapping[str, frozenset[str]], clock: Callable[[], float]) -> None:
        """``channels``: who is told of what; ``clock``: seconds since the epoch."""
        self._channels = channels
        self._clock = clock
        self._database: Database | None = None
        self._thread: ThreadPoolExecutor | None = None

    # --- for the adapters ---

    def _ledger(self) -> Ledger:
        """The ledger now; only in the queue's thread."""
        assert self._database is not None, "the queue is not open"
        return Ledger(self._database, self._clock(), self._channels)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        """Run in the one thread that the connection belongs to. If the caller is cancelled, the work goes on."""
        assert self._thread is not None, "the queue is not open"
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _read(
        self,
        operation: Callable[Concatenate[Ledger, Parameters], Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Look, without a lock: works on a full disk, too."""
        return await self._in_thread(lambda: operation(self._ledger(), *arguments, **named))

    async def _write(
        self,
        operation: Callable[Concatenate[Ledger, Parameters], Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Change something, all or nothing, on disk when this returns; then look who waits for it."""

        def work() -> Result:
            ledger = self._ledger()
            with ledger.db.transaction():
                result = operation(ledger, *arguments, **named)
                self._within(ledger, result)
                return result

        try:
            return await self._in_thread(work)
        finally:
            self._stirred()

    def _within(self, ledger: Ledger, result: object) -> None:
        """What an adapter adds to each transaction, by its result."""

    def _stirred(self) -> None:
        """Something has changed: a waiting claim may succeed now."""

    # --- ways in ---

    async def submit(self, jobs: Sequence[NewJob]) -> tuple[Accepted, ...]:
        """Accept all, or none."""
        return await self._write(submitting.submit, tuple(jobs))

    # --- work ---

    async def guard(self, claim: Claim) -> Wish:
        """Whether the claim still holds, and whether to stop."""
        return await self._read(claiming.guard, claim)

    async def later_removals(self, job_id: int) -> Mapping[str, tuple[JobRecord, ...]]:
        """Who is taken off projects by jobs accepted later."""
        return await self._read(lambda ledger: people.later_removals(ledger, jobs.find(ledger, job_id)))

    async def progress(self, claim: Claim, data: Mapping[str, Any]) -> None:
        """The step under way."""
        await self._write(claiming.progress, claim, data)

    async def finish(self, claim: Claim, ending: Ending) -> JobRecord:
        """The end of a run."""
        return await self._write(finishing.finish, claim, ending)

    # --- ways to look ---

    async def job(self, job_id: int) -> JobRecord:
        """One job."""
        return await self._read(jobs.find, job_id)

    async def jobs(self, which: JobFilter) -> tuple[JobRecord, ...]:
        """Jobs, by number."""
        return await self._read(looking.jobs, which)

    async def events(self, job_id: int) -> tuple[JobEvent, ...]:
        """A job's history."""
        return await self._read(looking.events, job_id)

    async def depths(self) -> tuple[Depth, ...]:
        """How many jobs wait and run."""
        return await self._read(looking.depths)

    async def tenants(self) -> tuple[TenantState, ...]:
        """Tenants with limits and pauses."""
        return await self._read(tenants.states)

    # --- a person steers ---

    async def cancel(self, job_id: int, by: str) -> JobRecord:
        """Cancel."""
        return await self._write(steering.cancel, job_id, by)

    async def retry(self, job_id: int, by: str) -> JobRecord:
        """Run again."""
        return await self._write(steering.retry, job_id, by)

    async def approve(self, job_id: int, by: str, approval: Mapping[str, Any]) -> JobRecord:
        """Lift an approval hold."""
        return await self._write(steering.approve, job_id, by, approval)

    async def resolve(self, job_id: int, by: str) -> JobRecord:
        """Let the agent check."""
        return await self._write(steering.resolve, job_id, by)

    async def hand_over(self, job_id: int, by: str, reason: str, data: Mapping[str, Any]) -> JobRecord:
        """Make it a person's task."""
        return await self._write(steering.hand_over, job_id, by, reason, data)

    async def pause(self, tenant: str, by: str, why: str, until: float | None = None) -> TenantState:
        """Claim nothing of this tenant."""
        return await self._write(tenants.pause, tenant, by, why, until)

    async def resume(self, tenant: str, by: str) -> TenantState:
        """Claim again."""
        return await self._write(tenants.resume, tenant)

    # --- flows ---

    async def flow_states(self, tenant: str | None = None) -> tuple[FlowState, ...]:
        """How the flows are."""
        return await self._read(flows.states, tenant)

    async def flow_events(self, tenant: str, flow: str, limit: int = 50) -> tuple[FlowEvent, ...]:
        """A flow's history."""
        return await self._read(flows.events, tenant, flow, limit)

    async def set_flow_state(self, tenant: str, told: FlowReport) -> FlowState:
        """What was seen of a flow."""
        return await self._write(flows.report, tenant, told)

    async def release_flow(self, tenant: str, flow: str, by: str, why: str) -> FlowState:
        """Use it again."""
        return await self._write(flows.release, tenant, flow, by, why)

    # --- budget ---

    async def spend(self, claim: Claim, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
        """Take from the tenant's budget."""
        return await self._write(budget.spend, claim, wanted)

    async def spend_outside(self, tenant: str, key: str, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
        """Take from it for a job that is not in the queue."""
        return await self._write(budget.spend_outside, tenant, key, wanted)

    # --- time-limited access ---

    async def grants(
        self, *, tenant: str | None = None, due_at: float | None = None, overdue_at: float | None = None
    ) -> tuple[Grant, ...]:
        """Open grants."""
        return await self._read(grants.open_grants, tenant, due_at, overdue_at)

    async def add_grants(self, job_id: int, tenant: str, person: str, grants_given: Sequence[NewGrant]) -> None:
        """Remember grants."""
        await self._write(grants.add, job_id, tenant, person, grants_given)

    async def mark_revoking(self, grant_id: int, job_id: int) -> None:
        """A job revokes it."""
        await self._write(grants.mark_revoking, grant_id, job_id)

    # --- notices ---

    async def tell(self, notice: NewNotice) -> None:
        """Put a notice on record."""
        await self._write(notices.tell, [notice])

    async def notices_due(self, limit: int = 20) -> tuple[Notice, ...]:
        """Notices to be sent."""
        return await self._read(notices.due, limit)

    async def notice_sent(self, notice_id: int) -> None:
        """It has arrived."""
        await self._write(notices.sent, notice_id)

    async def notice_failed(self, notice_id: int, not_before: float, error: str) -> None:
        """It has not."""
        await self._write(notices.failed, notice_id, not_before, error)

    # --- maintenance ---

    async def maintain(self, keep_s: float) -> int:
        """Forget what ended longer ago than this."""
        ended_before = self._clock() - keep_s
        gone = 0
        while True:
            number = await self._write(upkeep.forget, ended_before)
            gone += number
            if number < upkeep.CHUNK:
                break
        await self._write(upkeep.forget_the_rest, ended_before)
        return gone

"""The port of the queue: what the worker, the ways in and the ways to look need of it; two adapters behind it.

Promises of every adapter, held by one contract suite (``tests/queue``):

* an accepted job is on disk before :meth:`Queue.submit` returns, and a batch is accepted as a whole or not at all;
* it is attempted until done, dead, cancelled or superseded; each attempt runs all steps from the top;
* never two jobs of one person at a time, and a person's jobs run in the order of their acceptance; a job about many
  people is a job of each of them, which a removal from projects passes as long as it has not come to a write;
* never more running jobs of a tenant than its limit; none is claimed while the tenant is paused;
* a claim that has been taken over can put nothing on record any more: :class:`ClaimLost`.

Not promised: that a run ends on record exactly once. A process may die between the effect and the record; the next run
then finds the effect and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.errors import Failed, Refused
from agent.queue.ending import Ending
from agent.queue.record import (
    Accepted,
    Claim,
    FlowEvent,
    FlowReport,
    FlowState,
    Grant,
    JobEvent,
    JobRecord,
    JobState,
    NewGrant,
    NewJob,
    NewNotice,
    Notice,
    Spending,
    Spent,
    TenantState,
)


class ClaimLost(Failed):
    """Another worker has this job now: stop at once, write nothing, put nothing on record."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            "claim-lost",
            f"Job {job_id} was taken over by another worker.",
            expected="the claim under which the run began",
            seen="a later one",
        )


class QueueOwned(Refused):
    """Another process owns the queue file."""


class NoSuchJob(Refused):
    """No job has this number."""

    def __init__(self, job_id: int) -> None:
        super().__init__("no-such-job", f"There is no job {job_id}.", expected="a number that `agent jobs list` shows")


class NotPossibleNow(Refused):
    """The job is not in a state in which this can be done."""


@dataclass(frozen=True)
class Wish:
    """What :meth:`Queue.guard` answers at a step boundary."""

    stop: bool  # somebody asked to cancel, or a later offboard made the job pointless
    why: str = ""
    comes_back: bool = False  # stopped to begin anew, without people whom a later offboard concerns
    left_out: Mapping[str, int] = field(default_factory=dict)  # of many people: who is left out, for which offboard


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are asked for; None is "any"."""

    tenant: str | None = None
    person: str | None = None
    states: frozenset[JobState] | None = None
    held: bool | None = None
    batch: str | None = None
    ops: frozenset[str] | None = None
    due_by: float | None = None  # accepted, and dated, before or at this time
    needed_by: float | None = None  # with a ``needed_by`` before or at this time
    finished_since: float | None = None  # ended at or after this time
    after_id: int = 0  # for paging; ascending by id
    newest_first: bool = False
    limit: int = 100


@dataclass(frozen=True)
class Depth:
    """How many jobs of a tenant are in a state at a priority, and since when the oldest is due."""

    tenant: str
    priority: int
    state: JobState
    held: bool
    count: int
    oldest_at: float | None


READING_OPS = frozenset({"read", "snapshot"})  #: actions that change nothing
REMOVE_MANY = "bulk_remove_from_project"
#: actions that only take people off projects: they wait for no job about many people that has not come to a write
REVOKING_OPS = frozenset({"remove_from_projects", REMOVE_MANY})


@dataclass(frozen=True)
class Openings:
    """What may be claimed now, besides limits and pauses.

    ``closed`` names tenants outside their write window: only ``exempt_ops`` (offboard, read, ...) are claimed there,
    and jobs that only check. In those of them that ``reads_only`` names, only :data:`READING_OPS` are exempt.
    """

    closed: frozenset[str] = frozenset()
    exempt_ops: frozenset[str] = frozenset()
    reads_only: frozenset[str] = frozenset()


class Queue(Protocol):
    """The durable queue."""

    # --- life ---

    async def open(self, tenants: Mapping[str, int]) -> None:
        """Take the queue (tenant name -> jobs at once) and put orphans of dead processes back.

        Raises QueueOwned, Failed("queue-broken"), Refused("queue-newer") for a file of a later version.
        """

    async def close(self) -> None:
        """Let it go. What is still claimed is an orphan of the next start."""

    # --- ways in ---

    async def submit(self, jobs: Sequence[NewJob]) -> tuple[Accepted, ...]:
        """Accept all, or none. Raises Refused("request-key-reused") when a known key comes with another wish, and
        Failed("queue-unwritable") when the disk is full."""

    # --- work ---

    async def next_claim(self, worker: str, openings: Openings | None = None) -> Claim:
        """The next job to run; waits until there is one. Cancelling the wait loses nothing."""

    async def guard(self, claim: Claim) -> Wish:
        """At each step boundary and right before each write: is it still ours? Raises ClaimLost."""

    async def later_removals(self, job_id: int) -> Mapping[str, tuple[JobRecord, ...]]:
        """Jobs accepted later that take people of a job about many off projects, by person and in order.

        They may have gone before it, and what they took away it must not give. Without those that wait for it, since it
        has come to a write. Raises NoSuchJob.
        """

    async def progress(self, claim: Claim, data: Mapping[str, Any]) -> None:
        """Put the step under way on record, on disk when this returns. Raises ClaimLost."""

    async def finish(self, claim: Claim, ending: Ending) -> JobRecord:
        """Put the end of a run on record, with everything that follows from it. Raises ClaimLost."""

    # --- ways to look ---

    async def job(self, job_id: int) -> JobRecord:
        """One job. Raises NoSuchJob."""

    async def jobs(self, which: JobFilter) -> tuple[JobRecord, ...]:
        """Jobs, by number."""

    async def events(self, job_id: int) -> tuple[JobEvent, ...]:
        """A job's history, oldest first. Raises NoSuchJob."""

    async def depths(self) -> tuple[Depth, ...]:
        """Counts for status and metrics."""

    async def tenants(self) -> tuple[TenantState, ...]:
        """Tenants with limits and pauses."""

    # --- a person steers; ``by`` names who ---

    async def cancel(self, job_id: int, by: str) -> JobRecord:
        """Cancel: at once when queued, at the next step boundary when running. Raises NotPossibleNow when over."""

    async def retry(self, job_id: int, by: str) -> JobRecord:
        """Run a dead or held job again, or a waiting one at once; attempts and crashes count from zero."""

    async def approve(self, job_id: int, by: str, approval: Mapping[str, Any]) -> JobRecord:
        """Lift an approval hold; ``approval`` is what was approved. Raises NotPossibleNow when there is none."""

    async def resolve(self, job_id: int, by: str) -> JobRecord:
        """Let the agent check, by reading only, whether a held or dead job's wish is fulfilled meanwhile."""

    async def hand_over(self, job_id: int, by: str, reason: str, data: Mapping[str, Any]) -> JobRecord:
        """Turn a queued or dead job into a task for a person."""

    async def pause(self, tenant: str, by: str, why: str, until: float | None = None) -> TenantState:
        """Claim no more jobs of this tenant. Raises Refused("unknown-tenant")."""

    async def resume(self, tenant: str, by: str) -> TenantState:
        """Claim again. Raises Refused("unknown-tenant")."""

    # --- flows: ways of writing, each with its state in each tenant ---

    async def flow_states(self, tenant: str | None = None) -> tuple[FlowState, ...]:
        """Flows of which anything was ever said, by tenant and name; all others are healthy."""

    async def flow_events(self, tenant: str, flow: str, limit: int = 50) -> tuple[FlowEvent, ...]:
        """A flow's history, newest first."""

    async def set_flow_state(self, tenant: str, told: FlowReport) -> FlowState:
        """Put on record what was seen of a flow; tells people, once, when it is worse than before.

        A quarantine stays whatever is said: only :meth:`release_flow` ends it. Raises Refused("unknown-tenant").
        """

    async def release_flow(self, tenant: str, flow: str, by: str, why: str) -> FlowState:
        """A person has looked: the flow is used again. Raises NotPossibleNow("flow-not-quarantined")."""

    # --- budget ---

    async def spend(self, claim: Claim, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
        """Take all of this from the tenant's budget, or nothing where there is no room for one of them.

        In one transaction. A job spends each kind once in its window: a second run within it finds room without being
        counted again, a later one asks anew. Raises ClaimLost.
        """

    async def spend_outside(self, tenant: str, key: str, wanted: Sequence[Spending]) -> tuple[Spent, ...]:
        """The same for a job that is not in the queue, by its idempotency key. Raises Refused("unknown-tenant")."""

    # --- time-limited access ---

    async def grants(
        self, *, tenant: str | None = None, due_at: float | None = None, overdue_at: float | None = None
    ) -> tuple[Grant, ...]:
        """Open grants; with ``due_at`` only those that end by then and for which nothing was enqueued yet, with
        ``overdue_at`` only those that end by then and for which something was."""

    async def add_grants(self, job_id: int, tenant: str, person: str, grants: Sequence[NewGrant]) -> None:
        """Remember grants outside of :meth:`finish`; replaces open ones of the same person and thing."""

    async def mark_revoking(self, grant_id: int, job_id: int) -> None:
        """A job that takes the access away is in the queue; the grant is closed when that job is done."""

    # --- notices ---

    async def tell(self, notice: NewNotice) -> None:
        """Put a notice on record for every channel that wants its kind; one per ``key``."""

    async def notices_due(self, limit: int = 20) -> tuple[Notice, ...]:
        """Notices that have not reached their channel."""

    async def notice_sent(self, notice_id: int) -> None:
        """It has arrived."""

    async def notice_failed(self, notice_id: int, not_before: float, error: str) -> None:
        """It has not; again at ``not_before``."""

    # --- maintenance ---

    async def maintain(self, keep_s: float) -> int:
        """Forget ended jobs older than this, with their events; the ledger's own upkeep. Returns how many went."""

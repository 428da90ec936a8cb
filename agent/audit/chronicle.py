"""Keeps the ledgers in step with the queue: what was accepted, what ended, and that a period is over.

It asks the queue what is there and the ledger what it has, and enters the difference; nothing is remembered between two
looks that does not follow from these two. So a restart, a kill in mid-entry or a week of downtime costs a delay, never
an entry too many or too few. What is in the ledger is read under the ledger's lock, right before entries are added.

Where several hosts share a queue (PostgreSQL), each host's ledger has *all* jobs of the queue for the tenants in its
settings, so that each one alone proves how many there were; the evidence of a run is with the host that ran it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from agent.audit.accounts import Accounts
from agent.audit.canonical import canonical
from agent.audit.entries import Kind
from agent.audit.ledger import AuditLedger, Head
from agent.audit.ledgers import Ledgers
from agent.audit.periods import PeriodKind, due_periods
from agent.audit.timestamping import stamp, trusted_roots
from agent.errors import AgentError
from agent.evidence.folder import timestamp
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import JobRecord, JobState
from agent.settings import Settings

_OVER = frozenset({JobState.DONE, JobState.DEAD, JobState.CANCELLED, JobState.SUPERSEDED})
_PAGE = 500
_IDS_AGAIN = 200  # numbers may become visible out of order where several hosts submit
_ENDS_AGAIN_S = 600.0
_ALL_AGAIN_S = 3600.0
_STAMP_AGAIN_S = 600.0
_DAY_S = 86_400.0

Item = tuple[Kind, Mapping[str, Any]]

_log = structlog.get_logger()


class Chronicle:
    """The scan that keeps the ledgers: :meth:`look` again and again, :meth:`run` for the look at the end."""

    def __init__(
        self,
        settings: Settings,
        queue: Queue,
        ledgers: Ledgers,
        *,
        told: Callable[[str, Head], None] = lambda tenant, head: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``told`` hears after each look how a tenant's ledger stands."""
        self._settings = settings
        self._queue = queue
        self._ledgers = ledgers
        self._told = told
        self._clock = clock
        self._monotonic = monotonic
        self._accounts: dict[str, Accounts] = {}
        self._last_end: dict[str, float] = {}  # newest end seen, by the queue's clock
        self._all_seen: dict[str, float] = {}  # when all of the queue was last compared
        self._no_stamp_before = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled; then all of the queue is compared once more, so that the last jobs' ends are entered."""
        try:
            await asyncio.Event().wait()
        finally:
            with contextlib.suppress(AgentError):  # logged; the next start enters what is missing
                await self._look(everything=True)

    async def look(self) -> None:
        """Enter what is new, for every tenant. One tenant's trouble does not keep the others from being entered.

        Raises the first trouble afterwards: Failed "ledger-unwritable", "ledger-broken", or what the queue raises.
        """
        await self._look(everything=False)

    async def _look(self, *, everything: bool) -> None:
        trouble: AgentError | None = None
        async with self._one_at_a_time:
            for tenant in self._settings.tenants:
                try:
                    await self._look_at(tenant, everything)
                except AgentError as error:
                    _log.error("chronicle-failed", tenant=tenant, code=error.code, reason=error.message)
                    trouble = trouble or error
        if trouble is not None:
            raise trouble

    async def _look_at(self, tenant: str, everything: bool) -> None:
        ledger = self._ledgers.of(tenant)
        accounts = self._accounts.setdefault(tenant, Accounts())
        await asyncio.to_thread(accounts.catch_up, ledger.folder)  # the long first time without the ledger's lock
        now = datetime.fromtimestamp(self._clock(), UTC)
        due = await asyncio.to_thread(_due, ledger, now, self._settings.audit.period)
        last = self._all_seen.get(tenant)
        everything = everything or bool(due) or last is None or self._monotonic() - last >= _ALL_AGAIN_S
        jobs = await (self._all(tenant) if everything else self._recent(tenant, accounts))
        head = await asyncio.to_thread(self._enter, ledger, accounts, jobs, now if everything else None)
        if everything:
            self._all_seen[tenant] = self._monotonic()
        ends = [job.finished_at for job in jobs if job.finished_at is not None]
        self._last_end[tenant] = max([*ends, self._last_end.get(tenant, 0.0)])
        await self._have_stamped(ledger, accounts)
        self._told(tenant, head)

    # --- the queue ---

    async def _all(self, tenant: str) -> list[JobRecord]:
        return await self._pages(JobFilter(tenant=tenant, limit=_PAGE))

    async def _recent(self, tenant: str, accounts: Accounts) -> list[JobRecord]:
        first = max(0, accounts.highest - _IDS_AGAIN)
        since = max(0.0, self._last_end.get(tenant, 0.0) - _ENDS_AGAIN_S)
        new = await self._pages(JobFilter(tenant=tenant, after_id=first, limit=_PAGE))
        ended = await self._pages(JobFilter(tenant=tenant, states=_OVER, finished_since=since, limit=_PAGE))
        return sorted({job.id: job for job in (*new, *ended)}.values(), key=lambda job: job.id)

    async def _pages(self, which: JobFilter) -> list[JobRecord]:
        found: list[JobRecord] = []
        while True:
            page = await self._queue.jobs(which)
            found += page
            if len(page) < which.limit:
                return found
            which = replace(which, after_id=page[-1].id)

    # --- the ledger: in a thread ---

    def _enter(
        self, ledger: AuditLedger, accounts: Accounts, jobs: Sequence[JobRecord], closing: datetime | None
    ) -> Head:
        """Enter the difference; ``closing``: and close the periods that are over by then, ``jobs`` being all there
        are."""
        with ledger.exclusive():
            accounts.catch_up(ledger.folder)
            items = [item for job in jobs for item in _difference(job, accounts)]
            if items:
                ledger.append_all(items)
                accounts.catch_up(ledger.folder)
            if closing is not None:
                close_periods(ledger, accounts, closing, self._settings.audit.period, jobs)
            ledger.retire_due(self._settings.audit.overlap_days * _DAY_S)
            head = ledger.head()
            if head.unsigned and ledger.can_sign:
                ledger.sign()
                accounts.catch_up(ledger.folder)
                head = ledger.head()
            return head

    async def _have_stamped(self, ledger: AuditLedger, accounts: Accounts) -> None:
        """Have the checkpoint over the last period stamped, where an authority is named; a failure is told only."""
        audit = self._settings.audit
        is_due = accounts.last_period >= accounts.witnessed and self._monotonic() >= self._no_stamp_before
        if audit.tsa_url is None or audit.tsa_roots is None or not is_due:
            return
        try:
            await asyncio.to_thread(_stamp, ledger, accounts.last_period, audit.tsa_url, audit.tsa_roots)
        except AgentError as error:
            self._no_stamp_before = self._monotonic() + _STAMP_AGAIN_S
            _log.warning("checkpoint-not-stamped", tenant=ledger.tenant, code=error.code, reason=error.message)


def close_periods(
    ledger: AuditLedger, accounts: Accounts, now: datetime, period: PeriodKind, jobs: Sequence[JobRecord] = ()
) -> None:
    """Enter each period that is over by ``now``; ``jobs`` are those of the queue. Under the ledger's lock."""
    for begin, end in _due(ledger, now, period):
        data = {"from": timestamp(begin), "to": timestamp(end), **accounts.counts(timestamp(end))}
        ledger.append(Kind.PERIOD, {**data, "open": _open(accounts, jobs)})
        accounts.catch_up(ledger.folder)


def close_quiet_periods(ledger: AuditLedger, period: PeriodKind, now: datetime) -> None:
    """The same for an installation that has no queue: by ``agent run-job``, before it begins.

    Where the ledger knows jobs of a queue, this is left to the agent that owns it.
    """
    if not _due(ledger, now, period):
        return
    accounts = Accounts()
    with ledger.exclusive():
        accounts.catch_up(ledger.folder)
        if not accounts.over:
            close_periods(ledger, accounts, now, period)
            ledger.sign()


def _due(ledger: AuditLedger, now: datetime, period: PeriodKind) -> list[tuple[datetime, datetime]]:
    head = ledger.head()
    begin = head.period_end or head.opened_at
    return due_periods(datetime.fromisoformat(begin), now, period) if begin else []


def _difference(job: JobRecord, accounts: Accounts) -> list[Item]:
    """What the ledger lacks of a job."""
    items: list[Item] = []
    known = accounts.is_known(job.id)
    if not known:
        items.append((Kind.ACCEPTED, _accepted(job)))
    was_over = accounts.over.get(job.id, "")
    if job.state in _OVER and job.finished_at is not None:
        at = _moment(job.finished_at)
        if was_over and was_over != at:
            items.append((Kind.REOPENED, {"queue": job.id}))
        if was_over != at:
            items.append((Kind.ENDED, _ended(job, at)))
    elif was_over:
        items.append((Kind.REOPENED, {"queue": job.id}))
    return items


def _accepted(job: JobRecord) -> dict[str, Any]:
    reason = job.args.get("reason") or {}
    return {
        "job": {"queue": job.id, "job_id": None},
        "action": job.op,
        "person": job.person,
        "reason": {name: reason.get(name) for name in ("ticket", "requested_by", "approved_by")},
        "request_sha256": hashlib.sha256(canonical(dict(job.args))).hexdigest(),
        "at": _moment(job.created_at),
        "source": job.created_by,
    }


def _ended(job: JobRecord, at: str) -> dict[str, Any]:
    evidence = Path(job.evidence).name if job.evidence else None
    return {
        "queue": job.id,
        "state": job.state.value,
        "job_id": evidence,
        "error_kind": job.error_kind,
        "at": at,
    }


def _open(accounts: Accounts, jobs: Sequence[JobRecord]) -> dict[str, int]:
    """The jobs that the ledger has as open, by what the queue says of them."""
    states = {job.id: job for job in jobs}
    counted = {"queued": 0, "running": 0, "waiting": 0, "missing": 0}
    for queue, ended in accounts.over.items():
        if ended:
            continue
        job = states.get(queue)
        if job is None:
            counted["missing"] += 1
        elif job.state is JobState.RUNNING:
            counted["running"] += 1
        else:
            counted["waiting" if job.hold is not None else "queued"] += 1
    return counted


def _stamp(ledger: AuditLedger, period: int, url: str, roots: Path) -> None:
    note = ledger.latest_note()
    if note is not None and ledger.head().signed > period:
        stamp(ledger, note, url, trusted_roots(roots))


def _moment(at: float) -> str:
    return timestamp(datetime.fromtimestamp(at, UTC))

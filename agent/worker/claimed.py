"""One claimed job from its claim to the record of its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from agent.domain.names import normal_email
from agent.domain.person import TenantFacts
from agent.errors import AgentError
from agent.execute import wording
from agent.execute.alone import PersonLockFile
from agent.execute.ending import verdict_of
from agent.execute.gate import GateRelay
from agent.execute.outcome import Outcome, Verdict
from agent.execute.resends import ResendFiles
from agent.execute.run import Orders, run_job
from agent.execute.trail import Trail
from agent.handover.instructions import instructions
from agent.jobs.bulk import BulkJob
from agent.jobs.grants import WITHOUT_END, grants_of, over_by
from agent.jobs.model import ChangeEmail, Job, Offboard, people_of
from agent.notify.notices import notices_for
from agent.plan.steps import Plan
from agent.policy.approval import asked, covers
from agent.policy.budget import inactivates, over_budget
from agent.policy.check import ApprovalNeeded
from agent.queue.admission import job_of
from agent.queue.ending import Done, Ending, Held
from agent.queue.interface import ClaimLost
from agent.queue.record import Claim, Hold, JobRecord, Mode, NewGrant, Spending, Spent
from agent.settings import Tenant
from agent.worker.asking import joined_wishes, later_removals, origin_of
from agent.worker.equipment import limits_of, locks_file, resends_folder
from agent.worker.flows import quarantined_in, reports_of
from agent.worker.judgement import Judgement, Moment, judge, out_of_use
from agent.worker.shop import Shop, WorkSession
from agent.worker.stops import QueueBoundary
from agent.worker.watch import Watch

_log = structlog.get_logger()
_FINISH_AGAIN_S = 5.0
_CHANGED = frozenset({"saved", "settled by observation", "partly saved", "unknown"})


class ClaimedJob:
    """A job in the worker's hands. :meth:`run` it once; what it raises is a mistake in the agent, or a cancellation."""

    def __init__(self, shop: Shop, claim: Claim) -> None:
        self._shop = shop
        self.claim = claim
        self.record: JobRecord = claim.job
        self.watch = Watch(self.record.tenant, shop.telemetry)
        self.since = shop.clock()
        self.folder: Path | None = None
        self._job: Job | None = None
        self._ended: JobRecord | None = None
        self._facts: TenantFacts | None = None
        self._boundary = QueueBoundary(
            shop.queue, claim, shop.draining, lambda: self.folder, self._remember_ends_of_access
        )

    async def run(self) -> Ending | None:
        """Run it, judge the outcome, and put the end on record; None when the job is another worker's by now."""
        outcome = await self._outcome()
        if self._boundary.lost:
            _log.warning("claim-lost", queue_job=self.record.id, evidence=str(self.folder or ""))
            return None
        return await self._finish(outcome)

    # --- running ---

    async def _outcome(self) -> Outcome:
        record, shop = self.record, self._shop
        try:
            self._job = job = job_of(record)
            trail = Trail.parse(record.progress.get("trail", {}))
            _, tenant = shop.settings.tenant(record.tenant)
            relay = GateRelay()
            joined = joined_wishes(await shop.queue.events(record.id))
            offboarded = (await shop.queue.guard(self.claim)).left_out if isinstance(job, BulkJob) else {}
            removals = await later_removals(shop.queue, record.id) if isinstance(job, BulkJob) else {}
            session, account = await asyncio.to_thread(shop.session, record.tenant, relay)
        except AgentError as error:
            return _outcome_of(error, record.tenant)
        recorder = shop.recorder(account, record)

        def folder() -> Path | None:
            self.folder = recorder.folder
            return recorder.folder

        self._boundary.evidence = folder
        self._boundary.before_first_write = lambda: self._remember_ends_of_access(session)
        orders = self._orders(job, tenant, trail, folder)
        orders = replace(orders, joined=joined, offboarded=offboarded, removals=removals)
        in_order = False
        try:
            outcome = await run_job(job, session, relay, [recorder, self.watch], orders)
            in_order = outcome.verdict in (Verdict.DONE, Verdict.REFUSED, Verdict.WAITING)
            self._facts = session.names() or self._facts
            return outcome
        finally:
            folder()
            await session.close(in_order=in_order)

    def _orders(self, job: Job, tenant: Tenant, trail: Trail, folder: Any) -> Orders:
        record, shop = self.record, self._shop

        async def budget(plan: Plan) -> Sequence[ApprovalNeeded]:
            if not inactivates(plan):
                return ()

            async def spend(wanted: Sequence[Spending]) -> Sequence[Spent]:
                return await shop.queue.spend(self.claim, wanted)

            return await over_budget(spend, job.action, self.watch.people, tenant.policy)

        def permits(needed: Sequence[ApprovalNeeded], plan: Plan) -> bool:
            return covers(record.approval, needed, plan)

        checks = record.mode is Mode.CHECK
        return Orders(
            rules=tenant.policy,
            results=folder,
            limits=limits_of(tenant),
            resends=ResendFiles(resends_folder(shop.settings)),
            locks=PersonLockFile(locks_file(shop.settings)),
            check_since=datetime.fromtimestamp(record.created_at, UTC) if checks else None,
            permits=permits,
            budget=budget,
            boundary=self._boundary,
            trail=Trail() if checks else trail,
            shared_session=tenant.max_running > 1,
            quarantined=quarantined_in(shop.queue, record.tenant),
            origin=origin_of(record),
        )

    # --- access with an end ---

    async def _remember_ends_of_access(self, session: WorkSession | None = None) -> None:
        """Before anything is given: should this process die, the clock still takes it away in time."""
        if session is not None:
            self._facts = session.names() or self._facts
        ending = [grant for grant in self._grants() if grant.expires_at != WITHOUT_END]
        if ending:
            record = self.record
            await self._shop.queue.add_grants(record.id, record.tenant, record.person, ending)

    def _grants(self) -> tuple[NewGrant, ...]:
        return grants_of(self._job, self._projects) if self._job is not None else ()

    @property
    def _projects(self) -> Sequence[Any]:
        return self._facts.projects if self._facts is not None else ()

    # --- ending ---

    async def _finish(self, outcome: Outcome) -> Ending | None:
        ending, judgement = await self._ending(outcome)
        if await self.put_on_record(ending) is None or self._ended is None:
            return None
        self._tell(outcome, self._ended, judgement)
        return ending

    async def put_on_record(self, ending: Ending) -> Ending | None:
        """Tell the queue how the run ended, however long its disk is full; None when the job is another worker's."""
        while True:
            try:
                self._ended = await self._shop.queue.finish(self.claim, ending)
                return ending
            except ClaimLost:
                _log.warning("claim-lost", queue_job=self.record.id, evidence=str(self.folder or ""))
                return None
            except AgentError as error:  # the job stays ours until its end can be put on record
                _log.error("queue-unwritable", queue_job=self.record.id, code=error.code, text=error.message)
                await asyncio.sleep(_FINISH_AGAIN_S)

    async def _ending(self, outcome: Outcome) -> tuple[Ending, Judgement]:
        shop, record, job = self._shop, self.record, self._job
        moment = Moment(
            now=shop.clock(),
            part=shop.chance(),
            failures=shop.failures.get(record.tenant, 0),
            stop=self._boundary.stop if self._boundary.stop is not None else shop.draining.stop,
            stop_words=self._boundary.words or shop.draining.words,
        )
        judgement = judge(record, outcome, shop.rules, moment)
        shop.failures[record.tenant] = judgement.failures  # at once: others of the tenant are judged meanwhile
        how = judgement.how
        if isinstance(how, Held) and not how.data:
            how = replace(how, data=self._hold_data(how.hold, outcome))
        is_done = isinstance(how, Done)
        has_changed = any(step.state in _CHANGED for step in outcome.steps)
        ending = Ending(
            how=how,
            result=_result(outcome, self.folder),
            evidence=str(self.folder) if self.folder is not None else None,
            grants=self._grants() if is_done or has_changed else (),
            revoked=await self._revoked() if is_done else (),
            closes_grants=is_done and isinstance(job, Offboard),
            renamed_to=normal_email(job.new_email) if is_done and isinstance(job, ChangeEmail) else None,
            pause=judgement.pause,
            flows=reports_of(outcome, evidence=str(self.folder or ""), job_id=record.id),
        )
        return replace(ending, notices=notices_for(record, ending)), judgement

    async def _revoked(self) -> tuple[int, ...]:
        if self._job is None:
            return ()
        record = self.record
        with contextlib.suppress(AgentError):
            open_ones = await self._shop.queue.grants(tenant=record.tenant)
            people = people_of(self._job) if isinstance(self._job, BulkJob) else (record.person,)
            mine = [grant for grant in open_ones if grant.person in people]
            return over_by(self._job, mine, self._projects)
        return ()

    def _hold_data(self, hold: Hold, outcome: Outcome) -> dict[str, Any]:
        record, plan = self.record, self.watch.plan
        if record.mode is Mode.CHECK and record.hold_data:
            return dict(record.hold_data)
        if hold is Hold.APPROVAL:
            return asked(outcome.approvals, plan or Plan())
        if self._job is None:
            return {}
        tenant = self._shop.settings.tenants[record.tenant]
        flows = out_of_use(outcome)
        told = instructions(self._job, self.watch.left if flows else plan, outcome.error, tenant, record.id)
        return {**told.model_dump(mode="json"), **({"flows": list(flows)} if flows else {})}

    def _tell(self, outcome: Outcome, ended: JobRecord, judgement: Judgement) -> None:
        """One line that says how the run ended, and where to look for the rest; no name or address stands in it."""
        shop, record, now = self._shop, self.record, self._shop.clock()
        is_leaver = isinstance(judgement.how, Done) and record.op == "offboard"
        # The date of a retry is its back-off's: the person has waited all the time.
        waited_since = record.created_at if record.attempt > 1 else max(record.created_at, record.not_before)
        seconds = max(0.0, now - self.since)
        shop.telemetry.job_ended(
            record.tenant, record.op, outcome.verdict.value, seconds, now - waited_since if is_leaver else None
        )
        if self.folder is not None:
            shop.telemetry.evidence_kept(record.tenant, _bytes_in(self.folder))
        _log.info(
            "job-run-ended",
            queue_job=record.id,
            tenant=record.tenant,
            action=record.op,
            mode=record.mode.value,
            verdict=outcome.verdict.value,
            how=type(judgement.how).__name__.lower(),
            state=ended.state.value,
            hold=ended.hold.value if ended.hold is not None else None,
            code=(outcome.error or {}).get("cause") or (outcome.error or {}).get("code"),
            attempt=record.attempt,
            steps=len(outcome.steps),
            seconds=round(seconds, 2),
            waited_s=round(max(0.0, self.since - waited_since), 2),
            paused=judgement.pause is not None,
            evidence=str(self.folder) if self.folder is not None else None,
        )


def _outcome_of(error: AgentError, tenant: str) -> Outcome:
    """The outcome of a run that could not begin."""
    return Outcome(
        verdict=verdict_of(error),
        summary=error.message,
        error=error.diagnostics(),
        next_step=wording.next_step(error, tenant),
    )


def _result(outcome: Outcome, folder: Path | None) -> dict[str, Any]:
    return {
        "verdict": outcome.verdict.value,
        "summary": outcome.summary,
        "next_step": outcome.next_step,
        "nothing_to_do": outcome.nothing_to_do,
        "steps": [{"title": step.title, "state": step.state, "detail": step.detail} for step in outcome.steps],
        "files": {name: str(folder / file) for name, file in outcome.files.items()} if folder is not None else {},
    }


def _bytes_in(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return 0

"""The canary's nights: each tenant's probe begins when it is due, beside the work, on the tenant's own sign-in.

One tenant at a time, and none whose jobs run now or that is paused: a probe is never worth a leaver's wait. What it
finds goes on record for each flow; who has to know is told by the queue, once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import structlog

from agent.errors import AgentError
from agent.notify.notices import paused_by_probe, probe_failed
from agent.policy.hours import parse_zone
from agent.probe.due import is_due
from agent.probe.gate import ProbeGate
from agent.probe.probe import Probe
from agent.probe.report import KeptProbes, ProbeReport, Trouble, Verdict, flow_reports
from agent.queue.record import PROBE
from agent.settings.probe import NEVER
from agent.worker.shop import Shop
from agent.worker.troubles import SIGN_IN

_AGAIN_S = 3600.0  # a probe that failed is tried again after this

_log = structlog.get_logger()


class NightProbes:
    """Looks after the probes of a worker; ``at_work`` names the tenants whose jobs run now."""

    def __init__(self, shop: Shop, at_work: Callable[[], Iterable[str]], on_pause: Callable[[str], None]) -> None:
        """``on_pause`` is told when a tenant was paused, because its sign-in was rejected."""
        self._shop = shop
        self._at_work = at_work
        self._on_pause = on_pause
        self._kept = KeptProbes(shop.settings.paths.state)
        self._failed_at: dict[str, float] = {}
        self._under_way: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Begin the next probe that is due, if none is under way; and tell the figures of the last ones."""
        for tenant in self._shop.settings.tenants:
            self._tell_figures(tenant)
        if self._under_way is not None and not self._under_way.done():
            return
        due = [name for name in self._shop.settings.tenants if self._is_due(name)]
        if not due or self._shop.draining.asked:
            return
        paused = {state.name for state in await self._shop.queue.tenants() if state.paused}
        for tenant in due:
            if tenant not in paused and tenant not in set(self._at_work()):
                self._under_way = asyncio.create_task(self._probe(tenant), name=f"probe {tenant}")
                return

    async def wait(self) -> None:
        """Until the probe that is under way is over."""
        if self._under_way is not None:
            await asyncio.wait({self._under_way})

    async def stop(self) -> None:
        """End the probe that is under way; it comes again, since it never came to its end."""
        task, self._under_way = self._under_way, None
        if task is not None and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _is_due(self, tenant: str) -> bool:
        shop = self._shop
        at, now = shop.settings.probe.at, shop.clock()
        if at == NEVER or now - self._failed_at.get(tenant, 0.0) < _AGAIN_S:
            return False
        zone = parse_zone(shop.settings.tenants[tenant].policy.time_zone)
        moment = datetime.fromtimestamp(now, UTC)
        since = self._kept.since(tenant, moment)
        return is_due(moment, at, zone, shop.settings.probe.jitter_minutes, tenant, since)

    async def _probe(self, tenant: str) -> None:
        try:
            await self._put_on_record(*await self._looked(tenant))
        except AgentError as error:
            self._failed_at[tenant] = self._shop.clock()
            _log.error("probe-not-on-record", tenant=tenant, code=error.code, text=error.message)
        except Exception:
            self._failed_at[tenant] = self._shop.clock()
            _log.exception("probe-broken", tenant=tenant)

    async def _looked(self, tenant: str) -> tuple[ProbeReport, bool]:
        """The report, and whether the probe could begin."""
        at = datetime.fromtimestamp(self._shop.clock(), UTC)
        try:
            return await self._walked(tenant), True
        except AgentError as error:
            trouble = Trouble(code=error.code, message=error.message)
        except Exception as error:
            _log.exception("probe-broken", tenant=tenant)
            trouble = Trouble(code="unexpected", message=f"The probe broke: {type(error).__name__}.")
        return ProbeReport(tenant=tenant, at=at, trouble=trouble), False

    async def _walked(self, tenant: str) -> ProbeReport:
        settings, gate = self._shop.settings, ProbeGate()
        session, account = await asyncio.to_thread(self._shop.session, tenant, gate)
        in_order = False
        try:
            probe = Probe(
                tenant,
                session,
                gate,
                account,
                settings.tenants[tenant].probe,
                settings.probe.page_loads,
                clock=self._shop.clock,
            )
            report = await probe.run()
            in_order = report.succeeded
        finally:
            await session.close(in_order=in_order)
        return report

    async def _put_on_record(self, report: ProbeReport, has_begun: bool) -> None:
        tenant, queue = report.tenant, self._shop.queue
        file = await asyncio.to_thread(self._kept.keep, report)
        for told in flow_reports(report, quarantine=self._shop.settings.probe.quarantine, evidence=str(file)):
            await queue.set_flow_state(tenant, told)
        counts = {verdict.value: report.count(verdict) for verdict in Verdict}
        _log.info("probed", tenant=tenant, page_loads=report.page_loads, took_ms=report.took_ms, **counts)
        self._tell_figures(tenant)
        if report.trouble is not None:
            await self._failed(tenant, report.trouble, has_begun)

    async def _failed(self, tenant: str, trouble: Trouble, has_begun: bool) -> None:
        """Again after a while, unless a sign-in was rejected: the next one to try could lock the account."""
        now, queue = self._shop.clock(), self._shop.queue
        self._failed_at[tenant] = now
        _log.error("probe-failed", tenant=tenant, code=trouble.code, text=trouble.message)
        if not has_begun or trouble.code not in SIGN_IN:
            await queue.tell(probe_failed(tenant, trouble.code, trouble.message, now))
            return
        await queue.pause(tenant, PROBE, f"{trouble.code}: {trouble.message}")
        self._on_pause(tenant)
        await queue.tell(paused_by_probe(tenant, trouble.code, trouble.message, now))

    def _tell_figures(self, tenant: str) -> None:
        last, success = self._kept.last(tenant), self._kept.last_success(tenant)
        if last is not None:
            at = success.timestamp() if success else 0.0
            self._shop.telemetry.probe_seen(tenant, at, len(last.changed), failed=not last.succeeded)

"""Sessions that will be needed soon are kept from ending by idleness: the tenant's first page is loaded now and then.

A leaver then does not wait for a sign-in, and the password is typed less often. A visit itself never types it: a
session that has ended is left to the next job. Nothing is visited that is paused, or that nobody will need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from agent.errors import AgentError
from agent.queue.interface import JobFilter, Queue
from agent.queue.record import JobState
from agent.worker.shop import Shop

SOON_S = 3600.0  #: work that is due within this time keeps a session alive

_log = structlog.get_logger()


class Freshness:
    """Looks after the sessions of a worker; ``at_work`` names the tenants whose jobs run now."""

    def __init__(self, shop: Shop, at_work: Callable[[], Iterable[str]]) -> None:
        self._shop = shop
        self._at_work = at_work

    async def look(self) -> tuple[str, ...]:
        """Visit what is idle and will be needed; returns which tenants were visited."""
        shop = self._shop
        if shop.draining.asked:
            return ()
        idle = [name for name in shop.accesses if self._is_idle(name)]
        needed = await self._needed(idle) if idle else ()
        return tuple([name for name in needed if await self._visit(name)])

    def _is_idle(self, tenant: str) -> bool:
        access = self._shop.accesses[tenant]
        # Half of the time between two looks: what is younger now is visited before it is idle for one and a half.
        is_old = access.idle_s >= self._shop.settings.clock.session_s / 2
        return access.is_signed_in and is_old and tenant not in set(self._at_work())

    async def _needed(self, tenants: Iterable[str]) -> tuple[str, ...]:
        queue = self._shop.queue
        paused = {state.name for state in await queue.tenants() if state.paused}
        always = self._shop.settings.worker.keep_signed_in
        by = self._shop.clock() + SOON_S
        return tuple([name for name in tenants if name not in paused and (always or await _has_work(queue, name, by))])

    async def _visit(self, tenant: str) -> bool:
        """Trouble is no failure of the tenant's: no breaker counts it, and the next job finds out for itself."""
        browsers = self._shop.browsers
        try:
            warm = await browsers.take()
            try:
                is_kept = await self._shop.accesses[tenant].visit(warm.running())
            finally:
                await browsers.give_back(warm)
        except AgentError as error:
            _log.info("session-not-visited", tenant=tenant, code=error.code, text=error.message)
            return False
        _log.info("session-visited" if is_kept else "session-has-ended", tenant=tenant)
        return True


async def _has_work(queue: Queue, tenant: str, by: float) -> bool:
    """Whether something of the tenant is due by then: a job that waits for nobody, or the end of some access."""
    waiting = JobFilter(tenant=tenant, states=frozenset({JobState.QUEUED}), held=False, due_by=by, limit=1)
    return bool(await queue.jobs(waiting)) or bool(await queue.grants(tenant=tenant, due_at=by))

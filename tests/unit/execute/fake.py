"""Jobs run on a Directory in memory, mutable in mid-test: it can lose answers, lag, sign out, be changed by others.

::

    tenant = FakeTenant()
    tenant.put(person("ana@example.com"))
    tenant.fault("save_user", "lose the answer")            # the 1st save is applied, its answer never comes
    outcome = await run(job, tenant)
    assert tenant.sent == [...]                             # every write that left, in order
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from agent.errors import Failed
from agent.execute.events import Event, JobEnded
from agent.execute.gate import GateRelay
from agent.execute.outcome import Outcome
from agent.execute.pace import Limits
from agent.execute.run import Orders, run_job
from agent.jobs.model import Job
from agent.policy.rules import PolicyRules
from tests.unit.execute.fake_directory import FakeDirectory
from tests.unit.execute.fake_tenant import FakeTenant


@dataclass(frozen=True)
class FakeOpened:
    """An open session."""

    directory: FakeDirectory
    context: Any
    page: Any
    browser_version: str = "156"
    typed_password: bool = True


class FakeSession:
    """Implements :class:`agent.execute.session.JobSession`."""

    def __init__(self, tenant: FakeTenant, relay: GateRelay) -> None:
        self.tenant = "sandbox"
        self._truth = tenant
        self._relay = relay
        self._opened: FakeOpened | None = None

    async def open(self) -> FakeOpened:
        if self._truth.take("open") == "browser lost":
            self._truth.browser_dead = True
            raise Failed("browser-lost", "The browser ended or hung.")
        if self._opened is None:
            self._truth.sign_ins += 1
            self._opened = FakeOpened(FakeDirectory(self._truth, self._relay), object(), object())
            return self._opened
        return replace(self._opened, typed_password=False)

    async def renew(self) -> FakeOpened:
        self._truth.signed_out = False
        if self._truth.browser_dead:
            self._truth.browser_dead = False
            self._opened = None
            return await self.open()
        self._truth.sign_ins += 1
        return await self.open()

    @asynccontextmanager
    async def reading_only(self) -> AsyncIterator[list[str]]:
        yield self._truth.held


class Listener:
    """Remembers every event; can fail at one, as a full disk would."""

    def __init__(self, fail_at: type | None = None, error: Exception | None = None, nth: int = 1) -> None:
        self.events: list[Event] = []
        self._fail_at, self._error, self._nth = fail_at, error, nth

    async def notify(self, event: Event) -> None:
        self.events.append(event)
        if self._error is None or self._fail_at is None or not isinstance(event, self._fail_at):
            return
        if self.count(self._fail_at) >= self._nth:
            raise self._error

    def count(self, kind: type) -> int:
        return len(self.of(kind))

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


async def run(
    job: Job,
    tenant: FakeTenant,
    *,
    listener: Listener | None = None,
    session: FakeSession | None = None,
    relay: GateRelay | None = None,
    **orders: Any,
) -> Outcome:
    """Run a job on the fake, and check what holds for every run whatever happens."""
    relay = relay or GateRelay()
    session = session or FakeSession(tenant, relay)
    listener = listener or Listener()
    given: dict[str, Any] = {"rules": PolicyRules(), "limits": Limits(settle_s=20, verify_s=20, projects_s=60)}
    given |= {"resends": tenant.resends, **orders}
    outcome = await run_job(job, session, relay, [listener], Orders(**given), tenant.clock)
    assert isinstance(listener.events[-1], JobEnded)
    assert listener.count(JobEnded) == 1
    return outcome


def sent_twice(tenant: FakeTenant) -> list[str]:
    """The oracle of all trouble: writes that left the agent more than once with the same content."""
    return sorted({words for words in tenant.sent if tenant.sent.count(words) > 1})

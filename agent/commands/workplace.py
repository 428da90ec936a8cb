"""What the jobs of one command share: the browser, a session per tenant, credentials, folders."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType

from agent.audit.chronicle import close_quiet_periods
from agent.audit.ledgers import Ledgers
from agent.browser.find import find_browser
from agent.browser.launch import LaunchOptions, WarmBrowser
from agent.browser.session import TenantSession
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.errors import AgentError
from agent.evidence import log
from agent.evidence.budget import EvidenceRoom
from agent.evidence.keeping import Keeping
from agent.evidence.masking import Masker
from agent.evidence.presence import complete, unfinished
from agent.evidence.recorder import EvidenceRecorder
from agent.execute.alone import PersonLockFile
from agent.execute.gate import GateRelay
from agent.execute.pace import Limits
from agent.execute.resends import ResendFiles
from agent.execute.run import Orders
from agent.settings import Settings, Tenant
from agent.worker.equipment import keeping_of, locks_file, resends_folder, sign_in_of, traces_folder
from flows import Attendant


@dataclass(frozen=True)
class Seat:
    """One tenant's place: its session and the gate behind which its jobs write."""

    name: str
    tenant: Tenant
    session: TenantSession
    relay: GateRelay
    account: str


class Workplace:
    """Opened for one command, closed for certain. ``headed`` and ``slow_ms`` win over the settings."""

    def __init__(
        self,
        settings: Settings,
        tenants: tuple[str, ...],
        *,
        headed: bool = False,
        slow_ms: int | None = None,
        store: CredentialStore | None = None,
    ) -> None:
        self.settings = settings
        self.known = KnownSecrets()
        self._tenants = tenants
        self._headed = headed or settings.browser.headed
        self._slow_ms = settings.browser.slow_ms if slow_ms is None else slow_ms
        self._store = store or CredentialStore()
        self._ledgers = Ledgers.of_settings(settings, self._store, self.known)
        self.room = EvidenceRoom.of(settings.paths.evidence, settings.evidence)
        self._seats: dict[str, Seat] = {}
        self._browser: WarmBrowser | None = None
        self.completed: tuple[str, ...] = ()  # what was done about evidence of killed processes

    async def __aenter__(self) -> Workplace:
        log.configure("off", Masker(self.known))
        self._learn_secrets()
        self.completed = await asyncio.to_thread(self._complete_evidence)
        for name in self._tenants:
            await asyncio.to_thread(self._close_periods, name)
        return self

    def _complete_evidence(self) -> tuple[str, ...]:
        left = unfinished(self.settings.paths.evidence)
        return complete(left, self._traces, self.known, self._ledgers.sink, self._keeping)

    def _close_periods(self, tenant: str) -> None:
        """A ledger that is broken or cannot be written is told by the job that comes next."""
        with contextlib.suppress(AgentError):
            ledger = self._ledgers.of(tenant)
            close_quiet_periods(ledger, self.settings.audit.period, datetime.now(UTC))

    def _learn_secrets(self) -> None:
        """Know what must not stand in evidence before any is completed; what is missing is told with the job."""
        for name in self.settings.tenants:
            with contextlib.suppress(AgentError):
                self._store.sign_in_credentials(name, self.settings.paths.state, self.known)

    @cached_property
    def _keeping(self) -> Keeping:
        return keeping_of(self.settings)

    @property
    def _traces(self) -> Path:
        return traces_folder(self.settings)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for seat in self._seats.values():
            await seat.session.close()
        if self._browser is not None:
            await self._browser.close()

    async def rest(self) -> None:
        """Between two jobs: a browser whose driver has grown too heavy is closed, the sessions sealed before."""
        if self._browser is not None and self._browser.is_worn:
            for seat in self._seats.values():
                await seat.session.close()
            await self._browser.close()

    @property
    def browser(self) -> WarmBrowser:
        """The browser of this command; found on first use, started by whoever needs it."""
        if self._browser is None:
            hosts = [host for name in self._tenants for host in self.settings.tenants[name].hosts]
            self._browser = WarmBrowser(
                LaunchOptions(
                    executable=find_browser(self.settings.browser.executable, headed=self._headed),
                    allowed_hosts=tuple(dict.fromkeys(hosts)),
                    traces_dir=self._traces,
                    headed=self._headed,
                    slow_ms=self._slow_ms,
                    state=self.settings.paths.state,
                )
            )
        return self._browser

    def seat(self, name: str) -> Seat:
        """The tenant's place. Raises Failed for credentials, keyring, browser or catalogue that are not there."""
        if name not in self._seats:
            self._seats[name] = self._sit_down(name, self.settings.tenants[name])
        return self._seats[name]

    def _sit_down(self, name: str, tenant: Tenant) -> Seat:
        sign_in = sign_in_of(self.settings, name, self._store, self.known)
        relay = GateRelay()
        return Seat(name, tenant, TenantSession(self.browser, sign_in, relay), relay, sign_in.credentials.email)

    def probing(self, name: str, gate: Attendant) -> tuple[TenantSession, str]:
        """A session of the tenant behind another gate, to be closed by the caller, and its account; as :meth:`seat`."""
        sign_in = sign_in_of(self.settings, name, self._store, self.known)
        return TenantSession(self.browser, sign_in, gate), sign_in.credentials.email

    def recorder(self, seat: Seat | None) -> EvidenceRecorder:
        """A new recorder for one job."""
        return EvidenceRecorder(
            self.settings.paths.evidence,
            self._traces,
            self.known,
            service_account=seat.account if seat else "",
            ledger_of=self._ledgers.sink,
            keeping=self._keeping,
        )

    def orders(self, tenant: Tenant, recorder: EvidenceRecorder, *, dry_run: bool, approved: bool) -> Orders:
        """How a job is to be run in this tenant."""
        times = tenant.timeouts
        return Orders(
            rules=tenant.policy,
            dry_run=dry_run,
            approved=approved,
            results=_folder_of(recorder),
            resends=ResendFiles(resends_folder(self.settings)),
            locks=PersonLockFile(locks_file(self.settings)),
            limits=Limits(settle_s=times.settle_s, verify_s=times.verify_s, projects_s=times.projects_s),
        )


def _folder_of(recorder: EvidenceRecorder) -> Callable[[], Path | None]:
    return lambda: recorder.folder

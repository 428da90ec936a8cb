"""What all jobs of the worker share: queue, browser, a sign-in per tenant, and who counts and writes notices."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Protocol

from agent.audit.ledgers import Ledgers
from agent.audit.sink import Origin
from agent.browser.access import TenantAccess
from agent.browser.job_session import ContextSession
from agent.browser.shared import SharedBrowser
from agent.credentials.known import KnownSecrets
from agent.credentials.store import CredentialStore
from agent.domain.person import TenantFacts
from agent.evidence.keeping import Keeping
from agent.evidence.recorder import EvidenceRecorder
from agent.execute.session import JobSession
from agent.queue.interface import Queue
from agent.queue.record import JobRecord
from agent.settings import Settings
from agent.worker.backoff import RetryPolicy
from agent.worker.equipment import keeping_of, sign_in_of, traces_folder
from agent.worker.judgement import Rules
from agent.worker.stops import Draining
from agent.worker.telemetry import Telemetry
from flows import Attendant


class WorkSession(JobSession, Protocol):
    """What the worker needs of a session beside what a job needs."""

    def names(self) -> TenantFacts | None:
        """The tenant's names, as the job has read them; None before it has. Loads nothing."""

    async def close(self, *, in_order: bool) -> None:
        """The job is over."""


@dataclass
class Shop:
    """The common things, and the tenants' sign-ins as they are needed."""

    settings: Settings
    queue: Queue
    browsers: SharedBrowser
    store: CredentialStore
    known: KnownSecrets
    telemetry: Telemetry
    ledgers: Ledgers
    draining: Draining = field(default_factory=Draining)
    clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    #: failures of a tenant in a row; what is beyond is a pause, which the queue keeps
    failures: dict[str, int] = field(default_factory=dict)
    accesses: dict[str, TenantAccess] = field(default_factory=dict)
    _one_at_a_time: Lock = field(default_factory=Lock)

    def access(self, tenant: str) -> TenantAccess:
        """The tenant's sign-in, one for all its jobs; may be called from any thread.

        Raises Failed for credentials, keyring or catalogue that are not there.
        """
        with self._one_at_a_time:
            if tenant not in self.accesses:
                sign_in = sign_in_of(self.settings, tenant, self.store, self.known)
                self.accesses[tenant] = TenantAccess(
                    sign_in,
                    on_sign_in=lambda typed: self.telemetry.session_opened(tenant, typed),
                    on_lost=lambda: self.telemetry.session_lost(tenant),
                )
            return self.accesses[tenant]

    def session(self, tenant: str, gate: Attendant) -> tuple[WorkSession, str]:
        """A session for one job, and the account it works as; as :meth:`access` in all else."""
        access = self.access(tenant)
        _ = self.keeping  # what it raises is told here, where it ends the job in order
        return ContextSession(tenant, self.browsers, access, gate), access.sign_in.credentials.email

    def forget_rejection(self, tenant: str) -> None:
        """A person has resumed the tenant: credentials are read anew, and the sign-in may be tried again."""
        self.accesses.pop(tenant, None)

    def recorder(self, account: str, record: JobRecord) -> EvidenceRecorder:
        """A new recorder for one run."""
        return EvidenceRecorder(
            self.settings.paths.evidence,
            traces_folder(self.settings),
            self.known,
            service_account=account,
            ledger_of=self.ledgers.sink,
            origin=Origin(record.id, record.attempt),
            keeping=self.keeping,
        )

    @cached_property
    def keeping(self) -> Keeping:
        """How evidence is kept; as :meth:`access` in what it raises."""
        return keeping_of(self.settings)

    @property
    def rules(self) -> Rules:
        """What the settings say of failures."""
        worker = self.settings.worker
        return Rules(
            retry=RetryPolicy.of(self.settings.queue),
            failures_before_pause=worker.failures_before_pause,
            pause_s=worker.pause_s,
        )

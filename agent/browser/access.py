"""How the jobs of one tenant share one sign-in: the signed-in state in memory, renewed once for all.

The password is typed by one job at a time, in a context of its own. Once Procore has rejected it nobody types it again
until a person has resumed the tenant: Procore may lock the account at the third time [D].
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext
from playwright.async_api import Error as PlaywrightError

from agent.browser.launch import closed_in_time
from agent.browser.session import CALL_LIMIT_S, SignIn, enter, remember_session
from agent.domain.person import TenantFacts
from agent.errors import AgentError, Failed, SignedOut, SignInRejected
from agent.execute.gate import GateRelay
from flows import Attendant, Directory

NAMES_LAST_S = 900.0  #: the tenant's names (templates, projects) are read again after this
_SEAL_EVERY_S = 600.0


@dataclass(frozen=True)
class SignedIn:
    """A state of which somebody has seen that it is signed in; ``number`` grows with each sign-in."""

    state: Any
    number: int


@dataclass
class TenantAccess:
    """The one sign-in of a tenant. ``on_sign_in`` is told whether the password was typed, ``on_lost`` that the session
    ended, or was asked for its code again, while it was in use."""

    sign_in: SignIn
    on_sign_in: Callable[[bool], None] = lambda typed: None
    on_lost: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
    _now: SignedIn | None = None
    _rejected: SignInRejected | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _facts: TenantFacts | None = None
    _facts_at: float = 0.0
    _sealed_at: float = 0.0
    _since: float | None = None
    _used_at: float = 0.0
    _ended: int = 0  # the number of a sign-in of which a visit has seen that it is over

    @property
    def is_signed_in(self) -> bool:
        """Whether a state is at hand; that it still holds shows only when it is used."""
        return self._now is not None and self._now.number != self._ended

    @property
    def idle_s(self) -> float:
        """For how long nobody has used the sign-in."""
        return self.monotonic() - self._used_at

    @property
    def age_s(self) -> float | None:
        """How old the present sign-in is."""
        return self.monotonic() - self._since if self._since is not None else None

    def know_stored(self) -> None:
        """What an earlier process has sealed is a secret: its evidence may still have to be completed."""
        state = self.sign_in.stored.load()
        if state is not None:
            self.sign_in.remember(state)

    async def signed_in(self, browser: Browser, stale: SignedIn | None = None) -> tuple[SignedIn, bool]:
        """A state other than the stale one, and whether the password was typed for it just now.

        Raises SignInRejected (also for a rejection that came before), and what else a sign-in raises.
        """
        async with self._lock:
            self._used_at = self.monotonic()
            has_ended = self._now is not None and not self.is_signed_in
            if self._now is not None and not has_ended and (stale is None or self._now.number != stale.number):
                return self._now, False
            if self._rejected is not None:
                raise self._rejected
            if stale is None and not has_ended:
                state = await asyncio.to_thread(self.sign_in.stored.load)
            else:  # only asked for its code again, perhaps: then the password is not needed
                self.on_lost()
                state = self._now.state if self._now is not None else None
            if state is None or self._now is not None:
                await self.sign_in.credentials.code_ready()
            aside = await self._enter_aside(browser, state)
            try:
                fresh = await remember_session(aside.context, self.sign_in)
            except (PlaywrightError, TimeoutError) as error:
                raise Failed("browser-lost", "The browser ended or hung.", seen=type(error).__name__) from error
            finally:
                await closed_in_time(aside.context.close())
            number = self._now.number + 1 if self._now is not None else 1
            self._now, self._since, self._sealed_at = SignedIn(fresh, number), self.monotonic(), self.monotonic()
            self.on_sign_in(aside.typed_password)
            return self._now, aside.typed_password

    async def _enter_aside(self, browser: Browser, state: Any) -> Any:
        try:
            return await enter(browser, self.sign_in, GateRelay(), state)
        except SignInRejected as error:
            self._rejected = error
            raise

    async def open(
        self, browser: Browser, gate: Attendant, names: TenantFacts | None = None
    ) -> tuple[Any, SignedIn, bool]:
        """A context of its own for a job: what was opened, the state it began with, whether the password was typed.

        ``names`` are the tenant's where the job has read them already.
        """
        signed, typed = await self.signed_in(browser)
        try:
            return await self._enter(browser, gate, signed, names), signed, typed
        except SignedOut:
            signed, typed = await self.signed_in(browser, stale=signed)
        return await self._enter(browser, gate, signed, names), signed, typed

    async def _enter(self, browser: Browser, gate: Attendant, signed: SignedIn, names: TenantFacts | None) -> Any:
        facts = names or self.names()
        return await enter(browser, self.sign_in, gate, signed.state, may_sign_in=False, facts=facts, observer=gate)

    async def visit(self, browser: Browser) -> bool:
        """Load the tenant's first page, so that its session does not end by idleness; False when it has ended.

        Nobody signs in for this alone: no password is typed, and the next job does it. Raises what the flows raise,
        Failed("browser-lost").
        """
        signed = self._now
        if signed is None or not self.is_signed_in:
            return False
        self._used_at = self.monotonic()
        try:
            opened = await enter(
                browser, self.sign_in, GateRelay(), signed.state, may_sign_in=False, facts=self.names()
            )
        except SignedOut:
            self._ended = signed.number
            return False
        try:
            state = await asyncio.wait_for(opened.context.storage_state(), CALL_LIMIT_S)
        except (PlaywrightError, TimeoutError) as error:
            raise Failed("browser-lost", "The browser ended or hung.", seen=type(error).__name__) from error
        finally:
            await closed_in_time(opened.context.close())
        self.sign_in.remember(state)
        if self._now is signed:  # else a job has brought a newer one meanwhile
            self._now = SignedIn(state, signed.number)
        return True

    async def pass_on(self, context: BrowserContext, directory: Directory, began_with: SignedIn) -> None:
        """After a job: what its context knows better than we. Best effort."""
        if self._now is None or self._now.number != began_with.number:
            return  # somebody has signed in again meanwhile
        self._used_at = self.monotonic()
        with contextlib.suppress(PlaywrightError, TimeoutError, AgentError):
            state = await asyncio.wait_for(context.storage_state(), CALL_LIMIT_S)
            self.sign_in.remember(state)
            self._now = SignedIn(state, began_with.number)
            if directory.known_facts is not None:
                self._keep_names(directory.known_facts)
            if self.monotonic() - self._sealed_at >= _SEAL_EVERY_S:
                await self.seal()

    async def seal(self) -> None:
        """Keep the state on disk, for the next start."""
        if self._now is not None:
            self._sealed_at = self.monotonic()
            await asyncio.to_thread(self.sign_in.stored.save, self._now.state)

    def names(self) -> TenantFacts | None:
        """The tenant's names, if they were read not long ago."""
        return self._facts if self.monotonic() - self._facts_at < NAMES_LAST_S else None

    def _keep_names(self, facts: TenantFacts) -> None:
        if facts is not self._facts:
            self._facts, self._facts_at = facts, self.monotonic()

"""One sign-in for all jobs of a tenant: typed once, renewed once, and never again after a rejection."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agent.browser import access
from agent.browser.access import NAMES_LAST_S, TenantAccess
from agent.errors import SignedOut, SignInRejected
from tests.unit.execute.fake_tenant import FACTS


class Procore:
    """What is at the other end: which state is signed in, and what a password leads to."""

    def __init__(self) -> None:
        self.passwords = 0
        self.valid: set[str] = set()
        self.sealed: list[Any] = []
        self.stored: Any = None
        self.rejects = False
        self.given_names: list[Any] = []

    async def enter(
        self,
        browser: Any,
        sign_in: Any,
        gate: Any,
        state: Any,
        *,
        may_sign_in: bool = True,
        facts: Any = None,
        observer: Any = None,
    ) -> Any:
        await asyncio.sleep(0)
        if state in self.valid:
            self.given_names.append(facts)
            return Opened(state, typed=False)
        if not may_sign_in:
            raise SignedOut
        self.passwords += 1
        if self.rejects:
            raise SignInRejected("password-rejected", "Procore rejected the password.")
        fresh = f"state {self.passwords}"
        self.valid.add(fresh)
        return Opened(fresh, typed=True)


class Opened:
    """A context; closes itself."""

    def __init__(self, state: Any, *, typed: bool) -> None:
        self.typed_password = typed
        self.state = state
        self.context = self.directory = self

    async def close(self) -> None:
        """Gone."""

    async def storage_state(self) -> Any:
        return self.state

    @property
    def known_facts(self) -> Any:
        return FACTS


class SignIn:
    """Credentials and the sealed file."""

    def __init__(self, procore: Procore) -> None:
        self.procore = procore
        self.stored = self.credentials = self

    async def code_ready(self) -> None:
        """No second factor."""

    def load(self) -> Any:
        return self.procore.stored

    def save(self, state: Any) -> bool:
        self.procore.sealed.append(state)
        return True

    def remember(self, state: Any) -> None:
        """Kept as a secret."""


@pytest.fixture
def procore(monkeypatch: pytest.MonkeyPatch) -> Procore:
    """The other end, in place of a browser."""
    there = Procore()

    async def remember(context: Any, sign_in: Any) -> Any:
        sign_in.save(context.state)
        return context.state

    monkeypatch.setattr(access, "enter", there.enter)
    monkeypatch.setattr(access, "remember_session", remember)
    return there


def tenant(procore: Procore, now: list[float] | None = None) -> TenantAccess:
    """The tenant's access; ``now`` is its clock."""
    seconds = now or [1000.0]
    return TenantAccess(cast(Any, SignIn(procore)), monotonic=lambda: seconds[0])


NOBODY = cast(Any, None)


async def test_jobs_that_begin_together_type_the_password_once(procore: Procore) -> None:
    """Three contexts, one sign-in."""
    shared = tenant(procore)
    await asyncio.gather(*(shared.open(NOBODY, NOBODY) for _ in range(3)))
    assert procore.passwords == 1


async def test_a_stored_state_that_still_holds_needs_no_password(procore: Procore) -> None:
    """As after a restart."""
    procore.stored = "kept"
    procore.valid.add("kept")
    _, _, typed = await tenant(procore).open(NOBODY, NOBODY)
    assert (procore.passwords, typed) == (0, False)


async def test_a_session_that_has_ended_is_renewed_once_for_all(procore: Procore) -> None:
    """Two jobs find out at the same time; a third one with the new state goes on."""
    shared = tenant(procore)
    _, began_with, _ = await shared.open(NOBODY, NOBODY)
    procore.valid.clear()
    renewed = await asyncio.gather(*(shared.signed_in(NOBODY, stale=began_with) for _ in range(2)))
    assert procore.passwords == 2
    assert renewed[0][0] == renewed[1][0]


async def test_after_a_rejection_nobody_types_the_password_again(procore: Procore) -> None:
    """Procore may lock at the third: the jobs that run already get the same error without a try."""
    procore.rejects = True
    shared = tenant(procore)
    ended = await asyncio.gather(*(shared.open(NOBODY, NOBODY) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in ended] == [SignInRejected] * 3
    assert procore.passwords == 1


async def test_the_oracle_sees_an_access_that_forgets_the_rejection(procore: Procore) -> None:
    """Planted violation: then each job tries for itself."""
    procore.rejects = True
    shared = tenant(procore)
    for _ in range(3):
        with pytest.raises(SignInRejected):
            await shared.open(NOBODY, NOBODY)
        shared._rejected = None
    assert procore.passwords == 3


async def test_what_a_job_has_read_serves_the_next_ones_for_a_while(procore: Procore) -> None:
    """The tenant's names are passed on, and read anew after a quarter of an hour."""
    now = [1000.0]
    shared = tenant(procore, now)
    opened, began_with, _ = await shared.open(NOBODY, NOBODY)
    await shared.pass_on(opened, opened, began_with)
    await shared.open(NOBODY, NOBODY)
    now[0] += NAMES_LAST_S
    await shared.open(NOBODY, NOBODY)
    assert procore.given_names == [None, FACTS, None]


async def test_a_job_of_before_the_renewal_does_not_bring_its_old_state_back(procore: Procore) -> None:
    """It ends later than the renewal that another job has caused."""
    shared = tenant(procore)
    opened, began_with, _ = await shared.open(NOBODY, NOBODY)
    procore.valid.clear()
    await shared.signed_in(NOBODY, stale=began_with)
    await shared.pass_on(opened, opened, began_with)
    await shared.open(NOBODY, NOBODY)
    assert procore.passwords == 2


async def test_a_visit_keeps_the_session_and_types_nothing(procore: Procore) -> None:
    """It counts as use; the names that are known are not read again."""
    now = [1000.0]
    shared = tenant(procore, now)
    await shared.open(NOBODY, NOBODY)
    now[0] += 500
    assert shared.idle_s == 500
    assert await shared.visit(NOBODY)
    assert (shared.idle_s, procore.passwords) == (0, 1)


async def test_a_visit_to_an_ended_session_signs_nobody_in(procore: Procore) -> None:
    """However often it is tried; the next job signs in, once, and does not try the ended or the sealed state first."""
    shared = tenant(procore)
    await shared.open(NOBODY, NOBODY)
    procore.valid.clear()
    assert [await shared.visit(NOBODY) for _ in range(3)] == [False] * 3
    assert (procore.passwords, shared.is_signed_in) == (1, False)
    procore.stored = "sealed and ended"
    await asyncio.gather(*(shared.open(NOBODY, NOBODY) for _ in range(2)))
    assert (procore.passwords, shared.is_signed_in) == (2, True)
    assert await shared.visit(NOBODY)


async def test_nobody_is_visited_before_the_first_sign_in_or_after_a_rejection(procore: Procore) -> None:
    """There is no session to keep."""
    procore.rejects = True
    shared = tenant(procore)
    assert not await shared.visit(NOBODY)
    with pytest.raises(SignInRejected):
        await shared.open(NOBODY, NOBODY)
    assert not await shared.visit(NOBODY)
    assert procore.passwords == 1


async def test_a_session_that_was_lost_is_counted_once_however_many_jobs_notice(procore: Procore) -> None:
    """Two jobs find out at the same time; a first sign-in is no loss."""
    lost: list[int] = []
    shared = tenant(procore)
    shared.on_lost = lambda: lost.append(1)
    began_with, _ = await shared.signed_in(NOBODY)
    assert lost == []
    procore.valid.clear()
    await asyncio.gather(*(shared.signed_in(NOBODY, stale=began_with) for _ in range(2)))
    assert len(lost) == 1


async def test_a_session_that_is_only_asked_for_its_code_again_is_renewed_without_the_password(
    procore: Procore,
) -> None:
    """What was signed in goes along to the sign-in: there it is not begun anew."""
    shared = tenant(procore)
    began_with, _ = await shared.signed_in(NOBODY)
    renewed, typed = await shared.signed_in(NOBODY, stale=began_with)
    assert not typed
    assert procore.passwords == 1
    assert renewed.number == began_with.number + 1

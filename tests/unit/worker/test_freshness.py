"""Which sessions are visited: those that are idle and will be needed, of tenants that are not paused."""

from __future__ import annotations

from typing import Any, cast

import pytest

from agent.browser.access import TenantAccess
from agent.browser.shared import SharedBrowser
from agent.errors import Failed
from agent.queue.admission import admit
from agent.queue.record import Hold, NewGrant
from agent.worker.freshness import SOON_S, Freshness
from agent.worker.stops import Draining
from tests.unit.execute.cases import provision
from tests.unit.worker.conftest import Bench


class Access:
    """A sign-in that counts its visits."""

    def __init__(self) -> None:
        self.is_signed_in = True
        self.idle_s = 1000.0
        self.visits = 0
        self.trouble: Failed | None = None

    async def visit(self, browser: object) -> bool:
        self.visits += 1
        if self.trouble is not None:
            raise self.trouble
        return True


class Browsers:
    """Lends itself, and counts what is out."""

    out = 0

    async def take(self) -> Browsers:
        self.out += 1
        return self

    async def give_back(self, warm: object) -> None:
        self.out -= 1

    def running(self) -> object:
        return self


@pytest.fixture
def access(bench: Bench) -> Access:
    """The tenant's sign-in, idle for longer than between two looks."""
    found = Access()
    bench.shop.accesses["sandbox"] = cast(TenantAccess, found)
    bench.shop.browsers = cast(SharedBrowser, Browsers())
    return found


async def look(bench: Bench, *at_work: str) -> tuple[str, ...]:
    found = await Freshness(bench.shop, lambda: at_work).look()
    assert cast(Browsers, bench.shop.browsers).out == 0
    return found


async def dated(bench: Bench, in_s: float, **more: Any) -> None:
    """A job for later."""
    await bench.queue.submit([admit(provision(**more), "sandbox", "hr", not_before=bench.shop.clock() + in_s)])


async def test_a_tenant_with_work_within_the_hour_is_visited(bench: Bench, access: Access) -> None:
    """Dated for soon; and not for what is dated for tomorrow."""
    await dated(bench, SOON_S + 60)
    assert await look(bench) == ()
    await dated(bench, SOON_S - 60, idempotency_key="soon", email="b@example.com")
    assert await look(bench) == ("sandbox",)
    assert access.visits == 1


async def test_a_tenant_whose_access_ends_soon_is_visited(bench: Bench, access: Access) -> None:
    """The clock will make a job of it."""
    end = bench.shop.clock() + SOON_S - 60
    await bench.queue.add_grants(1, "sandbox", "a@example.com", [NewGrant("account", {}, end)])
    assert await look(bench) == ("sandbox",)


async def test_without_work_only_the_setting_keeps_a_session(bench: Bench, access: Access) -> None:
    """By default nobody visits for nothing."""
    assert await look(bench) == ()
    worker = bench.shop.settings.worker.model_copy(update={"keep_signed_in": True})
    bench.shop.settings = bench.shop.settings.model_copy(update={"worker": worker})
    assert await look(bench) == ("sandbox",)


@pytest.mark.parametrize("why", ["paused", "used lately", "at work", "signed out", "draining", "held"])
async def test_nobody_visits_what_must_not_or_need_not_be(bench: Bench, access: Access, why: str) -> None:
    """Above all a paused tenant: its sign-in may be what is wrong."""
    (number,) = await bench.submit(provision())
    if why == "paused":
        await bench.queue.pause("sandbox", "maria", "the password is wrong")
    elif why == "held":
        await bench.queue.hand_over(number, "maria", "by hand", {})
        assert (await bench.queue.job(number)).hold is Hold.HAND_OVER
    elif why == "draining":
        bench.shop.draining = Draining(asked=True)
    access.idle_s = 299.0 if why == "used lately" else 1000.0
    access.is_signed_in = why != "signed out"
    assert await look(bench, *(["sandbox"] if why == "at work" else [])) == ()
    assert access.visits == 0


async def test_trouble_of_a_visit_is_nobodys_failure(bench: Bench, access: Access) -> None:
    """No breaker counts it; the browser is given back."""
    await bench.submit(provision())
    access.trouble = Failed("page-unreachable", "The tenant does not answer.")
    assert await look(bench) == ()
    assert access.visits == 1
    assert bench.shop.failures == {}
    (tenant,) = await bench.queue.tenants()
    assert not tenant.paused

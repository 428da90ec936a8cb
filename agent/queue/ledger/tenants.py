"""Tenants in the ledger: their limits, and pauses by a person or by a circuit breaker."""

from __future__ import annotations

from collections.abc import Mapping

from agent.errors import Refused
from agent.queue.ending import PauseTenant
from agent.queue.ledger.database import Ledger
from agent.queue.ledger.rows import tenant_state
from agent.queue.record import TenantState

BREAKER = "breaker"


def set_limits(ledger: Ledger, limits: Mapping[str, int], *, are_all: bool = True) -> None:
    """Take over the tenants of the settings; of one that is not there any more nothing is claimed.

    With ``are_all`` False the others may be another host's, and are left as they are.
    """
    if are_all:
        ledger.rows("UPDATE tenant SET max_running = 0")
    for name, limit in sorted(limits.items()):
        ledger.rows(
            "INSERT INTO tenant (name, max_running) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET max_running = excluded.max_running",
            *(name, limit),
        )


def states(ledger: Ledger) -> tuple[TenantState, ...]:
    """All tenants, by name."""
    return tuple(tenant_state(row, ledger.now) for row in ledger.rows("SELECT * FROM tenant ORDER BY name"))


def state(ledger: Ledger, tenant: str) -> TenantState:
    """One tenant. Raises Refused("unknown-tenant")."""
    row = ledger.row("SELECT * FROM tenant WHERE name = ?", tenant)
    if row is None:
        raise Refused(
            "unknown-tenant",
            f"The queue knows no tenant {tenant!r}.",
            expected="a tenant of the settings with which the agent runs",
        )
    return tenant_state(row, ledger.now)


def pause(ledger: Ledger, tenant: str, by: str, why: str, until: float | None) -> TenantState:
    """A person pauses the tenant: this replaces whatever pause there is."""
    ledger.rows(
        "UPDATE tenant SET paused = 1, why = ?, paused_by = ?, not_before = ? WHERE name = ?",
        *(why, by, until, tenant),
    )
    return state(ledger, tenant)


def resume(ledger: Ledger, tenant: str) -> TenantState:
    """A person ends the pause."""
    ledger.rows(
        "UPDATE tenant SET paused = 0, why = '', paused_by = '', not_before = NULL WHERE name = ?",
        tenant,
    )
    return state(ledger, tenant)


def trip(ledger: Ledger, tenant: str, opened: PauseTenant) -> None:
    """A circuit breaker pauses the tenant; it neither replaces a person's pause nor shortens a breaker's."""
    present = state(ledger, tenant)
    if present.paused and present.paused_by != BREAKER:
        return
    if present.paused and (
        present.not_before is None or (opened.until is not None and opened.until <= present.not_before)
    ):
        return
    pause(ledger, tenant, BREAKER, opened.why, opened.until)

"""Which tenants are outside their write windows right now: what the queue may hand out."""

from __future__ import annotations

from datetime import datetime

from agent.queue.interface import READING_OPS, Openings
from agent.settings import Settings

REMOVING = frozenset(
    {"offboard", "remove_from_projects", "bulk_remove_from_project"}
)  #: a leaver must not wait for office hours


def openings(settings: Settings, now: datetime) -> Openings:
    """What may be claimed at this moment, besides limits and pauses. ``now`` is aware."""
    outside = {name: tenant.policy for name, tenant in settings.tenants.items() if not tenant.policy.writes_now(now)}
    return Openings(
        closed=frozenset(outside),
        exempt_ops=READING_OPS | REMOVING,
        reads_only=frozenset(name for name, rules in outside.items() if not rules.removals_any_time),
    )

"""A person's Change History as a witness: since the job began, by the tenant's clock, and by whose account."""

from __future__ import annotations

from agent.domain.person import ChangeRecord
from agent.execute.work import Work


async def own_records(work: Work, user_id: str) -> tuple[ChangeRecord, ...]:
    """The Change History since the job began, as far as our account made it."""
    return tuple(record for record in await records_since(work, user_id) if is_own(work, record))


async def records_since(work: Work, user_id: str) -> tuple[ChangeRecord, ...]:
    """The Change History since the job began, by the tenant's clock."""
    began = work.began
    if began is None:
        return ()
    return await work.reading(lambda directory: directory.history(user_id, began))


def is_own(work: Work, record: ChangeRecord) -> bool:
    """Whether our own account made this change."""
    own = work.facts.own_login if work.facts else ""
    return record.actor_login.strip().lower() == own.strip().lower()

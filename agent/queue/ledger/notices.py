"""The outbox: a row for each channel that wants a notice, kept until it has arrived and for a while after."""

from __future__ import annotations

from collections.abc import Iterable

from agent.queue.ledger.database import Ledger
from agent.queue.ledger.rows import notice, text_of
from agent.queue.record import NewNotice, Notice


def tell(ledger: Ledger, notices: Iterable[NewNotice]) -> None:
    """Put notices on record for every channel that wants their kind; one per key and channel."""
    for new in notices:
        for channel, kinds in ledger.channels.items():
            if new.kind in kinds:
                ledger.rows(
                    "INSERT INTO notice (at, kind, tenant, subject, data, job_id, notice_key, channel)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    *(ledger.now, new.kind, new.tenant, new.subject),
                    *(text_of(new.data), new.job_id, new.key, channel),
                )


def due(ledger: Ledger, limit: int) -> tuple[Notice, ...]:
    """What has not arrived and may be tried now, oldest first."""
    rows = ledger.rows(
        "SELECT * FROM notice WHERE sent_at IS NULL AND not_before <= ? ORDER BY id LIMIT ?", ledger.now, limit
    )
    return tuple(notice(row) for row in rows)


def sent(ledger: Ledger, notice_id: int) -> None:
    """It has arrived."""
    ledger.rows(
        "UPDATE notice SET sent_at = ?, attempts = attempts + 1, error = NULL WHERE id = ?", ledger.now, notice_id
    )


def failed(ledger: Ledger, notice_id: int, not_before: float, error: str) -> None:
    """It has not arrived; again at ``not_before``."""
    ledger.rows(
        "UPDATE notice SET not_before = ?, attempts = attempts + 1, error = ? WHERE id = ?",
        *(not_before, error, notice_id),
    )

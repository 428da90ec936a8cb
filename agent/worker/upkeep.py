"""Keeps the evidence within its ages and its disk: what the clock, the worker and the command line call."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from agent.audit.ledgers import Ledgers
from agent.evidence.quarantine import Quarantine
from agent.evidence.retention import Ages, Retention, Tidied
from agent.settings import Settings
from agent.worker.equipment import quarantine_folder


def retention_of(settings: Settings, ledgers: Ledgers) -> Retention:
    """What removes old evidence, as the settings say. For one pass: it remembers where runs stand in the ledgers."""
    kept, sink = settings.evidence, cache(ledgers.sink)
    return Retention(
        settings.paths.evidence,
        Ages(kept.heavy_days, kept.records_years),
        ledgers.of,
        lambda tenant, job_id: sink(tenant).recorded(job_id),
    )


def tidy_evidence(settings: Settings, ledgers: Ledgers, *, dry_run: bool = False) -> Tidied:
    """Remove what has been kept long enough; with ``dry_run`` only say what that would be. Blocks.

    ``troubles`` of what is returned says what could not be done, and why.
    """
    retention = retention_of(settings, ledgers)
    if dry_run:
        return retention.due()
    quarantined = Quarantine(quarantine_folder(settings)).empty(settings.evidence.quarantine_days)
    return replace(retention.tidy(), quarantined=quarantined)

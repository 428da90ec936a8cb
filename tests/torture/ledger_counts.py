"""What went wrong in the audit ledger: its chain, its signatures, the sealed folders, and whether it has every job.

The ledger is held against two other witnesses: the queue's file (each job accepted once, each end entered once) and the
evidence folders (each as it was sealed, none sealed twice). The verifier is the agent's own, with the public key from
the scene's keyring; ``test_ledger_counts.py`` plants the violations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from agent.audit.checkpoint import origin_of
from agent.audit.entries import Entry, Sealed
from agent.audit.keys import KeyringSigner
from agent.audit.ledger import LEDGER
from agent.audit.population import Case, all_cases
from agent.audit.reading import ENTRIES, ChainBroken, read_entries
from agent.audit.trust import Anchors
from agent.audit.verify import ledger_id, verify_tenant
from agent.credentials.store import CredentialStore
from tests.torture.counting import ENDS, Counts, LedgerRows


def count_ledger_wrong(
    rows: LedgerRows, tenant: Path, store: CredentialStore, counts: Counts, *, is_complete: bool
) -> None:
    """``tenant``: its evidence. ``is_complete``: the agent had time to enter everything, it was stopped and not killed.

    A killed agent's ledger may lack what its next start enters. What is there must be right all the same.
    """
    if not (tenant / LEDGER / ENTRIES).exists():
        if is_complete and rows.jobs:
            counts.note("ledger_wrong", "there is no ledger")
        return
    keys = KeyringSigner(store).keys(origin_of(ledger_id(tenant)))
    for problem in verify_tenant(tenant, Anchors(tuple(key.public for key in keys))).problems:
        counts.note("ledger_wrong", f"{problem.code}: {problem.message}")
    try:
        entries = tuple(read_entries(tenant / LEDGER))
    except ChainBroken:
        return  # counted above
    cases, mismatches = all_cases(entries)
    for mismatch in mismatches:
        counts.note("ledger_wrong", mismatch)
    _count_sealed_twice(entries, counts)
    _count_jobs(rows, cases, counts, is_complete=is_complete)


def _count_sealed_twice(entries: Iterable[Entry], counts: Counts) -> None:
    sealed = [entry.data for entry in entries if isinstance(entry.data, Sealed)]
    for what in (Counter(each.job_id for each in sealed), Counter(each.folder for each in sealed)):
        for name, times in what.items():
            if times > 1:
                counts.note("ledger_wrong", f"{name} was sealed {times} times")


def _count_jobs(rows: LedgerRows, cases: Iterable[Case], counts: Counts, *, is_complete: bool) -> None:
    entered = {case.accepted.job.queue: case for case in cases if case.accepted.job.queue is not None}
    for job_id in entered.keys() - rows.jobs.keys():
        counts.note("ledger_wrong", f"job {job_id} was never in the queue")
    for job_id, job in rows.jobs.items():
        case = entered.get(job_id)
        is_over = case is not None and case.ended is not None
        if is_over and job.state not in ENDS:
            counts.note("ledger_wrong", f"job {job_id} is {job.state}, and the ledger has its end")
        if not is_complete:
            continue
        if case is None:
            counts.note("ledger_wrong", f"job {job_id} was never entered")
        elif job.state in ENDS and not is_over:
            counts.note("ledger_wrong", f"job {job_id} is {job.state}, and the ledger does not have its end")

"""Evidence that a killed process left unfinished: completed by whoever finds that its writer is gone.

Each writer holds a lock on the marker of its own folder (:mod:`agent.evidence.writing`), so this works beside any
number of processes that are writing folders of theirs, and two that look at the same time do not complete one folder
twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.audit.sink import LedgerSink
from agent.credentials.known import KnownSecrets
from agent.errors import AgentError, Failed, Mender
from agent.evidence import writing
from agent.evidence.keeping import Keeping
from agent.evidence.recover import partial_folders, recover_partial


def unfinished(evidence: Path) -> tuple[Path, ...]:
    """The unfinished folders, abandoned or not; the evidence folder is made if need be.

    Raises Failed("evidence-unwritable") when it cannot be written.
    """
    try:
        evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(evidence, os.W_OK | os.X_OK):
            raise PermissionError(0, "no right to write")
        return tuple(partial_folders(evidence))
    except OSError as error:
        raise Failed(
            "evidence-unwritable",
            f"The evidence folder cannot be written: {evidence}",
            expected="a folder that the agent may write (settings: paths.evidence)",
            seen=error.strerror or str(error),
            mender=Mender.OPERATOR,
        ) from error


def complete(
    folders: Sequence[Path],
    traces: Path,
    known: KnownSecrets,
    ledger_of: Callable[[str], LedgerSink] | None = None,
    keeping: Keeping | None = None,
) -> tuple[str, ...]:
    """Complete those of these folders whose writer is gone; returns a line for each. ``ledger_of`` gives a tenant's.

    What cannot be completed stays as it is, and is told, too: it must not keep new jobs from running.
    """
    lines = (_completed(folder, traces, known, ledger_of, keeping) for folder in folders)
    return tuple(line for line in lines if line)


def _completed(
    folder: Path,
    traces: Path,
    known: KnownSecrets,
    ledger_of: Callable[[str], LedgerSink] | None,
    keeping: Keeping | None,
) -> str:
    try:
        with writing.abandoned(folder) as is_abandoned:
            if not is_abandoned:
                return ""
            recover_partial(folder, traces, known, ledger_of=ledger_of, keeping=keeping)
    except (AgentError, OSError) as error:
        said = error.message if isinstance(error, AgentError) else str(error)
        return f"The evidence of an interrupted job could not be completed: {folder} ({said})"
    return f"Completed the evidence of an interrupted job: {folder}"

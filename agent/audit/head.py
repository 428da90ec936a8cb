"""The last head: the latest signed checkpoint of a ledger, kept where those who can write to the ledger cannot.

It is a small text (a C2SP signed note). Whoever has it can prove later that the ledger was rolled back or written anew.
"""

from __future__ import annotations

from pathlib import Path

from agent.audit.checkpoint import Checkpoint, CheckpointMalformed
from agent.audit.note import Note, NoteRejected
from agent.errors import Failed, Mender, RetrySafe


def head_file(folder: Path, tenant: str) -> Path:
    """The file of a tenant in the folder where heads are kept."""
    return folder / f"{tenant}.checkpoint"


def read_head(file: Path) -> Checkpoint | None:
    """The checkpoint in a kept head; its signatures are *not* checked here. None when there is no such file yet.

    Failed "ledger-broken" for a file that is none.
    """
    try:
        return Checkpoint.parse(Note.parse(file.read_text("utf-8")).text)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, NoteRejected, CheckpointMalformed) as error:
        raise Failed(
            "ledger-broken",
            f"The kept head {file} cannot be read, so nobody knows whether the ledger is whole.",
            expected="a signed checkpoint",
            seen=str(error),
            mender=Mender.OPERATOR,
            retry_safe=RetrySafe.NO,
        ) from error

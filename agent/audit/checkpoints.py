"""The signed checkpoints of one ledger on disk: every one in ``checkpoints.jsonl``, the latest in ``checkpoint``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from agent.audit.appending import append_line, cut_torn_line, replace_file
from agent.audit.canonical import canonical
from agent.audit.checkpoint import Checkpoint, CheckpointMalformed
from agent.audit.head import read_head
from agent.audit.ledger_errors import broken, writing
from agent.audit.note import Note, NoteRejected, SigningKey
from agent.audit.reading import CHECKPOINT, CHECKPOINTS
from agent.evidence.folder import timestamp


class Checkpoints:
    """Belongs to a ledger, and is used under its lock. Raises as the ledger does."""

    def __init__(self, folder: Path, kept_head: Path | None) -> None:
        """``kept_head``: a file elsewhere that gets a copy of the latest one."""
        self._folder = folder
        self._kept_head = kept_head

    def latest_note(self) -> str | None:
        """The latest signed checkpoint, as text."""
        try:
            return (self._folder / CHECKPOINT).read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise broken(self._folder, "the latest checkpoint can be read", str(error)) from error

    def latest(self) -> Checkpoint | None:
        """What it says; its signature is not checked here."""
        note = self.latest_note()
        if note is None:
            return None
        try:
            return Checkpoint.parse(Note.parse(note).text)
        except (NoteRejected, CheckpointMalformed) as error:
            raise broken(self._folder, "the latest checkpoint as it was signed", str(error)) from error

    def require_not_ahead(self, size: int, origin: str) -> None:
        """Return when a ledger of this size and name can be the one that was signed, here and where heads are kept."""
        for checkpoint, what in (
            (self.latest(), "its own latest checkpoint"),
            (read_head(self._kept_head) if self._kept_head else None, f"the head kept in {self._kept_head}"),
        ):
            if checkpoint is None:
                continue
            if checkpoint.size > size:
                raise broken(self._folder, f"at least the {checkpoint.size} entries of {what}", f"{size} entries")
            if checkpoint.origin != origin:
                raise broken(self._folder, f"the ledger {checkpoint.origin} of {what}", f"the ledger {origin}")

    def keep(self, note: str, at: datetime) -> str:
        """Put a new one on disk; returns why it could not be kept elsewhere, or nothing."""
        line = canonical({"at": timestamp(at), "note": note}) + b"\n"
        with writing(self._folder):
            cut_torn_line(self._folder / CHECKPOINTS)
            append_line(self._folder / CHECKPOINTS, line)
            replace_file(self._folder / CHECKPOINT, note.encode(), durable=True)
        if self._kept_head is None:
            return ""
        try:
            self._kept_head.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._kept_head, note.encode(), durable=True)
        except OSError as error:
            return f"the head could not be kept in {self._kept_head}: {error.strerror or error}"
        return ""


def covers(note: str, checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> bool:
    """Whether a note is this checkpoint, signed by all of these keys."""
    try:
        parsed = Note.parse(note)
        signed = parsed.require([key.public for key in keys])
    except NoteRejected:
        return False
    return parsed.text == checkpoint.text and len(signed) == len(keys)

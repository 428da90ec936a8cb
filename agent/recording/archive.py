"""The zip file of a recording, read with suspicion: it may have been tampered with.

Limits stand for what no honest recording reaches: they end a bomb before the memory does.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol

from agent.errors import Failed, Mender, RetrySafe

MIB = 1024 * 1024
MOST_ENTRIES = 20_000
LARGEST_ENTRY = 128 * MIB
LARGEST_WHOLE = 512 * MIB

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class RecordingNotUnderstood(Failed):
    """The file is no recording that we can read with certainty: another format, damaged, or made to harm."""

    def __init__(self, found: str, expected: str = "a whole trace.zip of format 10 (Playwright 1.65)") -> None:
        super().__init__(
            "recording-not-understood",
            f"The recording cannot be read: {found}.",
            expected=expected,
            seen=found,
            mender=Mender.DEVELOPER,
            retry_safe=RetrySafe.NO,
        )


class ObjectSource(Protocol):
    """Bodies that a recording left out since they are kept once for all recordings of a tenant."""

    def read(self, name: str) -> bytes | None:
        """The body that stood in the zip under ``name`` (``resources/….css``); None when it is not there either."""

    def names(self) -> list[str]:
        """The names of all bodies that were left out."""


class TraceArchive:
    """Entries of one zip, and of the objects that belong to it."""

    def __init__(self, path: Path, objects: ObjectSource | None = None) -> None:
        """RecordingNotUnderstood for a file that is no zip or exceeds a limit."""
        self.path = path
        self._objects = objects
        try:
            with zipfile.ZipFile(path) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        except _DAMAGE as error:
            raise RecordingNotUnderstood(f"{path.name} is not a whole zip file ({error})") from error
        self._sizes = {entry.filename: entry.file_size for entry in entries}
        if len(self._sizes) != len(entries):
            raise RecordingNotUnderstood("a name stands in it twice")
        if len(entries) > MOST_ENTRIES:
            raise RecordingNotUnderstood(f"it has {len(entries)} entries")
        if sum(self._sizes.values()) > LARGEST_WHOLE:
            raise RecordingNotUnderstood("unpacked it would be larger than any recording")
        for name in self._sizes:
            require_plain_name(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything in the zip, sorted."""
        return tuple(sorted(self._sizes))

    def read(self, name: str) -> bytes:
        """One entry of the zip itself. RecordingNotUnderstood when it is damaged, too large or not there."""
        if name not in self._sizes:
            raise RecordingNotUnderstood(f"{name} is missing")
        if self._sizes[name] > LARGEST_ENTRY:
            raise RecordingNotUnderstood(f"{name} would be larger than any part of a recording")
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(name) as entry:
                return entry.read(LARGEST_ENTRY)
        except _DAMAGE as error:
            raise RecordingNotUnderstood(f"{name} is damaged ({error})") from error

    def body(self, name: str) -> bytes | None:
        """A stored body, from the zip or from the objects put back; None when nobody has it any more."""
        if name in self._sizes:
            return self.read(name)
        return self._objects.read(name) if self._objects is not None else None

    def assemble(self, into: Path) -> None:
        """Write the recording as Playwright made it, with the objects put back, as one zip that its viewer opens."""
        left_out = self._objects.names() if self._objects is not None else []
        with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as whole:
            for name in self.names:
                whole.writestr(name, self.read(name))
            for name in sorted(set(left_out) - set(self._sizes)):
                require_plain_name(name)
                data = self._objects.read(name) if self._objects is not None else None
                if data is not None:
                    whole.writestr(name, data)


def require_plain_name(name: str) -> None:
    """RecordingNotUnderstood for a name that leads out of the folder it would be unpacked in."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise RecordingNotUnderstood(f"an entry has the name {name[:80]!r}")

"""What a ledger has of single runs: found by reading it, for the few cases in which nobody remembers."""

from __future__ import annotations

import re
from pathlib import Path

from agent.audit.entries import Accepted, Entry, Pruned, Reported, Sealed
from agent.audit.reading import ENTRIES

# Also where a line is not spelled as the agent does: a damaged entry of a run is to be found, and told.
_JOB_ID = re.compile(rb'job_id"?\s*:\s*"?([^"\\,}\s]+)')


class RunRecords:
    """Where the entries of each run stand in a ledger: the file is read once, then only what was added to it.

    Keeps some hundred bytes for each entry, so it is made for one pass over many runs and not kept for good.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ENTRIES
        self._places: dict[bytes, list[tuple[int, int]]] = {}  # offset and length of lines that name the id
        self._read = 0  # so many bytes of the file are known

    def of(self, job_id: str) -> tuple[Entry, ...]:
        """The ``accepted``, ``sealed``, ``reported`` and ``pruned`` entries of one evidence id, in order.

        OSError when the ledger cannot be read; EntryDamaged for a damaged line among them.
        """
        if not self._path.exists():
            return ()
        self._catch_up()
        places = self._places.get(job_id.encode(), ())
        with self._path.open("rb") as file:
            found = []
            for offset, length in places:
                file.seek(offset)
                found.append(Entry.parse(file.read(length)))
        return tuple(entry for entry in found if _is_about(entry, job_id))

    def job_ids(self) -> tuple[str, ...]:
        """Every evidence id that any entry names. OSError when the ledger cannot be read."""
        if not self._path.exists():
            return ()
        self._catch_up()
        return tuple(name.decode(errors="replace") for name in self._places)

    def _catch_up(self) -> None:
        if self._path.stat().st_size < self._read:  # put back from a backup
            self._places, self._read = {}, 0
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # being written, or torn: no line
                for found in set(_JOB_ID.findall(line)):
                    self._places.setdefault(found, []).append((self._read, len(line) - 1))
                self._read += len(line)


def _is_about(entry: Entry, job_id: str) -> bool:
    match entry.data:
        case Accepted(job=job):
            return job.job_id == job_id
        case Sealed() | Reported() | Pruned():
            return entry.data.job_id == job_id
        case _:
            return False

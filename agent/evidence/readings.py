"""Every reading of a page and every use of a control, as a flow made it: what a job can be gone through again with.

``readings.jsonl`` while the job runs, ``readings.jsonl.gz`` afterwards. The scripts that read and the selector
catalogue are kept once for all jobs in the tenant's store of shared parts; ``objects.json`` in the folder says which.

A log that cannot be written never stops a job: it ends, and says so.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.evidence.folder import EvidenceFolder, unwritable
from agent.evidence.objects import INDEX, ObjectStore, index_of
from agent.evidence.sensitive import mask_value
from agent.execute.events import ControlUsed, PageRead

RUNNING = "readings.jsonl"
KEPT = "readings.jsonl.gz"
CATALOGUE = "selectors.toml"
SCRIPTS = "scripts"


@dataclass
class ReadingsLog:
    """Writes one line for each reading and use. Each is in the file on return, but not yet flushed to the disk.

    ``mask`` passes over every line, ``hide`` over every value in it before. With ``data`` False what was read is left
    out: for jobs that read whole lists, and write them down anyway.
    """

    folder: EvidenceFolder
    mask: Callable[[str], str]
    hide: Callable[[Any], Any] = lambda value: value
    data: bool = True
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Nothing is written before the first reading."""
        self._began = self.now()
        self._lines = 0
        self._parts: dict[str, bytes] = {}

    @property
    def _path(self) -> Path:
        return self.folder.path / RUNNING

    def reading(self, event: PageRead, step: int) -> None:
        """Note a reading made in this step (0: before the first). OSError when the disk does not take it."""
        reading = event.reading
        self._parts.setdefault(CATALOGUE, reading.catalogue.source.encode())
        self._parts.setdefault(f"{SCRIPTS}/{reading.reading}.js", reading.script.encode())
        self._write(
            event,
            step,
            {
                "reading": reading.reading,
                "script": reading.script_sha256,
                "catalogue": reading.catalogue.sha256,
                "url": reading.url,
                "given": reading.given,
                "layers": reading.layers,
                "ready": reading.ready,
                "problems": reading.problems,
                "found": reading.found,
                "shell": reading.shell,
                "data": reading.data if self.data else None,
            },
        )

    def use(self, event: ControlUsed, step: int) -> None:
        """Note the use of a control."""
        use = event.use
        self._write(event, step, {"use": use.what, "url": use.url, **({"failed": True} if use.failed else {})})

    def _write(self, event: PageRead | ControlUsed, step: int, what: dict[str, Any]) -> None:
        self._lines += 1
        told = event.reading if isinstance(event, PageRead) else event.use
        line = {
            "n": self._lines,
            "ms": round((told.began - self._began) * 1000),
            "wall": round(told.began, 4),
            "took_ms": round(told.took * 1000, 1),
            "step": step,
            **what,
            "places": [[place.selector, [[use.key, dict(use.values)] for use in place.uses]] for place in told.places],
        }
        text = json.dumps(self.hide(mask_value(line)), ensure_ascii=False, separators=(",", ":"))
        with self._path.open("a", encoding="utf-8") as file:
            if self._lines == 1:
                self._path.chmod(0o600)
            file.write(self.mask(text) + "\n")

    def finish(self) -> None:
        """Pack the log and store the parts that other jobs share. Failed ``evidence-unwritable``."""
        if not self._lines:
            return
        store = ObjectStore.beside(self.folder.path)
        for part in self._parts.values():
            store.put(part)
        self.folder.write_bytes(INDEX, index_of(self._parts), durable=False)
        pack(self.folder)


def pack(folder: EvidenceFolder) -> None:
    """Put ``readings.jsonl.gz`` in the place of ``readings.jsonl``, if that is there."""
    path = folder.path / RUNNING
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(path, error) from error
    whole = text[: text.rfind(b"\n") + 1]  # a killed process leaves a torn last line
    folder.write_bytes(KEPT, gzip.compress(whole, mtime=0), durable=False)
    folder.remove(RUNNING)

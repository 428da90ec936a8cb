"""What the evidence keeps of a region that is not as known: the findings, both shapes, and a picture of the two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.evidence.folder import EvidenceFolder
from agent.evidence.picture_files import PictureFiles
from agent.evidence.shape_picture import draw
from agent.execute.events import ShapeExamined


class ShapeNotes:
    """Keeps ``shape-1.json`` and so on, with a picture where it stopped the write. What is as known leaves no trace."""

    def __init__(self, mask: Callable[[str], str], line: Callable[[str, dict[str, Any]], None]) -> None:
        """``line`` writes one line of the job's log."""
        self._mask = mask
        self._line = line
        self._kept = 0

    def note(self, event: ShapeExamined, folder: EvidenceFolder, pictures: PictureFiles, step: int) -> None:
        """Keep what differs. Failed ``evidence-unwritable`` when the disk does not take it."""
        examined = event.examined
        if examined.severity == "same":
            return
        self._kept += 1
        file = f"shape-{self._kept}.json"
        folder.write_json(
            file,
            {
                "flow": examined.flow,
                "region": examined.region,
                "severity": examined.severity,
                "findings": list(examined.findings),
                "known": examined.known,
                "seen": examined.seen,
            },
        )
        self._line(
            "shape-differs",
            {
                "step": step,
                "file": file,
                "flow": examined.flow,
                "region": examined.region,
                "severity": examined.severity,
                "text": f"{examined.region} ({examined.severity}): {'; '.join(examined.findings)}",
            },
        )
        if examined.severity != "dangerous":  # told in words; the write did not depend on it
            return
        caption = f"The part {examined.region} of the page, as known (left) and as it was (right); nothing was written"
        name = pictures.add(f"shape-{self._kept}", draw(caption, examined.rows, self._mask))
        self._line("picture", {"file": name, "caption": caption, "step": step, "title": "", "path": ""})

"""The pictures of one job: numbered as they are taken, each with a line of the log that says what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.async_api import Page

from agent.domain.touch import Target
from agent.evidence import outline, pictures
from agent.evidence.picture_files import PictureFiles
from agent.evidence.private import Bystanders

_AT_WORK = frozenset({"form", "answer", "trouble"})  # in the middle of a step, whose number is in the name


class JobPictures:
    """Takes them. One that cannot be taken never stops a job: a line of the log says why it is missing."""

    def __init__(
        self, files: PictureFiles, bystanders: Bystanders | None, line: Callable[[str, dict[str, Any]], None]
    ) -> None:
        """``bystanders`` are painted over; ``line`` writes an event to the job's log."""
        self.files = files
        self._bystanders = bystanders
        self._line = line
        self._taken = 0

    async def take(self, page: Page, what: str, caption: str, step: int, target: Target | None = None) -> None:
        """Picture a page, with ``target`` outlined. Failed ``evidence-unwritable`` when the disk does not take it."""
        self._taken += 1
        at_work = what in _AT_WORK
        picture = await pictures.take(page, at_work=at_work, target=target, bystanders=self._bystanders)
        data: dict[str, Any] = {"caption": caption, "step": step, "title": picture.title, "path": picture.path}
        if picture.data is None:
            self._line("picture-missing", {**data, "why": picture.missing})
            return
        in_step = f"-step-{step}" if at_work and step else ""
        name = self.files.add(f"{self._taken:02d}{in_step}-{what}", picture.data)
        seen: dict[str, Any] = {"cut": True} if picture.cut else {}
        if picture.boxes:
            seen |= {"width": picture.width, "height": picture.height, "boxes": outline.written(picture.boxes)}
        self._line("picture", {"file": name, **data, **seen})

"""A picture as the report shows it: its words for eyes and ears, its outlines, or why it is not there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from agent.evidence.outline import Box
from agent.evidence.picture_files import picture_file
from agent.evidence.record import PictureRow, Removed

_BEFORE_IT_IS_SENT = re.compile(r"Step \d+, before it is sent: .*", re.DOTALL)
_WIDEST = 1.2  # height by width of a picture that is more than a screen
_KINDS = {
    "before": "The person's page as it was found",
    "after": "The person's page as it is afterwards",
    "verified": "Read back on a page that was opened afresh",
    "recovery": "The page as it was found after the trouble",
    "answer": "The page with Procore's answer",
}
_BADGE = 11  # radius, in pixels of the picture


@dataclass(frozen=True)
class Mark:
    """An outline with its number; ``badge_x`` and ``badge_y`` keep the number inside the picture."""

    number: int
    box: Box
    inside: bool
    badge_x: float = 0
    badge_y: float = 0


@dataclass(frozen=True)
class Figure:
    """A picture, or the place of one."""

    number: int
    row: PictureRow
    caption: str
    source: str  # data: address, empty without a picture
    file: str = ""  # its name in the folder
    width: int = 0  # in pixels, where it is known
    height: int = 0
    missing: str = ""
    removed: Removed | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def is_tall(self) -> bool:
        """Whether it shows more than a screen."""
        return self.height > _WIDEST * self.width

    @property
    def set_marks(self) -> list[Mark]:
        """Fields that were set."""
        return [mark for mark in self.marks if mark.box.kind == "set"]

    @property
    def pressed(self) -> list[Mark]:
        """What was pressed next."""
        return [mark for mark in self.marks if mark.box.kind == "pressed"]

    @property
    def alt(self) -> str:
        """What the picture shows, in words."""
        shown = f"Screenshot of the page “{self.row.title}”" if self.row.title else "Screenshot"
        words = f"{shown}. {self.caption}."
        inside = [mark.box.label or "a field without a name" for mark in self.set_marks if mark.inside]
        if inside:
            words += f" Outlined as set by the agent: {', '.join(inside)}."
        pressed = [mark.box.label or "a button without a name" for mark in self.pressed if mark.inside]
        if pressed:
            words += f" Outlined as pressed next: {', '.join(pressed)}."
        return words


def figures(folder: Path, rows: Iterable[PictureRow], removed: Mapping[str, Removed]) -> dict[int, Figure]:
    """A figure for each row, numbered in order, by the row's ``id()``; ``removed`` are files that retention took."""
    found: dict[int, Figure] = {}
    for number, row in enumerate(rows, 1):
        path = picture_file(folder, row.file) if row.file else None
        source = _source(folder, path)
        width, height = _size(path) if source and path is not None else (0, 0)
        gone = next((removed[name] for name in _names(row.file) if name in removed), None)
        found[id(row)] = Figure(
            number,
            row,
            _caption(row),
            source,
            file=path.relative_to(folder).as_posix() if path is not None and source else "",
            width=width,
            height=height,
            missing="" if source or gone else row.why_missing or "it was not kept",
            removed=None if source else gone,
            marks=_marks(row) if source else (),
        )
    return found


def _names(name: str) -> tuple[str, str]:
    """A picture's name, and that of the JPEG it was made of."""
    return name, str(PurePosixPath(name).with_suffix(".jpg")) if name else name


def _source(folder: Path, path: Path | None) -> str:
    if path is None or not path.resolve().is_relative_to(folder.resolve()):
        return ""
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    kind = "png" if data.startswith(b"\x89PNG") else "webp" if data[8:12] == b"WEBP" else "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()


def _size(path: Path) -> tuple[int, int]:
    """Width and height, from the head of the file; nothing for what is no picture."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError):
        return 0, 0


def _caption(row: PictureRow) -> str:
    if _BEFORE_IT_IS_SENT.fullmatch(row.caption):
        return "The page as filled in, right before it was sent"
    kind = PurePosixPath(row.file).stem.rpartition("-")[2]
    return _KINDS.get(kind, row.caption)


def _marks(row: PictureRow) -> tuple[Mark, ...]:
    marks = []
    for number, box in enumerate(row.boxes, 1):
        x = min(max(box.x + box.width, _BADGE), row.width - _BADGE)
        y = min(max(box.y, _BADGE), row.height - _BADGE)
        marks.append(Mark(number, box, box.is_within(row.width, row.height), x, y))
    return tuple(marks)

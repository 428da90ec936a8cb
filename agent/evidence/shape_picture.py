"""A picture of a region as the pack knows it beside the region as a page showed it, with what differs outlined."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFont

_COLUMN, _MARGIN, _LINE, _SIZE = 520, 12, 20, 14  # pixels
_MOST_ROWS, _MOST_LINES = 60, 6
_INK, _QUIET, _RULE = "#1b1f23", "#6a737d", "#e1e4e8"
_OUTLINES = {"dangerous": "#c62828", "degraded": "#b26a00"}
_SIGNS = {"dangerous": "!", "degraded": "~"}
_QUALITY = 80


def draw(title: str, rows: Sequence[Sequence[str]], mask: Callable[[str], str]) -> bytes:
    """A JPEG: known on the left, seen on the right, a row each; ``mask`` passes over every text.

    Rows that differ are outlined and come first, so that they are there however many rows are left out.
    """
    font = ImageFont.load_default(_SIZE)
    ordered = sorted(rows, key=lambda row: ["dangerous", "degraded", ""].index(row[2] if row[2] in _OUTLINES else ""))
    cells = [
        (_wrapped(mask(known), font), _wrapped(mask(seen), font), mark) for known, seen, mark in ordered[:_MOST_ROWS]
    ]
    heights = [max(len(known), len(seen), 1) * _LINE + _MARGIN for known, seen, _ in cells]
    width, top = 2 * _COLUMN + 3 * _MARGIN, 3 * _LINE + _MARGIN
    picture = Image.new("RGB", (width, top + sum(heights) + _MARGIN), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((_MARGIN, _MARGIN), mask(title), font=font, fill=_INK)
    for column, words in enumerate(("As this agent knows it", "As the page showed it")):
        pen.text((_left(column), _MARGIN + _LINE), words, font=font, fill=_QUIET)
    for (known, seen, mark), height in zip(cells, heights, strict=True):
        pen.line([(_MARGIN, top), (width - _MARGIN, top)], fill=_RULE)
        for column, lines in enumerate((known, seen)):
            for number, line in enumerate(lines or ["(nothing)"]):
                place = (_left(column), top + _MARGIN // 2 + number * _LINE)
                pen.text(place, line, font=font, fill=_INK if lines else _QUIET)
        if mark in _OUTLINES:
            box = [(_MARGIN // 2, top + 1), (width - _MARGIN // 2, top + height - 1)]
            pen.rectangle(box, outline=_OUTLINES[mark], width=2)
            pen.text((1, top + _MARGIN // 2), _SIGNS[mark], font=font, fill=_OUTLINES[mark])
        top += height
    out = io.BytesIO()
    picture.save(out, format="JPEG", quality=_QUALITY)
    return out.getvalue()


def _left(column: int) -> int:
    return _MARGIN + column * (_COLUMN + _MARGIN)


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """The text in lines that fit a column; a text that is too long ends with dots."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and font.getlength(longer) > _COLUMN - _MARGIN:
            lines.append(line)
            line = word
        else:
            line = longer
    lines += [line] if line else []
    return [*lines[: _MOST_LINES - 1], "…"] if len(lines) > _MOST_LINES else lines

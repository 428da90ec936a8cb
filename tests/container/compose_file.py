"""Reads the compose files: the plain part of YAML that they keep to, and nothing else.

Mappings and lists by indentation, texts plain or in double quotes, ``{}``, a list of texts in one line, comments.
Anything else (anchors, tags, folded texts, tabs) is a ValueError: whoever edits the files by hand should not need more.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_KEY = re.compile(r"([A-Za-z0-9_.-]+):(?: (.*))?$")


def read(path: Path) -> dict[str, Any]:
    """The file as dictionaries, lists and texts. ValueError with the line for what is not understood."""
    lines = [
        (number, len(line) - len(line.lstrip(" ")), line.strip())
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    ]
    content, rest = _block(lines, 0)
    if rest:
        raise ValueError(f"line {rest[0][0]}: wrong indentation")
    if not isinstance(content, dict):
        raise ValueError("a mapping is expected")
    return content


Lines = list[tuple[int, int, str]]


def _block(lines: Lines, indent: int) -> tuple[Any, Lines]:
    """The mapping or list that starts here, and the lines behind it."""
    if lines[0][2].startswith("- "):
        return _list(lines, indent)
    found: dict[str, Any] = {}
    while lines and lines[0][1] == indent:
        number, _, text = lines[0]
        key = _KEY.fullmatch(text)
        if key is None or key[1] in found:
            raise ValueError(f"line {number}: {text!r} is not one `key: value`")
        found[key[1]], lines = _value(key[2], lines[1:], indent, number)
    return found, lines


def _list(lines: Lines, indent: int) -> tuple[list[Any], Lines]:
    found: list[Any] = []
    while lines and lines[0][1] == indent and lines[0][2].startswith("- "):
        number, _, text = lines[0]
        if _KEY.fullmatch(text[2:]):
            item, lines = _block([(number, indent + 2, text[2:]), *lines[1:]], indent + 2)
            found.append(item)
        else:
            found.append(_scalar(text[2:], number))
            lines = lines[1:]
    return found, lines


def _value(text: str | None, lines: Lines, indent: int, number: int) -> tuple[Any, Lines]:
    if text:
        return _scalar(text, number), lines
    if not lines or lines[0][1] <= indent:
        raise ValueError(f"line {number}: nothing follows")
    return _block(lines, lines[0][1])


def _scalar(text: str, number: int) -> Any:
    if text == "{}":
        return {}
    if text.startswith(("[", '"')):
        return json.loads(text)
    if text[0] in "&*!|>'{%@`" or " #" in text or ": " in text:
        raise ValueError(f"line {number}: more YAML than these files use: {text!r}")
    return {"true": True, "false": False}.get(text, text)

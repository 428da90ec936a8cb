"""Findings in words for people."""

from __future__ import annotations

import json

from agent.replay.matching import Match
from flows import Reread

_SHOWN = 300


def in_words(value: object) -> str:
    """A value that was read, shortened."""
    text = (value or "(empty)") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def is_understood(read: Reread) -> bool:
    """Whether a flow would have gone on with what it read."""
    return read.ready and not read.problems and not read.broken


def understanding(read: Reread) -> str:
    """Whether a page was understood, and why not."""
    if read.broken:
        return f"cannot be read: {read.broken}"
    if is_understood(read):
        return "read and understood"
    first = read.problems[0] if read.problems else {"key": "the landmark", "expected": "one", "seen": "none"}
    return f"not understood: {first['key']}: expected {first['expected']}, seen {first['seen']}"


def elements(count: int, match: Match | None = None) -> str:
    """How many elements, and whether others."""
    words = "no element" if count == 0 else "one element" if count == 1 else f"{count} elements"
    if match is Match.OTHER:
        return "another element" if count == 1 else f"{count} elements, and not the same"
    return words

"""The built-in words that may come out of a recording: those of Procore's own pages, never a tenant's.

They are data, for anybody to review: ``phrases.txt`` for what people read, ``identifiers.txt`` for what ids, hooks and
addresses are made of, ``values.txt`` for values that are the same in every company. Written from Procore's
documentation and what is publicly known of its pages (``docs/reference/assumed-pages.md``).
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def listed(text: str) -> frozenset[str]:
    """The words of a text, apart by white space."""
    return frozenset(text.split())


def _lines(name: str) -> tuple[str, ...]:
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


#: Whole texts of labels, buttons, tabs, headings, hints and notices; ``{}`` is a gap that is always reduced.
PHRASES = _lines("phrases.txt")
#: Words that identifiers may be made of.
TECHNICAL = listed(" ".join(_lines("identifiers.txt")))
#: Whole values of attributes, options and parameters.
VALUES = listed(" ".join(_lines("values.txt")))
#: Names of elements.
TAGS = listed(" ".join(_lines("tags.txt")))

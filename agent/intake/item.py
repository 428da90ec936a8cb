"""One job as it stands in a file, before it is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """``text`` is the job as JSON; ``path_of`` turns a JSON path of it into a place that the file's writer knows.

    ``told``: places of it that were told as problems already; it is checked for others, but never taken.
    """

    line: int
    text: str
    path_of: Callable[[str], str]
    told: frozenset[str] = frozenset()

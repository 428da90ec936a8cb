"""When two texts or companies count as the same, as pages give them back."""

from __future__ import annotations

import re
import unicodedata

from agent.domain.access import Vendor

_SPACES = re.compile(r"\s+")


def same_text(one: str, other: str) -> bool:
    """Whether two field texts are the same; a page may compose characters and fold spaces, never more."""
    return _plain(one) == _plain(other)


def same_vendor(one: Vendor | None, other: Vendor | None) -> bool:
    """Whether both are the same company by id, or both are none."""
    return (one.id if one else "") == (other.id if other else "")


def _plain(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()

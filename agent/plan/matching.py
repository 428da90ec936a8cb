"""When two texts or companies count as the same, as pages give them back."""

from __future__ import annotations

import re
import unicodedata

from agent.domain.access import Vendor

_SPACES = re.compile(r"\s+")


def same_text(one: str, other: str) -> bool:
    """Whether two field texts are the same; a page may compose characters and fold spaces, never more."""
    return _plain(one) == _plain(other)


def one_slip(one: str, other: str) -> bool:
    """Whether one character is wrong, missing, too many, or swapped with its neighbour."""
    short, long = sorted((_plain(one).casefold(), _plain(other).casefold()), key=len)
    at = next((place for place, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    if len(long) - len(short) == 1:
        return short[at:] == long[at + 1 :]
    swapped = short[:at] + short[at : at + 2][::-1] + short[at + 2 :]
    return len(long) == len(short) and short != long and (short[at + 1 :] == long[at + 1 :] or swapped == long)


def same_vendor(one: Vendor | None, other: Vendor | None) -> bool:
    """Whether both are the same company by id, or both are none."""
    return (one.id if one else "") == (other.id if other else "")


def _plain(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()

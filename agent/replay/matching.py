"""What two looks at one page led to: the same elements, others, none, more; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from agent.credentials.secret import MASK
from agent.evidence.private import SOMEBODY


class Match(StrEnum):
    """How what is found now stands to what was found then, on the very same page."""

    SAME = "the same"
    OTHER = "another element"  #: as many, but not the same
    NONE = "none"
    FEWER = "fewer"
    MORE = "more"
    UNKNOWN_KEY = "not in the catalogue"


def compare(then: Sequence[str], now: Sequence[str]) -> Match:
    """Compare paths of elements, each in the order they were found."""
    if list(then) == list(now):
        return Match.SAME
    if not now:
        return Match.NONE
    if len(now) == len(then):
        return Match.OTHER
    return Match.MORE if len(now) > len(then) else Match.FEWER


def compare_all(
    then: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]
) -> dict[str, tuple[Match, tuple[str, ...], tuple[str, ...]]]:
    """The keys that both looked up and that led elsewhere: how, the paths then, the paths now."""
    found: dict[str, tuple[Match, tuple[str, ...], tuple[str, ...]]] = {}
    for key in sorted(then.keys() & now.keys()):
        match = compare(then[key], now[key])
        if match is not Match.SAME:
            found[key] = (match, tuple(then[key]), tuple(now[key]))
    return found


def differences(then: object, now: object, at: str = "") -> list[tuple[str, object, object]]:
    """Where two JSON values differ: the place in words, then and now. Missing members count as None."""
    if isinstance(then, dict) and isinstance(now, dict):
        pairs = [(f"{at}.{key}" if at else str(key), then.get(key), now.get(key)) for key in {**then, **now}]
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = [(f"{at}[{number}]", *pair) for number, pair in enumerate(zip(then, now, strict=True))]
    else:
        return [] if then == now else [(at or "all of it", then, now)]
    return [found for place, one, other in pairs for found in differences(one, other, place)]


def unmasked(found: list[tuple[str, object, object]]) -> list[tuple[str, object, object]]:
    """Differences without those in which a record masks a person or a secret: record and recording are masked by
    different hands, and neither says what stood there."""
    return [item for item in found if not any(_is_masked(value) for value in item[1:])]


def _is_masked(value: object) -> bool:
    if isinstance(value, dict):
        return any(_is_masked(item) for item in value.values())
    if isinstance(value, list):
        return any(_is_masked(item) for item in value)
    return isinstance(value, str) and (MASK in value or SOMEBODY in value)

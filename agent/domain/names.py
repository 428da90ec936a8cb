"""Comparing names and addresses as people write them, and suggesting the nearest one that exists."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

_SPACES = re.compile(r"\s+")
_BETWEEN_NAMES = re.compile(r"[\s._-]+")
LOCAL = "local:"  #: before the name of a user of this machine who needs no token
INBOX = "inbox:"  #: before the name of the user whose file lay in the inbox
_AROUND_PUNCTUATION = re.compile(r"\s*([/\-–—&,.])\s*")


def normal_email(address: str) -> str:
    """An e-mail address as a key: trimmed and lower-cased (Procore compares without case [I])."""
    return address.strip().lower()


def normal_name(name: str) -> str:
    """A name as a key: no case, one space, no spaces around punctuation.

    Procore itself spells one template "Foreman/Superintendent - Internal" [D] and
    "Foreman / Superintendent - Internal" [C].
    """
    text = unicodedata.normalize("NFKC", name).casefold().strip()
    text = _SPACES.sub(" ", text)
    return _AROUND_PUNCTUATION.sub(lambda found: found.group(1).replace("–", "-").replace("—", "-"), text)


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same after normalisation."""
    return normal_name(one) == normal_name(other)


def may_be_one_person(one: str, other: str) -> bool:
    """Whether two ways to call somebody may mean the same one; nobody is not the same as nobody.

    Compared without case; an address counts as its part before the @, too, and a dot, a dash or an underscore as a
    space.
    """
    return bool(_called(one) & _called(other))


def _called(who: str) -> set[str]:
    name = normal_name(who.removeprefix(LOCAL).removeprefix(INBOX))
    before_at = name.partition("@")[0]
    return {name, before_at, " ".join(_BETWEEN_NAMES.split(before_at)).strip()} - {""}


def find_names(wanted: str, offered: Iterable[str]) -> list[str]:
    """Those of ``offered`` that are the wanted name: exact spellings, else the normalised matches (0, 1 or more)."""
    names = list(offered)
    exact = [name for name in names if name == wanted]
    return exact or [name for name in names if same_name(name, wanted)]


def nearest(wanted: str, offered: Iterable[str], limit: int = 3) -> list[str]:
    """Up to ``limit`` offered names closest to the wanted one, best first; empty when nothing is near.

    A name that begins with the wanted words, or holds them, counts as near however long it is.
    """
    keys: dict[str, str] = {}
    for name in offered:
        keys.setdefault(normal_name(name), name)
    goal = normal_name(wanted)
    words = goal.split()

    def score(key: str) -> float:
        whole = difflib.SequenceMatcher(None, goal, key).ratio()
        start = difflib.SequenceMatcher(None, goal, key[: len(goal)]).ratio() * 0.95
        held = 0.9 if words and all(word in key for word in words) else 0.0
        return max(whole, start, held)

    ranked = sorted(((score(key), key) for key in keys), reverse=True)
    return [keys[key] for value, key in ranked[:limit] if value >= 0.6]


def did_you_mean(wanted: str, offered: Iterable[str]) -> str:
    """A sentence part such as ``; did you mean 'X' or 'Y'?``, or nothing."""
    near = nearest(wanted, offered)
    return f"; did you mean {' or '.join(repr(name) for name in near)}?" if near else ""

"""The account of this machine behind a number, as the record names it."""

from __future__ import annotations

import pwd


def account_name(uid: int) -> str:
    """The account's name; its number where it has no name, as in containers."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"

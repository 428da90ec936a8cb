"""The name of somebody who works on this machine and needs no token."""

from __future__ import annotations

import pwd

from agent.policy.approval import LOCAL


def local_name(uid: int) -> str:
    """``local:NAME`` of an account of this machine; its number where it has no name, as in containers."""
    try:
        return LOCAL + pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{LOCAL}uid-{uid}"

"""The name of somebody who works on this machine and needs no token."""

from __future__ import annotations

from agent.domain.names import LOCAL
from agent.intake.owner import account_name


def local_name(uid: int) -> str:
    """``local:NAME`` of an account of this machine."""
    return LOCAL + account_name(uid)

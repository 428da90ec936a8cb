"""What is sent of a notice, and how it is tried again: shared by webhook and e-mail; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.notify.notices import PERSONAL
from agent.queue.record import Notice

BACK_OFF_S = (10.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 72_000.0, 86_400.0, 86_400.0)
"""Waits between attempts: about three and a half days in all, so that a weekend's outage loses nothing."""
ATTEMPTS_IF_REFUSED = 4  #: the receiver answers, and says no: somebody may be mending it, but not for days
NEVER = math.inf  #: as ``not_before``: given up


@dataclass(frozen=True)
class Delivered:
    """It has arrived."""


@dataclass(frozen=True)
class NotDelivered:
    """It has not. ``refused``: the receiver answered no; ``wait_s``: it asked to wait so long."""

    error: str
    refused: bool = False
    gone: bool = False  # the receiver does not want anything any more
    wait_s: float = 0.0


Delivery = Delivered | NotDelivered


def again_at(failure: NotDelivered, attempts: int, now: float) -> float:
    """When to try again after the attempt number ``attempts`` (from 1); :data:`NEVER` when it is given up."""
    most = ATTEMPTS_IF_REFUSED if failure.refused else len(BACK_OFF_S)
    if failure.gone or attempts > most:
        return NEVER
    return now + max(BACK_OFF_S[min(attempts, len(BACK_OFF_S)) - 1], min(failure.wait_s, BACK_OFF_S[-1]))


def data_for(notice: Notice, *, people: bool) -> dict[str, Any]:
    """The notice's data for a receiver: flat, and without what may name people unless it wants that."""
    data = {name: value for name, value in notice.data.items() if name != PERSONAL}
    personal = notice.data.get(PERSONAL, {})
    return {**data, **personal} if people and isinstance(personal, Mapping) else data


def message_id(notice: Notice) -> str:
    """The same for every attempt, different for every notice and channel, also after the queue was made anew."""
    return f"notice-{notice.id}-{int(notice.at)}"

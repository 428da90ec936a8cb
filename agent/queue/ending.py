"""How a run of a claimed job ended, as the queue is told: decisions as values, one transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.queue.record import FlowReport, Hold, NewGrant, NewNotice

FLOW_QUARANTINED = "flow-quarantined"  #: the code of a job that waits for a person for want of a flow


@dataclass(frozen=True)
class Trouble:
    """What stood in the way, for the record."""

    kind: str  # refused | failed | uncertain | poison | expired
    code: str
    message: str


@dataclass(frozen=True)
class Done:
    """The Directory is as the job wants it, read back."""


@dataclass(frozen=True)
class Retry:
    """Passing trouble: again at ``at``. ``counts`` False gives the attempt back (the trouble is the tenant's)."""

    at: float
    trouble: Trouble
    counts: bool = True


@dataclass(frozen=True)
class GiveBack:
    """Not run to its end for a reason of ours (stop signal, restart): due again at once, no attempt counted."""

    why: str


@dataclass(frozen=True)
class Dead:
    """It ends here unless a person redrives it."""

    trouble: Trouble


@dataclass(frozen=True)
class Held:
    """A person has to act first. ``data``: the plan that waits, or the instructions of a hand-over."""

    hold: Hold
    reason: str
    data: Mapping[str, Any] = field(default_factory=dict)
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Stopped:
    """Stopped at a step boundary because somebody asked, or because a later offboard made it pointless."""

    why: str


How = Done | Retry | GiveBack | Dead | Held | Stopped


@dataclass(frozen=True)
class PauseTenant:
    """A circuit breaker opened: no job of the tenant is claimed until ``until`` (None: until a person resumes)."""

    why: str
    until: float | None = None


@dataclass(frozen=True)
class Ending:
    """All that is put on record when a run ends."""

    how: How
    result: Mapping[str, Any] = field(default_factory=dict)
    evidence: str | None = None
    grants: tuple[NewGrant, ...] = ()  # access with an end that this run has given, or may have given
    revoked: tuple[int, ...] = ()  # grants whose access this run has taken away
    closes_grants: bool = False  # every open grant of the person is over (offboarded)
    renamed_to: str | None = None  # the person's address from now on
    pause: PauseTenant | None = None
    flows: tuple[FlowReport, ...] = ()  # how the run has found the flows it used
    notices: tuple[NewNotice, ...] = ()

"""An observer of one job: what it is doing right now, and how long its steps took."""

from __future__ import annotations

import re

from agent.execute.events import Event, Planned, SessionReady, StepEnded, StepStarted, Verified
from agent.plan.steps import Plan
from agent.worker.telemetry import Telemetry

_DONE = ("saved", "settled by observation", "not needed any more")
_CAPITALS = re.compile(r"(?<!^)(?=[A-Z])")


class Watch:
    """Implements :class:`agent.execute.events.Observer`."""

    def __init__(self, tenant: str, telemetry: Telemetry) -> None:
        self._tenant = tenant
        self._telemetry = telemetry
        self.doing = "opening the session"  #: in words for people
        self.plan: Plan | None = None  #: as it was planned first
        self.left: Plan | None = None  #: as it was planned last, without what is done
        self.people: int | None = None  #: active users of the tenant, as its list says

    async def notify(self, event: Event) -> None:
        """Take note."""
        match event:
            case SessionReady(_, _, fingerprint):
                self.people = fingerprint.people
                self.doing = "looking"
            case Planned(plan):
                self.plan, self.left = self.plan or plan, plan
                self.doing = "reading back" if plan.is_empty else "beginning"
            case StepStarted(_, step):
                self.doing = step.title
            case StepEnded(step, result):
                kind = _CAPITALS.sub("_", type(step).__name__).lower()
                self._telemetry.step_ended(self._tenant, kind, result.milliseconds / 1000)
                self.doing = "reading back"
                if result.state in _DONE and self.left is not None:
                    rest = [planned for planned in self.left.steps if planned != step]
                    self.left = self.left.model_copy(update={"steps": tuple(rest)})
            case Verified():
                self.doing = "filing the evidence"
            case _:
                pass

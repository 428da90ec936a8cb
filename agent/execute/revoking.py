"""Go on past a part of the pages that is out of use, where a plan only takes away.

Each step that is left out leaves the person with more than was asked for, and each of the others with less than now:
so whatever can be taken safely is taken, and the job ends as a person's for the rest. Nothing that gives, brings back
or sends a mail ever comes after a step that was left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.errors import AgentError, ShapeChanged, WriteBeforeGate
from agent.execute.needed_flows import FlowQuarantined, flow_of, needed_flows
from agent.plan.step import Direction
from agent.plan.steps import Step


def only_takes(steps: Iterable[Step]) -> bool:
    """Whether every step takes access, and none gives or replaces any."""
    return all(step.direction is Direction.REDUCE for step in steps)


def is_of_one_flow(error: AgentError) -> bool:
    """Whether this stopped a step before its write because of the one part of the pages that it goes through."""
    return isinstance(error, ShapeChanged | FlowQuarantined | WriteBeforeGate)


class LeftOut:
    """The steps of one plan that were left out, and why: the first error ends the job, when all else is done."""

    def __init__(self) -> None:
        self.error: AgentError | None = None
        self._flows: set[str] = set()

    def add(self, step: Step, error: AgentError, generation: str) -> None:
        """``step`` was stopped by this error, and so would be every other one of its flow."""
        self.error = self.error or error
        if isinstance(error, FlowQuarantined):
            self._flows.update(error.flows)
        else:
            self._flows.add(error.flow if isinstance(error, ShapeChanged) else flow_of(step, generation).value)

    def has(self, step: Step, generation: str) -> bool:
        """Whether the step needs a flow that has stopped another one."""
        return any(flow.value in self._flows for flow in needed_flows([step], generation))


def some_may_go_on(steps: Sequence[Step], flows: Iterable[str], generation: str) -> bool:
    """Whether this plan only takes away, and has a step that needs none of these flows."""
    blocked = set(flows)
    free = (step for step in steps if blocked.isdisjoint(flow.value for flow in needed_flows([step], generation)))
    return only_takes(steps) and any(free)

"""The rules of the queue, for a job that a person runs with ``agent run-job``.

The budget of deactivations is the tenant's, whoever inactivates: it is kept in the queue, and asked of the agent that
owns the queue, or of the queue itself when no agent runs. What cannot be asked is not done. ``--yes`` is an approval as
any other: not by who asked for the job where the tenant wants four eyes, and by a token once there are operators.

Which flows are quarantined stands in the same place, and so does what the job finds of them. A queue that was never
made says nothing of any flow, and none is made for a flow that is well.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from agent.credentials.secret import Secret
from agent.errors import Failed, Mender, Refused
from agent.execute.events import Event, SessionReady
from agent.execute.needed_flows import Quarantined
from agent.execute.outcome import Outcome
from agent.execute.run import Budget, Permits
from agent.jobs.model import Job
from agent.plan.steps import Plan
from agent.policy.approval import Asker, refuse_approver, refuse_unnamed
from agent.policy.budget import inactivates
from agent.policy.check import ApprovalNeeded
from agent.queue.record import FlowHealth
from agent.service.account import local_name
from agent.service.desk import Desk
from agent.service.flow_views import MOST_FINDINGS, MOST_WORDS, FlowSeen
from agent.service.operators import Operators
from agent.service.reach import agent_answers, desk_at_hand
from agent.settings import Settings

_TRIES = 20  # another command has the queue open for a moment
_AGAIN_S = 0.25
T = TypeVar("T")


class ByHand:
    """One job, run by hand by whoever stands at the terminal. An observer, too: it learns how many people there are."""

    def __init__(self, settings: Settings, tenant: str, job: Job, token: Secret | None, *, approved: bool) -> None:
        """``approved``: --yes was given. Raises Refused("token-unknown"), and what reading the operators raises."""
        self._settings = settings
        self._tenant = tenant
        self._job = job
        self._token = token
        self._approved = approved
        self._people: int | None = None
        self._by = self._name()

    async def notify(self, event: Event) -> None:
        """Take note of what the pager of the Users list says."""
        if isinstance(event, SessionReady):
            self._people = event.fingerprint.people

    def origin(self) -> dict[str, str]:
        """Who runs it, for the evidence."""
        return {"run_by_hand_by": self._by, **({"approved_by": self._by} if self._approved else {})}

    @property
    def permits(self) -> Permits:
        """Whether --yes covers what policy asks about. Raises Refused("four-eyes", "token-needed", "token-unknown")."""

        def permits(needed: Sequence[ApprovalNeeded], plan: Plan) -> bool:
            if not self._approved:
                return False
            refuse_unnamed(self._by, has_operators=bool(self._operators.all()))
            asker = Asker(requested=self._job.reason.requested_by)  # who runs it has not submitted it to anybody
            refuse_approver([asker], self._by, self._settings.tenants[self._tenant].policy)
            return True

        return permits

    @property
    def budget(self) -> Budget:
        """What the tenant's jobs have used up. Raises Failed("budget-unknown") where nobody can tell."""

        async def budget(plan: Plan) -> Sequence[ApprovalNeeded]:
            if not inactivates(plan):
                return ()
            key, action = self._job.idempotency_key, self._job.action
            try:
                leave = await self._at_desk(lambda desk: desk.take_leave(self._tenant, key, action, self._people))
            except Failed as error:
                raise _unknown(
                    error,
                    "budget-unknown",
                    "How many people were inactivated lately cannot be found out, so nobody is now.",
                ) from error
            return leave.approvals

        return budget

    @property
    def quarantined(self) -> Quarantined:
        """Which flows are quarantined. Raises Failed("flows-unknown") where nobody can tell."""

        async def quarantined() -> Mapping[str, str]:
            if not self._is_anything_on_record():
                return {}
            try:
                found = await self._at_desk(lambda desk: desk.flows(self._tenant))
            except Failed as error:
                words = "Which parts of Procore's pages may be written through cannot be found out, so none is."
                raise _unknown(error, "flows-unknown", words) from error
            return {view.flow: view.why for view in found.flows if view.state is FlowHealth.QUARANTINED}

        return quarantined

    async def report(self, outcome: Outcome, evidence: str) -> None:
        """Put on record what the job has found of its flows. Raises Failed where nobody can."""
        for use in outcome.flows:
            if use.state == "healthy" and not self._is_anything_on_record():
                continue
            seen = FlowSeen(
                source="run-job",
                evidence=evidence if use.state != "healthy" else "",
                why=use.why[:MOST_WORDS],
                findings=use.findings[:MOST_FINDINGS],
                **use.model_dump(exclude={"flow", "why", "findings"}),
            )
            await self._at_desk(functools.partial(_tell, tenant=self._tenant, flow=use.flow, seen=seen))

    def _is_anything_on_record(self) -> bool:
        queue = self._settings.queue
        return queue.backend == "postgres" or queue.file.exists() or agent_answers(self._settings.api)

    async def _at_desk(self, ask: Callable[[Desk], Awaitable[T]]) -> T:
        """Ask the agent that owns the queue, or the queue itself; another command may have it for a moment."""
        for attempt in range(1, _TRIES + 1):
            try:
                async with desk_at_hand(self._settings, self._token) as desk:
                    return await ask(desk)
            except Failed as error:
                if error.code != "api-unreachable" or attempt == _TRIES:
                    raise
            await asyncio.sleep(_AGAIN_S)
        raise AssertionError("the last try has returned or raised")

    @property
    def _operators(self) -> Operators:
        return Operators(self._settings.paths.state)

    def _name(self) -> str:
        if self._token is None:
            return local_name(os.getuid())
        name = self._operators.name_of(self._token.reveal())
        if name is None:
            raise Refused(
                "token-unknown",
                "The token belongs to nobody.",
                expected="a token of `agent operators add NAME`",
                mender=Mender.OPERATOR,
            )
        return name


async def _tell(desk: Desk, tenant: str, flow: str, seen: FlowSeen) -> None:
    await desk.flow_seen(tenant, flow, seen)


def _unknown(error: Failed, code: str, words: str) -> Failed:
    return Failed(
        code,
        f"{words} {error.message}",
        expected="a queue that can be opened, or an agent that answers",
        seen=f"{error.code}: {error.seen}" if error.seen else error.code,
        mender=Mender.OPERATOR,
    )

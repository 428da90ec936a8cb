"""The rules of the queue, for a job that a person runs with ``agent run-job``.

The budget of deactivations is the tenant's, whoever inactivates: it is kept in the queue, and asked of the agent that
owns the queue, or of the queue itself when no agent runs. What cannot be asked is not done. ``--yes`` is an approval as
any other: not by who asked for the job where the tenant wants four eyes, and by a token once there are operators.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from agent.credentials.secret import Secret
from agent.errors import Failed, Mender, Refused
from agent.execute.events import Event, SessionReady
from agent.execute.run import Budget, Permits
from agent.jobs.model import Job
from agent.plan.steps import Plan
from agent.policy.approval import Asker, refuse_approver, refuse_unnamed
from agent.policy.budget import inactivates
from agent.policy.check import ApprovalNeeded
from agent.service.account import local_name
from agent.service.operators import Operators
from agent.service.reach import desk_at_hand
from agent.settings import Settings

_TRIES = 20  # another command has the queue open for a moment
_AGAIN_S = 0.25


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
            for attempt in range(1, _TRIES + 1):
                try:
                    async with desk_at_hand(self._settings, self._token) as desk:
                        leave = await desk.take_leave(
                            self._tenant, self._job.idempotency_key, self._job.action, self._people
                        )
                        return leave.approvals
                except Failed as error:
                    if error.code != "api-unreachable" or attempt == _TRIES:
                        raise _unknown(error) from error
                    await asyncio.sleep(_AGAIN_S)
            raise AssertionError("the last try has returned or raised")

        return budget

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


def _unknown(error: Failed) -> Failed:
    return Failed(
        "budget-unknown",
        f"How many people were inactivated lately cannot be found out, so nobody is now. {error.message}",
        expected="a queue that can be opened, or an agent that answers",
        seen=f"{error.code}: {error.seen}" if error.seen else error.code,
        mender=Mender.OPERATOR,
    )

"""Which jobs an auditor sees in full: all of the dangerous kinds, and some of the others, drawn by a stated lot.

The lot can be drawn again by anybody: the jobs are put in the order of ``SHA-256(seed, newline, position)`` and the
first ones are taken. The seed is the root of the signed checkpoint, which nobody can choose, or a word of the auditor's
own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.audit.population import Case, Stand
from agent.audit.sealed_run import SealedRun
from agent.domain.names import may_be_one_person

DEFAULT = 25
ALL = -1
MOST = 1_000_000  # by lot; more than any ledger has
LONGEST_SEED = 200
RULE = (
    "Always shown: jobs that are uncertain or interrupted; runs that changed something and did not end as done; jobs "
    "that give access with 'admin' in its name; jobs that nobody approved, neither as the request says nor in the "
    "agent; jobs approved, in either way, by who may be their requester, or in the agent by who handed them in; runs "
    "that only checked what a person had done by hand; runs of which a part was withheld. Of the other jobs, as many "
    "as were asked for, in the ascending order of SHA-256(seed + newline + number of the accepting entry), in hex."
)


@dataclass(frozen=True)
class Selection:
    """What is shown in full, by the position of the case, with the reason."""

    seed: str
    asked: int  # how many by lot; ALL for everything
    always: Mapping[int, str]  # position -> why
    drawn: tuple[int, ...]  # positions, ascending

    def why(self, position: int) -> str:
        """Why a case is shown in full; empty when it is not."""
        if position in self.always:
            return f"always: {self.always[position]}"
        return "drawn by lot" if position in self.drawn else ""


def select(cases: Sequence[Case], runs: Mapping[int, Sequence[SealedRun]], asked: int, seed: str) -> Selection:
    """Draw; ``runs`` are those of each case, by its position."""
    always = {case.number: why for case in cases if (why := _danger(case, runs.get(case.number, ())))}
    rest = sorted((case.number for case in cases if case.number not in always), key=lambda number: _lot(seed, number))
    drawn = rest if asked == ALL else rest[:asked]
    return Selection(seed, asked, always, tuple(sorted(drawn)))


def _lot(seed: str, number: int) -> str:
    return hashlib.sha256(f"{seed}\n{number}".encode()).hexdigest()


def _danger(case: Case, runs: Sequence[SealedRun]) -> str:
    """Why a case is always shown; empty for an ordinary one."""
    reason = case.accepted.reason
    in_agent = [run.sealed.approved_by for run in runs if run.sealed.approved_by]
    approvers = [who for who in ((reason.approved_by or "").strip(), *in_agent) if who]
    grounds = [
        (case.stand is Stand.UNCERTAIN or _ended(runs, "uncertain"), "uncertain"),
        (case.stand is Stand.INTERRUPTED or _ended(runs, "interrupted"), "interrupted"),
        (
            any(run.sealed.changed and run.sealed.verdict != "done" for run in runs),
            "changed something and was not done",
        ),
        (any(_gives_admin(run) for run in runs), "gives administrator access"),
        (not approvers, "no approver named"),
        (any(may_be_one_person(who, reason.requested_by or "") for who in approvers), "approved by the requester"),
        (any(may_be_one_person(who, case.accepted.source) for who in in_agent), "approved by who handed it in"),
        (any(run.only_checked for run in runs), "done by hand, checked by the agent"),
        (any(run.withheld for run in runs), "a part of its evidence was withheld"),
    ]
    return ", ".join(words for holds, words in grounds if holds)


def _ended(runs: Sequence[SealedRun], verdict: str) -> bool:
    return any(run.sealed.verdict == verdict for run in runs)


def _gives_admin(run: SealedRun) -> bool:
    return any("admin" in str(row.get("after", "")).casefold() for row in run.differences)

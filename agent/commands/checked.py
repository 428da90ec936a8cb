"""One thing that ``agent doctor`` has checked, and how it stands."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from agent.errors import AgentError
from agent.execute.remedies import remedy


class State(StrEnum):
    """How a check ended."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"  #: another check, on which it stands, failed


class Line(BaseModel):
    """One checked thing."""

    check: str
    state: State
    detail: str
    next_step: str = ""


def bad(check: str, error: AgentError, name: str) -> Line:
    """The line of a check that ended with this error; ``name`` is the tenant's, or empty."""
    seen = f" ({error.seen})" if error.seen else ""
    todo = remedy(error).replace("TENANT", name or "TENANT").replace("run the job again", "run agent doctor again")
    return Line(check=check, state=State.BAD, detail=f"{error.message}{seen}", next_step=todo)

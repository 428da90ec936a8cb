"""Errors over HTTP: ``application/problem+json`` (RFC 9457) with our stable code, and back again at the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agent.errors import AgentError, Failed, Mender, Refused, RetrySafe, Uncertain
from agent.jobs.parse import JobFileError
from agent.jobs.problems import Problem, ProblemsFound
from agent.queue.interface import NoSuchJob, NotPossibleNow

MEDIA_TYPE = "application/problem+json"

_STATUS = {
    "bad-job-file": 422,
    "bad-request": 422,
    "body-too-large": 413,
    "four-eyes": 403,
    "no-such-path": 404,
    "not-your-host": 403,
    "request-key-reused": 409,
    "token-needed": 401,
    "token-unknown": 401,
    "unknown-flow": 404,
    "unknown-tenant": 404,
    "wrong-method": 405,
}


class ProblemDocument(BaseModel):
    """What went wrong, for programs (``code``) and for people (``detail``)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str = Field("about:blank", description="Always about:blank; `code` tells problems apart.")
    title: str = Field(description="The code again, in words.", examples=["Request key reused"])
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(description="One sentence that a help-desk person understands.")
    code: str = Field(description="Stable code, see errors.md.", examples=["request-key-reused"])
    kind: str = Field("failed", description="refused, failed or uncertain.", examples=["refused"])
    expected: str = Field("", description="What would have been right.")
    seen: str = Field("", description="What was there instead.")
    mender: str = Field("operator", description="Who can do something: requester, operator, administrator, developer.")
    retry_safe: str = Field("unknown", description="Whether the same may be asked again: yes, no, unknown.")
    problems: tuple[Problem, ...] = Field((), description="Every mistake of a batch, with its place.")


def document_of(error: AgentError) -> ProblemDocument:
    """The error as a problem document."""
    return ProblemDocument(
        title=error.code.replace("-", " ").capitalize(),
        status=status_of(error),
        detail=error.summary if isinstance(error, ProblemsFound) else error.message,
        code=error.code,
        kind=_kind(error),
        expected=error.expected,
        seen=error.seen,
        mender=error.mender.value,
        retry_safe=error.retry_safe.value,
        problems=error.problems if isinstance(error, ProblemsFound) else (),
    )


def status_of(error: AgentError) -> int:
    """The HTTP status that fits."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    if isinstance(error, NoSuchJob):
        return 404
    if isinstance(error, NotPossibleNow):
        return 409
    return 422 if isinstance(error, Refused) else 503


def error_of(document: Mapping[str, Any]) -> AgentError:
    """The error that a problem document tells of, as it would have been raised here."""
    problem = ProblemDocument.model_validate(document)
    if problem.code == "bad-job-file" and problem.problems:
        return JobFileError(problem.problems)
    kinds: dict[str, type[AgentError]] = {"refused": Refused, "failed": Failed, "uncertain": Uncertain}
    return kinds.get(problem.kind, Failed)(
        problem.code,
        problem.detail,
        expected=problem.expected,
        seen=problem.seen,
        mender=Mender(problem.mender),
        retry_safe=RetrySafe(problem.retry_safe),
    )


def _kind(error: AgentError) -> str:
    if isinstance(error, Refused):
        return "refused"
    return "uncertain" if isinstance(error, Uncertain) else "failed"

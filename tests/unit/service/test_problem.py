"""An error comes out at the client as it went in at the agent."""

from __future__ import annotations

import json

import pytest

from agent.errors import AgentError, Failed, Mender, Refused, RetrySafe, Uncertain
from agent.jobs.parse import JobFileError
from agent.jobs.problems import Problem
from agent.queue.interface import NoSuchJob, NotPossibleNow
from agent.service.problem import document_of, error_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("four-eyes", "No.", expected="another", seen="ana", mender=Mender.REQUESTER), 403),
        (Refused("request-key-reused", "Known."), 409),
        (Refused("something-new", "No."), 422),
        (Failed("queue-unwritable", "Full.", retry_safe=RetrySafe.YES), 503),
        (Uncertain("api-unanswered", "Who knows."), 503),
    ],
)
def test_an_error_survives_the_way(error: AgentError, status: int) -> None:
    """Kind, code, words, mender and whether to try again."""
    document = document_of(error)
    assert document.status == status
    back = error_of(json.loads(document.model_dump_json()))
    assert isinstance(back, type(error))
    assert {**back.diagnostics(), "kind": ""} == {**error.diagnostics(), "kind": ""}


def test_every_problem_of_a_batch_survives_the_way() -> None:
    """With its place and the nearest name."""
    problems = (Problem(path="$[0].action", message="is missing"), Problem(path="x", message="y", suggestion="'z'"))
    back = error_of(document_of(JobFileError(problems)).model_dump(mode="json"))
    assert isinstance(back, JobFileError)
    assert back.problems == problems


def test_the_queues_own_errors_have_their_status() -> None:
    """Whatever their codes."""
    assert document_of(NoSuchJob(7)).status == 404
    assert document_of(NotPossibleNow("job-is-running", "It runs.")).status == 409

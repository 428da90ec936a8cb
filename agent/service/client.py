"""The desk of a running agent, over its interface: what the command line uses while an agent owns the queue."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from agent.credentials.secret import Secret
from agent.errors import Failed, Mender, Refused, RetrySafe, Uncertain
from agent.queue.interface import JobFilter
from agent.service.desk import Submission
from agent.service.flow_views import FlowHistory, FlowList, FlowReleased, FlowSeen
from agent.service.problem import MEDIA_TYPE, error_of
from agent.service.views import EventList, FlowView, JobList, JobView, Leave, Preview, Receipts, Status, TenantView
from agent.settings import ApiSettings

ANSWER_S = 30  #: an answer may take so long: a batch is written to disk before it comes
TOKEN, TOKEN_FILE = "AGENT_TOKEN", "AGENT_TOKEN_FILE"  # names of variables, no secret
ModelT = TypeVar("ModelT", bound=BaseModel)


def token_of(environment: Mapping[str, str] = os.environ) -> Secret | None:
    """The operator's token, from AGENT_TOKEN or the file AGENT_TOKEN_FILE. Refused("token-unreadable")."""
    if environment.get(TOKEN):
        return Secret(environment[TOKEN].strip())
    file = environment.get(TOKEN_FILE)
    if not file:
        return None
    try:
        return Secret(Path(file).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            "token-unreadable",
            f"The token file {file} cannot be read.",
            expected="a readable file with the token of `agent operators add`",
            seen=getattr(error, "strerror", None) or "no text",
            mender=Mender.OPERATOR,
        ) from error


def transport_of(settings: ApiSettings) -> tuple[httpx.AsyncBaseTransport, str]:
    """How to get to the agent, and the address to write before a path."""
    if settings.socket is not None:
        return httpx.AsyncHTTPTransport(uds=str(settings.socket)), "http://localhost"
    return httpx.AsyncHTTPTransport(), f"http://{settings.listen}"


@asynccontextmanager
async def connected(settings: ApiSettings, token: Secret | None) -> AsyncIterator[Client]:
    """A client of the agent at these addresses; nothing is sent yet."""
    transport, base = transport_of(settings)
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token else {}
    async with httpx.AsyncClient(
        transport=transport, base_url=base, headers=headers, timeout=ANSWER_S, trust_env=False
    ) as http:
        yield Client(http)


class Client:
    """The desk over HTTP; see :class:`agent.service.desk.Desk`. Errors are those that the agent raised."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def preview(self, submission: Submission) -> Preview:
        """What accepting these jobs would mean, each at the place where it was read here."""
        shown = await self._send(Preview, "POST", "/v1/jobs", preview=True, **_submitted(submission))
        rows = zip(shown.jobs, submission.placed, strict=True)
        return Preview(jobs=tuple(row.model_copy(update={"place": placed.place}) for row, placed in rows))

    async def submit(self, submission: Submission) -> Receipts:
        """Accept all of them, or none. Uncertain("submit-unanswered"): the same again is safe, by the jobs' keys."""
        return await self._send(Receipts, "POST", "/v1/jobs", **_submitted(submission))

    async def jobs(self, which: JobFilter) -> JobList:
        """Jobs, by number."""
        wanted = {
            "tenant": which.tenant,
            "person": which.person,
            "state": sorted(state.value for state in which.states) if which.states is not None else None,
            "held": which.held,
            "batch": which.batch,
            "after": which.after_id,
            "newest_first": which.newest_first,
            "limit": which.limit,
        }
        return await self._send(JobList, "GET", "/v1/jobs", **wanted)

    async def job(self, job_id: int) -> JobView:
        """One job."""
        return await self._send(JobView, "GET", f"/v1/jobs/{job_id}")

    async def events(self, job_id: int) -> EventList:
        """A job's history."""
        return await self._send(EventList, "GET", f"/v1/jobs/{job_id}/events")

    async def cancel(self, job_id: int) -> JobView:
        """Cancel."""
        return await self._send(JobView, "POST", f"/v1/jobs/{job_id}/cancel")

    async def retry(self, job_id: int) -> JobView:
        """Run again."""
        return await self._send(JobView, "POST", f"/v1/jobs/{job_id}/retry")

    async def approve(self, job_id: int) -> JobView:
        """Approve."""
        return await self._send(JobView, "POST", f"/v1/jobs/{job_id}/approve")

    async def resolve(self, job_id: int) -> JobView:
        """Let the agent check."""
        return await self._send(JobView, "POST", f"/v1/jobs/{job_id}/resolve")

    async def hand_over(self, job_id: int, reason: str) -> JobView:
        """Turn into a task for a person."""
        return await self._send(JobView, "POST", f"/v1/jobs/{job_id}/hand-over", body={"reason": reason})

    async def take_leave(self, tenant: str, key: str, action: str, people: int | None) -> Leave:
        """Take from a tenant's budget. After Uncertain("api-unanswered") the same again is counted once."""
        body = {"key": key, "action": action, "people": people}
        return await self._send(Leave, "POST", f"/v1/tenants/{tenant}/budget", body=body)

    async def pause(self, tenant: str, why: str, until: datetime | None) -> TenantView:
        """Pause a tenant."""
        body = {"reason": why, "until": until.isoformat() if until else None}
        return await self._send(TenantView, "POST", f"/v1/tenants/{tenant}/pause", body=body)

    async def resume(self, tenant: str) -> TenantView:
        """Resume a tenant."""
        return await self._send(TenantView, "POST", f"/v1/tenants/{tenant}/resume")

    async def flows(self, tenant: str | None) -> FlowList:
        """Every way of writing, with its state in each tenant."""
        return await self._send(FlowList, "GET", "/v1/flows", tenant=tenant)

    async def flow_history(self, tenant: str, flow: str) -> FlowHistory:
        """One flow with all that is known of it."""
        return await self._send(FlowHistory, "GET", f"/v1/tenants/{tenant}/flows/{flow}")

    async def flow_seen(self, tenant: str, flow: str, found: FlowSeen) -> FlowView:
        """What a command of this machine has found of a flow."""
        body = found.model_dump(mode="json")
        return await self._send(FlowView, "POST", f"/v1/tenants/{tenant}/flows/{flow}/seen", body=body)

    async def quarantine_flow(self, tenant: str, flow: str, why: str) -> FlowView:
        """Take a flow out of use."""
        body = {"reason": why}
        return await self._send(FlowView, "POST", f"/v1/tenants/{tenant}/flows/{flow}/quarantine", body=body)

    async def release_flow(self, tenant: str, flow: str, why: str) -> FlowReleased:
        """Use it again."""
        body = {"reason": why}
        return await self._send(FlowReleased, "POST", f"/v1/tenants/{tenant}/flows/{flow}/release", body=body)

    async def status(self) -> Status:
        """The agent at a glance."""
        return await self._send(Status, "GET", "/v1/status")

    async def _send(self, model: type[ModelT], method: str, path: str, *, body: Any = None, **query: Any) -> ModelT:
        given = {name: value for name, value in query.items() if value is not None}
        try:
            answer = await self._http.request(method, path, params=given, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise unreachable(str(error)) from error
        except httpx.HTTPError as error:
            raise _unanswered(method, error) from error
        if answer.is_error:
            raise self._error(answer)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise _not_ours(f"an answer that is no {model.__name__}") from error

    @staticmethod
    def _error(answer: httpx.Response) -> Exception:
        if answer.headers.get("content-type", "").partition(";")[0] != MEDIA_TYPE:
            return _not_ours(f"HTTP status {answer.status_code}")
        try:
            return error_of(answer.json())
        except ValueError:
            return _not_ours(f"HTTP status {answer.status_code}")


def unreachable(seen: str) -> Failed:
    """The error for an agent that cannot be reached."""
    return Failed(
        "api-unreachable",
        "The agent's interface does not answer.",
        expected="a running agent (settings: api), and an account that may use its socket",
        seen=seen,
        mender=Mender.OPERATOR,
    )


def _unanswered(method: str, error: Exception) -> Failed | Uncertain:
    """No answer to a question changes nothing; after a change nobody knows, and asking again is safe by the keys."""
    seen = type(error).__name__
    if method == "GET":
        return Failed("api-unanswered", "The agent gave no answer in time.", seen=seen, mender=Mender.OPERATOR)
    return Uncertain(
        "api-unanswered",
        "The agent gave no answer, so it is not known whether it did this.",
        expected="an answer; the same command again is safe, and says how it is",
        seen=seen,
        mender=Mender.OPERATOR,
        retry_safe=RetrySafe.YES,
    )


def _not_ours(seen: str) -> Failed:
    return Failed(
        "api-not-understood",
        "What answers there is not this agent's interface, or one of another version.",
        expected="the same version of `agent` on both ends",
        seen=seen,
        mender=Mender.OPERATOR,
    )


def _submitted(submission: Submission) -> dict[str, Any]:
    # What was left out must stay left out.
    jobs = [json.loads(item.job.model_dump_json(exclude_unset=True)) for item in submission.placed]
    return {
        "body": jobs,
        "tenant": submission.tenant,
        "batch": submission.batch,
        "not_before": submission.not_before.isoformat() if submission.not_before else None,
    }

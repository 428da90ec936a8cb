"""``/healthz``, ``/readyz``, ``/metrics``: for supervisors and Prometheus; no token, and nothing about persons."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

import agent
from agent.errors import AgentError
from agent.queue.interface import Queue
from agent.service.desk import AtWork
from agent.service.metrics import CONTENT_TYPE
from agent.service.office import vitals_of
from agent.service.views import View

QUEUE_ANSWERS_IN_S = 5
router = APIRouter()


class Health(View):
    """The process lives and its event loop turns."""

    status: str
    version: str


class Readiness(View):
    """Whether jobs can be handed in and are worked on."""

    ready: bool
    checks: dict[str, str]


@router.get("/healthz", tags=["status"], summary="Alive?")
async def healthz() -> Health:
    """200 as long as the process can answer."""
    return Health(status="ok", version=agent.__version__)


@router.get(
    "/readyz",
    tags=["status"],
    summary="Ready?",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not ready; `checks` says why."}},
)
async def readyz(request: Request) -> Any:
    """200 when the queue answers, the agent takes jobs, has room for evidence and its clock runs; 503 with the reason
    otherwise.

    A paused tenant or a broken inbox leaves the agent ready: restarting it would mend neither.
    """
    vitals = vitals_of(request)
    checks = {
        "queue": await _queue(vitals.queue),
        "worker": _worker(vitals.at_work),
        "evidence": _evidence(vitals.at_work),
        "clock": vitals.at_work.clock_trouble() or "ok",
        "inbox": vitals.at_work.inbox_trouble() or "ok",
    }
    found = Readiness(
        ready=all(checks[name] == "ok" for name in ("queue", "worker", "evidence", "clock")), checks=checks
    )
    return Response(found.model_dump_json(), 200 if found.ready else 503, media_type="application/json")


@router.get("/metrics", tags=["status"], summary="Figures for Prometheus", response_class=Response)
async def figures(request: Request) -> Response:
    """Prometheus' text format."""
    vitals = vitals_of(request)
    return Response(await vitals.metrics.page(vitals.queue), media_type=CONTENT_TYPE)


async def _queue(queue: Queue) -> str:
    try:
        async with asyncio.timeout(QUEUE_ANSWERS_IN_S):
            await queue.tenants()
    except TimeoutError:
        return f"no answer in {QUEUE_ANSWERS_IN_S} s"
    except AgentError as error:
        return error.code
    return "ok"


def _worker(at_work: AtWork) -> str:
    return "draining" if getattr(at_work.worker(), "draining", False) else "ok"


def _evidence(at_work: AtWork) -> str:
    return "no room: no job is started" if getattr(at_work.worker(), "no_room", "") else "ok"

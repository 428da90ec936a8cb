"""The local HTTP interface: what the command line can do, for programs; described by ``/openapi.json``.

Errors are problem documents (RFC 9457). Nothing here is for browsers: no pages, no cookies, no CORS.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from fastapi import FastAPI

import agent
from agent.jobs.parse import MAX_BYTES
from agent.queue.interface import Queue
from agent.service import flow_routes, health, routes
from agent.service.answers import NO_TELEMETRY, Mistakes, answer_errors
from agent.service.description import described
from agent.service.desk import AtWork
from agent.service.entry import Entry
from agent.service.masking import Masking
from agent.service.metrics import Metrics
from agent.service.office import Office, Vitals, move_in
from agent.service.operators import Operators
from agent.service.problem import MEDIA_TYPE
from agent.settings import Settings

_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"description": meaning, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for code, meaning in {
        401: "No token, or one that belongs to nobody.",
        403: "Not for browsers and other hosts; or this person may not do this.",
        404: "No such job, tenant or path.",
        409: "Not possible in the job's present state.",
        413: "The body is too large.",
        422: "Refused: the request cannot be used; every mistake is listed.",
        503: "Failed: the queue cannot be read or written at present.",
    }.items()
}


class Looked(Protocol):
    """What the interface wants of the worker."""

    def status(self) -> Any:
        """A dataclass: what runs, browser, sessions, draining."""


def create_app(
    settings: Settings,
    queue: Queue,
    worker: Looked,
    operators: Operators,
    metrics: Metrics,
    *,
    inbox_trouble: Callable[[], str] = str,
    clock_trouble: Callable[[], str] = str,
    mask: Callable[[str], str] = str,
    started_at: float | None = None,
) -> FastAPI:
    """The application on an open queue; ``mask`` takes secrets out of answers, ``started_at`` None is now."""
    at_work = AtWork(time.time() if started_at is None else started_at, worker.status, inbox_trouble, clock_trouble)
    app = FastAPI(
        title="Provisioning agent for Procore's Directory",
        version=agent.__version__,
        description="The queue of one agent: hand jobs in, look at them, steer them.",
        docs_url=None,  # the usual pages load scripts from elsewhere
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    move_in(app, Vitals(queue, at_work, metrics), Office(settings, operators, queue, at_work))
    app.add_middleware(Mistakes)
    app.add_middleware(Entry, most_bytes=MAX_BYTES)
    app.add_middleware(Masking, mask=mask)
    app.include_router(routes.router, responses=_ERRORS, max_body_size=MAX_BYTES)  # where no length is said
    app.include_router(flow_routes.router, responses=_ERRORS, max_body_size=MAX_BYTES)
    app.include_router(health.router)
    app.openapi = described(app)  # type: ignore[method-assign]  # FastAPI's own way to extend the description
    answer_errors(app)
    return app


def health_app(main: FastAPI) -> FastAPI:
    """Only health, readiness and metrics of an application, for an address that others may ask."""
    app = FastAPI(title="Health of the provisioning agent", openapi_url=None, telemetry=NO_TELEMETRY)
    move_in(app, main.state.vitals)
    app.add_middleware(Mistakes)
    app.add_middleware(Entry, any_host=True)
    app.include_router(health.router)
    answer_errors(app)
    return app

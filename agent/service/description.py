"""The OpenAPI description, with the job's own schema in it: one document says all that a sender has to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import Field, TypeAdapter

from agent.intake.csv_columns import COLUMNS
from agent.jobs.model import Job
from agent.jobs.parse import MAX_JOBS
from agent.service.problem import ProblemDocument

_REFERENCES = "#/components/schemas/{model}"


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What FastAPI calls for the description; made once."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_jobs(
                get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            )
        return app.openapi_schema

    return describe


def _with_jobs(document: dict[str, Any]) -> dict[str, Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Job, Field(discriminator="action")])
    one = adapter.json_schema(ref_template=_REFERENCES)
    schemas = document["components"]["schemas"]
    schemas.update(one.pop("$defs"))
    schemas["Problem"] = ProblemDocument.model_json_schema(ref_template=_REFERENCES)
    schemas.update(schemas["Problem"].pop("$defs"))
    schemas["Job"] = {"title": "Job", "description": "One job; `action` says which kind.", **one}
    job = {"$ref": _REFERENCES.format(model="Job")}
    jobs = {"type": "array", "items": job, "minItems": 1, "maxItems": MAX_JOBS}
    document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"] = {
        "application/json": {"schema": {"anyOf": [job, jobs]}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "JSON Lines: one job a line."}},
        "text/csv": {"schema": {"type": "string", "description": f"One job a row; columns: {', '.join(COLUMNS)}."}},
    }
    return document

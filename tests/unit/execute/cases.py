"""Jobs and people with the ordinary trimmings."""

from __future__ import annotations

import json
from typing import Any

from agent.domain.access import Membership, Project
from agent.domain.person import Person
from agent.jobs.model import ANY_JOB, Job
from tests.unit.execute.fake_tenant import ENGINEER


def job(action: str, **fields: Any) -> Job:
    """A job with the ordinary trimmings."""
    base = {
        "action": action,
        "reason": {"ticket": "HR-1", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
        "idempotency_key": f"test-{action}",
    }
    return ANY_JOB.validate_json(_json({**base, **fields}))


def provision(email: str = "ana.lindqvist@example.com", **fields: Any) -> Job:
    """The main job: Ana, an engineer in two projects, invited."""
    wanted: dict[str, Any] = {
        "person": {"email": email, "attributes": {"first_name": "Ana", "last_name": "Lindqvist"}},
        "company_access": {"template": "Field Staff"},
        "default_project_template": "none",
        "projects": [{"project": "24-017", "template": ENGINEER}, {"project": "24-021", "template": ENGINEER}],
        "invitation": True,
    }
    return job("provision", **{**wanted, **fields})


def person(email: str = "ana.lindqvist@example.com", **fields: Any) -> Person:
    """Somebody in the Directory."""
    base: dict[str, Any] = {
        "user_id": "7123456",
        "person_id": "562949953421999",
        "email": email,
        "active": True,
        "attributes": {"first_name": "Ana", "last_name": "Lindqvist"},
        "invited": True,
    }
    return Person(**{**base, **fields})


def member(project: Project, template: str | None = ENGINEER) -> Membership:
    """A membership."""
    return Membership(project=project, template=template)


def _json(value: Any) -> str:
    return json.dumps(value)

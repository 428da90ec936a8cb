"""Jobs for tests, from the few words that matter."""

from __future__ import annotations

import json
from typing import Any

from agent.jobs.model import Job
from agent.jobs.parse import read_jobs

EMAIL = "ana.lindqvist@example.com"


def job(action: str, **fields: Any) -> Job:
    """A job of this action; fields replace the defaults, and a value of ``...`` takes one away."""
    person: dict[str, Any] = {"email": EMAIL}
    document: dict[str, Any] = {
        "action": action,
        "idempotency_key": "test-1",
        "reason": {"ticket": "IT-1", "requested_by": "hr@example.com", "approved_by": "boss@example.com"},
        "person": person,
    }
    if action in {"provision", "reactivate"}:
        document |= {
            "company_access": "none",
            "default_project_template": "none",
            "projects": [],
            "add_to_new_projects": False,
            "invitation": False,
        }
    if action == "provision":
        person["attributes"] = {"first_name": "Ana", "last_name": "Lindqvist"}
    if action in {"bulk_add_to_project", "bulk_remove_from_project"}:
        document |= {"person": ..., "project": "24-017", "people": [dict(person)]}
    if action == "bulk_add_to_project":
        document["people"][0]["template"] = "Viewer"
    if action == "distribution_group":
        document |= {"person": ..., "name": "Site safety", "members": {"at_least": [dict(person)]}}
    document |= fields
    return read_jobs(json.dumps({name: value for name, value in document.items() if value is not ...}))[0]

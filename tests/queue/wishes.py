"""New jobs for the tests, in few words."""

from __future__ import annotations

from typing import Any

from agent.queue.ending import Trouble
from agent.queue.record import NewJob, Priority
from agent.queue.wish import wish_digest

TROUBLE = Trouble("failed", "page-timeout", "The page did not load.")


def wish(person: str = "ana", op: str = "add_to_projects", key: str | None = None, **changes: Any) -> NewJob:
    """A job about ``person@example.com``; what it wants of the person is in ``args['what']``."""
    tenant = changes.pop("tenant", "north")
    address = f"{person}@example.com"
    args = {"action": op, "what": changes.pop("what", "24-001"), "reason": {"ticket": changes.pop("ticket", "IT-1")}}
    values: dict[str, Any] = {
        "tenant": tenant,
        "person": address,
        "op": op,
        "args": args,
        "request_key": key,
        "dedup_key": wish_digest(tenant, address, op, args),
        "priority": Priority.OFFBOARD if op == "offboard" else Priority.NORMAL,
        "created_by": "desk",
        "yields_to_offboard": op in ("add_to_projects", "provision"),
        "supersedes": op == "offboard",
    }
    if op == "change_email":
        values["other_person"] = f"{changes.pop('to')}@example.com"
    return NewJob(**(values | changes))


def crowd(*people: str, key: str | None = None, **changes: Any) -> NewJob:
    """A job about all of these at once, which adds them to a project."""
    tenant, project = changes.pop("tenant", "north"), changes.pop("project", "24-001")
    op = changes.pop("op", "bulk_add_to_project")
    thing = f"project:{project}"
    args = {"action": op, "people": sorted(people), "what": changes.pop("what", ""), "reason": {"ticket": "IT-1"}}
    values: dict[str, Any] = {
        "tenant": tenant,
        "person": thing,
        "people": tuple(f"{name}@example.com" for name in people),
        "op": op,
        "args": args,
        "request_key": key,
        "dedup_key": wish_digest(tenant, thing, op, args),
        "priority": Priority.NORMAL,
        "created_by": "desk",
    }
    return NewJob(**(values | changes))

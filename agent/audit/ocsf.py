"""OCSF events for a security team's tools: one for each write that a run began, chained and fingerprinted.

A write about many people is an event for each of them.

OCSF 1.9.0, category Identity & Access Management, class User Management (3007), profile Record Integrity. Earlier
versions have neither. Each event's ``attestation_list`` has its SHA-256 over the canonical event (RFC 8785) without
that hash, and the one of the event before, as the profile says. Reading jobs make no event: they manage nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agent.audit.canonical import canonical
from agent.audit.checkpoint import origin_of
from agent.audit.parts import parts_of, people_asked_for
from agent.audit.population import Case
from agent.audit.sealed_run import RunStep, SealedRun

VERSION = "1.9.0"
CLASS = 3007
PRODUCT = "Provisioning agent for Procore's Directory"
_READING = frozenset({"read", "snapshot"})


@dataclass(frozen=True)
class Activity:
    """What was done to the user, as the class names it."""

    id: int
    name: str


CREATE, UPDATE = Activity(1, "Create"), Activity(2, "Update")
ENABLE, DISABLE = Activity(4, "Enable"), Activity(5, "Disable")
ASSIGN_ROLES, REMOVE_ROLES = Activity(16, "Assign Roles"), Activity(17, "Remove Roles")
INVITE = Activity(99, "Invite")

#: What a step of a plan is; ``assign_projects`` is told by its direction.
ACTIVITIES: Mapping[str, Activity] = {
    "create_user": CREATE,
    "save_user": UPDATE,
    "add_to_project": ASSIGN_ROLES,
    "change_project_template": ASSIGN_ROLES,
    "remove_from_project": REMOVE_ROLES,
    "remove_from_all_projects": REMOVE_ROLES,
    "assign_projects": ASSIGN_ROLES,
    "inactivate": DISABLE,
    "reactivate": ENABLE,
    "invite": INVITE,
    "bulk_add_to_project": ASSIGN_ROLES,
    "add_member": ASSIGN_ROLES,
    "bulk_remove_from_project": REMOVE_ROLES,
    "change_member_template": ASSIGN_ROLES,
    "group_create": UPDATE,
    "group_change": UPDATE,
    "group_delete": UPDATE,
}
#: What a job that never came to a write was to do.
_OF_ACTION: Mapping[str, Activity] = {
    "provision": CREATE,
    "update": UPDATE,
    "change_email": UPDATE,
    "offboard": DISABLE,
    "reactivate": ENABLE,
    "add_to_projects": ASSIGN_ROLES,
    "remove_from_projects": REMOVE_ROLES,
    "invite": INVITE,
    "bulk_add_to_project": ASSIGN_ROLES,
    "bulk_remove_from_project": REMOVE_ROLES,
    "distribution_group": UPDATE,
}
_SUCCESS, _FAILURE, _OTHER = (1, "Success"), (2, "Failure"), (99, "Other")
_STATUS: Mapping[str, tuple[int, str]] = {
    "saved": _SUCCESS,
    "settled by observation": _SUCCESS,
    "not needed any more": _SUCCESS,
    "rejected": _FAILURE,
    "not sent": _FAILURE,
}


def events(
    tenant: str, ledger: str, chain: str, cases: Iterable[Case], runs: Mapping[int, Sequence[SealedRun]]
) -> list[dict[str, Any]]:
    """The events in order of their runs; ``chain`` names this chain of events within the ledger."""
    plain = [
        event
        for case in cases
        if case.accepted.action not in _READING
        for run in runs.get(case.number, ())
        for event in _of_run(tenant, case, run)
    ]
    return _attested(plain, origin_of(ledger), chain)


def lines(found: Iterable[Mapping[str, Any]]) -> bytes:
    """Events as JSON lines, each in canonical form."""
    return b"".join(canonical(event) + b"\n" for event in found)


def fingerprint(event: Mapping[str, Any]) -> str:
    """The hash that stands in the event's attestation: over the event without that hash."""
    attestation = dict(event["attestation_list"][0])
    attestation.pop("fingerprint", None)
    return hashlib.sha256(canonical({**event, "attestation_list": [attestation]})).hexdigest()


def _attested(plain: Sequence[dict[str, Any]], authority: str, chain: str) -> list[dict[str, Any]]:
    chained: list[dict[str, Any]] = []
    for number, event in enumerate(plain):
        attestation: dict[str, Any] = {"uid": f"{chain}#{number}", "authority_uid": authority, "chain_uid": chain}
        if chained:
            before = chained[-1]
            attestation["prev_event"] = {
                "uid": before["metadata"]["uid"],
                "type_uid": before["type_uid"],
                "fingerprint": before["attestation_list"][0]["fingerprint"],
            }
        unsigned = {**event, "attestation_list": [attestation]}
        attestation["fingerprint"] = _sha256(fingerprint(unsigned), serialized=True)
        chained.append(unsigned)
    return chained


def _of_run(tenant: str, case: Case, run: SealedRun) -> Iterator[dict[str, Any]]:
    for step in run.steps:
        status = _STATUS.get(step.state, _OTHER)
        detail = step.detail or step.state
        about = [(part.person, replace(step, planned=part.planned)) for part in parts_of(step.planned)]
        for number, (person, part) in enumerate(about or [(case.accepted.person, step)], 1):
            name = f"step-{step.number}" + (f"/{number}" if about else "")
            yield _event(tenant, case, run, person, name, _activity(step), status, step.title, detail, part)
    if not run.steps and run.sealed.verdict not in ("done", "waiting"):
        status = _FAILURE if run.sealed.verdict in ("refused", "failed") else _OTHER
        summary = str(run.outcome.get("summary") or f"{run.sealed.action}: {run.sealed.verdict}")
        activity = _OF_ACTION.get(run.sealed.action, Activity(0, "Unknown"))
        asked = people_asked_for(_mapping(run.request.get("job")))
        for number, person in enumerate(asked or [case.accepted.person], 1):
            name = "end" + (f"/{number}" if asked else "")
            yield _event(tenant, case, run, person, name, activity, status, summary, run.sealed.verdict, None)


def _activity(step: RunStep) -> Activity:
    kind = str(step.planned.get("kind") or "")
    if kind == "assign_projects" and step.planned.get("remove"):
        return REMOVE_ROLES
    return ACTIVITIES.get(kind, Activity(0, "Unknown"))


def _event(
    tenant: str,
    case: Case,
    run: SealedRun,
    address: str,
    part: str,
    activity: Activity,
    status: tuple[int, str],
    message: str,
    detail: str,
    step: RunStep | None,
) -> dict[str, Any]:
    at = step.at if step is not None else run.sealed.ended
    person = _user(address)
    event: dict[str, Any] = {
        "activity_id": activity.id,
        "activity_name": activity.name,
        "category_uid": 3,
        "category_name": "Identity & Access Management",
        "class_uid": CLASS,
        "class_name": "User Management",
        "type_uid": CLASS * 100 + activity.id,
        "type_name": f"User Management: {activity.name}",
        "severity_id": 1,
        "severity": "Informational",
        "status_id": status[0],
        "status": status[1],
        "status_detail": detail,
        "time": _milliseconds(at),
        "timezone_offset": 0,
        "message": message,
        "actor": {"app_name": "agent", "user": {**_user(run.service_account), "type_id": 4, "type": "Service"}},
        "user": {**person, "type_id": 1, "type": "User"},
        "metadata": {
            "version": VERSION,
            "profiles": ["record_integrity"],
            "product": {"name": PRODUCT, "version": run.agent},
            "uid": f"{run.sealed.job_id}/{part}",
            "correlation_uid": run.sealed.job_id,
            "sequence": run.entry.seq,
            "log_name": "ledger",
            "tenant_uid": tenant,
            "original_time": at,
        },
        "observables": [{"name": "user.name", "type_id": 4, "type": "User Name", "value": address}],
        "unmapped": _unmapped(case, run),
    }
    if run.error_code:
        event["status_code"] = run.error_code
    if step is not None:
        event["duration"] = step.milliseconds
        event |= _details(step, person)
    return event


def _details(step: RunStep, person: Mapping[str, Any]) -> dict[str, Any]:
    """Roles, projects and the new address, where the step has them."""
    planned = step.planned
    found: dict[str, Any] = {}
    roles = [planned.get("template"), _of(planned.get("new"), "company_template")]
    if planned.get("kind") in ("remove_from_project", "bulk_remove_from_project"):
        roles = [planned.get("before")]
    memberships = [item for name in ("before", "remove") for item in _list(planned.get(name))]
    roles += [_of(item, "template") for item in memberships]
    named = list(dict.fromkeys(str(role) for role in roles if role))
    if named:
        found["iam_roles"] = [{"name": name} for name in named]
    projects = [planned.get("project"), *_list(planned.get("add")), *(_of(item, "project") for item in memberships)]
    resources = [
        {"uid": str(project["id"]), "name": str(project.get("name", "")), "type": "project"}
        for project in projects
        if isinstance(project, dict) and project.get("id")
    ]
    if str(planned.get("kind")).startswith("group_"):
        name = str(planned.get("name") or "")
        resources.append({"uid": str(planned.get("group_id") or name), "name": name, "type": "distribution group"})
    if resources:
        found["resources"] = resources
    address = _of(planned.get("change"), "email")
    if planned.get("kind") == "save_user":
        found["updated_user"] = _user(str(address)) if address else dict(person)
    return found


def _unmapped(case: Case, run: SealedRun) -> dict[str, Any]:
    """What the class has no place for: why, who allowed it, where it stands in the ledger."""
    reason = case.accepted.reason
    said = {
        "action": run.sealed.action,
        "verdict": run.sealed.verdict,
        "ticket": reason.ticket,
        "requested_by": reason.requested_by,
        "approved_by": reason.approved_by,
        "approved_in_agent_by": run.sealed.approved_by,
        "handed_in_by": case.accepted.source,
        "evidence": run.sealed.folder,
        "manifest_sha256": run.sealed.manifest_sha256,
        "ledger_entry": run.entry.seq,
        "ledger_entry_sha256": run.entry.sha256,
        "accepted_entry": case.number,
    }
    return {name: value for name, value in said.items() if value is not None}


def _user(address: str) -> dict[str, Any]:
    name = address or "unknown"
    return {"name": name, "email_addr": address} if "@" in address else {"name": name}


def _sha256(value: str, *, serialized: bool) -> dict[str, Any]:
    kind = {"serialization_id": 2, "serialization": "JCS"} if serialized else {}
    return {
        "algorithm_id": 3,
        "algorithm": "SHA-256",
        "encoding_id": 1,
        "encoding": "Hex",
        "value": value,
        **kind,
    }


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []

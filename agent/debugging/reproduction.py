"""How to see the same trouble again, in the sandbox, with invented names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.debugging.invented import EMAIL, PEOPLE, Inventing
from agent.debugging.trouble import Trouble
from agent.evidence.record import Record

PORT, CONTROL_PORT = 8321, 8322
_TENANT = "sandbox"
_COMPANY = "562949953421312"
_ANY = {"operation": "any_get", "times": 200}
_GONE = re.compile(r"0\b|no\b|none\b|could not|Timeout", re.IGNORECASE)
_HOOK = re.compile(r"""\[([\w-]+)="([^"{}]+)"\]|#([A-Za-z_][\w-]*)""")

#: Which fault of the sandbox shows the same to the agent, by the code of the error.
_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "signed-out": {"operation": "any_get", "effect": "sign_out"},
    "denied": {**_ANY, "effect": "denied"},
    "service-error": {**_ANY, "effect": "refuse_before"},
    "unknown-generation": {**_ANY, "effect": "unknown_page"},
    "unknown-language": {**_ANY, "effect": "language", "language": "de"},
    "unknown-dialog": {**_ANY, "effect": "unknown_dialog", "title": "Please read", "text": "Something new"},
    "unknown-field": {**_ANY, "effect": "unknown_field"},
    "page-timeout": {**_ANY, "effect": "slow", "seconds": 60, "when": "before"},
    "page-unreachable": {**_ANY, "effect": "slow", "seconds": 60, "when": "before"},
    "answer-lost": {"operation": "any_post", "effect": "drop_response"},
    "save-rejected": {"operation": "any_post", "effect": "refuse_text", "text": "cannot be saved"},
    "stale-token": {"operation": "any_post", "effect": "stale_csrf"},
}
_NEVER = {
    "sign-in-rejected": "it hangs on the real account's password or code",
    "account-locked": "it hangs on the real account",
    "browser-lost": "it hangs on the machine, not on pages",
    "browser-hung": "it hangs on the machine, not on pages",
    "browser-broken": "it hangs on the machine, not on pages",
    "evidence-unwritable": "it hangs on the machine's disk",
    "other-account": "it hangs on who was signed in",
}


@dataclass(frozen=True)
class Reproduction:
    """Commands and files; or why there can be none."""

    possible: bool
    why_not: str = ""
    faithful: str = ""  # what is the same as then, and what is not
    commands: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def reproduction(record: Record, trouble: Trouble, folder: str) -> Reproduction:
    """How to see it again; ``folder`` is where the files will lie."""
    if not record.job:
        return Reproduction(False, "the evidence holds no job")
    if trouble.code in _NEVER:
        return Reproduction(False, f"The sandbox cannot show this: {_NEVER[trouble.code]}.")
    inventing = Inventing(record.job, record.before)
    files = {"job.json": _json(inventing.job(record.job)), "agent.toml": _SETTINGS}
    job = json.loads(files["job.json"])
    start = _start(record, inventing) if record.before else _likely_start(job)
    if start is not None:
        files["people.json"] = _json([start])
    faults, faithful = _faults(trouble)
    if faults:
        files["faults.json"] = _json(faults)
    if inventing.shared:
        faithful += f" Names that the sandbox has too few of were put together: {', '.join(inventing.shared[:5])}."
    return Reproduction(True, "", faithful, _commands(files, folder), files)


def _faults(trouble: Trouble) -> tuple[list[dict[str, Any]], str]:
    if trouble.went_well:
        return [], "The job goes through as it did, with invented names."
    hooks = [
        (missed.key, literal)
        for missed in trouble.missed
        if _GONE.match(missed.seen)
        if (literal := _literal(missed.selector))
    ]
    if hooks:
        faults = [{**_ANY, "effect": "remove_hook", "hook": literal} for _, literal in hooks]
        named = ", ".join(key for key, _ in hooks)
        return faults, (
            f"The sandbox takes the hook of {named} away, so that today's catalogue misses it as it did then; what the "
            "real page has in its place the sandbox does not know. With a corrected catalogue use agent replay."
        )
    fault = _FAULTS.get(trouble.code)
    if fault is not None:
        return [dict(fault)], f"The sandbox is made to show the same kind of trouble ({fault['effect']})."
    return (
        [],
        "No trouble of the sandbox is of this kind: there the job will show whether the agent itself is at fault.",
    )


def _literal(selector: str) -> str:
    """The last piece of a selector that stands in the markup just so: ``data-qa="save"``."""
    found = list(_HOOK.finditer(selector))
    if not found:
        return ""
    name, value, identity = found[-1].groups()
    return f'id="{identity}"' if identity else f'{name}="{value}"'


def _start(record: Record, inventing: Inventing) -> dict[str, Any] | None:
    """The person as found before the job, as a starting state of the sandbox; None for nobody."""
    person = record.before.get("person")
    if not isinstance(person, dict):
        return None
    wished = ((record.job.get("person") or {}).get("attributes")) or {}
    values: dict[str, Any] = {}
    for name, value in (person.get("attributes") or {}).items():
        if value and name in _START_VALUES:
            # What the job was to change differs at the start here, too; else there would be nothing to do.
            same = name not in wished or wished[name] == value
            values[name] = PEOPLE[name] if same else f"Earlier {PEOPLE[name]}"
    access = person.get("company_access") or {}
    if isinstance(access, dict) and access.get("template"):
        values["company_template"] = inventing.company_template(str(access["template"]))
    if person.get("default_project_template"):
        values["default_template"] = inventing.project_template(str(person["default_project_template"]))
    values["add_to_new_projects"] = bool(person.get("add_to_new_projects"))
    memberships = {}
    for item in person.get("memberships") or []:
        project, template = item.get("project") or {}, item.get("template")
        number = inventing.project(str(project.get("number") or project.get("name") or ""))
        memberships[number] = inventing.project_template(str(template)) if template else None
    return {
        "email_address": EMAIL,
        "values": values,
        "memberships": memberships,
        "is_active": bool(person.get("active", True)),
        "invited": bool(person.get("invited")),
    }


def _likely_start(job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Somebody for whom the job has something to do, where nobody has read how the person was."""
    action = str(job.get("action", ""))
    if action in _WITHOUT_PERSON:
        return None
    wished = (job.get("person") or {}).get("attributes") or {}
    values = {name: f"Earlier {PEOPLE[name]}" for name in wished if name in _START_VALUES}
    leaving = [str(project) for project in job.get("projects") or [] if isinstance(project, str)]
    return {
        "email_address": EMAIL,
        "values": {"first_name": PEOPLE["first_name"], "last_name": PEOPLE["last_name"], **values},
        "memberships": dict.fromkeys(leaving),
        "is_active": action != "reactivate",
        "invited": False,
    }


_WITHOUT_PERSON = frozenset({"provision", "snapshot", ""})
_START_VALUES = frozenset({"first_name", "last_name", "job_title", "city", "zip", "mobile_phone", "employee_id"})
_SETTINGS = f"""\
[paths]
evidence = "evidence"
state = "state"

[tenants.{_TENANT}]
sign_in_url = "http://login.sandbox.localhost:{PORT}/"
app_url = "http://us02.sandbox.localhost:{PORT}/"
company_id = "{_COMPANY}"
"""


def _commands(files: Mapping[str, str], folder: str) -> tuple[str, ...]:
    sandbox = f"agent sandbox --port {PORT} --control-port {CONTROL_PORT}"
    told = [
        f"curl --fail -H 'content-type: application/json' --data @{name}.json http://127.0.0.1:{CONTROL_PORT}/{name}"
        for name in ("people", "faults")
        if f"{name}.json" in files
    ]
    return (
        f"cd {folder}",
        f"{sandbox} &",
        "agent sandbox --show-credentials     # those of svc.provisioning@example.com, for the next line",
        f"agent credentials set {_TENANT} --settings agent.toml",
        *told,
        "agent run-job job.json --settings agent.toml",
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

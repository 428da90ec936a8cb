"""Turns an evidence folder into one self-contained page for somebody who has never seen a terminal."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from agent.evidence.folder import EvidenceFolder
from agent.evidence.manifest import Versions, entries
from agent.evidence.record import PictureRow, Record, read_record

REPORT = "report.html"
_MOST_TIMELINE_ROWS = 400
_QUIET_EVENTS = frozenset({"picture", "trace-kept", "write-answered"})


@dataclass(frozen=True)
class VerdictWords:
    """How a verdict is told: its headline, what it means for the person, the colour class."""

    headline: str
    meaning: str
    tone: str


_VERDICTS = {
    "done": VerdictWords("Done and confirmed", "The change was made and read back from Procore afterwards.", "good"),
    "refused": VerdictWords("Refused", "The agent would not do this. Nothing was changed.", "stop"),
    "failed": VerdictWords("Failed", "It did not work. Nothing was changed.", "stop"),
    "uncertain": VerdictWords(
        "Uncertain", "Something was, or may have been, changed and could not be confirmed. A person decides.", "alert"
    ),
    "waiting": VerdictWords(
        "Waiting for a person", "A person has to approve or act first. Nothing was changed.", "wait"
    ),
    "interrupted": VerdictWords(
        "Interrupted", "The program ended in the middle of this job. What follows was true until then.", "alert"
    ),
}
_NOTHING_TO_DO = VerdictWords("Nothing to do", "Everything was already as requested. Nothing was changed.", "good")
_DRY_RUN = VerdictWords("Dry run", "Only looked at and planned. Nothing was changed.", "wait")

_ACTIONS = {
    "provision": "Provision a user",
    "update": "Update a user",
    "change_email": "Change a user's e-mail address",
    "offboard": "Offboard a user",
    "reactivate": "Reactivate a user",
    "add_to_projects": "Add a user to projects",
    "remove_from_projects": "Remove a user from projects",
    "invite": "Invite a user",
    "read": "Read a user",
    "snapshot": "Snapshot of the Directory",
}

_MENDERS = {
    "requester": "whoever wrote the request",
    "operator": "whoever runs the agent",
    "administrator": "a Procore Company Admin, in Procore",
    "developer": "whoever keeps the agent's knowledge of Procore's pages",
}
_RETRIES = {"yes": "yes", "no": "no", "unknown": "not known: look first"}

_EVENTS = {
    "job-started": "Job started",
    "session-ready": "Signed in",
    "observed": "Person read",
    "planned": "Planned",
    "step-started": "Step started",
    "write-sending": "Form filled and checked, now sent",
    "write-answered": "Procore answered",
    "step-ended": "Step ended",
    "verified": "Read back and compared",
    "note": "Note",
    "log": "Note",
    "picture": "Picture taken",
    "picture-missing": "Picture missing",
    "trace-missing": "Recording missing",
    "trace-kept": "Recording stored",
    "trace-withheld": "Recording withheld",
    "interrupted": "Program ended unexpectedly",
    "job-ended": "Job ended",
}


def write_report(folder: EvidenceFolder, made_with: Versions) -> None:
    """Render the folder as it is now into ``report.html``."""
    folder.write_text(REPORT, render(folder, made_with))


def render(folder: EvidenceFolder, made_with: Versions) -> str:
    """The page as HTML: no script, nothing fetched from anywhere, everything from outside escaped."""
    record = read_record(folder.path)
    template, style = _template()
    policy = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    steps = record.steps()
    return template.render(
        record=record,
        style=Markup(style),  # noqa: S704  # our own file, no outside text in it
        style_hash=policy,
        verdict=_verdict(record),
        action=_ACTIONS.get(str(record.job.get("action")), str(record.job.get("action", "Job"))),
        who=_who(record),
        steps=steps,
        undo=[step for step in steps if step.undo],
        comparison=record.comparison(),
        is_new=not record.before.get("person"),
        pictures=[_picture(folder, row) for row in record.pictures()],
        timeline=_timeline(record),
        timeline_cut=max(0, len(record.lines) - _MOST_TIMELINE_ROWS),
        files=[entry for entry in entries(folder) if entry.path != REPORT],
        versions=_versions(record, made_with),
        duration=_duration(record),
        needed_by=record.needed_by,
        menders=_MENDERS,
        retries=_RETRIES,
    )


@cache
def _template() -> tuple[Template, str]:
    """The template, compiled once a process, and the style sheet."""
    source = files("agent.evidence") / "templates"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(moment=_moment, clock=_clock, seconds=_seconds, size=_size)
    template = environment.from_string((source / "report.html.j2").read_text("utf-8"))
    return template, (source / "report.css").read_text("utf-8")


def _picture(folder: EvidenceFolder, row: PictureRow) -> dict[str, Any]:
    data = ""
    if row.file:
        path = folder.path / row.file
        if path.is_file():
            data = "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
    return {"row": row, "source": data, "missing": row.why_missing or ("" if data else "not kept")}


def _verdict(record: Record) -> VerdictWords:
    if record.verdict == "done" and record.request.get("dry_run"):
        return _DRY_RUN
    if record.verdict == "done" and record.outcome.get("nothing_to_do"):
        return _NOTHING_TO_DO
    fallback = VerdictWords(record.verdict.capitalize(), "", "alert")
    return _VERDICTS.get(record.verdict, fallback)


def _who(record: Record) -> str:
    """The person's name and address, as far as anybody knows them."""
    for source in (record.after, record.before):
        person = source.get("person") or {}
        names = person.get("attributes") or {}
        full = " ".join(str(names.get(part, "")) for part in ("first_name", "last_name")).strip()
        if full:
            return full
    asked = record.person.get("attributes") or {}
    return " ".join(str(asked.get(part) or "") for part in ("first_name", "last_name")).strip()


def _timeline(record: Record) -> list[dict[str, str]]:
    rows = []
    for line in record.lines[:_MOST_TIMELINE_ROWS]:
        event = str(line.get("event", ""))
        if event in _QUIET_EVENTS:
            continue
        rows.append({"at": str(line.get("at", "")), "what": _EVENTS.get(event, event), "detail": _detail(line)})
    return rows


def _detail(line: dict[str, Any]) -> str:
    """The one thing worth saying about a log line."""
    match line.get("event"):
        case "step-started":
            return f"Step {line.get('step')}: {line.get('title')}"
        case "step-ended":
            return f"Step {line.get('step')}: {line.get('state')}"
        case "write-sending":
            return str(line.get("intent", ""))
        case "planned":
            return f"{line.get('steps')} step(s)" + (", planned again after trouble" if line.get("replanned") else "")
        case "observed":
            return str(line.get("moment", "")) + ("" if line.get("found") else ": nobody with this address")
        case "session-ready":
            return str(line.get("signed_in_as", ""))
        case "job-ended":
            return str(line.get("verdict", ""))
        case "picture-missing" | "trace-missing":
            return str(line.get("why", ""))
        case _:
            return str(line.get("text", ""))


def _versions(record: Record, made_with: Versions) -> list[tuple[str, str]]:
    session = record.session.get("versions") or {}
    seen = session if isinstance(session, dict) else {}
    catalogue = str(seen.get("selector_catalogue") or made_with.selector_catalogue)
    return [
        ("Agent", made_with.agent),
        ("Python", made_with.python),
        ("Playwright", made_with.playwright),
        ("Browser", str(seen.get("browser") or made_with.browser) or "not started"),
        ("Selector catalogue", catalogue or "not used"),
        ("Recording format", str(made_with.trace_format or "none")),
    ]


def _duration(record: Record) -> str:
    if record.started is None or record.ended is None or record.ended < record.started:
        return ""  # a clock that went back says nothing about how long it took
    return _seconds((record.ended - record.started).total_seconds() * 1000)


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC" if at else "not known"


def _clock(text: str) -> str:
    """The time of day of a log line."""
    return text[11:23] if len(text) >= 23 else text


def _seconds(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds >= 60_000:
        minutes, rest = divmod(round(milliseconds / 1000), 60)
        return f"{minutes} min {rest} s"
    return f"{milliseconds / 1000:.1f} s"


def _size(count: int) -> str:
    return f"{count / 1024:.1f} KiB" if count >= 1024 else f"{count} B"

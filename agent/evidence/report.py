"""Turns an evidence folder into one self-contained page for somebody who has never seen a terminal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.audit.sink import Position
from agent.evidence.comparison import Row, compare
from agent.evidence.figure import Figure, figures
from agent.evidence.folder import EvidenceFolder
from agent.evidence.manifest import MANIFEST, REPORT, FileEntry, Versions, entries
from agent.evidence.record import Record, Removed, read_record
from agent.evidence.sheet import Sheet
from agent.evidence.story import Chapter, chapters, spans
from agent.evidence.wording import (
    EVENTS,
    MENDERS,
    RETRIES,
    action_words,
    counted,
    seconds,
    verdict_words,
)

__all__ = ["REPORT", "render", "write_report"]

_SHEET = Sheet("report.html.j2")
_MOST_LOG_ROWS = 400
_QUIET_EVENTS = frozenset({"picture", "trace-kept", "write-answered"})


def write_report(
    folder: EvidenceFolder,
    made_with: Versions,
    position: Position | None = None,
    removed: Sequence[Removed] = (),
) -> None:
    """Render the folder as it is now into ``report.html``; the arguments are those of :func:`render`."""
    folder.write_text(REPORT, render(folder, made_with, position, removed))


def render(
    folder: EvidenceFolder,
    made_with: Versions,
    position: Position | None = None,
    removed: Sequence[Removed] = (),
) -> str:
    """The page as HTML: no script, nothing fetched from anywhere, everything from outside escaped.

    ``position`` is the folder's place in the ledger; without one the page says that it has none. ``removed`` are the
    files which retention has taken out since the folder was sealed: the page says so, in the place of each picture too.
    """
    record = read_record(folder.path)
    gone = {path: item for item in removed for path, _, _ in item.files}
    told = chapters(record)
    shown = figures(folder.path, (picture for chapter in told for picture in chapter.pictures), gone)
    job_id = str(record.request.get("job_id") or folder.path.name)
    return _SHEET.render(
        running_title=f"Evidence record {job_id}",
        record=record,
        job_id=job_id,
        verdict=verdict_words(record),
        action=action_words(record.action),
        who=_who(record),
        steps=(steps := record.steps()),
        undo=[step for step in steps if step.undo],
        comparison=record.comparison(),
        as_read=_as_read(record),
        is_new=not record.is_about_many and not record.before.get("person"),
        lists=_lists(record),
        near=_near(record),
        story=_story(told, shown),
        time=_time_table(record),
        log_rows=_log_rows(record),
        log_cut=max(0, len(record.lines) - _MOST_LOG_ROWS),
        position=position,
        removed=removed,
        gone=gone,
        files=(files := _files(folder)),
        is_sealed=(folder.path / MANIFEST).is_file(),
        manifest_sha256=_sha256(folder, MANIFEST),
        bytes_beside=sum(file.bytes for file in files if file.path not in gone),
        versions=_versions(record, made_with),
        duration=_duration(record),
        needed_by=record.needed_by,
        menders=MENDERS,
        retries=RETRIES,
    )


def _who(record: Record) -> str:
    """The person's name, as far as anybody knows it."""
    for source in (record.after, record.before):
        person = source.get("person") or {}
        names = person.get("attributes") or {}
        full = " ".join(str(names.get(part, "")) for part in ("first_name", "last_name")).strip()
        if full:
            return full
    asked = record.person.get("attributes") or {}
    return " ".join(str(asked.get(part) or "") for part in ("first_name", "last_name")).strip()


def _as_read(record: Record) -> list[Row]:
    """The person as read, where there is no reading of afterwards to compare with."""
    if record.after or not record.before:
        return []
    person = record.person_before()
    return compare(None, person) if person else []


def _near(record: Record) -> list[dict[str, str]]:
    """People found who may be the same under another address."""
    found = record.before.get("correlation") or {}
    hits = found.get("near") or () if isinstance(found, Mapping) else ()
    return [{key: str(value) for key, value in hit.items()} for hit in hits if isinstance(hit, Mapping)]


def _lists(record: Record) -> list[tuple[str, str]]:
    """For a snapshot: each list, and how many people are on it."""
    notes = (line for line in record.lines if line.get("event") == "note")
    data = [(str(line.get("text", "")), line.get("data") or {}) for line in notes]
    return [(text.rpartition(":")[0] or text, str(item["rows"])) for text, item in data if "rows" in item]


def _story(told: Iterable[Chapter], shown: Mapping[int, Figure]) -> list[dict[str, Any]]:
    """Chapters with their figures, which are numbered over the whole page."""
    return [
        {"chapter": chapter, "figures": [shown[id(picture)] for picture in chapter.pictures]}
        for chapter in told
        if chapter.sentences or chapter.pictures or chapter.state or chapter.number
    ]


def _time_table(record: Record) -> dict[str, Any]:
    found = spans(record)
    total = max((span.end for span in found), default=0)
    slowest = max(found, key=lambda span: span.took, default=None)
    return {"spans": found, "total": total, "slowest": slowest if total and len(found) > 2 else None}


def _log_rows(record: Record) -> list[dict[str, str]]:
    rows = []
    for line in record.lines[:_MOST_LOG_ROWS]:
        event = str(line.get("event", ""))
        if event in _QUIET_EVENTS:
            continue
        rows.append({"at": str(line.get("at", "")), "what": EVENTS.get(event, event), "detail": _detail(line)})
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
            steps = line.get("steps")
            words = counted(steps, "step") if isinstance(steps, int) else ""
            return words + (", planned again after trouble" if line.get("replanned") else "")
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


def _files(folder: EvidenceFolder) -> Sequence[FileEntry]:
    """What the seal covers; of a folder without one, what is there now."""
    try:
        listed = json.loads((folder.path / MANIFEST).read_bytes())["files"]
        return [FileEntry.model_validate(item) for item in listed]
    except (OSError, ValueError, KeyError, TypeError):
        return entries(folder)


def _sha256(folder: EvidenceFolder, name: str) -> str:
    try:
        return hashlib.sha256((folder.path / name).read_bytes()).hexdigest()
    except OSError:
        return ""


def _versions(record: Record, made_with: Versions) -> list[tuple[str, str]]:
    session = record.session.get("versions") or {}
    seen = session if isinstance(session, dict) else {}
    catalogue = str(seen.get("selector_catalogue") or made_with.selector_catalogue)
    fingerprint = record.session.get("fingerprint") or {}
    pack = str(fingerprint.get("pack") or "") if isinstance(fingerprint, dict) else ""
    return [
        ("Agent", made_with.agent),
        ("Python", made_with.python),
        ("Playwright", made_with.playwright),
        ("Browser", str(seen.get("browser") or made_with.browser) or "not started"),
        ("Selector catalogue", f"{pack} {catalogue}".strip() or "not used"),
        ("Recording format", str(made_with.trace_format or "none")),
    ]


def _duration(record: Record) -> str:
    if record.started is None or record.ended is None or record.ended < record.started:
        return ""  # a clock that went back says nothing about how long it took
    return seconds((record.ended - record.started).total_seconds() * 1000)

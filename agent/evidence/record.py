"""What an evidence folder says, read back from its files; complete or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.domain.person import Person
from agent.evidence.comparison import Row, compare
from agent.evidence.comparison_of_many import compare_many, roster_of
from agent.evidence.log import LOG_FILE
from agent.evidence.outline import Box, boxes_of
from agent.evidence.subject import MANY, subject_words

PICTURES = frozenset({"picture", "picture-missing"})
CHANGED = frozenset({"saved", "settled by observation", "partly saved", "unknown"})


@dataclass(frozen=True)
class StepRow:
    """One step as planned and as it ended."""

    number: str
    title: str
    state: str
    detail: str = ""
    milliseconds: int | None = None
    undo: str = ""


@dataclass(frozen=True)
class PictureRow:
    """One picture, or the place where one is missing."""

    file: str
    caption: str
    title: str
    path: str
    why_missing: str = ""
    cut: bool = False
    width: int = 0  # in pixels, where there are outlines
    height: int = 0
    boxes: tuple[Box, ...] = ()

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> PictureRow:
        """From a line of the log."""
        width, height = (value if isinstance(value := line.get(name), int) else 0 for name in ("width", "height"))
        return cls(
            file=str(line.get("file", "")),
            caption=str(line.get("caption", "")),
            title=str(line.get("title", "")),
            path=str(line.get("path", "")),
            why_missing=str(line.get("why", "")),
            cut=bool(line.get("cut")),
            width=width,
            height=height,
            boxes=boxes_of(line.get("boxes")) if width > 0 and height > 0 else (),
        )


@dataclass(frozen=True)
class Removed:
    """Files that were taken out of a sealed folder later, by a rule of retention; the ledger has the same."""

    at: str  # as the ledger's entry
    policy: str
    why: str
    files: tuple[tuple[str, int, str], ...]  # path in the folder, bytes, sha256
    entry: int | None = None  # number of the ledger's entry


@dataclass(frozen=True)
class Joined:
    """Somebody else who asked for the same; what is not known is empty."""

    requested_by: str
    approved_by: str  # as their request says
    ticket: str
    handed_in_by: str
    at: datetime | None

    @classmethod
    def of(cls, asker: dict[str, Any]) -> Joined:
        """As ``request.json`` has them."""
        reason = _mapping(asker.get("reason"))
        return cls(
            requested_by=str(reason.get("requested_by") or ""),
            approved_by=str(reason.get("approved_by") or ""),
            ticket=str(reason.get("ticket") or ""),
            handed_in_by=str(asker.get("handed_in_by") or ""),
            at=_time(asker.get("at")),
        )


@dataclass
class Record:
    """The parts of a folder; what is missing or damaged is empty, since a killed process leaves what it leaves."""

    folder: Path
    request: dict[str, Any] = field(default_factory=dict)
    session: dict[str, Any] = field(default_factory=dict)
    plans: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def job(self) -> dict[str, Any]:
        """The job as it was asked for."""
        return _mapping(self.request.get("job"))

    @property
    def action(self) -> str:
        """What was asked for: ``provision``, ``offboard`` ..."""
        return str(self.job.get("action", ""))

    @property
    def reason(self) -> dict[str, Any]:
        """Ticket, who asked, who approved."""
        return _mapping(self.job.get("reason"))

    @property
    def person(self) -> dict[str, Any]:
        """Whom the job is about."""
        return _mapping(self.job.get("person"))

    @property
    def is_about_many(self) -> bool:
        """Whether it is about a project's members or a distribution group."""
        return self.action in MANY

    @property
    def subject(self) -> str:
        """Whom or what it is about: an address, or the people of a project, or a group."""
        if not self.is_about_many:
            return str(self.person.get("email", ""))
        number, thing = len(self.job.get("people") or ()), subject_words(str(self.request.get("person") or ""))
        return f"{number:,} {'person' if number == 1 else 'people'} of {thing}" if number else thing

    @property
    def started(self) -> datetime | None:
        """When the job began."""
        return _time(self.request.get("at"))

    @property
    def ended(self) -> datetime | None:
        """When it ended; for an interrupted job the last sign of life."""
        last = self.lines[-1].get("at") if self.lines else None
        return _time(self.outcome.get("at") or last)

    @property
    def needed_by(self) -> datetime | None:
        """By when it had to be done."""
        return _time(self.job.get("needed_by"))

    @property
    def check_since(self) -> datetime | None:
        """For a job that only looked whether a person has done it by hand: since when."""
        return _time(self.request.get("check_since"))

    @property
    def origin(self) -> dict[str, Any]:
        """For a job of the queue its number, who handed it in and who approved it; else who ran it by hand."""
        return next((data for data in self._noted() if "queue_job" in data or "run_by_hand_by" in data), {})

    @property
    def approved_by(self) -> str | None:
        """Who gave the yes, in the queue or by ``--yes``, that policy asked for in this run; None where it asked for
        none, or none was given."""
        if not any("approved" in data for data in self._noted()):
            return None
        return str(self.origin.get("approved_by") or "") or None

    @property
    def joined(self) -> list[Joined]:
        """Others who asked for the same while the job waited, in the order in which they did."""
        found = self.request.get("joined")
        return [Joined.of(_mapping(asker)) for asker in found] if isinstance(found, list) else []

    @property
    def verdict(self) -> str:
        """done, refused, failed, uncertain, waiting, or interrupted when no end was recorded."""
        return str(self.outcome.get("verdict", "interrupted"))

    @property
    def witnesses(self) -> list[dict[str, Any]]:
        """Both witnesses, from the outcome or, failing that, from the log."""
        if self.outcome.get("witnesses"):
            return list(self.outcome["witnesses"])
        heard = [line["witnesses"] for line in self.lines if line.get("event") == "verified" and "witnesses" in line]
        return list(heard[-1]) if heard else []

    @property
    def notes(self) -> list[str]:
        """What the planner had to say."""
        return [str(note) for plan in self.plans for note in plan.get("notes", [])]

    @property
    def differences(self) -> list[dict[str, str]]:
        """What the first plan wanted to change."""
        return list(self.plans[0].get("differences", [])) if self.plans else []

    def comparison(self) -> list[Row]:
        """Before and after, field by field; empty when the person was not read at both times."""
        if not self.before or not self.after:
            return []
        rosters = roster_of(self.before), roster_of(self.after)
        if rosters[0] is not None and rosters[1] is not None:
            return compare_many(rosters[0], rosters[1])
        before, after = _person(self.before), _person(self.after)
        return compare(before, after) if before or after else []

    def person_before(self) -> Person | None:
        """The person as first read; None for nobody, or where it cannot be understood."""
        return _person(self.before)

    def steps(self) -> list[StepRow]:
        """Every step that was begun, then those of the last plan that were not."""
        results = list(self.outcome.get("steps", [])) or self._results_from_log()
        undo = {
            str(step["title"]): str(step.get("inverse", "")) for plan in self.plans for step in plan.get("steps", [])
        }
        rows = []
        for result in results:
            state, title = str(result.get("state", "")), str(result.get("title", ""))
            rows.append(
                StepRow(
                    number=str(result.get("number", "")),
                    title=title,
                    state=state,
                    detail=str(result.get("detail", "")),
                    milliseconds=result.get("milliseconds"),
                    undo=undo.get(title, "") if state in CHANGED else "",
                )
            )
        begun = {row.title for row in rows}
        last = self.plans[-1].get("steps", []) if self.plans else []
        waiting = [StepRow("", str(step["title"]), "not begun") for step in last if step["title"] not in begun]
        return rows + waiting

    def _noted(self) -> list[dict[str, Any]]:
        """The data of the notes in the log."""
        return [_mapping(line.get("data")) for line in self.lines if line.get("event") == "note"]

    def _results_from_log(self) -> list[dict[str, Any]]:
        ended = {line["step"]: line for line in self.lines if line.get("event") == "step-ended" and "step" in line}
        results = []
        for line in self.lines:
            if line.get("event") != "step-started":
                continue
            end = ended.get(line.get("step"))
            sent = any(
                other.get("event") == "write-sending" and other.get("step") == line.get("step") for other in self.lines
            )
            cut_off = {
                "number": line.get("step"),
                "title": line.get("title"),
                "state": "unknown" if sent else "not sent",
                "detail": "The process died here"
                + (", when the write may have been sent already." if sent else ", before the write was sent."),
            }
            results.append(end or cut_off)
        return results

    def pictures(self) -> list[PictureRow]:
        """Pictures in order, missing ones included."""
        return [PictureRow.of(line) for line in self.lines if line.get("event") in PICTURES]


def read_record(folder: Path) -> Record:
    """Read what is there. Damaged files count as missing: the manifest tells whether somebody changed them."""
    plans = [folder / "plan.json", *sorted(folder.glob("plan-*.json"), key=_number)]
    afters = [folder / "after.json", *sorted(folder.glob("after-*.json"), key=_number)]
    return Record(
        folder=folder,
        request=_read(folder / "request.json"),
        session=_read(folder / "session.json"),
        plans=[plan for path in plans if (plan := _read(path))],
        before=_read(folder / "before.json"),
        after=next((after for path in reversed(afters) if (after := _read(path))), {}),
        outcome=_read(folder / "outcome.json"),
        lines=_read_lines(folder / LOG_FILE),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return _mapping(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


def _read_lines(path: Path) -> list[dict[str, Any]]:
    lines = []
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    for line in text.split("\n"):
        try:
            lines.append(_mapping(json.loads(line)))
        except ValueError:
            continue  # empty, or torn by a kill
    return [line for line in lines if line]


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _person(observed: dict[str, Any]) -> Person | None:
    try:
        return Person.model_validate_json(json.dumps(observed.get("person")))
    except ValidationError:
        return None


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None

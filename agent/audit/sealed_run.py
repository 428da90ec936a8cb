"""What the records of one sealed run say, as far as an auditor's tables need it: the plan, its steps, how it ended.

Records are the small files that a bundle has of every job; nothing here needs pictures, recordings or the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from agent.audit.canonical import NotJson, parse_json
from agent.audit.entries import Entry, Sealed
from agent.audit.sources import Files, Unreadable
from agent.evidence.manifest import MANIFEST

_RECORD = re.compile(rf"request\.json|plan(-[0-9]+)?\.json|outcome\.json|log\.jsonl|{re.escape(MANIFEST)}")
_LONGEST = 1 << 40  # milliseconds; what claims more was not written by us
_MADE = frozenset({"saved", "settled by observation"})


def is_record(path: str) -> bool:
    """Whether a file of a sealed run is one of the records that these tables are made of."""
    return _RECORD.fullmatch(path) is not None


@dataclass(frozen=True)
class RunStep:
    """One step that was begun, with what was planned for it."""

    number: int
    title: str
    state: str  # as of agent.execute.outcome.StepResult; "unknown" where the process died after the form was filled
    detail: str
    at: str  # when it ended, or began where it never did
    milliseconds: int
    planned: Mapping[str, Any]  # the step in plan.json; empty when it is in none

    @property
    def is_made(self) -> bool:
        """Whether its change is known to have been made."""
        return self.state in _MADE


@dataclass(frozen=True)
class SealedRun:
    """One run of a job. Files that were pruned, or never written, say nothing."""

    entry: Entry
    sealed: Sealed
    request: Mapping[str, Any]
    plans: tuple[Mapping[str, Any], ...]
    outcome: Mapping[str, Any]
    log: tuple[Mapping[str, Any], ...]
    withheld: tuple[str, ...]
    agent: str  # version; empty when the manifest is gone

    @property
    def differences(self) -> Sequence[Mapping[str, Any]]:
        """What the first plan was to change, in words."""
        rows = self.plans[0].get("differences") if self.plans else None
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    @property
    def is_dry(self) -> bool:
        """Whether it was run to look only."""
        return self.request.get("dry_run") is True

    @property
    def only_checked(self) -> bool:
        """Whether the run only looked whether somebody had done the job by hand."""
        return any(
            line.get("event") == "note" and isinstance(line.get("data"), dict) and line["data"].get("mode") == "check"
            for line in self.log
        )

    @property
    def service_account(self) -> str:
        """Who made the changes in Procore."""
        return str(self.request.get("service_account") or "")

    @property
    def error_code(self) -> str:
        """The code of its error; empty when it had none."""
        error = self.outcome.get("error")
        return str(error.get("code") or "") if isinstance(error, dict) else ""

    @cached_property
    def steps(self) -> tuple[RunStep, ...]:
        """Every step that was begun."""
        planned = {
            str(step.get("title")): step
            for plan in self.plans
            for step in _list(plan.get("steps"))
            if isinstance(step, dict)
        }
        begun: dict[int, RunStep] = {}
        sent: set[int] = set()
        for line in self.log:
            number = line.get("step")
            if not isinstance(number, int):
                continue
            title, at = str(line.get("title") or ""), _moment(line.get("at")) or self.sealed.ended
            match line.get("event"):
                case "step-started":
                    begun[number] = RunStep(number, title, "not sent", "", at, 0, planned.get(title, {}))
                case "write-sending":
                    sent.add(number)
                case "step-ended":
                    took = line.get("milliseconds")
                    begun[number] = RunStep(
                        number=number,
                        title=title,
                        state=str(line.get("state") or "unknown"),
                        detail=str(line.get("detail") or ""),
                        at=at,
                        milliseconds=took if isinstance(took, int) and 0 <= took < _LONGEST else 0,
                        planned=planned.get(title, {}),
                    )
                    sent.discard(number)
        return tuple(
            RunStep(step.number, step.title, "unknown", step.detail, step.at, step.milliseconds, step.planned)
            if step.number in sent
            else step
            for _, step in sorted(begun.items())
        )


def read_run(entry: Entry, files: Files) -> SealedRun:
    """What the folder of this ``sealed`` entry says. What cannot be read says nothing: verifying is for others."""
    if not isinstance(entry.data, Sealed):
        raise ValueError(f"entry {entry.seq} is about no run")
    names = files.names()
    plans = sorted((name for name in names if re.fullmatch(r"plan(-[0-9]+)?\.json", name)), key=_plan_number)
    manifest = _read(files, MANIFEST)
    versions = manifest.get("versions")
    withheld = manifest.get("withheld")
    return SealedRun(
        entry=entry,
        sealed=entry.data,
        request=_read(files, "request.json"),
        plans=tuple(_read(files, name) for name in plans),
        outcome=_read(files, "outcome.json"),
        log=_read_lines(files, "log.jsonl"),
        withheld=tuple(map(str, withheld)) if isinstance(withheld, list) else (),
        agent=str(versions.get("agent") or "") if isinstance(versions, dict) else "",
    )


def _read(files: Files, name: str) -> Mapping[str, Any]:
    try:
        value: Any = parse_json(files.read(name))
    except (KeyError, Unreadable, NotJson):
        return {}
    return value if isinstance(value, dict) else {}


def _read_lines(files: Files, name: str) -> tuple[Mapping[str, Any], ...]:
    try:
        data = files.read(name)
    except (KeyError, Unreadable):
        return ()
    lines = []
    for line in data.split(b"\n"):
        try:
            value: Any = parse_json(line)
        except NotJson:
            continue  # empty, or torn by a kill
        if isinstance(value, dict):
            lines.append(value)
    return tuple(lines)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _moment(said: Any) -> str:
    """A time as a log has it; empty for anything else."""
    try:
        return said if isinstance(said, str) and datetime.fromisoformat(said).tzinfo is not None else ""
    except ValueError:
        return ""


def _plan_number(name: str) -> int:
    digits = name.removesuffix(".json").rpartition("-")[2]
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 1

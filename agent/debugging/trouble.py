"""What went wrong in a job: from its outcome, its log, and the log of what was read and used."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.evidence.readings import KEPT, RUNNING
from agent.evidence.record import Record
from agent.recording.actions import RecordedAction
from agent.recording.recording import Recording
from agent.replay.record import Told
from flows.catalogue import Catalogue, Match

_KEY_SEEN = re.compile(r"\b([a-z_]+\.[a-z_]+): ([^;]+)")
_GOOD_STATES = frozenset({"saved", "settled by observation", "not needed any more"})
_PLACEHOLDER = re.compile(r"\\\{([a-z_]+)\\\}")


@dataclass(frozen=True)
class Missed:
    """A place of the catalogue that the page did not have as expected."""

    key: str
    expected: str
    seen: str
    selector: str = ""  # with its values, as it was used
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """Where a job got stuck, in words, and when."""

    verdict: str
    went_well: bool
    step: int  # 0: before the first
    title: str
    state: str
    code: str
    message: str
    expected: str
    seen: str
    mender: str
    retry_safe: str
    wall: float | None  # seconds of the epoch
    missed: tuple[Missed, ...]
    shell: Mapping[str, Any]  # what surrounded the page as it was last read
    doing: str = ""  # the control that could not be used
    #: the call of the browser that failed; not for documents
    call: tuple[Recording, RecordedAction] | None = field(default=None, repr=False, compare=False)


def told_in(folder: Path) -> tuple[Told, ...]:
    """What was read and used, as far as it can be read; nothing for evidence from before there was such a log."""
    try:
        packed = folder / KEPT
        text = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / RUNNING).read_bytes()
    except (OSError, EOFError, zlib.error):
        return ()
    found = []
    for line in text.split(b"\n"):
        try:
            found.append(Told.of(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # torn by a kill, or changed since: what remains still helps
    return tuple(found)


def keys_met(told: Sequence[Told]) -> frozenset[str]:
    """The catalogue's keys that led somewhere in this job: read, or used. Those of another generation of pages may fit
    an element by chance, and say nothing about it."""
    read = (key for line in told for key, count in line.found.items() if count)
    used = (use.key for line in told for uses in line.places.values() for use in uses)
    return frozenset((*read, *used))


def trouble_of(record: Record, told: Sequence[Told], recordings: Sequence[Recording], catalogue: Catalogue) -> Trouble:
    """What went wrong; ``went_well`` for a job in which nothing did."""
    error = record.outcome.get("error") or {}
    well = record.verdict == "done"
    step = next((row for row in reversed(record.steps()) if row.state not in _GOOD_STATES | {"not begun"}), None)
    number = int(step.number) if step and step.number.isdigit() else 0
    clue = Clue() if well else _clue(record, number, told, recordings)
    missed = () if well else _missed(error, clue, told, catalogue)
    return Trouble(
        verdict=record.verdict,
        went_well=well,
        step=0 if well else number or (clue.told.step if clue.told else 0),
        title=step.title if step else "",
        state=step.state if step else "",
        code=str(error.get("code", "")),
        message=str(error.get("message") or record.outcome.get("summary") or _interrupted(record)),
        expected=str(error.get("expected", "")),
        seen=str(error.get("seen", "")),
        mender=str(error.get("mender", "")),
        retry_safe=str(error.get("retry_safe", "")),
        wall=None if well else _moment(clue, record),
        missed=missed,
        shell=(clue.told.shell if clue.told else {}) or next((line.shell for line in reversed(told) if line.shell), {}),
        doing=clue.told.use if clue.told is not None and clue.told.failed else "",
        call=clue.call,
    )


@dataclass(frozen=True)
class Clue:
    """The reading or use, and the call of the browser, in which the trouble showed itself."""

    told: Told | None = None
    call: tuple[Recording, RecordedAction] | None = None


def _clue(record: Record, step: int, told: Sequence[Told], recordings: Sequence[Recording]) -> Clue:
    """The last of either kind in the step that failed. Earlier ones were got over, later ones looked back."""
    bad = [line for line in told if (line.failed or not line.understood) and line.step == step]
    begun = _begun(record, step)
    calls = [
        (recording, action)
        for recording in recordings
        for action in recording.actions
        if action.failed and action.selector and recording.wall_of(action.ended or action.started) >= begun
    ]
    return Clue(bad[-1] if bad else None, calls[-1] if calls else None)


def _begun(record: Record, step: int) -> float:
    """When a step began, in seconds of the epoch; 0 when that is not known."""
    started = [line for line in record.lines if line.get("event") == "step-started" and line.get("step") == step]
    return _seconds(started[-1]) or 0.0 if started else 0.0


def _interrupted(record: Record) -> str:
    if not record.lines:
        return "There is no log: the process died before it noted anything, or this is a recording alone."
    return f"The process that ran it died; the last thing it noted was: {record.lines[-1].get('event', '')}."


def _missed(error: Mapping[str, Any], clue: Clue, told: Sequence[Told], catalogue: Catalogue) -> tuple[Missed, ...]:
    """The catalogue's places that were not as expected: as the troubled reading tells, as the failed call of the
    browser does, and as the words of the error do."""
    found: dict[str, Missed] = {}
    line = clue.told
    for problem in line.problems if line is not None else ():
        key = str(problem.get("key") or "")
        values = _values(key, told, catalogue)
        expected, seen = str(problem.get("expected", "")), str(problem.get("seen", ""))
        found[key] = Missed(key, expected, seen, _written(key, values, catalogue), values)
    if not found and clue.call is not None:
        found |= {missed.key: missed for missed in _of_call(clue.call[1], catalogue)}
    elif not found and line is not None and line.failed:
        found |= {
            use.key: Missed(use.key, _usable(use.key, catalogue), "could not be used", selector, dict(use.values))
            for selector, uses in line.places.items()
            for use in uses
        }
    for key, words in _KEY_SEEN.findall(f"{error.get('expected', '')}; {error.get('seen', '')}"):
        if key in catalogue.hooks and key not in found:
            values = _values(key, told, catalogue)
            found[key] = Missed(key, "", words.strip(), _written(key, values, catalogue), values)
    found.pop("", None)
    return tuple(found.values())


def _of_call(action: RecordedAction, catalogue: Catalogue) -> list[Missed]:
    """The catalogue's entries that the selector of a failed call comes from."""
    found = []
    for part in action.selector.split(" >> "):
        for key, hook in catalogue.hooks.items():
            pattern = _PLACEHOLDER.sub(r"(?P<\1>.*?)", re.escape(hook.selector))
            fits = re.fullmatch(pattern, part)
            if fits:
                seen = action.error.split("\n", 1)[0]
                found.append(Missed(key, _usable(key, catalogue), seen, part, fits.groupdict()))
    return found


def _usable(key: str, catalogue: Catalogue) -> str:
    hook = catalogue.hooks.get(key)
    return f"{'one' if hook is not None and hook.match is Match.ONE else 'an'} element that can be used"


def _moment(clue: Clue, record: Record) -> float | None:
    """When it happened: at the failed call, else at the troubled reading, else at the last sign of life."""
    if clue.call is not None and (clue.told is None or clue.told.failed):
        recording, action = clue.call
        return recording.wall_of(action.ended or action.started)
    if clue.told is not None:
        return clue.told.moment
    quiet = {"job-ended", "trace-kept", "picture", "verified", "step-ended", "observed"}
    said = [at for line in record.lines if line.get("event") not in quiet and (at := _seconds(line)) is not None]
    return said[-1] if said else None


def _seconds(line: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(line.get("at"))).timestamp()
    except ValueError:
        return None


def _values(key: str, told: Sequence[Told], catalogue: Catalogue) -> Mapping[str, str]:
    """What stood in the placeholders of a key when it was last looked up."""
    for line in reversed(told):
        for uses in line.places.values():
            for use in uses:
                if use.key == key and use.values:
                    return dict(use.values)
        wanted = re.findall(r"\{([a-z_]+)\}", catalogue.hooks[key].selector) if key in catalogue.hooks else []
        if wanted and line.given and all(name in line.given for name in wanted):
            return {name: str(line.given[name]) for name in wanted}
    return {}


def _written(key: str, values: Mapping[str, str], catalogue: Catalogue) -> str:
    hook = catalogue.hooks.get(key)
    if hook is None:
        return ""
    selector = hook.selector
    for name, value in values.items():
        selector = selector.replace(f"{{{name}}}", value)
    return selector

"""Read a batch of jobs from one or more sources: every mistake of all of them is told at once, with its place.

A source is a job file (JSON: one job or a list), JSON Lines (one job a line) or CSV (one job a row, see
:mod:`agent.intake.csv_columns`). What cannot be used is an :class:`agent.jobs.parse.JobFileError`; nothing is taken
then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from agent.intake.csv_rows import csv_items
from agent.intake.item import Item
from agent.intake.json_lines import json_line_items
from agent.jobs.model import Job
from agent.jobs.parse import MAX_BYTES, MAX_JOBS, JobFileError, read_jobs
from agent.jobs.problems import Problem


class Format(StrEnum):
    """How jobs are written down."""

    JSON = "json"  #: one job, or a list of jobs
    JSON_LINES = "jsonl"  #: one job a line
    CSV = "csv"  #: one job a row under a header


SUFFIXES = {".json": Format.JSON, ".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES, ".csv": Format.CSV}


@dataclass(frozen=True)
class Source:
    """One file, or what stands for one. ``format`` None: by the name's ending, else by the look of its beginning."""

    name: str
    data: bytes
    format: Format | None = None


@dataclass(frozen=True)
class Placed:
    """A job and where it was read: ``people.csv line 7``."""

    job: Job
    place: str


def format_of_name(name: str) -> Format | None:
    """The format that a file's name promises; None for any other name."""
    return SUFFIXES.get(PurePath(name).suffix.lower())


def format_of_content(data: bytes) -> Format:
    """The format that the beginning looks like: for standard input and for names that say nothing."""
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return Format.JSON
    if not text.startswith(b"{"):
        return Format.CSV
    first, _, rest = text.partition(b"\n")
    try:
        alone = isinstance(json.loads(first), dict)
    except ValueError:
        alone = False
    return Format.JSON_LINES if alone and rest.strip() else Format.JSON


def read_batch(sources: Sequence[Source]) -> tuple[Placed, ...]:
    """The jobs of all sources, in order. Raises JobFileError with every problem; a key may stand once in all."""
    placed: list[Placed] = []
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for source in sources:
        reading = _read(source)
        prefix = f"{source.name} " if len(sources) > 1 else ""
        problems.extend(_moved(problem, prefix) for problem in reading.problems)
        for key, place, path in reading.keys:
            if key in first:
                message = f"{key[:60]!r} is used already at {first[key]}"
                problems.append(Problem(path=prefix + path, message=message, expected="a key of its own for each job"))
            first.setdefault(key, prefix + place)
        placed.extend(Placed(job, f"{source.name} {place}") for job, place in reading.jobs)
    if len(placed) > MAX_JOBS and not problems:
        problems.append(Problem(path="$", message=f"there are {len(placed)} jobs", expected=f"at most {MAX_JOBS}"))
    if problems:
        raise JobFileError(problems)
    return tuple(placed)


@dataclass
class _Reading:
    """What one source holds: jobs with their places, problems, and each idempotency key with its place and path."""

    jobs: list[tuple[Job, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    keys: list[tuple[str, str, str]] = field(default_factory=list)


def _read(source: Source) -> _Reading:
    try:
        kind = source.format or format_of_name(source.name) or format_of_content(source.data)
        if kind is Format.JSON:
            return _of_json(source.data)
        items, problems = (json_line_items if kind is Format.JSON_LINES else csv_items)(_text(source.data))
    except JobFileError as error:
        return _Reading(problems=list(error.problems))
    if len(items) > MAX_JOBS:
        return _Reading(problems=[_problem("$", f"there are {len(items)} jobs", f"at most {MAX_JOBS}")])
    if not items and not problems:
        return _Reading(problems=[_problem("$", "there is no job in it", "at least one job")])
    reading = _Reading(problems=problems)
    for item in items:
        _check(item, reading)
    reading.problems.sort(key=_line_of)
    return reading


def _of_json(data: bytes) -> _Reading:
    listed = data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    reading = _Reading()
    for at, job in enumerate(read_jobs(data)):
        place, root = f"job {at + 1}", f"$[{at}]" if listed else "$"
        reading.jobs.append((job, place))
        reading.keys.append((job.idempotency_key, place, f"{root}.idempotency_key"))
    return reading


def _check(item: Item, reading: _Reading) -> None:
    place = f"line {item.line}"
    key = json.loads(item.text).get("idempotency_key")
    if isinstance(key, str):
        reading.keys.append((key, place, item.path_of("$.idempotency_key")))
    try:
        (job,) = read_jobs(item.text)
    except JobFileError as error:
        for problem in error.problems:
            path = item.path_of(problem.path)
            if path.partition(" (entry")[0] not in item.told:
                reading.problems.append(problem.model_copy(update={"path": path}))
        return
    if not item.told:
        reading.jobs.append((job, place))


def _problem(path: str, message: str, expected: str) -> Problem:
    return Problem(path=path, message=message, expected=expected)


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise JobFileError(
            [Problem(path="$", message=f"the file has {len(data)} bytes", expected=f"at most {MAX_BYTES}")]
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 text (byte {error.start})"
        raise JobFileError([Problem(path=f"line {line}", message=message, expected="UTF-8")]) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise JobFileError([Problem(path=f"line {line}", message="holds a zero byte", expected="text")])
    return text.removeprefix("\ufeff")


def _moved(problem: Problem, prefix: str) -> Problem:
    return problem.model_copy(update={"path": prefix + problem.path}) if prefix else problem


def _line_of(problem: Problem) -> int:
    words = problem.path.split()
    number = words[1].rstrip(",:") if len(words) > 1 and words[0] == "line" else "0"
    return int(number) if number.isdecimal() else 0

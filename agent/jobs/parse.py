"""Read a job file: one job or a list, as JSON; every mistake is reported at once, with its place.

What goes wrong is a :class:`JobFileError`: broken JSON (line and column), a repeated key, an unknown field or action
(with the nearest one that exists), a missing decision, a value of the wrong kind, an idempotency key used twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError

from agent.domain.names import nearest
from agent.jobs.base import JobBase
from agent.jobs.model import ACTIONS, Job
from agent.jobs.parts import FORMS
from agent.jobs.problems import Problem, ProblemsFound, json_path, suggestion_of

MAX_BYTES = 8 * 1024 * 1024  #: of a job file; a thousand jobs with many projects stay far below
MAX_JOBS = 1000  #: in one file
MAX_DEPTH = 20  #: of nesting; jobs need six

_WHAT_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "an object",
    "mapping_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "datetime_type": "a time such as 2026-12-01T06:00:00+00:00",
    "datetime_parsing": "a time such as 2026-12-01T06:00:00+00:00",
    "datetime_from_date_parsing": "a time such as 2026-12-01T06:00:00+00:00",
    "timezone_aware": "a time with its offset, such as 2026-12-01T06:00:00+00:00",
    "timezone_naive": "a time with its offset, such as 2026-12-01T06:00:00+00:00",
    "union_tag_invalid": "a text or an object",
    "union_tag_not_found": "a text or an object",
}

_WORDS = {  #: where a single word stands beside another form
    "all": '"all", or a list of projects',
    "none": '"none", {"template": name} or {"levels": {tool: level}}',
}


class JobFileError(ProblemsFound):
    """The job file cannot be used; ``problems`` holds every mistake. Nothing was looked up and nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Needs at least one problem."""
        count = len(problems)
        super().__init__("bad-job-file", f"The job file has {count} problem{'s' if count != 1 else ''}:", problems)


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys it was given more than once."""

    repeated: tuple[str, ...] = ()


def read_jobs(text: str | bytes) -> tuple[Job, ...]:
    """The jobs of a file's text, in order; raises :class:`JobFileError` with every problem."""
    document = _parse(_decoded(text))
    items = document if isinstance(document, list) else [document]
    roots: list[list[str | int]] = [[at] for at in range(len(items))] if isinstance(document, list) else [[]]
    if not items:
        raise JobFileError([Problem(path="$", message="the list of jobs is empty", expected="at least one job")])
    if len(items) > MAX_JOBS:
        message = f"there are {len(items)} jobs in one file"
        raise JobFileError([Problem(path="$", message=message, expected=f"at most {MAX_JOBS}")])
    problems = list(_unreadable(document, []))
    jobs: list[Job] = []
    if not problems:
        for item, root in zip(items, roots, strict=True):
            job = _job(item, root, problems)
            if job is not None:
                jobs.append(job)
    problems.extend(_repeated_keys_of_jobs(items, roots))
    if problems:
        raise JobFileError(problems)
    return tuple(jobs)


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise JobFileError(
            [Problem(path="$", message=f"the file has {len(text)} bytes", expected=f"at most {MAX_BYTES}")]
        )
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"the file is not UTF-8 text (byte {error.start})"
            raise JobFileError([Problem(path="$", message=message, expected="UTF-8")]) from None
    return text.removeprefix("\ufeff")  # editors on Windows put a mark at the start


def _parse(text: str) -> Any:
    def keep_repeated(pairs: list[tuple[str, Any]]) -> _Object:
        result = _Object(pairs)
        if len(result) < len(pairs):
            names = [name for name, _ in pairs]
            result.repeated = tuple(name for name in result if names.count(name) > 1)
        return result

    def no_such_number(word: str) -> Any:
        raise JobFileError([Problem(path="$", message=f"{word} is not JSON", expected="a number")])

    try:
        return json.loads(text, object_pairs_hook=keep_repeated, parse_constant=no_such_number)
    except json.JSONDecodeError as error:
        message = f"the file is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise JobFileError([Problem(path="$", message=message, expected="one job, or a list of jobs")]) from None
    except (RecursionError, ValueError):  # ValueError: a number of more digits than Python converts
        message = "the file is nested too deeply, or holds a number that is too long"
        raise JobFileError([Problem(path="$", message=message, expected="one job, or a list of jobs")]) from None


def _unreadable(value: Any, path: list[str | int]) -> Iterator[Problem]:
    """What makes a document ambiguous or unprintable, whatever its fields: it is not looked at any further then."""
    if len(path) > MAX_DEPTH:
        yield Problem(path=json_path(path), message="is nested too deeply")
    elif isinstance(value, _Object):
        for name in value.repeated:
            yield Problem(path=json_path([*path, name]), message="is given more than once", expected="each key once")
        for name, inner in value.items():
            yield from _unreadable(inner, [*path, name])
            yield from _unreadable(name, [*path, ascii(name)])
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _unreadable(inner, [*path, at])
    elif isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        yield Problem(path=json_path(path), message="holds half a character (a lone surrogate)", expected="text")


def _job(item: Any, root: list[str | int], problems: list[Problem]) -> Job | None:
    if not isinstance(item, Mapping):
        problems.append(Problem(path=json_path(root), message=f"is {_kind(item)}", expected="a job, i.e. an object"))
        return None
    action = item.get("action")
    model = ACTIONS.get(action) if isinstance(action, str) else None
    if model is None:
        seen = "is missing" if "action" not in item else f"there is no action {action!r}"
        near = nearest(action, ACTIONS) if isinstance(action, str) else []
        problems.append(
            Problem(
                path=json_path([*root, "action"]),
                message=seen,
                expected=f"one of {', '.join(ACTIONS)}",
                suggestion=suggestion_of(near),
            )
        )
        return None
    try:
        # Through JSON text, since only there do a list and a time have their JSON form under strict rules.
        return cast("Job", model.model_validate_json(json.dumps(item)))
    except ValidationError as error:
        problems.extend(
            _problem(found, model, root) for found in error.errors(include_url=False) if not _is_echo(found)
        )
        return None


def _is_echo(error: Any) -> bool:
    """Whether a list is called too short only because its entries are wrong, which is told of each of them."""
    return bool(error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"])


def _problem(error: Any, model: type[JobBase], root: list[str | int]) -> Problem:
    parts = [part for part in error["loc"] if not (isinstance(part, str) and part.startswith("<"))]
    path = json_path([*root, *(part for part in parts if part != "[key]")])
    kind, context, value = error["type"], error.get("ctx", {}), error.get("input")
    if kind == "missing":
        return Problem(path=path, message="is missing", expected=_meaning(model, parts))
    if kind == "extra_forbidden":
        known = _fields_at(model, parts[:-1])
        near = nearest(str(parts[-1]), known)
        return Problem(
            path=path,
            message="is not a known field",
            expected=f"one of {', '.join(known)}" if known and not near else "",
            suggestion=suggestion_of(near),
        )
    if kind == "literal_error":
        choices = _quoted(context["expected"])
        near = nearest(value, choices) if isinstance(value, str) else []
        expected = _WORDS.get(choices[0]) if len(choices) == 1 else " or ".join(repr(choice) for choice in choices)
        return Problem(
            path=path, message=f"is {_shown(value)}", expected=expected or "", suggestion=suggestion_of(near)
        )
    if kind in {"string_too_short", "string_too_long", "too_short", "too_long", "string_pattern_mismatch"}:
        return Problem(path=path, message=f"is {_shown(value)}", expected=_limit(kind, context))
    if kind in _WHAT_EXPECTED:
        return Problem(path=path, message=f"is {_kind(value)}", expected=_WHAT_EXPECTED[kind])
    return Problem(path=path, message=str(error["msg"]), expected=str(context.get("expected", "")))


def _limit(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "string_pattern_mismatch":
        return FORMS[context["pattern"]]
    unit = "characters" if kind.startswith("string") else "entries"
    bound = "min_length" if kind.endswith("short") else "max_length"
    return f"{'at least' if bound == 'min_length' else 'at most'} {context[bound]} {unit}"


def _quoted(expected: str) -> list[str]:
    """The choices out of pydantic's ``'a', 'b' or 'c'``."""
    return expected.split("'")[1::2]


def _model_at(model: type[BaseModel], parts: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that holds what stands at this path, where there is exactly one that could."""
    current: type[BaseModel] | None = model
    for part in parts:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if current is not None else None
        inner = list(_models_in(field.annotation)) if field is not None else []
        current = inner[0] if len(inner) == 1 else None
    return current


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _fields_at(model: type[BaseModel], parts: Sequence[str | int]) -> list[str]:
    found = _model_at(model, parts)
    return list(found.model_fields) if found is not None else []


def _meaning(model: type[BaseModel], parts: Sequence[str | int]) -> str:
    """What the missing field is for, in the words of the reference."""
    holder = _model_at(model, parts[:-1])
    field = holder.model_fields.get(str(parts[-1])) if holder is not None and parts else None
    words = (field.description or "").rstrip(".") if field is not None else ""
    return words[:1].lower() + words[1:]


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return next((words for kind, words in kinds.items() if isinstance(value, kind)), "a number")


def _shown(value: Any) -> str:
    """The value as far as it helps: a short text is shown, anything else is named."""
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else f"a text of {len(value)} characters"
    return f"a list of {len(value)} entries" if isinstance(value, list | tuple) else _kind(value)


def _repeated_keys_of_jobs(items: Sequence[Any], roots: Sequence[list[str | int]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for item, root in zip(items, roots, strict=True):
        key = item.get("idempotency_key") if isinstance(item, Mapping) else None
        if not isinstance(key, str):
            continue
        path = json_path([*root, "idempotency_key"])
        if key in first:
            message = f"{_shown(key)} is used already at {first[key]}"
            yield Problem(path=path, message=message, expected="a key of its own for each job")
        first.setdefault(key, path)

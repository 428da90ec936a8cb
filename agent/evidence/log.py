"""Logs: one JSON line per event in the job's evidence, and a readable or JSON console.

Whatever is logged with ``job=<job id>`` bound (``structlog.contextvars.bound_contextvars(job=recorder.job_id)``) also
reaches ``log.jsonl`` of that job while its recorder has it open. Secrets cannot pass: the type prints as ``***`` and
known values are masked in every text.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from agent.credentials.secret import MASK, Secret
from agent.evidence.folder import timestamp, unwritable

LOG_FILE = "log.jsonl"


class EvidenceLog:
    """``log.jsonl`` of one job, appended line by line; a killed process leaves whole lines (the last may be torn)."""

    def __init__(self, path: Path, mask: Callable[[str], str], clock: Callable[[], datetime]) -> None:
        """Failed ``evidence-unwritable`` when the file cannot be opened."""
        self._path = path
        self._mask = mask
        self._clock = clock
        self._began = clock()
        try:
            self._file: IO[bytes] | None = path.open("ab", buffering=0)
        except OSError as error:
            raise unwritable(path, error) from error

    def line(self, event: str, data: Mapping[str, Any] | None = None, *, durable: bool = False) -> None:
        """Append one event; ``durable`` waits until it is on disk. Failed ``evidence-unwritable`` when it cannot."""
        if self._file is None:
            return  # sealed: the job is over
        now = self._clock()
        entry = {
            "at": timestamp(now),
            "ms": round((now - self._began).total_seconds() * 1000),
            "event": event,
            **(data or {}),
        }
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=_as_text)
        try:
            self._file.write(self._mask(text).encode("utf-8", "replace") + b"\n")
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from error

    def close(self) -> None:
        """Flush and close; later lines are dropped."""
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise unwritable(self._path, error) from error
        finally:
            self._file = None


_OPEN_LOGS: dict[str, EvidenceLog] = {}


def attach(job_id: str, log: EvidenceLog) -> None:
    """From now on structlog events bound to this job also go to its evidence."""
    _OPEN_LOGS[job_id] = log


def detach(job_id: str) -> None:
    """The job's evidence takes no more lines."""
    _OPEN_LOGS.pop(job_id, None)


def configure(
    console: Literal["pretty", "json", "off"] = "pretty",
    mask: Callable[[str], str] = lambda text: text,
    stream: TextIO | None = None,
    least_level: int = 20,
) -> None:
    """Set structlog up for this process; ``mask`` is usually a :class:`agent.evidence.masking.Masker`.

    The console is ``stream`` (standard error if None, since standard output belongs to results).
    """
    out = sys.stderr if stream is None else stream
    if console == "pretty":
        # Plain tracebacks: the fancy ones show local variables.
        renderer: Processor = structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        last: list[Processor] = [renderer]
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            masking_processor(mask),
            _to_evidence,
            *([_drop] if console == "off" else []),
            *last,
            _mask_rendered(mask),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least_level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def masking_processor(mask: Callable[[str], str]) -> Processor:
    """A structlog processor that replaces Secret values and known secrets, at any depth."""

    def process(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
        return {key: _masked(value, mask) for key, value in event_dict.items()}

    return process


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {_masked(key, mask): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, mask) for item in value]
    return value


def _to_evidence(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    log = _OPEN_LOGS.get(str(event_dict.get("job", "")))
    if log is not None:
        data = {key: value for key, value in event_dict.items() if key not in {"event", "timestamp", "job", "exc_info"}}
        if event_dict.get("exc_info"):
            formatted = structlog.processors.format_exc_info(logger, method, dict(event_dict))
            data["exception"] = formatted["exception"]
        log.line("log", {"text": str(event_dict.get("event", "")), **data})
    return event_dict


def _drop(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    raise structlog.DropEvent


def _mask_rendered(mask: Callable[[str], str]) -> Processor:
    """The last look, at the finished line: exceptions are formatted only by then."""

    def process(logger: WrappedLogger, method: str, rendered: Any) -> Any:
        return mask(rendered) if isinstance(rendered, str) else rendered

    return process


def _as_text(value: object) -> str:
    return timestamp(value.astimezone(UTC)) if isinstance(value, datetime) else str(value)

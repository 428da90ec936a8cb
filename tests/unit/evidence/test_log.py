"""Logs: one line per event, in the evidence of the job they belong to, without secrets."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.errors import Failed
from agent.evidence import log
from agent.evidence.masking import Masker
from tests.unit.evidence.stand_in import PASSWORD


@pytest.fixture(autouse=True)
def fresh_structlog() -> Iterator[None]:
    """Each test configures logging anew, and leaves none of it behind."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def evidence_log(tmp_path: Path, known: KnownSecrets) -> log.EvidenceLog:
    """A log with a clock that stands still."""
    at = datetime(2026, 11, 22, 9, 15, 2, 120000, tzinfo=UTC)
    return log.EvidenceLog(tmp_path / log.LOG_FILE, Masker(known), lambda: at)


def lines(tmp_path: Path) -> list[dict[str, object]]:
    """What is in the evidence."""
    return [json.loads(line) for line in (tmp_path / log.LOG_FILE).read_text().splitlines()]


def test_lines_are_whole_timed_and_masked(tmp_path: Path, known: KnownSecrets) -> None:
    """Each line is one JSON object with UTC time and milliseconds since the start; secrets are stars."""
    to = evidence_log(tmp_path, known)
    to.line("note", {"text": f"typed {PASSWORD}", "secret": Secret(PASSWORD), "two": "line\nbreak"})
    assert lines(tmp_path) == [
        {
            "at": "2026-11-22T09:15:02.120Z",
            "ms": 0,
            "event": "note",
            "text": "typed ***",
            "secret": "***",
            "two": "line\nbreak",
        }
    ]
    to.close()
    to.line("late")
    assert len(lines(tmp_path)) == 1, "a sealed log takes no more lines"


def test_structlog_lines_reach_the_job_they_are_bound_to(tmp_path: Path, known: KnownSecrets) -> None:
    """What flows log with the job bound stands in that job's evidence, and nothing else does."""
    stream = io.StringIO()
    log.configure("json", Masker(known), stream)
    to = evidence_log(tmp_path, known)
    log.attach("job-1", to)
    logger = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(job="job-1"):
        logger.info("overlay closed", overlay="consent", password=Secret(PASSWORD), deep={"a": [PASSWORD]})
    with structlog.contextvars.bound_contextvars(job="job-2"):
        logger.info("somebody else's")
    logger.info("nobody's")
    log.detach("job-1")
    logger.info("too late", job="job-1")
    to.close()

    assert [line["text"] for line in lines(tmp_path)] == ["overlay closed"]
    assert lines(tmp_path)[0]["deep"] == {"a": ["***"]}
    console = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in console] == ["overlay closed", "somebody else's", "nobody's", "too late"]
    assert PASSWORD not in stream.getvalue()


@pytest.mark.parametrize("console", ["pretty", "json"])
def test_exceptions_show_no_secret(console: str, tmp_path: Path, known: KnownSecrets) -> None:
    """A traceback whose message holds the password is masked on the console and in the evidence."""
    stream = io.StringIO()
    log.configure("json" if console == "json" else "pretty", Masker(known), stream)
    to = evidence_log(tmp_path, known)
    log.attach("job-1", to)
    password = Secret(PASSWORD)
    try:
        raise ValueError(f"rejected: {password.reveal()}")
    except ValueError:
        structlog.get_logger().exception("sign-in failed", job="job-1", password=password)
    log.detach("job-1")
    to.close()
    assert "ValueError: rejected: ***" in stream.getvalue()
    assert PASSWORD not in stream.getvalue()
    assert "ValueError: rejected: ***" in str(lines(tmp_path)[0]["exception"])


def test_console_can_be_off(tmp_path: Path, known: KnownSecrets) -> None:
    """With the console off the evidence still gets its lines."""
    stream = io.StringIO()
    log.configure("off", Masker(known), stream)
    to = evidence_log(tmp_path, known)
    log.attach("job-1", to)
    structlog.get_logger().warning("seen", job="job-1")
    log.detach("job-1")
    to.close()
    assert stream.getvalue() == ""
    assert lines(tmp_path)[0]["level"] == "warning"


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path, known: KnownSecrets) -> None:
    """A full or missing disk is an error of evidence, not a crash."""
    with pytest.raises(Failed) as caught:
        evidence_log(tmp_path / "missing", known)
    assert caught.value.code == "evidence-unwritable"

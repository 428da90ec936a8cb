"""A small month of one tenant and its bundle, for tests of bundles; and what is looked up in them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.audit.bundle import Request
from agent.audit.export import export_period
from agent.audit.ledger_source import read_source
from tests.unit.audit.archive import Archive

OCTOBER, DECEMBER = "2026-10-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z"
LEAVER = "leaver@example.com"
SEED = "a word of the auditor's own"
INACTIVATE = {"kind": "inactivate", "title": f"Inactivate {LEAVER}", "email": LEAVER}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A small month: jobs of every end, by the queue and without it."""
    made = Archive(tmp_path_factory.mktemp("original"))
    made.job("070000-update-aa0001")
    for number in range(2, 7):
        made.job(f"07000{number}-update-aa000{number}", queue=number)
        made.ended(number, job_id=f"07000{number}-update-aa000{number}")
    made.job(
        "070100-offboard-bb0001",
        queue=11,
        action="offboard",
        person=LEAVER,
        steps=(INACTIVATE,),
        state="unknown",
        verdict="uncertain",
    )
    made.job("070200-update-bb0002", queue=12, verdict="refused", changed=False, steps=())
    made.ended(12, "dead", "refused", "070200-update-bb0002")
    made.job("070300-update-bb0003", queue=13, verdict="waiting", changed=False, steps=())
    made.accepted(queue=14)
    made.ended(14, "cancelled")
    made.accepted(queue=15)
    made.job("070400-update-bb0004", reason={"ticket": "=1+1", "requested_by": "hr@example.com", "approved_by": None})
    made.job("070500-read-bb0005", action="read", changed=False, steps=(), differences=())
    made.day_is_over()
    return made


@pytest.fixture
def archive(original: Archive, tmp_path: Path) -> Archive:
    return original.copy(tmp_path)


@pytest.fixture
def bundle(archive: Archive) -> Path:
    """The bundle of the period, with two jobs by lot."""
    file = archive.root / "bundle.zip"
    export_period(read_source(archive.tenant), file, Request(OCTOBER, DECEMBER, 2, SEED))
    return file


def codes(findings: Any) -> list[str]:
    return sorted({problem.code for problem in findings.problems})


def table(file: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(file) as opened:
        return list(csv.DictReader(io.StringIO(opened.read(name).decode("utf-8-sig"), newline="")))


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The bundle with other contents; a proper zip again."""
    with zipfile.ZipFile(file) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    change(contents)
    with zipfile.ZipFile(file, "w") as fresh:
        for name, data in contents.items():
            fresh.writestr(name, data)
    return file

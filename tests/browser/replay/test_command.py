"""``agent replay`` as it is typed: what it shows, what it writes, how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.running import ROOT
from flows import Catalogue
from tests.browser.replay.conftest import RECORDED


def replay(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this folder, without any settings."""
    command = [sys.executable, "-m", "agent", "replay", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "140"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def renamed(folder: Path) -> Path:
    """A catalogue in which the Save button of the Edit page was renamed."""
    text = Catalogue.load().source
    old = 'form#edit_user button[name="commit"][value="save"]'
    assert old in text
    catalogue = folder / "changed.toml"
    catalogue.write_text(text.replace(old, "form#edit_user button.renamed"), encoding="utf-8")
    return catalogue


def test_a_job_that_agrees_ends_with_zero(tmp_path: Path) -> None:
    """No page of differences is written where there are none."""
    ended = replay(tmp_path, str(RECORDED / "read"))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "read" in ended.stdout
    assert "No request left." in ended.stdout
    assert not (tmp_path / "replay").exists()


def test_a_difference_ends_with_four_and_two_pictures(tmp_path: Path) -> None:
    """The table names step, key, old and new; the page shows both side by side."""
    ended = replay(tmp_path, str(RECORDED / "update"), "--selectors", str(renamed(tmp_path)), "-o", "differences")

    page = (tmp_path / "differences" / "index.html").read_text(encoding="utf-8")
    assert ended.returncode == 4, ended.stdout + ended.stderr
    for words in ("edit_user.save", "Estimator", '[value="save"]', "button.renamed", "no element"):
        assert words in " ".join(ended.stdout.split()), words
    assert page.count("<img ") == 2
    for name in ("update-01-then.png", "update-01-now.png"):
        assert name in page
        assert (tmp_path / "differences" / name).read_bytes().startswith(b"\x89PNG")
    assert "http" not in page.replace("http-equiv", "")


def test_machines_get_one_document(tmp_path: Path) -> None:
    """With --json, standard output holds the findings and nothing else."""
    ended = replay(tmp_path, "--all", str(RECORDED / "update"), "--selectors", str(renamed(tmp_path)), "--json")

    document: dict[str, Any] = json.loads(ended.stdout)
    (job,) = document["jobs"]
    (found,) = job["differences"]
    assert ended.returncode == document["exit_code"] == 4
    assert (found["key"], found["match"], found["step"]) == ("edit_user.save", "none", 1)
    assert job["made_with"]["catalogue"] != job["replayed_with"]["catalogue"]


def test_what_cannot_be_compared_ends_with_five(tmp_path: Path, copied: Callable[[str], Path]) -> None:
    """Without the names of then no decision can be compared: that is said, and it is not agreement."""
    folder = copied("read")
    (folder / "facts.json").unlink()

    ended = replay(tmp_path, str(folder))

    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "names were not kept" in ended.stdout


def test_evidence_that_cannot_be_replayed_does_not_hide_the_rest(tmp_path: Path, copied: Callable[[str], Path]) -> None:
    """A job without a log of readings, and one without its recording: said of each, and the third one is compared."""
    folder = copied("read").parent
    for story in ("offboard", "update", "provision-a-new-person", "change-a-project-template"):
        shutil.rmtree(folder / story)
    (folder / "refused-unknown-template" / "readings.jsonl.gz").unlink()
    (folder / "waiting-for-a-near-hit" / "trace.zip").write_bytes(b"PK, but no zip")

    ended = replay(tmp_path, "--all", str(folder), "--json")

    jobs = {job["job"]: job for job in json.loads(ended.stdout)["jobs"]}
    assert ended.returncode == 5
    assert "not-replayable" in jobs["refused-unknown-template"]["not_compared"][0]["why"]
    assert "recording-not-understood" in jobs["waiting-for-a-near-hit"]["not_compared"][0]["why"]
    assert jobs["read"]["complete"] is True


def test_neither_job_nor_folder_is_a_mistake_of_usage(tmp_path: Path) -> None:
    """Nothing is started."""
    assert replay(tmp_path).returncode == 2
    assert replay(tmp_path, "--all", str(tmp_path)).returncode == 2
    assert replay(tmp_path, str(RECORDED / "read"), "--all", str(RECORDED)).returncode == 2
    assert replay(tmp_path, str(RECORDED / "read"), "--flow-version", "9.9.9").returncode == 2

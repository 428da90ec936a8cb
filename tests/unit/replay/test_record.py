"""Evidence that cannot be gone through again is refused in plain words."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

import agent
from agent.errors import Failed
from agent.replay.decide import why_not
from agent.replay.record import NotReplayable, RecordedJob
from agent.replay.run import Wish
from fixtures.record_traces import STORIES, TRACES

#: a path of somebody's machine, as it stands in a text
MACHINE = re.compile(rb"(?:[\"' =]|file://)/(?:home|root|work|tmp|usr|Users|private)/")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a recorded job, to be damaged."""
    shutil.copytree(TRACES / "sandbox", tmp_path / "sandbox")
    return tmp_path / "sandbox" / "recorded" / "read"


def test_a_recorded_job_has_all_that_a_replay_needs(folder: Path) -> None:
    """Readings, catalogue, scripts, names and rules of then, and the recording."""
    job = RecordedJob(folder)

    assert {told.reading for told in job.told} >= {"list", "edit_page"}
    assert job.catalogue is not None
    assert job.catalogue.sha256 == job.fingerprint["catalogue"]
    assert all(job.script(told.reading) for told in job.told if told.reading)
    assert job.facts is not None
    assert job.job is not None
    assert len(job.recordings) == 1


def test_the_log_of_a_killed_process_can_be_used_unpacked(folder: Path) -> None:
    """Who looks before the folder was completed finds the log as it was written."""
    packed = folder / "readings.jsonl.gz"
    (folder / "readings.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()

    assert RecordedJob(folder).told


@pytest.mark.parametrize("missing", ["request.json", "readings.jsonl.gz"])
def test_a_folder_without_what_is_needed_is_refused(folder: Path, missing: str) -> None:
    """Evidence from before readings were logged, or no evidence at all."""
    (folder / missing).unlink()

    with pytest.raises(NotReplayable):
        RecordedJob(folder)


@pytest.mark.parametrize("damage", ["no zip", "{", "[]\n", '{"n": 1}\n'])
def test_a_damaged_log_is_refused(folder: Path, damage: str) -> None:
    """Nothing is compared with half of a record."""
    text = damage.encode()
    (folder / "readings.jsonl.gz").write_bytes(text if damage == "no zip" else gzip.compress(text))

    with pytest.raises(NotReplayable):
        RecordedJob(folder)


def test_parts_that_are_gone_are_no_error(folder: Path) -> None:
    """Without the old catalogue and scripts a replay still compares data; it says so then."""
    shutil.rmtree(folder.parents[1] / "objects")
    job = RecordedJob(folder)

    assert job.catalogue is None
    assert job.script("list") is None


def test_steps_are_known_by_their_time(folder: Path) -> None:
    """A use of a control belongs to the step that had begun last."""
    job = RecordedJob(folder.parent / "provision-a-new-person")

    assert job.step_at(job.began.timestamp()) == 0
    assert job.step_at(job.first_write) == 1
    assert job.step_at(float("inf")) == len(job.titles) == 4


@pytest.mark.parametrize(
    ("version", "recorded"), [("today", False), (agent.__version__, False), ("recorded", True), ("0.0.1", True)]
)
def test_flow_versions_are_those_at_hand(folder: Path, version: str, recorded: bool) -> None:
    """What is installed, and what a job was made with."""
    session = json.loads((folder / "session.json").read_text())
    session["versions"]["agent"] = "0.0.1"
    (folder / "session.json").write_text(json.dumps(session))

    assert Wish(flow_version=version).uses_recorded(RecordedJob(folder)) is recorded


def test_another_flow_version_is_refused(folder: Path) -> None:
    """Neither installed nor recorded: nothing is pretended."""
    with pytest.raises(Failed) as failure:
        Wish(flow_version="9.9.9").uses_recorded(RecordedJob(folder))

    assert failure.value.code == "no-such-flow-version"


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        ({"verdict": "failed", "error": {"kind": "Failed", "code": "browser-lost"}}, "browser-lost"),
        ({}, "interrupted"),
        ({"verdict": "failed", "error": {"kind": "UnknownPage", "code": "unknown-dialog"}}, ""),
        ({"verdict": "refused", "error": {"kind": "Refused", "code": "no-such-person"}}, ""),
        ({"verdict": "done"}, ""),
    ],
    ids=["lost", "interrupted", "not understood", "refused", "done"],
)
def test_a_lost_browser_is_no_decision(folder: Path, outcome: dict[str, object], why: str) -> None:
    """What did not follow from the pages cannot follow from them today."""
    (folder / "outcome.json").write_text(json.dumps(outcome))
    job = RecordedJob(folder)

    said = why_not(job, job.job)

    assert why in said if why else said == ""


def test_every_story_of_the_script_is_kept() -> None:
    """The recorded traces are those of fixtures/record_traces.py, none forgotten and none left over."""
    assert {path.name for path in (TRACES / "sandbox" / "recorded").iterdir()} == set(STORIES)


def test_recorded_traces_are_small_and_name_no_machine() -> None:
    """They live in the repository: under 3 MB, no path of whoever recorded them."""
    files = [path for path in TRACES.rglob("*") if path.is_file()]
    texts = {path: _text(path) for path in files}

    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert [path for path, text in texts.items() if MACHINE.search(text)] == []


def test_a_planted_path_is_found() -> None:
    """The oracle above sees the paths that it exists for, and not those of Procore's pages."""
    assert MACHINE.search(b'{"files":["/usr/somewhere/agent/evidence/pictures.py"]}')
    assert MACHINE.search(b"file:///home/somebody/trace.zip")
    assert not MACHINE.search(b'"/562949953421312/company/home/list"')


def _text(path: Path) -> bytes:
    """Everything in a file, unpacked."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    return data

"""What a killed agent leaves running is found and ended; what a living one uses is not touched."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agent.browser import orphans
from agent.browser.processes import MARK

_SLEEP = "import time; print('up', flush=True); time.sleep(600)"
_AGENT = """
import subprocess, sys
from pathlib import Path
import psutil
from agent.browser import orphans
state = Path(sys.argv[1])
name = orphans.mark(state)
words = [sys.executable, "-c", sys.argv[2], *([] if sys.argv[3] == "only noted" else ["--agent-launch=" + name])]
browser = subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE)
browser.stdout.readline()  # a process that is just being started has no command line for a moment
if sys.argv[3] != "only marked":
    orphans.note(state, name, (psutil.Process(browser.pid),))
print(browser.pid, flush=True)
sys.stdin.read()
"""
Start = Callable[[str], tuple[subprocess.Popen[str], psutil.Process]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a stand-in for an agent with a browser."""
    agents: list[subprocess.Popen[str]] = []
    browsers: list[psutil.Process] = []

    def go(noted: str) -> tuple[subprocess.Popen[str], psutil.Process]:
        agent = subprocess.Popen(
            [sys.executable, "-c", _AGENT, str(tmp_path), _SLEEP, noted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert agent.stdout is not None
        agents.append(agent)
        browsers.append(psutil.Process(int(agent.stdout.readline())))
        return agent, browsers[-1]

    yield go
    for browser in browsers:
        with contextlib.suppress(psutil.Error):
            browser.kill()
    for agent in agents:
        agent.kill()
        agent.communicate()


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended; init may not have reaped it yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("noted", ["noted", "only marked"])
def test_the_browser_of_a_killed_agent_is_ended(start: Start, tmp_path: Path, noted: str) -> None:
    """By its mark alone, too: the kill may come before the note."""
    agent, browser = start(noted)
    agent.kill()
    agent.wait()
    assert orphans.end_orphans(tmp_path) >= 1
    assert is_gone(browser)
    assert list((tmp_path / "browsers").glob("*")) == []


def test_a_part_whose_main_process_is_gone_is_found_by_the_note(start: Start, tmp_path: Path) -> None:
    """A renderer shares the session of its browser and carries no mark."""
    agent, browser = start("only noted")
    (note,) = (tmp_path / "browsers").glob("*.json")
    data = json.loads(note.read_text(encoding="utf-8"))
    data["processes"][0][0] = 2**22 + 1  # no process has this number
    note.write_text(json.dumps(data), encoding="utf-8")
    agent.kill()
    agent.wait()
    assert MARK not in " ".join(browser.cmdline())
    assert orphans.end_orphans(tmp_path) >= 1
    assert is_gone(browser)


def test_the_browser_of_a_living_agent_is_left_alone(start: Start, tmp_path: Path) -> None:
    """``agent run-job`` may work beside a starting ``agent run``."""
    _, browser = start("noted")
    assert orphans.end_orphans(tmp_path) == 0
    assert browser.is_running()


def test_the_browser_of_another_folder_of_state_is_left_alone(start: Start, tmp_path: Path) -> None:
    """Two agents on one machine do not end each other's orphans."""
    agent, browser = start("noted")
    agent.kill()
    agent.wait()
    assert orphans.end_orphans(tmp_path / "other") == 0
    assert browser.is_running()


def test_a_number_that_belongs_to_another_program_by_now_is_left_alone(tmp_path: Path) -> None:
    """The start time tells them apart."""
    sleeper = subprocess.Popen([sys.executable, "-c", _SLEEP], start_new_session=True)
    try:
        (tmp_path / "browsers").mkdir()
        entry = [sleeper.pid, time.time() - 10_000, 2**22 + 1]
        note = {"agent": [2**22 + 2, 0.0], "processes": [entry]}
        (tmp_path / "browsers" / "old.json").write_text(json.dumps(note), encoding="utf-8")
        assert orphans.end_orphans(tmp_path) == 0
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_torn_note_is_no_obstacle(tmp_path: Path) -> None:
    """The kill may have come while it was written."""
    (tmp_path / "browsers").mkdir()
    (tmp_path / "browsers" / "torn.json").write_text('{"agent": [1', encoding="utf-8")
    assert orphans.end_orphans(tmp_path) == 0
    assert list((tmp_path / "browsers").glob("*")) == []

"""The browser's own process is found among all that bear its mark."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from agent.browser.processes import MARK, find_marked

# A browser that is just starting a process of its own: between the two calls the new one is its copy.
FORKING = """
import os, signal, sys
child = os.fork()
if child:
    print(os.getpid(), child, flush=True)
signal.pause()
"""


@pytest.fixture
def mark() -> str:
    return f"0.{uuid.uuid4().hex}"


@pytest.fixture(params=[False, True], ids=["started directly", "below a script"])
def pids(mark: str, request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Of the browser, and of its copy."""
    browser = [sys.executable, "-c", FORKING, f"{MARK}={mark}"]
    script = ["/bin/sh", "-c", '"$@"; :', "sh"] if request.param else []
    command = [*script, *browser]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        first, second = map(int, process.stdout.readline().split())
        try:
            yield first, second
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_process_that_the_browser_is_just_starting_is_not_taken_for_it(mark: str, pids: tuple[int, int]) -> None:
    """It bears the same arguments until it becomes what it is to be; to kill it would leave the browser there."""
    found = find_marked(mark)
    assert found is not None
    assert found.pid == pids[0]


def test_nobody_with_another_mark_is_found(pids: tuple[int, int]) -> None:
    """Each launch has its own."""
    assert find_marked("0.another") is None

"""Signals whose effect has been waited for.

The system delivers SIGSTOP and SIGKILL some time after ``os.kill`` has returned; until then the process still answers.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil

_PATIENCE_S = 20.0


def stop(pid: int) -> None:
    """Stop a process; returns when every thread of it stands still. AssertionError when one never does."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + _PATIENCE_S
    while not all(state == "T" for state in _thread_states(pid)):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0.005)


def kill(pid: int) -> None:
    """Kill a process; returns when it has ended. AssertionError when it never does."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE_S
    while not has_ended(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.005)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or only waits for its parent to ask how it ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _thread_states(pid: int) -> list[str]:
    """One letter per thread, as proc(5) has them; the name before the letter may hold anything, brackets included."""
    states = []
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            states.append(stat.read_text().rpartition(")")[2].split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that has ended stands still, too
    return states

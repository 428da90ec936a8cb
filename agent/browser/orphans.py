"""Browsers that a killed agent left running: found by their mark and by a note on disk, and ended.

A browser that outlives its agent could still send what was just clicked, so a starting agent ends it before it takes
up any job. The mark on the browser's command line names the agent's folder of state and the agent's process; the note
names the processes, for parts of a browser whose main process is gone already.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from agent.browser.processes import MARK, end

_FOLDER = "browsers"
_SAME_START_S = 1.0  # two readings of one process's start time differ by less


def mark(state: Path | None) -> str:
    """A fresh mark for a browser of this process."""
    me = psutil.Process()
    return f"{_owner(state)}.{me.pid}.{round(me.create_time() * 100)}.{uuid.uuid4().hex}"


def note(state: Path, name: str, running: Iterable[psutil.Process | None]) -> Path | None:
    """Write down which processes belong to a browser; None when the disk does not take it: the mark remains."""
    me = psutil.Process()
    entries = []
    for process in running:
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if process is not None:
                entries.append([process.pid, process.create_time(), os.getsid(process.pid)])
    path = state / _FOLDER / f"{name}.json"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(json.dumps({"agent": [me.pid, me.create_time()], "processes": entries}), encoding="utf-8")
    except OSError:
        return None
    return path


def forget(noted: Path | None) -> None:
    """The browser was closed for certain."""
    if noted is not None:
        with contextlib.suppress(OSError):
            noted.unlink(missing_ok=True)


def end_orphans(state: Path) -> int:
    """End every browser that a dead agent with this folder of state has left; returns how many processes were found."""
    found = list(_marked(state))
    notes = list(_notes(state))
    for _, processes in notes:
        found += processes
    ended = sum(end(process) for process in {process.pid: process for process in found}.values())
    for path, _ in notes:
        forget(path)
    return ended


def _owner(state: Path | None) -> str:
    return hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12] if state is not None else "none"


def _marked(state: Path) -> Iterator[psutil.Process]:
    sign = f"{MARK}={_owner(state)}."
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            word = next((word for word in process.cmdline() if word.startswith(sign)), None)
            if word is None:
                continue
            pid, started, _ = word.removeprefix(sign).split(".", 2)
            if not _lives(int(pid), int(started) / 100):
                yield process


def _notes(state: Path) -> Iterator[tuple[Path, list[psutil.Process]]]:
    for path in sorted((state / _FOLDER).glob("*.json")):
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
            if _lives(*noted["agent"]):
                continue
            entries = [(int(pid), float(started), int(session)) for pid, started, session in noted["processes"]]
        except (OSError, ValueError, KeyError, TypeError):
            entries = []  # torn by the kill: the mark remains
        yield path, list(_left_of(entries))


def _left_of(entries: list[tuple[int, float, int]]) -> Iterator[psutil.Process]:
    """The noted processes, and what shares a session with them: a browser leads a session of its own."""
    ours = os.getsid(0)
    sessions = {session: started for _, started, session in entries if session != ours}
    for pid, started, _ in entries:
        if _lives(pid, started):
            yield psutil.Process(pid)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            since = sessions.get(os.getsid(process.pid))
            if since is not None and process.create_time() >= since - _SAME_START_S:
                yield process


def _lives(pid: int, started: float) -> bool:
    """Whether the process of that number is still the one that was started then."""
    try:
        process = psutil.Process(pid)
        is_the_one = abs(process.create_time() - started) < _SAME_START_S
        return is_the_one and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False

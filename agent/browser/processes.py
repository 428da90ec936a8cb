"""The operating system's side of a browser: find its process, weigh it, end it when it hangs.

Playwright gives no process id. Each launch therefore carries a mark of its own as a command line switch, which
Chromium ignores and :func:`find_marked` looks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

MARK = "--agent-launch"


@dataclass(frozen=True)
class _Marked:
    process: psutil.Process
    parent: int
    line: list[str]


def find_marked(mark: str) -> psutil.Process | None:
    """The browser's main process launched with this mark by a descendant of ours; None when it is gone.

    Debian starts the browser from a shell script that stays above it with the same arguments: the lowest one counts.
    A process that the browser is just starting is its very copy for a moment, and does not.
    """
    wanted = f"{MARK}={mark}"
    found: dict[int, _Marked] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            line, parent = process.cmdline(), process.ppid()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if wanted in line and not any(word.startswith("--type=") for word in line):
            found[process.pid] = _Marked(process, parent, line)
    parents = {marked.parent for marked in found.values()}
    lowest = next((marked for pid, marked in found.items() if pid not in parents), None)
    while lowest is not None and (above := found.get(lowest.parent)) is not None and above.line == lowest.line:
        lowest = above
    return lowest.process if lowest is not None else None


def end(process: psutil.Process | None) -> bool:
    """Kill this process and its children; True when there was something to kill.

    Refuses a process id that meanwhile belongs to another program (psutil compares start times).
    """
    if process is None or not process.is_running():
        return False
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return False
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=5)
    return True


def resident_mib(process: psutil.Process | None) -> int:
    """Memory of one process in MiB, 0 when it is gone."""
    if process is None:
        return 0
    try:
        return int(process.memory_info().rss / 2**20)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def shared_out_mib(process: psutil.Process | None) -> int:
    """Memory of a process and all below it in MiB, with shared pages counted once (PSS); 0 when it is gone."""
    if process is None:
        return 0
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for member in family:
        try:
            total += member.memory_full_info().pss
        except psutil.Error:
            continue
    return int(total / 2**20)

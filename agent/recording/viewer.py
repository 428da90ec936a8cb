"""Playwright's own trace viewer, started on the recordings of one job and ended for certain.

The viewer hands out every file of the folder it is given: so it gets a folder of its own with nothing else in it. It is
part of the Playwright that the agent drives its browser with; nothing is downloaded and nobody outside is asked.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, urljoin

from agent.errors import Failed, Mender

_START_S = 30.0
_END_S = 5.0
#: With --stdin the viewer ends when its standard input does: so it outlives us in no case, not even a kill -9.
_OPTIONS = ("--stdin", "--host")
_LISTENING = re.compile(r"Listening on (http://\S+)")


class Viewer:
    """A running viewer."""

    def __init__(self, process: subprocess.Popen[str], url: str, recordings: Sequence[Path]) -> None:
        self._process = process
        self.url = url
        self._prefix = _prefix(url)
        self._recordings = recordings

    def address(self, number: int) -> str:
        """Where the recording of that number (from 1) is shown."""
        file = quote(f"file?path={self._recordings[number - 1]}", safe="")
        return f"{self._prefix}/trace/index.html?trace={file}"

    def wait(self) -> int:
        """Until it ends by itself; its exit code."""
        return self._process.wait()


@contextlib.contextmanager
def viewing(recordings: Sequence[Path], host: str, port: int) -> Iterator[Viewer]:
    """A viewer for these files, which lie alone in their folder. Failed "viewer-broken" when it does not start."""
    # S603: our own interpreter and Playwright's own command line, no shell
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "playwright", "show-trace", *_OPTIONS, host, "--port", str(port), str(recordings[0])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=recordings[0].parent,
        # Ctrl-C reaches us alone, and both its processes can be ended together.
        start_new_session=True,
        # Playwright opens a browser unless a coding agent runs it: here the caller says whether one is opened.
        env={**os.environ, "COPILOT_CLI": "1"},
    )
    try:
        yield Viewer(process, _address(process), recordings)
    finally:
        _end(process)


def _address(process: subprocess.Popen[str]) -> str:
    """Where it listens, from its first lines."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    said: list[str] = []
    with contextlib.suppress(queue.Empty):
        while (line := lines.get(timeout=_START_S)) is not None:
            found = _LISTENING.search(line)
            if found:
                return found.group(1)
            said.append(line.strip())
    raise Failed(
        "viewer-broken",
        "Playwright's viewer did not start.",
        expected="an address that it listens on",
        seen=" ".join(part for part in said if part)[:500] or f"nothing within {_START_S:.0f} s",
        mender=Mender.OPERATOR,
    )


def _prefix(url: str) -> str:
    """The address below which the viewer has everything: a word of chance, to which its root leads."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Only the direction is wanted."""

    local = url.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay())
    try:
        with opener.open(local, timeout=_END_S) as answer:
            to = str(answer.headers.get("location", ""))
    except urllib.error.HTTPError as error:
        to = str(error.headers.get("location", ""))
    except OSError as error:
        raise Failed(
            "viewer-broken", "Playwright's viewer does not answer.", expected=local, seen=str(error)
        ) from error
    return urljoin(shown(url).rstrip("/") + "/", to.partition("/trace/")[0])


def shown(url: str) -> str:
    """The address as a person types it: the viewer works under localhost only, or with TLS."""
    return re.sub(r"//(0\.0\.0\.0|\[::\])", "//localhost", url)


def _end(process: subprocess.Popen[str]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            continue
        break
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()

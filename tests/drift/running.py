"""Run many rows in a few lanes at once, within a bound of time."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from fixtures.running import ROOT
from tests.drift.results import Results
from tests.drift.row import Row

SILENT_S = 400.0
"""After which a lane is taken for dead. The longest job has far less (`row.LONGEST_S`)."""
Tell = Callable[[str], None]


class Lane:
    """A lane's process, started when it is needed and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._said: queue.Queue[str] = queue.Queue()

    def run(self, row: Row, actions: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The row's results as they come. RuntimeError when the row broke off or the lane is silent for too long."""
        process = self._ready()
        assert process.stdin
        process.stdin.write(json.dumps({"row": asdict(row), "actions": list(actions)}) + "\n")
        process.stdin.flush()
        while True:
            try:
                told = json.loads(self._said.get(timeout=SILENT_S))
            except queue.Empty:
                self.close()
                raise RuntimeError("the lane said nothing any more") from None
            except json.JSONDecodeError:
                self.close()
                raise RuntimeError("the lane ended") from None
            if "end" not in told:
                yield told
            elif told["end"] is None:
                return
            else:
                raise RuntimeError(told["end"])

    def _ready(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._said = queue.Queue()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.drift.lane"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            threading.Thread(target=_forward, args=(self._process, self._said), daemon=True).start()
        return self._process

    def close(self) -> None:
        """End the process: at the end of its input it ends its sandbox and browser itself."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.terminate()


def _forward(process: subprocess.Popen[str], said: queue.Queue[str]) -> None:
    assert process.stdout
    for line in process.stdout:
        said.put(line)
    said.put("")  # no JSON: it has ended


def run_all(
    rows: Sequence[Row], actions: Sequence[str], results: Results, lanes: int, minutes: float, tell: Tell
) -> int:
    """Run what is missing; returns how many rows were left when the time was over or a row broke off."""
    until = time.monotonic() + minutes * 60
    waiting: queue.Queue[tuple[Row, list[str]]] = queue.Queue()
    for row in rows:
        if missing := results.missing(asdict(row), actions):
            waiting.put((row, missing))
    tell(f"{waiting.qsize()} of {len(rows)} rows are to be run")
    left: list[Row] = []
    lock = threading.Lock()

    def work() -> None:
        lane = Lane()
        try:
            while True:
                try:
                    row, missing = waiting.get_nowait()
                except queue.Empty:
                    return
                if time.monotonic() > until:
                    left.append(row)
                    continue
                try:
                    for told in lane.run(row, missing):
                        with lock:
                            results.add(told)
                            if told["verdict"] == "wrong" and told["side"] == "agent":
                                tell(f"WRONG: {told}")
                except (RuntimeError, OSError) as error:
                    left.append(row)
                    tell(f"{row}: {error}")
        finally:
            lane.close()

    threads = [threading.Thread(target=work) for _ in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(left)

"""Cost of one run of a worker: wall time, CPU of its whole process tree, memory, from outside the worker."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import psutil


@dataclass
class Sample:
    """One flow: seconds of wall time and CPU, and what the worker said of it."""

    wall: float
    cpu: float
    said: dict[str, Any]


@dataclass
class Worker:
    """A process that runs one variant's flow whenever it is told to, with its own warm browser."""

    variant: str
    setup: dict[str, Any]
    samples: list[Sample] = field(default_factory=list)
    peak_mib: float = 0.0

    def __enter__(self) -> Worker:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.worker", self.variant],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tree = psutil.Process(self.process.pid)
        self._ask(self.setup)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker for {self.variant!r} ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.variant}: {answer['error']}")
        return answer

    def run(self, person: dict[str, Any]) -> Sample:
        """One measured flow."""
        cpu, wall = self._cpu(), time.perf_counter()
        said = self._ask(person)
        sample = Sample(time.perf_counter() - wall, self._cpu() - cpu, said)
        self.samples.append(sample)
        return sample

    def run_for_memory(self, person: dict[str, Any]) -> None:
        """One flow that is not timed, watched for its peak memory (proportional set size of the tree, MiB)."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                self.peak_mib = max(self.peak_mib, self._pss_mib())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            self._ask(person)
        finally:
            done.set()
            watcher.join()

    def _processes(self) -> list[psutil.Process]:
        return [self.tree, *self.tree.children(recursive=True)]

    def _cpu(self) -> float:
        total = 0.0
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                # Children that have ended (renderers) are counted by their parent once it has waited for them.
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def _pss_mib(self) -> float:
        total = 0
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
        return total / 2**20


def median(worker: Worker, what: str) -> float:
    return float(statistics.median(getattr(sample, what) for sample in worker.samples))


def ratios(one: Worker, other: Worker, what: str) -> str:
    """The median of the ratios pair by pair, with the quartiles: what stays when the machine's speed drifts."""
    pairs = [getattr(a, what) / getattr(b, what) for a, b in zip(one.samples, other.samples, strict=True)]
    low, middle, high = statistics.quantiles(pairs, n=4) if len(pairs) > 1 else (pairs[0],) * 3
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"

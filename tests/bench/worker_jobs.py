"""The long-running agent: jobs a minute beside bare scripts at the same concurrency, restart, memory, idle CPU.

The agent is ``agent run`` in a process of its own, with its queue, evidence and both witnesses; the bare script does
the same clicks in as many contexts of one browser and keeps nothing. The agent's first sign-in is in its figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Browser, async_playwright
from rich.console import Console
from rich.table import Table

from agent.credentials.sealed_file import SealedFileKeyring
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.jobs.model import ANY_JOB, Job
from agent.queue.admission import admit
from agent.queue.opening import limits_of, open_queue
from agent.queue.record import JobRecord, JobState
from agent.settings import load_settings
from fixtures.running import ROOT, RunningSandbox, browser_path
from tests.bench.agent_job import TENANT, provision
from tests.bench.scripts import BareScript

CONTEXTS = (1, 2, 4)
AIMS = {
    "agent run / bare, time a job, 2 contexts": 1.6,
    "restart to first claim, s": 2.0,
    "memory at the end / at a tenth": 1.1,
    "idle CPU, share of a core": 0.02,
}
People = Callable[[dict[str, Any]], Iterator[dict[str, Any]]]
console = Console(highlight=False, width=110)


class AgentRun:
    """``agent run`` on a folder of its own."""

    def __init__(self, setup: dict[str, Any], contexts: int) -> None:
        self.folder = Path(setup["folder"])
        key = self.folder / "keyring.key"
        key.write_text("bench" * 8)
        key.chmod(0o400)
        self.environment = {
            "AGENT_KEYRING_FILE": str(self.folder / "keyring.sealed"),
            "AGENT_KEYRING_KEY_FILE": str(key),
            "PYTHON_KEYRING_BACKEND": "agent.credentials.sealed_file.SealedFileKeyring",
        }
        os.environ.update(self.environment)
        CredentialStore(SealedFileKeyring()).set(TENANT, ServiceAccount(setup["email"], Secret(setup["password"])))
        (self.folder / "agent.toml").write_text(
            f'[paths]\nevidence = "evidence"\nstate = "state"\n[queue]\nfile = "queue.db"\n'
            f'[worker]\njobs_at_once = {contexts}\n[api]\nsocket = "agent.sock"\n'
            f'[tenants.{TENANT}]\nsign_in_url = "{setup["sign_in"]}"\napp_url = "{setup["app"]}"\n'
            f'company_id = "{setup["company_id"]}"\nmax_running = {contexts}\n',
            encoding="utf-8",
        )
        self.process: subprocess.Popen[bytes] | None = None

    async def accept(self, jobs: list[Job]) -> list[int]:
        """Put jobs into the queue, while no agent has it."""
        settings = load_settings(self.folder / "agent.toml", {})
        queue = open_queue(settings)
        await queue.open(limits_of(settings))
        try:
            return [receipt.id for receipt in await queue.submit([admit(job, TENANT, "bench") for job in jobs])]
        finally:
            await queue.close()

    async def records(self, numbers: list[int]) -> list[JobRecord]:
        """The jobs on record, while no agent has the queue."""
        settings = load_settings(self.folder / "agent.toml", {})
        queue = open_queue(settings)
        await queue.open(limits_of(settings))
        try:
            return [await queue.job(number) for number in numbers]
        finally:
            await queue.close()

    def start(self, *words: str) -> psutil.Process:
        """Start it; its log goes to a file."""
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "agent", "run", "--settings", str(self.folder / "agent.toml"), *words]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        return psutil.Process(self.process.pid)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def told(self, event: str) -> int:
        """How often its log tells of this."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines() if (self.folder / "log").exists() else []
        return sum(f'"event": "{event}"' in line for line in lines)


class _BareContext(BareScript):
    """The bare script in one context of a browser that others use, too."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def open(self, setup: dict[str, Any]) -> None:
        self.stack = AsyncExitStack()
        context = await self._browser.new_context(viewport={"width": 1280, "height": 900})
        self.stack.push_async_callback(context.close)
        self.page = await context.new_page()
        self.directory = f"{setup['app'].rstrip('/')}/{setup['company_id']}/company/directory"
        await self.sign_in(setup)

    async def sign_in(self, setup: dict[str, Any]) -> None:
        """By hand, as it were."""
        await self.page.goto(setup["sign_in"])
        for field, value in (("#email", setup["email"]), ("#password", setup["password"])):
            await self.page.locator(field).fill(value)
            await self.page.locator("#sign_in_form button[type=submit]").click()
        await self.page.locator("#header-avatar").wait_for()


async def bare(setup: dict[str, Any], people: list[dict[str, Any]], contexts: int) -> float:
    """Seconds for all people, in so many contexts at once."""
    waiting = list(people)

    async def work(script: _BareContext) -> None:
        while waiting:
            await script.run(waiting.pop())

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path())
        scripts = [_BareContext(browser) for _ in range(contexts)]
        for script in scripts:
            await script.open(setup)
        began = time.perf_counter()
        await asyncio.gather(*(work(script) for script in scripts))
        seconds = time.perf_counter() - began
        await browser.close()
    return seconds


def audited(setup: dict[str, Any], people: list[dict[str, Any]], contexts: int) -> tuple[float, AgentRun]:
    """Seconds from the first job's claim to the last one's end, all of them done."""
    run = AgentRun(setup, contexts)
    jobs = [ANY_JOB.validate_python(provision(person), strict=False) for person in people]
    numbers = asyncio.run(run.accept(jobs))
    run.start("--once")
    assert run.process is not None
    run.process.wait(1800)
    records = asyncio.run(run.records(numbers))
    if any(record.state is not JobState.DONE for record in records):
        raise RuntimeError(f"not all jobs are done: see {run.folder / 'log'}")
    began = min(record.started_at or 0.0 for record in records)
    return max(record.finished_at or 0.0 for record in records) - began, run


def pss_mib(root: psutil.Process) -> float:
    """Memory of a process tree, shared pages counted once."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 2**20


def cpu_s(root: psutil.Process) -> float:
    """CPU seconds of a process tree so far."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def throughput(people: People, set_up: Any, jobs: int, rounds: int = 3) -> dict[str, float]:
    """Jobs a minute at each concurrency, the agent and the bare script in turn."""
    table = Table(title=f"Provision jobs a minute, {rounds} rounds of {jobs} (agent: queue, evidence, both witnesses)")
    for heading in ("contexts", "agent run", "bare script", "time a job, as bare"):
        table.add_column(heading, justify="right")
    seen: dict[str, float] = {}
    for contexts in CONTEXTS:
        pairs: list[tuple[float, float]] = []
        with RunningSandbox(200, 7, "--no-delays", "--option", 'mfa="off"') as sandbox:
            fresh = people(sandbox.get("/state")["companies"][0])
            for number in range(rounds):
                mine, theirs = [next(fresh) for _ in range(jobs)], [next(fresh) for _ in range(jobs)]
                slow, _ = audited(set_up(sandbox, f"run-{contexts}-{number}"), mine, contexts)
                fast = asyncio.run(bare(set_up(sandbox, f"bare-{contexts}-{number}"), theirs, contexts))
                pairs.append((slow, fast))
        slow, fast = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(agent / script for agent, script in pairs)
        table.add_row(str(contexts), f"{jobs / slow * 60:.1f}", f"{jobs / fast * 60:.1f}", f"{ratio:.2f}")
        seen[f"agent run / bare, time a job, {contexts} contexts"] = ratio
    console.print(table)
    return {name: value for name, value in seen.items() if name in AIMS}


def restarts(people: People, set_up: Any, rounds: int) -> float:
    """Median seconds from the start of the process to the first claim, after a kill -9 each time."""
    with RunningSandbox(60, 7, "--no-delays", "--option", 'mfa="off"') as sandbox:
        run = AgentRun(set_up(sandbox, "restarts"), 1)
        fresh = people(sandbox.get("/state")["companies"][0])
        seconds = []
        for _ in range(rounds):
            job = ANY_JOB.validate_python({**provision(next(fresh)), "invitation": False}, strict=False)
            (number,) = asyncio.run(run.accept([job]))
            began, starts = time.time(), run.told("agent-started")
            run.start()
            while run.told("agent-started") == starts:
                time.sleep(0.02)
            time.sleep(1.0)  # it claims right after that; the record says when
            run.stop(signal.SIGKILL)
            (record,) = asyncio.run(run.records([number]))
            if record.started_at is None:
                raise RuntimeError(f"nothing was claimed: see {run.folder / 'log'}")
            seconds.append(record.started_at - began)
            asyncio.run(_cancel(run, number))
    console.print(f"Restart to first claim: {', '.join(f'{item:.2f}' for item in seconds)} s")
    return statistics.median(seconds)


async def _cancel(run: AgentRun, number: int) -> None:
    settings = load_settings(run.folder / "agent.toml", {})
    queue = open_queue(settings)
    await queue.open(limits_of(settings))
    await queue.cancel(number, "bench")
    await queue.close()


def long_run(people: People, set_up: Any, jobs: int) -> dict[str, float]:
    """Memory around a tenth of the jobs and at their end; then the CPU of an agent that has nothing to do.

    A single look depends on which pages are open at that moment: it is the median over a twentieth of the jobs.
    """
    with RunningSandbox(200, 7, "--no-delays", "--option", 'mfa="off"') as sandbox:
        run = AgentRun(set_up(sandbox, "long"), 2)
        fresh = people(sandbox.get("/state")["companies"][0])
        wishes = [ANY_JOB.validate_python(provision(next(fresh)), strict=False) for _ in range(jobs)]
        numbers = asyncio.run(run.accept(wishes))
        tree = run.start()
        early: list[float] = []
        late: list[float] = []
        window = max(1, jobs // 20)
        while (ended := run.told("job-run-ended")) < len(numbers):
            if tree.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"the agent ended: see {run.folder / 'log'}")
            if 0 <= ended - jobs // 10 < window:
                early.append(pss_mib(tree))
            elif ended >= jobs - window:
                late.append(pss_mib(tree))
            time.sleep(0.2)  # between two looks at the memory
        cpu, began = cpu_s(tree), time.perf_counter()
        time.sleep(20)  # what it costs to wait is what is measured
        idle = (cpu_s(tree) - cpu) / (time.perf_counter() - began)
        run.stop()
    first, last = statistics.median(early), statistics.median(late)
    console.print(f"{jobs} jobs: {first:.0f} MiB after a tenth, {last:.0f} MiB at the end. Idle: {idle:.1%} of a core.")
    return {"memory at the end / at a tenth": last / first, "idle CPU, share of a core": idle}


def workers(people: People, set_up: Any, jobs: int, long_jobs: int) -> dict[str, float]:
    """All figures of the worker that we promise."""
    seen = throughput(people, set_up, jobs)
    seen["restart to first claim, s"] = restarts(people, set_up, rounds=5)
    return seen | (long_run(people, set_up, long_jobs) if long_jobs else {})

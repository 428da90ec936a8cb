"""`make bench`: the agent beside bare scripts, interleaved in one run on the sandbox with its delays off.

Prints medians and ratios. Only the ratios of one run mean anything: the machine's own speed is in every number.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from rich.console import Console
from rich.table import Table

from fixtures.running import ROOT, RunningSandbox
from tests.bench.evidence import AIMS as EVIDENCE_AIMS
from tests.bench.evidence import evidence
from tests.bench.measure import Worker, median, ratios
from tests.bench.parts import parts
from tests.bench.queue import AIMS as QUEUE_AIMS
from tests.bench.queue import queues
from tests.bench.routes import AIMS as ROUTE_AIMS
from tests.bench.routes import routes
from tests.bench.worker_jobs import AIMS as WORKER_AIMS
from tests.bench.worker_jobs import workers

SERVICE_ACCOUNT = "svc.provisioning@example.com"
COMPANY, COMPANY_TEMPLATE, DEFAULT_TEMPLATE = "Harborlight Builders", "Field Staff", "Read Only - Internal"
PROJECTS = {"24-001": "Foreman / Superintendent - Internal", "24-003": "Read Only - Internal"}
LABELS = {
    "agent": "(a) agent, full audit, both witnesses",
    "bare": "(b) bare script, same pages and clicks",
    "careless": "(c) careless script, clicks only",
    "http": "(d) the requests of (b) by raw HTTP",
}
console = Console(highlight=False, width=110)


def people(company: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """New people without end, none twice, each with the names and ids that the variants need."""
    templates = {item["name"]: str(item["template_id"]) for item in company["templates"]}
    projects = {item["number"]: str(item["project_id"]) for item in company["projects"]}
    vendors = {item["name"]: str(item["vendor_id"]) for item in company["vendors"]}
    number = 0
    while True:
        number += 1
        letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number:04d}")
        yield {
            "email": f"bench.{letters}@example.com",
            "first_name": "Bea",
            "last_name": f"Quill{letters}",
            "job_title": "Engineer",
            "company": COMPANY,
            "company_id": vendors[COMPANY],
            "company_template": COMPANY_TEMPLATE,
            "company_template_id": templates[COMPANY_TEMPLATE],
            "default_template": DEFAULT_TEMPLATE,
            "default_template_id": templates[DEFAULT_TEMPLATE],
            "projects": [
                {"number": key, "id": projects[key], "template": name, "template_id": templates[name]}
                for key, name in PROJECTS.items()
            ],
        }


def requests_of(sandbox: RunningSandbox, worker: Worker, person: dict[str, Any]) -> list[str]:
    """What one flow asks of the sandbox, in words without ids."""
    sandbox.delete("/requests")
    worker.run(person)
    worker.samples.clear()
    return [
        f"{item['method']} {item['operation']}"
        for item in sandbox.get("/requests")
        if item["operation"] not in (None, "static")
    ]


def set_up(sandbox: RunningSandbox, folder: str) -> dict[str, Any]:
    account = next(entry for entry in sandbox.get("/credentials") if entry["email"] == SERVICE_ACCOUNT)
    company = sandbox.get("/state")["companies"][0]
    target = ROOT / "var" / "bench" / folder
    target.mkdir(parents=True)
    return {
        "sign_in": sandbox.sign_in,
        "app": sandbox.app,
        "company_id": str(company["company_id"]),
        "email": account["email"],
        "password": account["password"],
        "folder": str(target),
    }


def provisioning(rounds: int) -> dict[str, float]:
    """(a) to (d), one after the other in each round; returns the ratios that we promise."""
    with RunningSandbox(200, 7, "--no-delays", "--option", 'mfa="off"') as sandbox, ExitStack() as stack:
        wanted = people(sandbox.get("/state")["companies"][0])
        workers = {name: stack.enter_context(Worker(name, set_up(sandbox, name))) for name in LABELS}
        asked = {name: requests_of(sandbox, worker, next(wanted)) for name, worker in workers.items()}
        for _ in range(rounds):
            for worker in workers.values():
                worker.run(next(wanted))
        for worker in workers.values():
            worker.run_for_memory(next(wanted))
        made = sum(len(worker.samples) + 2 for worker in workers.values())
        mails = sum(1 for mail in sandbox.get("/outbox") if mail["to"].startswith("bench."))
        if mails != made:
            raise RuntimeError(f"{made} people were provisioned, but {mails} mails stand in the outbox")
    agent, bare = workers["agent"], workers["bare"]
    if sorted(asked["agent"]) != sorted(asked["bare"]):
        console.print(
            f"[bold red]The bare script does not load the agent's pages:[/]\n{asked['agent']}\n{asked['bare']}"
        )
    table = Table(
        title=f"One provision job: a new person, two projects, one invitation ({rounds} rounds, warm sessions)"
    )
    for heading in ("", "wall ms", "CPU ms", "peak MiB", "pages", "wall, as (b)", "wall, as (c)", "CPU, as (b)"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, worker in workers.items():
        table.add_row(
            LABELS[name],
            f"{median(worker, 'wall') * 1000:.0f}",
            f"{median(worker, 'cpu') * 1000:.0f}",
            f"{worker.peak_mib:.0f}",
            str(len(asked[name])),
            ratios(worker, bare, "wall"),
            ratios(worker, workers["careless"], "wall"),
            ratios(worker, bare, "cpu"),
        )
    console.print(table)
    evidence = statistics.median(sample.said["bytes"] for sample in agent.samples)
    console.print(f"Evidence of one job: {evidence / 1024:.0f} KiB. Peak memory is the whole process tree's (PSS).")
    return {
        "agent / bare, wall": statistics.median(
            a.wall / b.wall for a, b in zip(agent.samples, bare.samples, strict=True)
        ),
        "agent / careless, wall": statistics.median(
            a.wall / c.wall for a, c in zip(agent.samples, workers["careless"].samples, strict=True)
        ),
    }


def snapshots(sizes: list[int], rounds: int) -> dict[str, float]:
    """The snapshot job beside fetching the same pages, at several sizes of the tenant."""
    table = Table(title="Snapshot of the whole Directory")
    for heading in ("people", "agent s", "same pages s", "ratio", "CPU ratio", "agent CPU ms a person"):
        table.add_column(heading, justify="right")
    costs: list[tuple[int, float, float]] = []  # people, CPU seconds, ratio of wall times
    for size in sizes:
        arguments = ("--no-delays", "--option", 'mfa="off"')
        with RunningSandbox(size, 7, *arguments) as sandbox, ExitStack() as stack:
            agent, bare = (
                stack.enter_context(Worker(f"{name} snapshot", set_up(sandbox, f"{name}-{size}")))
                for name in ("agent", "bare")
            )
            for number in range(1, rounds + 1):
                read, fetched = agent.run({}), bare.run({})
                console.print(f"{size:,} people, round {number}: agent {read.wall:.1f} s, pages {fetched.wall:.1f} s")
        # The growth is judged by CPU time: minutes lie between the sizes, and the machine may be busy meanwhile.
        cpu = median(agent, "cpu")
        ratio = statistics.median(a.wall / b.wall for a, b in zip(agent.samples, bare.samples, strict=True))
        costs.append((size, cpu, ratio))
        table.add_row(
            f"{size:,}",
            f"{median(agent, 'wall'):.1f}",
            f"{median(bare, 'wall'):.1f}",
            ratios(agent, bare, "wall"),
            ratios(agent, bare, "cpu"),
            f"{cpu / size * 1000:.2f}",
        )
    console.print(table)
    (small, first, _), (large, last, ratio) = costs[0], costs[-1]
    return {
        "snapshot / same pages, largest": ratio,
        "CPU a person, largest / smallest": (last / large) / (first / small),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="provision jobs of each kind")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[2_000, 20_000], help="people in the snapshot's tenants"
    )
    parser.add_argument("--archive", type=int, default=10_000, help="sealed jobs that are verified")
    parser.add_argument("--jobs", type=int, default=8, help="jobs of `agent run` in a round, at each concurrency")
    parser.add_argument("--long-run", type=int, default=100, help="jobs in a row, watched for memory; 0: none")
    parser.add_argument("--parts", type=int, default=4, help="jobs with each part of the audit left out; 0: none")
    parser.add_argument("--ways", type=int, default=3, help="rounds of each way into projects; 0 leaves them out")
    chosen = parser.parse_args()
    shutil.rmtree(ROOT / "var" / "bench", ignore_errors=True)
    seen = provisioning(chosen.rounds)
    if chosen.parts:
        parts(people, set_up, chosen.parts)
    if chosen.sizes:
        seen |= snapshots(chosen.sizes, rounds=2)
    seen |= queues()
    seen |= evidence(people, set_up, chosen.archive)
    seen |= workers(people, set_up, chosen.jobs, chosen.long_run)
    if chosen.ways:
        seen |= routes(chosen.ways)
    aims = (
        QUEUE_AIMS
        | EVIDENCE_AIMS
        | WORKER_AIMS
        | ROUTE_AIMS
        | {
            "agent / bare, wall": 1.4,
            "agent / careless, wall": 2.5,
            "snapshot / same pages, largest": 1.2,
            "CPU a person, largest / smallest": 1.2,
        }
    )
    table = Table(title="Against our aims")
    for heading in ("figure", "aim", "seen", ""):
        table.add_column(heading)
    for name, value in seen.items():
        table.add_row(name, f"<= {aims[name]}", f"{value:.2f}", "held" if value <= aims[name] else "missed")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

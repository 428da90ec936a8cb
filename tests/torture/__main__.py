"""``make torture``: every fault in full, and a table of what was counted. Exit code 1 when anything is not as promised.

``python -m tests.torture [--minutes N] [--only WORD] [--batch PEOPLE]``: a part that has not begun after so many
minutes is left out, and the table says so; ``--only`` picks the parts whose names hold the word; ``--batch 0`` leaves
the acceptance run out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from tests.torture import batch, kills, machine, queueing
from tests.torture.counting import Counts
from tests.torture.crowds import CROWD_ACTIONS
from tests.torture.scene import Scene, opened
from tests.torture.sweep import Kill, at_calls, at_requests, carry_out, measure, volleys
from tests.torture.wishes import ACTIONS

NEW_PAGES = {"company_directory": "mfe", "project_directory": "mfe", "mfe_delay": 0.05}
ROUNDS = 6  # of random kills, each with its own luck
COLUMNS = tuple(each.name for each in fields(Counts) if each.name != "details")


@dataclass(frozen=True)
class Part:
    """One line of the table."""

    name: str
    run: Callable[[Scene], str]


@dataclass
class Told:
    """How a part ended."""

    name: str
    seconds: float
    counts: Counts | None
    note: str

    @property
    def is_well(self) -> bool:
        """Whether everything that must be zero is, and no promise was broken otherwise."""
        return self.counts is not None and self.counts.all_is_well


def sweep_of(action: str, at: Callable[..., Iterator[Kill]], **options: Any) -> Callable[[Scene], str]:
    """The whole sweep of an action, at its requests or at its queue calls; ``options``: those of the tenant."""

    def run(scene: Scene) -> str:
        scene.sandbox.post("/options", options)
        scene.agent.start()
        if action != "read":
            measure(scene, "read")  # signs in, so that it is not counted
        boundaries = list(at(measure(scene, action)))
        came = sum(carry_out(scene, volley, f"v{n}") for n, volley in enumerate(volleys(boundaries)))
        return f"{came} kills at {len(boundaries)} boundaries"

    return run


def parts(people: int, tell: Callable[[str], None]) -> Iterator[Part]:
    """Everything there is, the short ones first."""
    yield Part("orphaned browser", kills.orphaned_browser)
    yield Part("browser and driver killed", partial(kills.browser_kills, kills=6, seed=417))
    yield Part("tenant away", kills.tenant_restart)
    yield Part("clock jumps", machine.clock_jumps)
    yield Part("disk full: queue", machine.disk_full)
    yield Part("disk full: evidence", machine.evidence_disk_full)
    yield Part("two agents", queueing.two_agents)
    yield Part("poison job", queueing.poison_job)
    yield Part("stored jobs", queueing.stored_jobs)
    yield Part("offboard behind 300", queueing.offboard_goes_first)
    for seed in range(1, ROUNDS + 1):
        yield Part(f"random kills {seed}", partial(kills.random_kills, kills=12, seed=seed))
    for action in (*ACTIONS, *CROWD_ACTIONS):
        yield Part(f"sweep of calls: {action}", sweep_of(action, at_calls))
        if action != "read":
            yield Part(f"sweep of writes: {action}", sweep_of(action, at_requests))
            yield Part(f"sweep of writes: {action}, new pages", sweep_of(action, at_requests, **NEW_PAGES))
    if people:
        yield Part(f"batch of {people}", partial(_batch, people=people, tell=tell))


def _batch(scene: Scene, people: int, tell: Callable[[str], None]) -> str:
    begun = time.monotonic()
    batch.run(scene, people, tell)
    return f"{2 * people} jobs in {time.monotonic() - begun:.0f} s"


def run_part(part: Part) -> Told:
    """One part in a scene of its own."""
    begun = time.monotonic()
    try:
        with opened() as scene:
            note = part.run(scene)
            counts = scene.judge()
    except Exception as error:  # a broken promise is a line of the table, and the other parts still run
        return Told(part.name, time.monotonic() - begun, None, f"{type(error).__name__}: {error}"[:600])
    return Told(part.name, time.monotonic() - begun, counts, note)


def table(told: list[Told]) -> str:
    """What was counted, a line for each part and one for all."""
    total = Counts()
    lines = [f"{'':<34}{'s':>6} " + " ".join(f"{name.replace('_', ' '):>13}" for name in COLUMNS)]
    for each in told:
        counted = each.counts or Counts()
        total.add(counted)
        figures = " ".join(f"{getattr(counted, name) if each.counts else '-':>13}" for name in COLUMNS)
        lines.append(f"{each.name:<34}{each.seconds:>6.0f} {figures}  {each.note}")
    lines.append(
        f"{'all':<34}{sum(t.seconds for t in told):>6.0f} " + " ".join(f"{getattr(total, n):>13}" for n in COLUMNS)
    )
    return "\n".join([*lines, *total.details])


def main() -> int:
    """Run what was asked for, tell each line as it is known, and then the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=180, help="no part begins after so long")
    parser.add_argument("--only", default="", help="only parts whose name holds this")
    parser.add_argument("--batch", type=int, default=500, help="people of the acceptance run; 0: none")
    asked = parser.parse_args()

    def tell(text: str) -> None:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
        sys.stdout.flush()

    begun, told, left_out = time.monotonic(), [], []
    for part in parts(asked.batch, tell):
        if asked.only not in part.name:
            continue
        if time.monotonic() - begun > asked.minutes * 60:
            left_out.append(part.name)
            continue
        told.append(run_part(part))
        good = "well" if told[-1].is_well else "NOT WELL"
        tell(f"{good}: {part.name}, {told[-1].seconds:.0f} s: {told[-1].note}")
        if (counts := told[-1].counts) is not None:
            for detail in counts.details:
                tell(f"  {detail}")
    sys.stdout.write(f"\n{table(told)}\n")
    if left_out:
        sys.stdout.write(f"no time was left for: {', '.join(left_out)}\n")
    return 0 if told and not left_out and all(each.is_well for each in told) else 1


if __name__ == "__main__":
    sys.exit(main())

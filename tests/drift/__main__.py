"""`make drift`: run what is missing of the drift table, print it, and put it into the docs."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from tests.drift.arena import GENERATIONS
from tests.drift.project_cases import ACTIONS
from tests.drift.results import Results
from tests.drift.row import SIDES, Row
from tests.drift.running import run_all
from tests.drift.table import DOCUMENT, failures_of, markdown_of, printed, write_document

LEVELS = (1, 2, 3, 4, 5)
SEEDS = 40
console = Console(highlight=False, width=150)


def main() -> int:
    """Run, and say how it stands: 0 where every promise of the table holds."""
    parser = argparse.ArgumentParser(prog="make drift", description=__doc__)
    parser.add_argument("--levels", type=int, nargs="*", default=list(LEVELS))
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds 1 to N at each level")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--generations", nargs="*", default=list(GENERATIONS), choices=GENERATIONS)
    parser.add_argument("--sides", nargs="*", default=list(SIDES), choices=SIDES)
    parser.add_argument("--actions", nargs="*", default=list(ACTIONS), choices=list(ACTIONS))
    parser.add_argument("--only", nargs="*", default=[], help="these mutations together, instead of levels")
    parser.add_argument("--lanes", type=int, default=2, help="processes at once")
    parser.add_argument("--minutes", type=float, default=600, help="start no row after so many")
    parser.add_argument("--fresh", action="store_true", help="forget what was run before")
    parser.add_argument("--document", action="store_true", help=f"write the table into {DOCUMENT.name}")
    chosen = parser.parse_args()
    results = Results(fresh=chosen.fresh)
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    levels = [0] if chosen.only else chosen.levels
    rows = [
        Row(side, generation, level, seed, tuple(chosen.only))
        for seed in seeds
        for level in levels
        for generation in chosen.generations
        for side in chosen.sides
    ]
    left = run_all(rows, chosen.actions, results, chosen.lanes, chosen.minutes, console.print)
    lines = [
        line
        for line in results.lines
        if line["level"] in levels and line["seed"] in seeds and list(line["only"]) == list(chosen.only)
    ]
    console.print(printed(lines))
    if left:
        console.print(f"{left} rows were not run to their end; the same command goes on with them.")
    broken = failures_of(lines, complete=chosen.seeds >= SEEDS and not left)
    for promise in broken:
        console.print(f"[bold red]not held:[/] {promise}")
    if chosen.document:
        write_document(markdown_of(lines, seeds=chosen.seeds, complete=not left))
    return 1 if broken or left else 0


if __name__ == "__main__":
    sys.exit(main())

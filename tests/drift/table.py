"""The table: counts per generation and level, what stopped jobs, and what became of each dangerous mutation."""

from __future__ import annotations

import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeAlias, TypeVar

from rich.table import Table

from fixtures.running import ROOT
from tests.drift.results import code_of

DOCUMENT = ROOT / "docs" / "explanation" / "drift.md"
BEGIN, END = "<!-- drift table: begin (made by `make drift`) -->", "<!-- drift table: end -->"
VERDICTS = ("right", "stopped", "wrong")
UNAIDED = 0.99
"""Of the jobs at levels 1 and 2, which mean nothing."""
Line: TypeAlias = dict[str, Any]
T = TypeVar("T")


def counted(lines: Iterable[Line]) -> Counter[str]:
    """How many ended how."""
    return Counter(line["verdict"] for line in lines)


def groups(items: Iterable[T], by: Callable[[T], Any]) -> dict[Any, list[T]]:
    """The lines that belong together, in order."""
    found: dict[Any, list[T]] = defaultdict(list)
    for item in items:
        found[by(item)].append(item)
    return dict(sorted(found.items()))


def failures_of(lines: Sequence[Line], *, complete: bool = False) -> list[str]:
    """The promises that these lines break, in words; empty where all hold. ``complete``: a dangerous mutation that was
    on the pages of some jobs and has stopped none of them is told, too: then nothing shows that it would."""
    broken = [
        f"{generation}: {mutation} was on the pages of {len(some)} jobs and has stopped none"
        for (mutation, generation), some in (_dangers(_of("agent", lines)) if complete else {}).items()
        if not counted(some)["stopped"]
    ]
    for (generation, level), some in groups(
        _of("agent", lines), lambda line: (line["generation"], line["level"])
    ).items():
        count = counted(some)
        if count["wrong"]:
            broken.append(f"{generation}, level {level}: {count['wrong']} wrong writes of {len(some)} jobs")
        if level in (1, 2) and count["right"] < UNAIDED * len(some):
            broken.append(f"{generation}, level {level}: {count['right']} of {len(some)} jobs are right unaided")
    return broken


def printed(lines: Sequence[Line]) -> Table:
    """For a terminal."""
    table = Table(title="Drift: right / stopped without a wrong write / wrong")
    for heading in ("generation", "level", "agent", "bare script", "jobs"):
        table.add_column(heading)
    for (generation, level), some in groups(lines, lambda line: (line["generation"], line["level"])).items():
        table.add_row(
            generation,
            str(level),
            *("/".join(str(counted(_of(side, some))[verdict]) for verdict in VERDICTS) for side in ("agent", "bare")),
            f"{len(_of('agent', some))} + {len(_of('bare', some))}",
        )
    return table


def markdown_of(lines: Sequence[Line], *, seeds: int, complete: bool) -> str:
    """The generated part of the document."""
    said = [
        f"Made on {datetime.now(UTC):%Y-%m-%d} with {seeds} seeds a level, Python {platform.python_version()}, "
        f"Playwright {version('playwright')}; agent and pages `{code_of('agent')}`, scripts `{code_of('bare')}`."
        + ("" if complete else " **Not every row was run.**"),
        "",
        _by_level(lines),
        _beside(lines),
        "",
        "### By action",
        "",
        _by_action(lines),
        "### The dangerous mutations, at levels 4 and 5",
        "",
        "Only jobs with a page that bore the mutation. *Not touched* are jobs that were right although a page bore it: "
        "what changed was not what they used.",
        "",
        _by_danger([line for line in lines if line["level"] >= 4]),
        "### Why the agent stopped",
        "",
        _stops(_of("agent", lines)),
    ]
    return "\n".join(said)


def write_document(generated: str) -> None:
    """Put the generated part between its marks. ValueError when the document has none."""
    text = DOCUMENT.read_text()
    head, found, rest = text.partition(BEGIN)
    _, closed, tail = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{DOCUMENT} has no place for the table: {BEGIN} ... {END}")
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{generated}\n{END}{tail}")


def _of(side: str, lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line["side"] == side]


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|" + "---|" * len(cells)]


def _triple(lines: Sequence[Line]) -> list[str]:
    count = counted(lines)
    total = len(lines)
    return [
        *(f"{count[name]} ({count[name] / total:.1%})" if total else "—" for name in ("right", "stopped")),
        f"**{count['wrong']}**" if total else "—",
    ]


def _by_level(lines: Sequence[Line]) -> str:
    rows = _head("generation", "level", "jobs", "agent: right", "stopped", "wrong", "script: right", "stopped", "wrong")
    for (generation, level), some in groups(lines, lambda line: (line["generation"], line["level"])).items():
        agent, bare = _of("agent", some), _of("bare", some)
        rows.append(_row(generation, level, max(len(agent), len(bare)), *_triple(agent), *_triple(bare)))
    return "\n".join([*rows, ""])


def _beside(lines: Sequence[Line]) -> str:
    """What the agent did with the very jobs that a script did wrongly."""

    def cell(line: Line) -> tuple[Any, ...]:
        return (line["generation"], line["level"], line["seed"], tuple(line["only"]), line["action"])

    spoilt = {cell(line) for line in _of("bare", lines) if line["verdict"] == "wrong"}
    count = counted(line for line in _of("agent", lines) if cell(line) in spoilt)
    return (
        f"Of the jobs that a script did wrongly, the agent stopped {count['stopped']}, did {count['right']} rightly "
        f"and {count['wrong']} wrongly."
    )


def _by_action(lines: Sequence[Line]) -> str:
    rows = _head("action", "generation", "agent: right", "stopped", "wrong", "script: right", "stopped", "wrong")
    for (action, generation), some in groups(lines, lambda line: (line["action"], line["generation"])).items():
        rows.append(_row(f"`{action}`", generation, *_triple(_of("agent", some)), *_triple(_of("bare", some))))
    return "\n".join([*rows, ""])


def _dangers(lines: Iterable[Line]) -> dict[tuple[str, str], list[Line]]:
    """The lines whose pages bore each dangerous mutation, by mutation and generation."""
    met = [(mutation, line) for line in lines for mutation in line["dangerous"]]
    return {
        kind: [line for _, line in some]
        for kind, some in groups(met, lambda item: (item[0], item[1]["generation"])).items()
    }


def _by_danger(lines: Sequence[Line]) -> str:
    rows = _head(
        "mutation", "generation", "agent: stopped", "not touched", "wrong", "script: stopped", "not touched", "wrong"
    )
    for (mutation, generation), some in _dangers(lines).items():
        cells = []
        for side in ("agent", "bare"):
            count = counted(_of(side, some))
            cells += [count["stopped"], count["right"], f"**{count['wrong']}**"]
        rows.append(_row(f"`{mutation}`", generation, *cells))
    return "\n".join([*rows, ""])


def _stops(lines: Sequence[Line]) -> str:
    rows = _head("level", "reason", "jobs", "mutations that most of them met")
    stopped = [line for line in lines if line["verdict"] != "right"]
    for (level, why), some in groups(stopped, lambda line: (line["level"], line["why"])).items():
        names = Counter(name for line in some for name in (line["dangerous"] or line["met"]))
        most = ", ".join(f"`{name}` ({count})" for name, count in names.most_common(4))
        rows.append(_row(level, f"`{why}`" if why else "—", len(some), most or "—"))
    return "\n".join([*rows, ""])

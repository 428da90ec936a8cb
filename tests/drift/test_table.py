"""The table is counted and written as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.drift import results, table
from tests.drift.results import Results
from tests.drift.table import BEGIN, END, failures_of, markdown_of, write_document


def line(side: str = "agent", verdict: str = "right", **more: Any) -> dict[str, Any]:
    return {
        "side": side,
        "generation": "mfe",
        "level": 5,
        "seed": 1,
        "only": [],
        "action": "update",
        "verdict": verdict,
        "why": "",
        "met": [],
        "dangerous": [],
        **more,
    }


def test_the_table_tells_jobs_that_did_not_succeed_unaided() -> None:
    """Two stops of a hundred at level 2 are more than is promised; one is not."""
    right, stopped = line(level=2), line(level=2, verdict="stopped")
    assert failures_of([right] * 99 + [stopped]) == []
    assert failures_of([right] * 98 + [stopped] * 2) == ["mfe, level 2: 98 of 100 jobs are right unaided"]


def test_a_wrong_write_breaks_a_promise_at_any_level_but_not_a_scripts() -> None:
    """One is too many; a script promises nothing."""
    assert failures_of([line("bare", "wrong")]) == []
    assert failures_of([line(verdict="wrong"), line()]) == ["mfe, level 5: 1 wrong writes of 2 jobs"]


def test_a_dangerous_mutation_that_stops_nobody_in_a_whole_run_is_told() -> None:
    """What was on the pages and has stopped no job may not have mattered, or was not seen: the table does not say."""
    bad: dict[str, Any] = {"met": ["menus_shifted"], "dangerous": ["menus_shifted"]}
    some = [line(**bad), line("bare", "stopped", **bad)]
    assert failures_of(some) == []
    assert failures_of(some, complete=True) == ["mfe: menus_shifted was on the pages of 1 jobs and has stopped none"]
    assert failures_of([*some, line(verdict="stopped", **bad)], complete=True) == []


def test_a_dangerous_mutation_is_counted_for_the_jobs_that_met_it() -> None:
    """Those whose pages bore it, and what the agent did where the script was wrong."""
    bad: dict[str, Any] = {"met": ["templates_swapped"], "dangerous": ["templates_swapped"]}
    stopped = line(verdict="stopped", why="template-mismatch", **bad)
    told = markdown_of([stopped, line("bare", "wrong", **bad), line(seed=2)], seeds=2, complete=False)
    assert "| `templates_swapped` | mfe | 1 | 0 | **0** | 0 | 0 | **1** |" in told
    assert "the agent stopped 1, did 0 rightly and 0 wrongly" in told
    assert "| 5 | `template-mismatch` | 1 | `templates_swapped` (1) |" in told
    assert "Not every row was run" in told


def test_the_table_stands_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is around stays, what was there before goes; a document without marks is refused."""
    document = tmp_path / "drift.md"
    monkeypatch.setattr(table, "DOCUMENT", document)
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n")
    write_document("| new |")
    assert document.read_text() == f"before\n{BEGIN}\n\n| new |\n{END}\nbehind\n"
    document.write_text("no place")
    with pytest.raises(ValueError, match="no place for the table"):
        write_document("| new |")


def test_a_run_goes_on_where_it_was_and_begins_anew_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was run with this code is not run again; a torn line is passed over; other code makes all of it missing."""
    file = tmp_path / "results.jsonl"
    row = {"side": "agent", "generation": "mfe", "level": 5, "seed": 1, "only": []}
    Results(file).add(line())
    with file.open("a") as out:
        out.write('{"side": "agent", "torn')
    again = Results(file)
    assert again.missing(row, ["update", "invite"]) == ["invite"]
    again.add(line(action="invite"))
    assert Results(file).missing(row, ["update", "invite"]) == []
    monkeypatch.setattr(results, "code_of", lambda side: "other code")
    assert Results(file).missing(row, ["update"]) == ["update"]

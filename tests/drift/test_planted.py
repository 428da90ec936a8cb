"""A planted violation for the table: an agent that does not look at a page before it writes is caught at it."""

from __future__ import annotations

from pathlib import Path

import pytest

import flows.shapes.examining
from agent.browser.launch import WarmBrowser
from tests.drift.arena import Arena
from tests.drift.judge import Verdict
from tests.drift.row import Result, Row, run_row
from tests.drift.table import failures_of

ROW = Row("agent", "legacy", 0, seed=1, only=("confirmation_widened",))
ACTIONS = ["remove_from_projects"]


async def ran(arena: Arena, browser: WarmBrowser, folder: Path) -> Result:
    (result,) = [result async for result in run_row(ROW, ACTIONS, arena, browser, folder)]
    return result


async def test_without_the_look_before_a_write_there_is_a_wrong_write(
    arena: Arena, browser: WarmBrowser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that takes every project away instead of one: stopped by the look, a wrong write without it."""
    careful = await ran(arena, browser, tmp_path / "careful")
    assert careful.verdict == Verdict.STOPPED, careful.findings
    monkeypatch.setattr(flows.shapes.examining, "compared", lambda *_: ())
    blind = await ran(arena, browser, tmp_path / "blind")
    assert blind.verdict == Verdict.WRONG
    lines = [{**result.told(), "level": 5} for result in (careful, blind)]
    assert failures_of(lines) == ["legacy, level 5: 1 wrong writes of 2 jobs"]

"""The scripts beside us are no straw men: on pages that do not drift each of them is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.browser.launch import WarmBrowser
from tests.drift.arena import GENERATIONS, Arena
from tests.drift.judge import Verdict
from tests.drift.project_cases import ACTIONS
from tests.drift.row import Row, run_row


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_every_script_is_right_on_pages_that_stand_still(
    arena: Arena, browser: WarmBrowser, tmp_path: Path, generation: str
) -> None:
    """Every action, with the twins and the second company of the table."""
    row = Row("bare", generation, 0, seed=2)
    results = [result async for result in run_row(row, list(ACTIONS), arena, browser, tmp_path)]
    ends = {result.action: (result.verdict, result.said, result.findings) for result in results}
    assert ends == dict.fromkeys(ACTIONS, (Verdict.RIGHT, "", ()))

"""The drift table in short: each mutation once with an action that meets it, on both generations; `make drift` has all.

The agent keeps one session over all of it: pages change in the middle of a working day, not at sign-in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest

from agent.browser.launch import WarmBrowser
from tests.drift.agent_side import AgentSide, agent_side
from tests.drift.arena import GENERATIONS, Arena
from tests.drift.judge import Verdict
from tests.drift.project_cases import ACTIONS, case_of
from tests.drift.row import Result, Row, run_case

MEANINGLESS = (
    "classes_rehashed",
    "ids_regenerated",
    "columns_reordered",
    "banner_added",
    "help_reworded",
    "wrappers_added",
    "attributes_reordered",
    "decorations_added",
    "column_added",
    "link_added",
    "words_spread",
)
MODERATE = (
    "label_renamed",
    "hook_removed",
    "control_in_menu",
    "optional_field_added",
    "button_renamed",
    "action_renamed",
)
DECISIVE: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "legacy": (
        ("labels_swapped", "update", 1),
        ("menu_labels_swapped", "offboard", 1),
        ("save_buttons_swapped", "change_email", 1),
        ("required_field_added", "provision", 3),
        ("invitation_ticked", "update", 2),
        ("template_preselected", "provision", 2),
        ("templates_swapped", "provision", 1),
        ("confirmation_widened", "remove_from_projects", 1),
        ("question_inverted", "remove_from_projects", 2),
        ("edit_links_crossed", "update", 3),
        ("foreign_people", "bulk_remove_from_project", 1),
        ("template_renamed", "add_to_projects", 1),
    ),
    "mfe": (
        ("labels_swapped", "update", 1),
        ("menu_labels_swapped", "offboard", 1),
        ("save_buttons_swapped", "change_email", 1),
        ("required_field_added", "provision", 3),
        ("template_preselected", "provision", 2),
        ("templates_swapped", "provision", 1),
        ("question_inverted", "remove_from_projects", 2),
        ("edit_links_crossed", "update", 3),
        ("foreign_people", "bulk_remove_from_project", 1),
        ("menus_shifted", "invite", 1),
        ("menus_shifted", "remove_from_projects", 3),
        ("template_renamed", "add_to_projects", 1),
    ),
}
"""Twelve dangerous changes each, with an action and a seed whose write goes through it: the agent stops there."""
MEANINGLESS_SEED, MODERATE_SEED = 50, 60
"""No seed of an action comes twice in a world: the second job would find everything done."""


# One process a generation: the agent of a generation has one session in one world.
@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in GENERATIONS]
)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
async def agent(
    arena: Arena, browser: WarmBrowser, tmp_path_factory: pytest.TempPathFactory, generation: str
) -> AsyncIterator[AgentSide]:
    """The agent, in a fresh world of this generation."""
    arena.prepare(generation, None)
    async with agent_side(arena, browser, tmp_path_factory.mktemp("agent")) as side:
        yield side


async def ran(arena: Arena, agent: AgentSide, generation: str, action: str, seed: int, *only: str) -> Result:
    row = Row("agent", generation, 0, seed, only)
    arena.drift(row.drift)
    return await run_case(row, case_of(action, seed), arena, agent)


@pytest.mark.parametrize("action", list(ACTIONS))
async def test_changes_that_mean_nothing_stop_nobody(
    arena: Arena, agent: AgentSide, generation: str, action: str
) -> None:
    """All mutations of the levels 1 and 2 at once: every action is right unaided."""
    result = await ran(arena, agent, generation, action, MEANINGLESS_SEED, *MEANINGLESS)
    assert (result.verdict, result.findings) == (Verdict.RIGHT, ()), result.said


@pytest.mark.parametrize("mutation", MODERATE)
async def test_moderate_changes_are_survived_or_stop_the_job(
    arena: Arena, agent: AgentSide, generation: str, mutation: str
) -> None:
    """One of level 3, met by Add User or by a list: right, or stopped, never wrong."""
    action = "offboard" if mutation == "action_renamed" else "provision"
    result = await ran(arena, agent, generation, action, MODERATE_SEED + MODERATE.index(mutation), mutation)
    assert not result.is_wrong, result.findings


@pytest.mark.parametrize("number", range(12))
async def test_a_dangerous_change_stops_the_job_that_meets_it(
    arena: Arena, agent: AgentSide, generation: str, number: int
) -> None:
    """Nothing is written through what a mutation of level 4 or 5 has changed."""
    mutation, action, seed = DECISIVE[generation][number]
    result = await ran(arena, agent, generation, action, seed, mutation)
    assert result.dangerous == (mutation,), "the job did not meet it: the test proved nothing"
    assert (result.verdict, result.findings) == (Verdict.STOPPED, ()), result.said

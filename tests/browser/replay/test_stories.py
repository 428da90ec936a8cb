"""The regression suite: every recorded story, looked at with the catalogue and the code of this checkout.

A change that makes one of these fail would have changed a decision that was right when it was recorded. Where the
change is wanted, record the stories anew: `python -m fixtures.record_traces`.
"""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from agent.replay.findings import Cause, Kind
from agent.replay.matching import Match
from agent.replay.run import Wish
from fixtures.record_traces import STORIES
from tests.browser.replay.conftest import RECORDED, Changed, replayed


@pytest.mark.parametrize("story", STORIES)
async def test_todays_code_does_as_it_did(walled: Browser, story: str) -> None:
    """Every place, every reading and the decision are as recorded; nothing is left out and nothing asked for."""
    replay = await replayed(RECORDED / story, walled)

    assert [finding.document() for finding in replay.findings] == []
    assert replay.untold == []
    assert replay.outgoing == 0
    assert replay.readings > 10
    assert replay.uses > 0
    assert replay.decided_now == replay.decided_then


async def test_a_renamed_hook_is_named_with_its_step(walled: Browser, changed: Changed) -> None:
    """The step, the key, what it selected then, what it selects now: nothing."""
    catalogue = changed('form#edit_user button[name="commit"][value="save"]', "form#edit_user button.renamed")

    replay = await replayed(RECORDED / "update", walled, Wish(catalogue))

    (found,) = [finding for finding in replay.findings if finding.key == "edit_user.save"]
    assert (found.step, found.match, found.cause) == (1, Match.NONE, Cause.CATALOGUE)
    assert found.selector_then == 'form#edit_user button[name="commit"][value="save"]'
    assert found.selector_now == "form#edit_user button.renamed"
    assert "Estimator" in found.what
    assert len(found.paths_then) == 1
    assert found.paths_now == ()


async def test_a_landmark_that_is_gone_ends_the_decision(walled: Browser, changed: Changed) -> None:
    """Readings that look for a renamed hook no longer understand the page, and no plan comes of it."""
    catalogue = changed('div[data-qa="tableRow"][data-id]', 'div[data-qa="renamed"][data-id]')

    replay = await replayed(RECORDED / "offboard", walled, Wish(catalogue))

    kinds = {finding.kind for finding in replay.findings}
    decision = next(finding for finding in replay.findings if finding.kind is Kind.DECISION)
    assert {Kind.MATCH, Kind.UNDERSTOOD, Kind.DECISION} <= kinds
    assert (decision.then, decision.now) == ("plan", "failed: unknown-page")


async def test_another_element_of_the_same_count_is_seen(walled: Browser, changed: Changed) -> None:
    """The dangerous one: one button then, one button now, but "Save and Send Invitation" in the place of "Save"."""
    selector = 'form#edit_user button[name="commit"][value="save"]'
    catalogue = changed(selector, 'form#edit_user button[name="commit"]:not([value="save"])')

    replay = await replayed(RECORDED / "update", walled, Wish(catalogue))

    (found,) = replay.findings
    assert (found.key, found.match) == ("edit_user.save", Match.OTHER)
    assert len(found.paths_then) == len(found.paths_now) == 1
    assert found.paths_then != found.paths_now


async def test_a_cell_read_from_another_column_is_seen(walled: Browser, changed: Changed) -> None:
    """As many cells, but the wrong ones: the data differ, and the place says which."""
    catalogue = changed("'[data-qa=\"name_cell\"]'", "'[data-qa=\"job_title_cell\"]'")

    replay = await replayed(RECORDED / "offboard", walled, Wish(catalogue))

    assert {finding.match for finding in replay.findings if finding.key} == {Match.OTHER}
    assert "data.rows[0].name" in {finding.place for finding in replay.findings}
    assert "correlation: matches[0].name" in {finding.where for finding in replay.findings}


async def test_a_key_that_is_gone_is_named(walled: Browser, changed: Changed) -> None:
    """A key that today's catalogue has under another name is not looked up somewhere else."""
    catalogue = changed('[hooks."projects.change_template"]', '[hooks."projects.changes_template"]')

    replay = await replayed(RECORDED / "change-a-project-template", walled, Wish(catalogue))

    (found,) = replay.findings
    assert found.match is Match.UNKNOWN_KEY
    assert "projects.change_template" in found.key
    assert "projects.change_template" in found.now


async def test_recorded_readings_can_be_made_with_a_new_catalogue(walled: Browser, changed: Changed) -> None:
    """`--flow-version recorded`: the scripts as they ran then; no decision is made, and none is compared."""
    selector = 'form#edit_user button[name="commit"][value="save"]'
    same = await replayed(RECORDED / "update", walled, Wish(flow_version="recorded"))
    other = await replayed(RECORDED / "update", walled, Wish(changed(selector, "button.renamed"), "recorded"))

    assert (same.findings, same.untold, same.decided_now) == ([], [], None)
    assert [finding.key for finding in other.findings] == ["edit_user.save"]

"""A job on pages of the new generation, gone through again: its readings and places; its decision cannot be."""

from __future__ import annotations

from playwright.async_api import Browser

from agent.execute.outcome import Verdict
from tests.browser.jobs.conftest import ANA, Desk, desk, job, warm_browser
from tests.browser.replay.conftest import replayed

__all__ = ["desk", "warm_browser"]  # fixtures


async def test_readings_and_places_of_the_new_pages_are_found_again(desk: Desk, walled: Browser) -> None:
    """Every one as it was. What was decided is left untold with the reason: the lists change under one address. So is
    what the page said to the save, where the next call led away from it: no page was taken in between."""
    desk.sandbox.post("/options", {"company_directory": "mfe"})
    desk.put(ANA, values={"first_name": "Ana", "last_name": "Berg"})
    ran = await desk.run(job("update", person={"email": ANA, "attributes": {"job_title": "Foreman"}}))
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome

    replay = await replayed(ran.evidence, walled)

    assert [finding.document() for finding in replay.findings] == []
    untold = {item.where: item.why for item in replay.untold}
    assert "one address" in untold.pop("decision")
    assert set(untold) <= {"reading script_answer"}, untold
    assert replay.readings > 10
    assert replay.uses > 0

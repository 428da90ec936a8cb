"""Whole jobs on pages whose buttons no longer ask: nothing is written before the gate has let it through."""

from __future__ import annotations

import pytest

from agent.execute.events import Event, Note, SessionReady, WriteSending
from agent.execute.outcome import Verdict
from tests.browser.jobs.conftest import ANA, FOREMAN, Desk, job

ASKS_NO_MORE = """const answered = new WeakSet();
new MutationObserver(() => {
  const yes = document.querySelector(".window-buttons button.primary");
  if (!yes || answered.has(yes)) return;
  answered.add(yes);
  yes.click();
}).observe(document, { childList: true, subtree: true });"""
"""The window of a question is answered in the moment it opens: the write that follows is the page's own, and whole."""


class NoQuestions:
    """Changes the pages as soon as the session is there."""

    async def notify(self, event: Event) -> None:
        """Put the script into every page from here on."""
        if isinstance(event, SessionReady):
            await event.page.add_init_script(ASKS_NO_MORE)


@pytest.mark.parametrize(
    ("generation", "memberships", "sends"),
    [
        ("legacy", {"24-001": FOREMAN}, "/remove"),
        ("legacy", {}, "/users/bulk_inactivate"),
        ("mfe", {}, "/users/bulk_inactivate"),
    ],
    ids=["red X", "Bulk Actions > Inactivate", "menu > Inactivate"],
)
async def test_a_button_that_no_longer_asks_changes_nobody(
    desk: Desk, generation: str, memberships: dict[str, str], sends: str
) -> None:
    """The job ends as failed with nothing changed; no write arrived, and none was let through; the flow is quarantined
    and the request stands in the evidence. What else takes access away is tried all the same, and held back, too."""
    desk.sandbox.post("/options", {"company_directory": generation})
    desk.put(ANA, values={"last_name": "Lindqvist"}, memberships=memberships)
    before = desk.person(ANA)
    ran = await desk.run(job("offboard", person={"email": ANA}), NoQuestions(), approved=True)
    assert ran.outcome.verdict is Verdict.FAILED, ran.outcome
    assert ran.outcome.error is not None
    assert (ran.outcome.error["code"], desk.writes()) == ("write-before-gate", [])
    assert desk.person(ANA) == before
    assert [event for event in ran.events if isinstance(event, WriteSending)] == []
    held = [event.data["request"] for event in ran.events if isinstance(event, Note) and "request" in event.data]
    assert held[0].endswith(sends)
    assert {use.state for use in ran.outcome.flows} == {"quarantined"}
